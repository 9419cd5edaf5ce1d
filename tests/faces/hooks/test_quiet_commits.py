"""What commits cost that have to do with nobody: what the shims and hooks of git start, load and ask."""

import json
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import Json
from gitcoord.ledger.clone import snapshot_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.team.policy import set_policy
from tests.conftest import AddWorktree, Git
from tests.faces.hooks.pushers import claimed
from tests.faces.hooks.shimmed import Afar, Shimmed, change, holds, loaded, was_asked, write_snapshot
from tests.faces.hooks.shimmed import afar as afar  # noqa: PLC0414 - a fixture, exported to pytest
from tests.faces.hooks.shimmed import alone as alone  # noqa: PLC0414 - as above
from tests.unit.service.world import Agents, project, store_of

HEAVY = {
    *("typing", "pathlib", "dataclasses", "subprocess", "hashlib", "msgspec", "pydantic"),
    *(
        "gitcoord.errors",
        "gitcoord.core.documents.doc",
        "gitcoord.ledger.hook_view.view",
        "gitcoord.faces.hooks.git.guard",
    ),
}


@pytest.fixture
def crowd(alone: Shimmed, agents: Agents, add_worktree: AddWorktree) -> Workspace:
    """Others at work in that clone: a file is claimed, and a step held in another worktree, on the branch `feat/1`."""
    other = agents(add_worktree(alone.repo, "other"), "bob/claude-code/other", serve=True, session="s-bob")
    claimed(other, "src/a.py", "docs/**")
    project(other)
    assert claim_step(other, project="app")["step"]
    write_snapshot(other)
    return other


@pytest.mark.rule("HOOK-13")
def test_a_commit_near_nobody_starts_one_python_that_loads_next_to_nothing(alone: Shimmed, crowd: Workspace) -> None:
    change(alone.repo, "src/b.py", "mine\n")

    done = alone.git("commit", "--all", "--message", "work", PYTHONPROFILEIMPORTTIME="1")

    assert (done.status, done.ours, alone.started) == (0, [], ["pre-commit"])
    assert "gitcoord.faces.hooks.git.staged" in loaded(done)
    assert loaded(done) & HEAVY == set()


@pytest.mark.rule("HOOK-13")
def test_a_rebase_starts_nothing(alone: Shimmed, crowd: Workspace) -> None:
    branched(alone)

    done = alone.git("rebase", "main")

    assert (done.status, done.ours, alone.started) == (0, [], [])


@pytest.mark.rule("HOOK-13", "HOOK-11")
@pytest.mark.parametrize("replay", [("rebase", "main"), ("cherry-pick", "main..picked")])
def test_commits_that_are_made_again_keep_their_messages_also_where_a_step_is_held(
    alone: Shimmed, agents: Agents, git: Git, replay: tuple[str, ...]
) -> None:
    holds(agents, alone.repo)
    branched(alone, on="feat/1")
    git(alone.repo, "branch", "picked")
    if replay[0] == "cherry-pick":
        git(alone.repo, "reset", "--quiet", "--hard", "main")
    before = git(alone.repo, "log", "--format=%B", "main..picked")

    done = alone.git(*replay)

    assert (done.status, alone.started) == (0, [])
    assert git(alone.repo, "log", "--format=%B", "main..HEAD") == before
    assert before.count("Coord-Step: app/1") == 2


@pytest.mark.rule("HOOK-13", "HOOK-9")
def test_a_clone_that_never_used_gitcoord_starts_nothing(alone: Shimmed) -> None:
    change(alone.repo, "src/b.py", "mine\n")

    commit = alone.git("commit", "--all", "--message", "work")
    started = alone.started
    alone.git("switch", "--create", "other")

    assert (commit.status, started, alone.started) == (0, [], [])


@pytest.mark.rule("HOOK-13")
def test_checking_files_out_starts_nothing(alone: Shimmed, crowd: Workspace) -> None:
    change(alone.repo, "src/b.py", "mine\n")

    done = alone.git("checkout", "--", "src/b.py")

    assert (done.status, alone.started) == (0, [])


@pytest.mark.rule("HOOK-13", "HOOK-12")
def test_a_checkout_beside_a_session_that_watches_starts_no_process_apart(alone: Shimmed, crowd: Workspace) -> None:
    alone.git("switch", "--create", "next")

    assert alone.started == ["post-checkout"]
    assert not (alone.repo / ".git" / "gitcoord" / snapshot_files.STARTED).exists()
    assert not (alone.repo / ".git" / "gitcoord" / "watch" / "refreshed").exists()


