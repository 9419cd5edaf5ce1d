"""Whether a worktree is in use: by whom, told from this machine alone; what cannot be told is never "free"."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitcoord.errors import CoordError, RepositoryError
from gitcoord.runtime import make_host
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.identity import join
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, recover_step, start_step
from gitcoord.service.watch import worktree_use
from gitcoord.service.watch.agents import release_stale, stale_agents
from tests.conftest import AddWorktree, Clone, Git, MakeRepo
from tests.unit.service.world import Agents, Shared, crash, damage, later, project, seen, store_of, write_ref

ROOT = Path(__file__).parents[4]


def used_by(path: Path | str, cwd: Path, **env: str) -> list[dict[str, Any]]:
    """Return what uses a worktree, by a look that agrees with its own verdict."""
    found = seen(worktree_use.in_use(str(path), cwd, {**os.environ, **env}, make_host()))
    assert found["in_use"] is bool(found["used_by"])
    return found["used_by"]


def kinds(path: Path | str, cwd: Path) -> list[str]:
    return [row["kind"] for row in used_by(path, cwd)]


def test_a_worktree_that_no_one_uses_is_free_also_where_gitcoord_never_was(
    repo: Path, add_worktree: AddWorktree
) -> None:
    wt = add_worktree(repo, "wt")

    assert used_by(wt, repo) == []
    assert not (repo / ".git" / "gitcoord").exists()


def test_a_session_uses_its_worktree_and_no_other_one(agents: Agents, repo: Path, add_worktree: AddWorktree) -> None:
    one, two = add_worktree(repo, "one"), add_worktree(repo, "two")
    bob = agents(one, "bob/codex/one", serve=True)

    (row,) = used_by(one, repo)

    assert (row["kind"], row["session"], row["agents"], row["life"]) == (
        "session",
        bob.session_id,
        ["bob/codex/one"],
        "live",
    )
    assert row["process"]["pid"] == os.getpid()
    assert used_by(two, repo) == []


AGENT = """
import os, pathlib, sys; from gitcoord.runtime import open_workspace
from gitcoord.service.steps.step_work import claim_step
workspace = open_workspace(pathlib.Path(), os.environ, tool="codex", serve=True)
claim_step(workspace); print(workspace.session_id, flush=True); sys.stdin.read()
"""


@pytest.fixture
def process(shared: Shared, add_worktree: AddWorktree, agents: Agents) -> Iterator[subprocess.Popen[str]]:
    """A program that lives and holds a step, in a worktree `wt` of the first of two clones."""
    project(agents(shared.one, "ann/cli/one"))
    env = {**os.environ, "PYTHONPATH": str(ROOT), "GITCOORD_AGENT": "bob/codex/wt"}
    command = [sys.executable, "-c", AGENT]
    pipe = subprocess.PIPE
    cwd = add_worktree(shared.one, "wt")
    with subprocess.Popen(command, cwd=cwd, env=env, stdin=pipe, stdout=pipe, text=True) as agent:
        yield agent
        agent.kill()


def test_the_process_of_a_session_is_named_and_once_it_is_killed_only_its_step_counts(
    process: "subprocess.Popen[str]", shared: Shared, agents: Agents
) -> None:
    assert process.stdout is not None
    session = process.stdout.readline().strip()
    wt = shared.one.parent / "wt"
    here, there = agents(shared.one, "ann/cli/one"), agents(shared.two, "cat/cli/two")

    (living, step) = used_by(wt, shared.one)
    assert (living["session"], living["process"]["pid"], step["life"]) == (session, process.pid, "live")
    assert [seen(stale_agents(workspace))["count"] for workspace in (here, there)] == [0, 0]

    process.kill()
    process.wait(150)
    (step,) = used_by(wt, shared.one)

    assert (step["step_id"], step["session"], step["life"]) == ("app/1", session, "over")
    # Its own clone sees the lock; another one goes by heartbeats, and judges no silence before its limit.
    assert [seen(stale_agents(workspace))["count"] for workspace in (here, there)] == [1, 0]
    found = seen(release_stale(there, {"agents": [{"steps": [{"step_id": "app/1"}], "held": []}]}))
    assert [row["step_id"] for row in found["kept"]] == ["app/1"]
    assert seen(release_stale(here, stale_agents(here)))["recovered"] == ["app/1"]
    assert used_by(wt, shared.one) == []


def test_a_session_that_said_good_bye_may_come_back_and_one_that_ended_for_good_does_not(
    agents: Agents, repo: Path, add_worktree: AddWorktree
) -> None:
    wt = add_worktree(repo, "wt")
    bob, cat = agents(wt, "bob/codex/wt", serve=True), agents(wt, "cat/codex/wt", serve=True)
    bob.close()
    cat.close(final=True)

    assert [(row["agents"], row["life"]) for row in used_by(wt, repo)] == [(["bob/codex/wt"], "ended")]


def test_a_session_with_hooks_only_uses_it_while_its_hooks_run(
    agents: Agents, repo: Path, add_worktree: AddWorktree
) -> None:
    wt = add_worktree(repo, "wt")
    bob = agents(wt, tool="cursor", session="abc")
    join(bob, "cursor")
    mark = repo / ".git" / "gitcoord" / "sessions" / "abc.hook"

    assert kinds(wt, repo) == ["session"]
    os.utime(mark, (0, 0))
    assert used_by(wt, repo) == []


def test_a_crashed_session_leaves_its_step_which_counts_until_it_is_recovered(
    agents: Agents, repo: Path, add_worktree: AddWorktree, ann: Workspace
) -> None:
    wt = add_worktree(repo, "wt")
    project(ann)
    bob = agents(wt, "bob/codex/wt", serve=True)
    claim_step(bob)
    crash(bob)

    (row,) = used_by(wt, repo)
    recovered = seen(recover_step(ann, step_id="app/1"))

    assert (row["kind"], row["step_id"], row["agent"], row["life"]) == ("step", "app/1", "bob/codex/wt", "over")
    assert recovered["step"]["status"] == "not_started"
    assert used_by(wt, repo) == []


def test_a_step_counts_where_it_was_started_or_where_its_holder_is_called_after(
    agents: Agents, repo: Path, add_worktree: AddWorktree, git: Git
) -> None:
    one, two, three = (add_worktree(repo, name) for name in ("one", "two", "three"))
    ann, bob = agents(repo, "lead"), agents(two, "bob/cli/two")
    project(ann, (), ())
    claim_step(ann, step_id="app/1")
    claim_step(bob, step_id="app/2")

    assert [row["step_id"] for row in used_by(three, repo)] == ["app/1"]  # where is not known yet
    start_step(ann, step_id="app/1", worktree="../one")

    assert [row["step_id"] for row in used_by(one, repo)] == ["app/1"]
    assert [row["step_id"] for row in used_by(two, repo)] == ["app/2"]
    assert used_by(three, repo) == []
    complete_step(ann, step_id="app/1", commit_hash=git(repo, "rev-parse", "HEAD"))
    assert used_by(one, repo) == []


@pytest.mark.parametrize("said", [".", "..", "../..", "/"])
def test_a_path_that_names_no_folder_does_not_tell_where_a_step_is(
    agents: Agents, repo: Path, add_worktree: AddWorktree, said: str
) -> None:
    lead, tree = agents(repo, "lead"), add_worktree(repo, "wt")
    project(lead)
    start_step(lead, step_id=seen(claim_step(lead))["step"]["id"], worktree=said)

    assert kinds(tree, repo) == ["step"]


def test_claims_of_a_worktree_count_and_those_of_others_do_not(
    agents: Agents, repo: Path, add_worktree: AddWorktree
) -> None:
    one, two = add_worktree(repo, "one"), add_worktree(repo, "two")
    claim = seen(claim_files(agents(one, "bob/cli/one"), patterns=["src/a.py"]))["claim"]

    assert [(row["kind"], row["claim_id"], row["items"]) for row in used_by(one, two)] == [
        ("claim", claim["id"], ["src/a.py"])
    ]
    assert used_by(two, one) == []


def test_a_claim_of_functions_says_which(agents: Agents, repo: Path, add_worktree: AddWorktree, git: Git) -> None:
    one = add_worktree(repo, "one")
    (one / "a.py").write_text("def f(): ...\n\n\ndef g(): ...\n")
    git(one, "add", "a.py")
    git(one, "commit", "--quiet", "--message", "a")
    claim_files(agents(one, "bob/cli/one"), patterns=["README.md"], symbols={"a.py": ["f", "g"]})

    assert [(row["items"], row["symbols"]) for row in used_by(one, repo)] == [
        (["a.py", "README.md"], {"a.py": ["f", "g"]})
    ]


def test_a_step_of_another_clone_uses_no_worktree_here(shared: Shared, agents: Agents) -> None:
    ann, bob = agents(shared.one, "ann/cli/two"), agents(shared.two, "bob/cli/two", serve=True)
    project(ann)
    claim_step(bob)

    assert used_by(shared.one, shared.one) == []
    assert [row["kind"] for row in used_by(shared.two, shared.one)] == ["session", "step"]


@pytest.mark.parametrize("is_far", [False, True])
def test_what_is_held_at_a_remote_is_known_here_also_while_a_far_one_is_away(
    shared: Shared, agents: Agents, add_worktree: AddWorktree, git: Git, is_far: bool
) -> None:
    if is_far:
        git(shared.one, "config", "remote.origin.url", f"file://{shared.remote}")
    wt = add_worktree(shared.one, "wt")
    bob = agents(wt, "bob/cli/wt")
    project(bob)
    claim_step(bob)
    claim_files(bob, patterns=["a.py"])
    if is_far:
        shared.remote.rename(shared.remote.with_name("away.git"))

    assert [(row["kind"], row["agent"]) for row in used_by(wt, shared.one)] == [
        ("step", "bob/cli/wt"),
        ("claim", "bob/cli/wt"),
    ]
    if not is_far:
        recover_step(bob, step_id="app/1")
        assert kinds(wt, shared.one) == ["claim"]


def test_what_would_be_lost_with_the_folder_is_named(repo: Path, add_worktree: AddWorktree, git: Git) -> None:
    wt = add_worktree(repo, "wt")
    git(wt, "commit", "--quiet", "--allow-empty", "--message", "on its branch")
    assert used_by(wt, repo) == []

    git(wt, "switch", "--quiet", "--detach")
    assert used_by(wt, repo) == []  # a branch has it
    git(wt, "commit", "--quiet", "--allow-empty", "--message", "on none")
    (wt / "new.py").write_text("1", encoding="utf-8")
    git(wt, "bisect", "start")
    git(repo, "worktree", "lock", "--reason", "on a stick", str(wt))
    rows = used_by(wt, repo)

    assert [(row["kind"], row["worktree"]) for row in rows] == [
        ("locked", str(wt)),
        ("changes", str(wt)),
        ("commit", str(wt)),
        ("operation", str(wt)),
    ]
    assert (rows[0]["reason"], rows[1]["paths"], rows[3]["operation"]) == ("on a stick", ["new.py"], "bisect")
    assert rows[2]["commit"] == git(wt, "rev-parse", "HEAD")


def test_a_path_may_be_relative_a_link_a_folder_within_or_gone(
    agents: Agents, repo: Path, add_worktree: AddWorktree, git: Git
) -> None:
    wt = add_worktree(repo, "wt")
    (wt / "src").mkdir()
    link = repo.parent / "link"
    link.symlink_to(wt)
    agents(wt, "bob/codex/wt", serve=True)

    assert [kinds(path, repo) for path in ("../wt", "../link", "../wt/src", wt)] == [["session"]] * 4
    git(repo, "worktree", "remove", "--force", str(wt))
    assert [kinds(path, repo) for path in ("../wt", wt)] == [["session"]] * 2
    assert used_by("../never-was", repo) == []


def test_a_path_of_another_repository_is_looked_at_there(
    agents: Agents, repo: Path, make_repo: MakeRepo, add_worktree: AddWorktree, tmp_path: Path
) -> None:
    other = make_repo(tmp_path / "elsewhere" / "other")
    wt = add_worktree(other, "wt")
    agents(wt, "bob/codex/wt", serve=True)
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()

    assert [kinds(wt, cwd) for cwd in (repo, nowhere)] == [["session"]] * 2


def test_the_main_worktree_is_in_use_with_any_of_its_clone(
    agents: Agents, repo: Path, add_worktree: AddWorktree
) -> None:
    wt = add_worktree(repo, "wt")
    agents(wt, "bob/codex/wt", serve=True)

    assert kinds(repo, wt) == ["session"]


def test_worktrees_of_a_bare_repository_are_told_apart(agents: Agents, repo: Path, git: Git, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    one, two = tmp_path / "one", tmp_path / "two"
    for wt in (one, two):
        git(bare, "worktree", "add", "--quiet", "-b", wt.name, str(wt))
    agents(two, "bob/codex/two", serve=True)

    assert used_by(one, repo) == []
    assert kinds(two, one) == ["session"]


def test_nothing_is_asked_of_a_remote_and_nothing_is_written(
    shared: Shared, agents: Agents, add_worktree: AddWorktree, git: Git
) -> None:
    wt = add_worktree(shared.one, "wt")
    ann = agents(wt, "ann/cli/wt")
    project(ann)
    claim_step(ann)
    folder = shared.one / ".git" / "gitcoord"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    shared.remote.rename(shared.remote.with_name("away.git"))

    assert kinds(wt, shared.one) == ["step"]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("what", ["no path", "no repository", "file", "bare", "newer", "damaged"])
def test_what_cannot_be_told_is_an_error(
    what: str, repo: Path, tmp_path: Path, ann: Workspace, add_worktree: AddWorktree, git: Git
) -> None:
    claim_files(ann, patterns=["a.py"])
    wt = add_worktree(repo, "wt")
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    path, cwd = str(wt), repo
    match what:
        case "no path":
            path = " "
        case "no repository":
            path, cwd = "wt", nowhere
        case "file":
            (repo / "file").write_text("", encoding="utf-8")
            path = "file"
        case "bare":
            path = str(store_of(repo))
        case "newer":
            write_ref(store_of(repo), "refs/coord/claims", {"meta.json": '{"schema": 99}'})
        case _:
            write_ref(store_of(repo), "refs/coord/claims", {"meta.json": "{"})

    with pytest.raises(CoordError):
        worktree_use.in_use(path, cwd, os.environ, make_host())


def test_a_step_whose_ledger_is_damaged_and_a_session_whose_file_is_count(
    agents: Agents, repo: Path, add_worktree: AddWorktree, ann: Workspace
) -> None:
    wt = add_worktree(repo, "wt")
    project(ann)
    bob = agents(wt, "bob/codex/wt", serve=True)
    claim_step(bob)
    damage(repo, "app")
    (repo / ".git" / "gitcoord" / "sessions" / f"{bob.session_id}.json").write_text("{", encoding="utf-8")

    rows = used_by(wt, repo)

    assert [(row["kind"], row.get("session"), row["worktree"]) for row in rows] == [
        ("session", bob.session_id, None),
        ("step", bob.session_id, None),
    ]


def test_a_step_counts_where_what_is_here_of_its_ledger_is_of_before_it_was_given(
    agents: Agents, repo: Path, add_worktree: AddWorktree, git: Git
) -> None:
    bob = agents(add_worktree(repo, "wt"), "bob/cli/wt")
    project(bob)
    store, ref = store_of(repo), "refs/coord/steps/app"
    before = git(store, "rev-parse", ref)
    claim_step(bob)
    git(store, "update-ref", ref, before)

    assert [row["step_id"] for row in used_by("../wt", repo)] == ["app/1"]


def test_a_claim_that_ran_out_uses_nothing(agents: Agents, repo: Path, add_worktree: AddWorktree) -> None:
    wt = add_worktree(repo, "wt")
    bob = later(agents(wt, "bob/cli/wt"), hours=-5)
    claim_files(bob, patterns=["a.py"])

    assert used_by(wt, repo) == []


def test_a_worktree_that_git_does_not_know_any_more_is_an_error(repo: Path, add_worktree: AddWorktree) -> None:
    wt = add_worktree(repo, "wt")
    moved = wt.rename(wt.with_name("moved"))
    (moved / ".git").write_text("gitdir: /nowhere\n", encoding="utf-8")

    with pytest.raises(RepositoryError, match="does not know"):
        used_by(moved, repo)


def test_two_clones_of_one_remote_are_told_apart(shared: Shared, clone: Clone, git: Git, agents: Agents) -> None:
    third = clone(shared.remote, shared.one.parent / "deep" / "one")
    git(third, "config", "gitcoord.remote", "origin")
    agents(third, "cat/codex/one", serve=True)

    assert used_by(shared.one, shared.two) == []
    assert kinds(third, shared.one) == ["session"]


@pytest.fixture
def alike(repo: Path, git: Git) -> tuple[Path, Path]:
    """Two worktrees whose folders have one name: git calls them `app` and `app1`."""
    first, second = repo.parent / "x" / "app", repo.parent / "y" / "app"
    for number, folder in enumerate((first, second)):
        git(repo, "worktree", "add", "--quiet", "-b", f"work-{number}", str(folder))
    return first, second


@pytest.mark.parametrize("is_known", [True, False])
def test_a_session_outlives_a_folder_that_git_has_numbered(
    alike: tuple[Path, Path], agents: Agents, repo: Path, git: Git, is_known: bool
) -> None:
    bob = agents(alike[1], tool="codex", serve=True)
    claim_files(bob, patterns=["a.py"])

    assert bob.agent.endswith("/app1")
    if is_known:
        shutil.rmtree(alike[1])
    else:
        git(repo, "worktree", "remove", "--force", str(alike[1]))

    assert kinds(alike[1], repo) == ["session", "claim"]
    assert used_by("../never-was", repo) == []


def test_a_worktree_that_a_person_names_by_its_folder_is_each_of_that_name(
    alike: tuple[Path, Path], agents: Agents, repo: Path
) -> None:
    bob = agents(alike[1], "bob/cli/app1")
    project(bob)
    claim_step(bob)
    start_step(bob, step_id="app/1", worktree="app")

    assert [kinds(folder, repo) for folder in alike] == [["step"], ["step"]]


def test_a_path_that_a_holder_said_is_not_looked_up_on_this_disk(
    alike: tuple[Path, Path], agents: Agents, repo: Path, add_worktree: AddWorktree, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = add_worktree(repo, "one")
    bob = agents(one, "bob/cli/one")
    project(bob)
    claim_step(bob)
    start_step(bob, step_id="app/1", worktree="x/app")
    monkeypatch.chdir(repo.parent)
    (repo.parent / "x" / "app" / ".git").write_text(f"gitdir: {repo}/.git/worktrees/one\n", encoding="utf-8")

    assert [kinds(folder, repo) for folder in (alike[1], one)] == [["step"], []]
