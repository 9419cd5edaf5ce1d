"""Builds: what each CI says, from environments as they set them (`builds/*.json`)."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from gitcoord.faces.ci.builds import wanted_of
from gitcoord.service.checks.commit_range import Wanted

SAMPLES = sorted((Path(__file__).parent / "builds").glob("*.json"))


@pytest.mark.parametrize("sample", SAMPLES, ids=[one.stem for one in SAMPLES])
def test_a_build_says_what_it_builds(sample: Path, tmp_path: Path) -> None:
    known: Any = json.loads(sample.read_text("utf-8"))
    env = dict(known["env"])
    if "event" in known:
        (tmp_path / "event.json").write_text(json.dumps(known["event"]))
        env["GITHUB_EVENT_PATH"] = str(tmp_path / "event.json")

    assert wanted_of(env) == Wanted(**known["expected"])


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pull_request": 1, "repository": []}', '{"pull_request": {"head": []}}']
)
def test_an_event_that_cannot_be_read_says_nothing_not_even_that_the_branch_is_of_this_repository(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "event.json").write_text(text)
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_BASE_REF": "main",
        "GITHUB_HEAD_REF": "feat/b",
        "GITHUB_SHA": "c" * 40,
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
    }

    expected = Wanted(base_branch="main", head="c" * 40, is_fork=True)
    assert wanted_of(env) == expected
    assert wanted_of({**env, "GITHUB_EVENT_PATH": str(tmp_path / "gone")}) == expected


def test_what_is_built_and_whether_it_is_a_forks_are_of_one_reading_of_the_event(tmp_path: Path) -> None:
    """The event is a pipe, which gives what is written to it to one reader alone."""
    event = tmp_path / "event.json"
    os.mkfifo(event)
    env = {"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main", "GITHUB_EVENT_PATH": str(event)}
    found: list[Wanted] = []
    reader = threading.Thread(target=lambda: found.append(wanted_of(env)), daemon=True)
    one = {"repo": {"full_name": "ann/shop"}}

    reader.start()
    event.write_text(json.dumps({"pull_request": {"head": {**one, "sha": "c" * 40}, "base": one}}))
    reader.join(60)

    assert found == [Wanted(base_branch="main", head="c" * 40)]
