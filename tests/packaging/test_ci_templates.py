"""The templates for CI: YAML with no more rights than it takes, whose scripts no event can write into."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gitcoord import assets
from gitcoord.faces.cli import parser

FOLDER = assets.templates() / "ci"
FILES = sorted(FOLDER.rglob("*.yml"))
_CALL = re.compile(r"\bgitcoord ([a-z]+)")


def load(name: str) -> Any:  # noqa: ANN401 - what is in it is what the tests are about
    return YAML(typ="safe").load((FOLDER / name).read_text("utf-8"))


def scripts(value: Any) -> list[str]:  # noqa: ANN401 - any YAML
    """Return everything that a shell is given."""
    if isinstance(value, dict):
        own = [value[key] for key in ("run", "script", "before_script") if key in value]
        texts = [line for one in own for line in (one if isinstance(one, list) else [one])]
        return [*texts, *(text for one in value.values() for text in scripts(one))]
    return [text for one in value for text in scripts(one)] if isinstance(value, list) else []


def test_all_of_them_are_here() -> None:
    assert [one.relative_to(FOLDER).as_posix() for one in FILES] == ["action/action.yml", "github.yml", "gitlab.yml"]


@pytest.mark.parametrize("file", FILES, ids=[one.name for one in FILES])
def test_what_a_shell_is_given_is_sound_and_holds_no_expression(file: Path) -> None:
    given = scripts(load(file.relative_to(FOLDER).as_posix()))

    assert given
    for text in given:
        assert "${{" not in text, "a branch's name may be a command"
        done = subprocess.run(["bash", "-n"], input=text, capture_output=True, encoding="utf-8", check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("file", FILES, ids=[one.name for one in FILES])
def test_the_commands_that_are_called_exist(file: Path) -> None:
    called = {word for text in scripts(load(file.relative_to(FOLDER).as_posix())) for word in _CALL.findall(text)}

    assert "verify" in called
    assert called <= parser.NOUNS.keys()


def test_the_workflow_checks_with_the_right_to_read_and_lands_with_that_to_write() -> None:
    workflow = load("github.yml")

    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "verify": {"contents": "read"},
        "land": {"contents": "write"},
    }
    assert workflow["jobs"]["land"]["if"] == "github.event_name == 'push'"
    assert "pull_request_target" not in (FOLDER / "github.yml").read_text("utf-8")
    for job in workflow["jobs"].values():
        [checkout] = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert checkout["with"] == {"fetch-depth": 0}


def test_the_jobs_have_the_whole_history_and_land_only_with_a_token() -> None:
    jobs = load("gitlab.yml")

    assert jobs[".gitcoord"]["variables"] == {"GIT_DEPTH": "0"}
    assert jobs["gitcoord:verify"]["artifacts"]["reports"] == {"junit": "gitcoord.xml"}
    assert [rule["if"] for rule in jobs["gitcoord:land"]["rules"]] == [
        "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $GITCOORD_TOKEN"
    ]
