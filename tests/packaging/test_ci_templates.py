"""The templates for CI: YAML with no more rights than it takes, whose scripts no event can write into."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import gitcoord
from gitcoord import assets
from gitcoord.faces.cli import parser
from gitcoord.faces.cli.wiring.extras import Ci, ci_file
from tests.packaging import workflows
from tests.packaging.workflows import calls, scripts

FOLDER = assets.templates() / "ci"
FILES = sorted(FOLDER.rglob("*.yml"))


def load(name: str) -> Any:  # noqa: ANN401 - what is in it is what the tests are about
    return workflows.load(FOLDER / name)


def test_all_of_them_are_here() -> None:
    names = ["action/action.yml", "github-comments.yml", "github.yml", "gitlab.yml"]
    assert [one.relative_to(FOLDER).as_posix() for one in FILES] == names


@pytest.mark.parametrize("file", FILES, ids=[one.name for one in FILES])
def test_what_a_shell_is_given_is_sound_and_holds_no_expression(file: Path) -> None:
    given = scripts(workflows.load(file))

    assert given
    for text in given:
        assert "${{" not in text, "a branch's name may be a command"
        done = subprocess.run(["bash", "-n"], input=text, capture_output=True, encoding="utf-8", check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("file", FILES, ids=[one.name for one in FILES])
def test_the_commands_that_are_called_exist(file: Path) -> None:
    called = calls(scripts(workflows.load(file)))

    assert ("relay" if file.name == "github-comments.yml" else "verify") in called
    assert called <= parser.NOUNS.keys()


def test_the_workflow_checks_with_the_right_to_read_and_lands_with_that_to_write() -> None:
    workflow = load("github.yml")

    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "verify": {"contents": "read"},
        "land": {"contents": "write"},
    }
    assert workflow["jobs"]["land"]["if"] == (
        "github.event_name == 'push' && github.ref == format('refs/heads/{0}', github.event.repository.default_branch)"
    )
    assert workflow["jobs"]["verify"]["if"] == "github.event_name != 'push'"
    assert "pull_request_target" not in (FOLDER / "github.yml").read_text("utf-8")
    for job in workflow["jobs"].values():
        [checkout] = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert checkout["with"] == {"fetch-depth": 0}


def test_the_workflow_of_comments_may_write_comments_and_nothing_else() -> None:
    workflow = load("github-comments.yml")

    [job] = workflow["jobs"].values()
    assert workflow["permissions"] == {}
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert job["env"] == {"GITHUB_TOKEN": "${{ github.token }}"}


@pytest.mark.parametrize("job", ["verify", "land", "comments"])
def test_the_workflow_installs_before_there_is_a_checkout(job: str) -> None:
    workflow = load("github-comments.yml" if job == "comments" else "github.yml")
    steps = [step.get("run") or step["uses"].partition("@")[0] for step in workflow["jobs"][job]["steps"]]

    assert steps == [
        "actions/setup-python",
        "python -P -m pip install --only-binary=:all: gitcoord==@version@",
        "actions/checkout",
        {
            "verify": "gitcoord verify --format github",
            "land": "gitcoord land",
            "comments": "gitcoord relay pull-requests --once",
        }[job],
    ]


@pytest.mark.parametrize("file", FILES, ids=[one.name for one in FILES])
def test_every_action_is_named_by_its_commit(file: Path) -> None:
    assert workflows.unpinned(file) == []


def test_the_action_installs_its_own_version_unless_told_otherwise() -> None:
    assert load("action/action.yml")["inputs"]["version"]["default"] == gitcoord.__version__


@pytest.mark.parametrize("ci", list(Ci))
def test_what_init_writes_installs_the_version_that_wrote_it(ci: Ci) -> None:
    lines = [text for text in scripts(YAML(typ="safe").load(ci_file(ci).body)) if "pip install" in text]

    assert lines
    assert {line.split()[-1] for line in lines} == {f"gitcoord=={gitcoord.__version__}"}


@pytest.mark.parametrize("file", FILES, ids=[one.name for one in FILES])
def test_what_lies_in_the_checkout_takes_no_part_in_installing(file: Path, tmp_path: Path) -> None:
    """The pull request has a `pip` and a module of the standard library's name; pip must be another than these."""
    for name in ("pip/__init__.py", "pip/__main__.py", "json.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('run by the pull request')\n", "utf-8")
    [install, *_] = [text for text in scripts(workflows.load(file)) if "pip install" in text]
    program, *options = shlex.split(install.partition(" install ")[0])

    done = subprocess.run(
        [sys.executable, *options, "--version"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )

    assert program == "python"
    assert (done.returncode, done.stdout.split()[0]) == (0, "pip"), done.stderr


def test_the_jobs_have_the_whole_history_and_land_only_with_a_token() -> None:
    jobs = load("gitlab.yml")

    assert jobs[".gitcoord"]["variables"] == {"GIT_DEPTH": "0"}
    assert jobs["gitcoord:verify"]["artifacts"]["reports"] == {"junit": "gitcoord.xml"}
    assert [rule["if"] for rule in jobs["gitcoord:land"]["rules"]] == [
        "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $GITCOORD_TOKEN"
    ]
    assert [rule["if"] for rule in jobs["gitcoord:comments"]["rules"]] == [
        '$CI_PIPELINE_SOURCE == "schedule" && $GITLAB_TOKEN'
    ]