@pytest.mark.rule("HOOK-10", "HOOK-13")
@pytest.mark.parametrize("path", ["src/a.py", "docs/x/y.md", "docs/caf\xe9.md"])
def test_what_is_near_another_is_judged_by_the_rules(alone: Shimmed, crowd: Workspace, path: str) -> None:
    set_policy(crowd, name="pre_commit", value="refuse")
    write_snapshot(crowd)
    change(alone.repo, path, "mine\n")
    alone.git("add", "--all")

    done = alone.git("commit", "--message", "work")

    assert (done.status, "'bob/claude-code/other'" in done.said) == (1, True), done.said


@pytest.mark.rule("HOOK-10", "HOOK-13")
def test_both_names_of_a_rename_are_looked_at(alone: Shimmed, crowd: Workspace, git: Git) -> None:
    git(alone.repo, "update-ref", "refs/remotes/origin/main", "HEAD")  # what others have: to remove it is a change
    alone.git("mv", "src/a.py", "src/c.py")

    done = alone.git("commit", "--message", "work")

    assert "'src/a.py' is claimed by 'bob/claude-code/other'" in done.said


@pytest.mark.rule("HOOK-10", "HOOK-13")
@pytest.mark.parametrize(("staged", "named", "near"), [("src/a.py", "src/b.py", False), ("src/b.py", "src/a.py", True)])
def test_what_is_committed_by_its_name_counts_and_not_what_is_staged_beside(
    alone: Shimmed, crowd: Workspace, *, staged: str, named: str, near: bool
) -> None:
    for path in (staged, named):
        change(alone.repo, path, "mine\n")
    alone.git("add", staged)

    done = alone.git("commit", "--message", "part", named, PYTHONPROFILEIMPORTTIME="1")

    assert ("'bob/claude-code/other'" in done.said, bool(loaded(done) & HEAVY)) == (near, near)


def forgotten(_: Workspace, snapshot: Path) -> None:
    (snapshot / snapshot_files.ME).unlink()


def torn(_: Workspace, snapshot: Path) -> None:
    me = snapshot / snapshot_files.ME
    me.write_text(me.read_text()[:-5])


def of_another_version(_: Workspace, snapshot: Path) -> None:
    rewritten(snapshot, format=snapshot_files.FORMAT + 1)


def of_before(_: Workspace, snapshot: Path) -> None:
    """As it was written before it named the refs that it was made of."""
    rewritten(snapshot, refs=None)


def damaged(_: Workspace, snapshot: Path) -> None:
    for file in snapshot.glob("s-*"):
        file.write_bytes(file.read_bytes().replace(b"{", b"["))


def overtaken(other: Workspace, _: Path) -> None:
    claimed(other, "src/b.py")


def rewritten(snapshot: Path, **fields: Json) -> None:
    me = snapshot / snapshot_files.ME
    known = {**json.loads(me.read_text()), **fields}
    me.write_text(json.dumps({name: value for name, value in known.items() if value is not None}))


@pytest.mark.rule("HOOK-10", "HOOK-13")
@pytest.mark.parametrize("happens", [forgotten, torn, of_another_version, of_before, damaged, overtaken])
def test_a_snapshot_that_does_not_count_lets_nothing_pass(alone: Shimmed, crowd: Workspace, happens: object) -> None:
    set_policy(crowd, name="pre_commit", value="refuse")
    write_snapshot(crowd)
    assert callable(happens)
    happens(crowd, alone.repo / ".git" / "gitcoord" / snapshot_files.SNAPSHOT)
    change(alone.repo, "src/b.py" if happens is overtaken else "src/a.py", "mine\n")

    done = alone.git("commit", "--all", "--message", "work")

    assert (done.status, "'bob/claude-code/other'" in done.said) == (1, True), done.said


@pytest.mark.rule("HOOK-13")
def test_refs_of_the_store_that_git_has_packed_are_the_same(alone: Shimmed, crowd: Workspace, git: Git) -> None:
    store = store_of(alone.repo)
    git(store, "pack-refs", "--all")
    assert not (store / "refs" / "coord" / "claims").exists()
    change(alone.repo, "src/b.py", "mine\n")

    done = alone.git("commit", "--all", "--message", "work", PYTHONPROFILEIMPORTTIME="1")

    assert (done.status, loaded(done) & HEAVY) == (0, set())


