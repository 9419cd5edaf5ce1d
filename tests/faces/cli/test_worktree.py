"""`gitcoord worktree in-use`, as a script asks it: by the exit status, or by the one word on stdout."""

import subprocess
import sys
from pathlib import Path

import pytest

from gitcoord.faces.cli.terminal import completion
from gitcoord.service.steps.step_work import claim_step
from tests.conftest import AddWorktree, Git
from tests.faces.cli.conftest import Run
from tests.unit.service.world import Agents, crash, project, store_of, write_ref
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest


def test_a_free_worktree_is_status_1_and_one_word(run: Run, repo: Path, add_worktree: AddWorktree) -> None:
    add_worktree(repo, "wt")
    done = run("worktree", "in-use", "../wt")

    assert (done.status, done.out, done.err) == (1, "free\n", "")


def test_one_in_use_is_status_0_with_by_whom_and_what_frees_it(
    run: Run, repo: Path, add_worktree: AddWorktree, agents: Agents
) -> None:
    wt = add_worktree(repo, "wt")
    project(agents(repo, "ann/cli/repo"))
    claim_step(crashed := agents(wt, "bob/codex/wt", serve=True))
    crash(crashed)
    (wt / "new.py").touch()
    done = run("worktree", "in-use", str(wt))

    assert done.status == 0
    assert done.out.splitlines() == [
        "in use",
        f"  step app/1: held by bob/codex/wt, session {crashed.session_id} (over)",
        f"  changes that are not committed: new.py in {wt}",
    ]
    assert done.err == "next: If its holder is gone: `gitcoord step recover app/1`.\n"


def test_who_holds_a_step_at_a_shell_is_named_so(
    run: Run, repo: Path, add_worktree: AddWorktree, agents: Agents
) -> None:
    wt = add_worktree(repo, "wt")
    project(agents(repo, "ann/cli/repo"))
    assert run("step", "claim", cwd=wt).status == 0

    assert "(at a shell)" in run("worktree", "in-use", str(wt)).out.splitlines()[1]


def test_a_claim_is_shown_with_the_functions_that_it_is_of(
    run: Run, repo: Path, add_worktree: AddWorktree, git: Git
) -> None:
    (repo / "a.py").write_text("def f(): ...\n\n\ndef g(): ...\n")
    git(repo, "add", "a.py")
    git(repo, "commit", "--quiet", "--message", "a")
    wt = add_worktree(repo, "wt")
    assert run("claim", "add", "README.md", "--symbol", "a.py=f", "--symbol", "a.py=g", cwd=wt).status == 0

    assert ": a.py: f, g, README.md, " in run("worktree", "in-use", str(wt)).out.splitlines()[1]


def test_paths_of_worktrees_are_completed(
    repo: Path, add_worktree: AddWorktree, monkeypatch: pytest.MonkeyPatch
) -> None:
    wt, _ = add_worktree(repo, "wt"), add_worktree(repo, "other")
    monkeypatch.chdir(repo)

    assert completion.worktrees("../w") == ["../wt"]
    assert completion.worktrees(f"{wt.parent}/w") == [str(wt)]


def test_json_has_the_verdict_and_each_use(run: Run, repo: Path, add_worktree: AddWorktree, agents: Agents) -> None:
    wt = add_worktree(repo, "wt")
    agents(wt, "bob/codex/wt", serve=True)
    done = run("worktree", "in-use", "../wt", "--json")

    assert done.status == 0
    assert (done.json["in_use"], done.json["worktree"], done.json["count"]) == (True, str(wt), 1)
    assert done.json["used_by"][0]["kind"] == "session"


@pytest.mark.parametrize("path", ["", "file", "../nowhere/at/all", ".git"])
def test_a_mistake_is_status_2_and_not_free(run: Run, repo: Path, path: str, tmp_path: Path) -> None:
    (repo / "file").touch()
    nowhere = tmp_path / "no-repository"
    nowhere.mkdir()
    done = run("worktree", "in-use", path, cwd=nowhere if path.startswith("..") else repo)

    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: ")


def test_a_ledger_that_this_version_cannot_read_is_no_free_either(
    run: Run, repo: Path, add_worktree: AddWorktree, agents: Agents
) -> None:
    add_worktree(repo, "wt")
    project(agents(repo, "ann/cli/repo"))
    write_ref(store_of(repo), "refs/coord/claims", {"meta.json": '{"schema": 99}'})
    done = run("worktree", "in-use", "../wt")

    assert (done.status, done.out) == (5, "")
    assert "Upgrade gitcoord" in done.err


def test_a_script_deletes_what_is_free_and_keeps_what_is_in_use_or_cannot_be_told(
    repo: Path, add_worktree: AddWorktree, agents: Agents
) -> None:
    free, busy = add_worktree(repo, "free"), add_worktree(repo, "busy")
    agents(busy, "bob/codex/busy", serve=True)
    script = (
        f'gitcoord() {{ "{sys.executable}" -m gitcoord "$@"; }}\n'
        'for wt in ../free ../busy; do test "$(gitcoord worktree in-use $wt)" = free && git worktree remove $wt; done\n'
        'test "$(no-such-program worktree in-use ../busy)" = free || echo kept'
    )
    done = subprocess.run(["sh", "-c", script], cwd=repo, capture_output=True, text=True, timeout=100, check=False)

    assert done.stdout == "kept\n"
    assert (free.exists(), busy.exists()) == (False, True)
