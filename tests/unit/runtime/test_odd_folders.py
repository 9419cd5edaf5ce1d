"""A clone below a folder whose name is no UTF-8: everything works there as anywhere."""

import os
from pathlib import Path

import pytest

from gitcoord.service.claims.claims import claim_files
from gitcoord.service.steps.step_work import claim_step, start_step
from gitcoord.service.watch.overview import status
from gitcoord.service.watch.watch import tick
from tests.conftest import Clone, Git, MakeBare, MakeRepo
from tests.unit.service.world import Agents, later, project, seen


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize("transport", ["embedded", "path", "git"])
def test_a_folder_that_is_no_utf_8_is_a_folder(
    agents: Agents, make_repo: MakeRepo, make_bare: MakeBare, clone: Clone, git: Git, tmp_path: Path, transport: str
) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        odd.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    first, hub = make_repo(odd / "first"), make_bare()
    url = str(hub) if transport == "path" else f"file://{hub}"
    git(first, "remote", "add", "origin", url)
    git(first, "push", "--quiet", "origin", "main")
    repo = clone(first, odd / os.fsdecode(b"w\xe9"))
    if transport != "embedded":
        git(repo, "remote", "set-url", "origin", url)
        git(repo, "config", "gitcoord.remote", "origin")
    ann = agents(repo, tool="claude", serve=True)

    project(ann)
    taken = seen(claim_step(ann))
    started = seen(start_step(ann, step_id="app/1"))
    claimed = seen(claim_files(ann, patterns=["README.md"]))
    tick(later(ann, minutes=5))

    assert (taken["step"]["id"], started["step"]["status"], claimed["granted"]) == ("app/1", "in_progress", True)
    assert [row["life"] for row in seen(status(ann))["agents"]] == ["live"]


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize("text", ["9" * 5000, "\u0663", "-1", "1e3"])
def test_a_beat_that_is_no_number_of_seconds_does_not_count(agents: Agents, make_repo: MakeRepo, text: str) -> None:
    repo = make_repo()

    assert agents(repo, GITCOORD_BEAT_SECONDS=text).setting.beats.interval_s == agents(repo).setting.beats.interval_s