@pytest.mark.rule("HOOK-13")
def test_what_a_session_of_this_worktree_holds_is_its_own(alone: Shimmed, crowd: Workspace, agents: Agents) -> None:
    ann = agents(alone.repo, "ann/claude-code/alone", serve=True, session="s-ann")
    claimed(ann, "src/b.py")
    write_snapshot(ann)
    change(alone.repo, "src/b.py", "mine\n")

    done = alone.git("commit", "--all", "--message", "work", PYTHONPROFILEIMPORTTIME="1")

    assert (done.status, done.ours, loaded(done) & HEAVY) == (0, [], set())


@pytest.mark.rule("HOOK-13")
@pytest.mark.parametrize("seconds", [10, 600])
def test_a_commit_near_nobody_asks_no_server(afar: Afar, seconds: float) -> None:
    afar.age_snapshot(seconds)
    change(afar.clone.repo, "src/b.py", "mine\n")

    with afar.falls_silent() as silent:
        done = afar.clone.git("commit", "--all", "--message", "work", PYTHONPROFILEIMPORTTIME="1")
        asked = was_asked(silent) and seconds < 60  # an older snapshot is made anew, by a process that nobody waits for

    assert (done.status, done.ours, asked) == (0, [], False)
    assert "gitcoord.ledger.hook_view.view" not in loaded(done)


@pytest.mark.rule("HOOK-10", "HOOK-13")
@pytest.mark.parametrize(("policy", "seconds"), [("refuse", 0), ("refuse", 600), ("warn", 1000)])
def test_an_old_snapshot_does_not_count_and_none_where_another_clone_may_have_claimed_what_is_refused(
    afar: Afar, agents: Agents, policy: str, seconds: float
) -> None:
    set_policy(afar.ann, name="pre_commit", value=policy)
    write_snapshot(afar.ann)
    afar.age_snapshot(seconds)
    claimed(agents(afar.clone.repo.with_name("two"), "bob/cli/two"), "src/b.py")
    change(afar.clone.repo, "src/b.py", "mine\n")

    done = afar.clone.git("commit", "--all", "--message", "work", is_patient=True)

    assert (done.status, "'src/b.py' is claimed by 'bob/cli/two'" in done.said) == (int(policy == "refuse"), True)


@pytest.mark.rule("HOOK-13")
def test_a_server_that_was_silent_is_not_waited_for_again_by_who_is_only_told(afar: Afar) -> None:
    assert "'bob/cli/two'" in committed(afar, "first", is_patient=True)

    with afar.falls_silent() as silent:
        waited, asked_first = committed(afar, "second"), was_asked(silent)
        told, asked_again = committed(afar, "third"), was_asked(silent)

    assert (asked_first, asked_again) == (True, False)
    assert "did not answer within 1 s" in waited
    assert ("'bob/cli/two'" in told, "it did not answer within the last minute" in told) == (True, True)


@pytest.mark.rule("HOOK-10", "HOOK-13")
def test_a_server_that_was_silent_is_asked_again_where_a_commit_may_be_refused(afar: Afar) -> None:
    set_policy(afar.ann, name="pre_commit", value="refuse")
    committed(afar, "first", is_patient=True)

    with afar.falls_silent() as silent:
        asked = [(committed(afar, text), was_asked(silent))[1] for text in ("second", "third")]

    assert asked == [True, True]


def committed(afar: Afar, text: str, *, is_patient: bool = False) -> str:
    """Commit Bob's file; return what was said of it."""
    change(afar.clone.repo, "src/a.py", f"{text}\n")
    return afar.clone.git("commit", "--all", "--message", text, is_patient=is_patient).said


def branched(clone: Shimmed, on: str = "work") -> None:
    """Make two commits on a branch, and one that it lacks on main; stay on the branch."""
    clone.git("switch", "--quiet", "--create", on)
    for name in ("one", "two"):
        change(clone.repo, f"{name}.txt")
        clone.git("add", "--all")
        assert clone.git("commit", "--quiet", "--message", name).status == 0
    clone.git("switch", "--quiet", "main")
    clone.git("commit", "--quiet", "--allow-empty", "--message", "main")
    clone.git("switch", "--quiet", on)
