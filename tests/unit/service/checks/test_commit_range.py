"""The span: what a branch goes to, where nothing here says it."""

import os
from pathlib import Path

import pytest

from gitcoord.runtime import open_inspection
from gitcoord.service.checks.commit_range import Wanted
from gitcoord.service.checks.verification import verify
from gitcoord.service.claims.claims import claim_files
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, commit_on


@pytest.mark.parametrize("said", [Wanted(), Wanted(branch="trunk", default_branch="trunk")])
def test_a_shallow_clone_of_one_branch_asks_the_remote_where_it_goes(
    agents: Agents, shared: Shared, git: Git, tmp_path: Path, said: Wanted
) -> None:
    git(shared.one, "push", "--quiet", "origin", "main:refs/heads/trunk")
    git(shared.remote, "symbolic-ref", "HEAD", "refs/heads/trunk")
    claim_files(agents(shared.one, "ann/cli/one"), patterns=["b.py"], branch="feat/a")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n"})
    git(shared.two, "push", "--quiet", "origin", "feat/b")
    runner = tmp_path / "runner"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch", "feat/b", f"file://{shared.remote}", str(runner))

    with open_inspection(runner, {**os.environ}) as inspection:
        report = verify(inspection, said)

    assert [(one.rule, one.path) for one in report.findings] == [("foreign-claim", "b.py")]
    assert report.base == git(shared.remote, "rev-parse", "trunk")
