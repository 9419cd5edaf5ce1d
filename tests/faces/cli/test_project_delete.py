"""`gitcoord project delete` of a project with a held step: what it prints next ends the refusal."""

import shlex
from pathlib import Path

import pytest

from tests.faces.cli.conftest import Run

PLAN = '{"name": "shop", "base_commit": "HEAD", "steps": [{"step_num": 1, "branch": "one"}]}'


@pytest.mark.parametrize("is_aborted", [False, True], ids=["active", "aborted"])
def test_the_holder_s_next_step_runs_as_printed(run: Run, repo: Path, tmp_path: Path, *, is_aborted: bool) -> None:
    (tmp_path / "plan.json").write_text(PLAN)
    run("project", "create", str(tmp_path / "plan.json"))
    run("step", "claim", "shop/1")
    if is_aborted:
        run("project", "abort", "shop", "--reason", "superseded")

    refused = run("project", "delete", "shop", "--yes")
    printed = next(line for line in refused.err.splitlines() if line.startswith("next: "))
    words = shlex.split(printed.split("`")[1])
    followed = run(*words[1:])
    done = run("project", "delete", "shop", "--yes")

    assert (refused.status, words[:4]) == (1, ["gitcoord", "step", "fail", "shop/1"])
    assert (followed.status, done.status, done.out) == (0, 0, "deleted project shop\n")
