"""What becomes of what hooks noted: claims, refusals that are told, aliases; and of a session that ends for good."""

import itertools
import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.claims.claim import Claim, Item
from gitcoord.core.claims.claim_commands import ImportClaims
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.call import calls_of
from gitcoord.core.documents.doc import replace
from gitcoord.faces.hooks.git import git_place
from gitcoord.ledger.clone import snapshot_files
from gitcoord.service.claims.claims import claim_files, list_claims
from gitcoord.service.session import identity
from gitcoord.service.session.wakeup import Bell
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch import edit_notes, end_session
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.overview import needs_attention
from gitcoord.service.watch.snapshot import AT_ONCE_MAX, OLD_S, Snapshot
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, crash, later, project

Note = Callable[..., None]


@pytest.fixture
def ann(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "ann/claude/wt", session="s-ann", serve=True)


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "bob/claude/wt", session="s-bob", serve=True)


def note(workspace: Workspace, *paths: str, event: str = "edit", **more: object) -> None:
    """Note something as a hook of this workspace's session does."""
    folder = workspace.setting.clone.folder / snapshot_files.EDITS
    folder.mkdir(exist_ok=True)
    said = {"event": event, "session": workspace.session_id, "tool": "claude", "top": str(workspace.repository.top)}
    at = workspace.setting.host.now().timestamp()
    text = json.dumps({**said, "agent": "", "at": at, "paths": paths, **more})
    (folder / f"{len(list(folder.iterdir())):03}-1.json").write_text(text, "utf-8")


def taken(workspace: Workspace) -> int:
    return edit_notes.take(workspace, edit_notes.noted(workspace.setting.clone.folder))


def held(workspace: Workspace) -> dict[str, list[str]]:
    rows: Any = list_claims(workspace)["claims"]
    return {row["agent"]: sorted(item["pattern"] for item in row["items"]) for row in rows}


def refused(workspace: Workspace) -> list[str]:
    file = workspace.setting.clone.folder / snapshot_files.EDITS / f"refused-{workspace.session_id}.json"
    return json.loads(file.read_text("utf-8"))["texts"] if file.exists() else []


def test_all_edits_of_a_session_are_one_claim_each_file_once(ann: Workspace) -> None:
    note(ann, "src/a.py", "src/b.py")
    note(ann, "src/a.py")

    assert taken(ann) == 2

    assert held(ann) == {"ann/claude/wt": ["src/a.py", "src/b.py"]}
    assert edit_notes.noted(ann.setting.clone.folder) == []


def test_what_is_in_the_way_is_told_and_the_rest_is_claimed(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/a.py"])
    note(bob, "src/a.py", "src/b.py", "src/c.py")

    taken(bob)

    assert held(bob)["bob/claude/wt"] == ["src/b.py", "src/c.py"]
    (text,) = refused(bob)
    assert text.startswith("ann/claude/wt holds 'src/a.py' until")
    assert " UTC (claim c-" in text
    assert "request_release(claim_id='c-" in text
    (said,) = [one for one in take_notices(bob) if one["notice"] == "auto_claim_refused"]
    assert text in str(said["message"])


def test_who_edited_what_a_dead_agent_holds_learns_when_it_is_free_and_not_to_ask(
    ann: Workspace, bob: Workspace
) -> None:
    claim_files(ann, patterns=["src/a.py"])
    crash(ann)
    note(bob, "src/a.py")

    taken(bob)

    (text,) = refused(bob)
    assert " No one is there to ask: it is free at " in text
    assert "request_release" not in text


def test_an_edit_that_was_refused_needs_attention_of_its_party_alone(
    ann: Workspace, bob: Workspace, agents: Agents
) -> None:
    claim_files(ann, patterns=["src/a.py"])
    note(bob, "src/a.py", "src/b.py")
    taken(bob)

    for workspace in (bob, agents(bob.repository.top, "bob/cli/wt")):
        (row,) = needs_attention(workspace)
        assert (row.kind, row.rank, row.who, row.facts["paths"]) == ("edit_refused", "high", "you", ["src/a.py"])
        assert calls_of(row.next_step)[0].given == {"files": ["src/a.py"]}
    assert needs_attention(ann) == []


@pytest.mark.rule("HOOK-2")
def test_a_refusal_across_clones_is_told_after_the_edit(agents: Agents, shared: Shared) -> None:
    ann = agents(shared.one, "ann/claude/wt", session="s-ann", serve=True)
    bob = agents(shared.two, "bob/claude/wt", session="s-bob", serve=True)
    claim_files(ann, patterns=["src/a.py"])
    note(bob, "src/a.py")

    taken(bob)

    assert held(bob) == {"ann/claude/wt": ["src/a.py"]}
    assert len(refused(bob)) == 1


def test_edits_for_a_remote_are_gathered_and_those_for_the_store_are_not(
    agents: Agents, shared: Shared, ann: Workspace
) -> None:
    far = agents(shared.one, "ann/claude/far", session="s-far", serve=True)
    note(ann, "a")
    note(far, "a")
    (near_note,), (far_note,) = (edit_notes.noted(one.setting.clone.folder) for one in (ann, far))

    assert edit_notes.gathering_s(ann, [near_note]) == 0
    assert 0 < edit_notes.gathering_s(far, [far_note]) <= edit_notes.GATHERED_S
    assert edit_notes.gathering_s(later(far, seconds=6), [far_note]) <= 0


def test_all_sessions_of_a_clone_take_what_they_noted_in_one_round(agents: Agents, shared: Shared) -> None:
    ann = agents(shared.one, "ann/claude/wt", session="s-ann", serve=True)
    bob = agents(shared.one, "bob/claude/wt", session="s-bob", serve=True)
    bell = Bell(bob.bell_path)
    note(ann, "src/a.py")
    note(bob, "src/b.py")
    (of_bob,) = [one for one in edit_notes.noted(bob.setting.clone.folder) if one.session == "s-bob"]
    assert edit_notes.gathering_s(bob, [of_bob]) > 0

    edit_notes.begin_round(ann)

    assert edit_notes.gathering_s(bob, [of_bob]) == 0
    assert bell.is_rung()
    bell.close()


def test_over_the_budget_of_a_host_edits_are_gathered_for_a_beat(agents: Agents, shared: Shared) -> None:
    ann = agents(shared.one, "ann/claude/wt", session="s-ann", serve=True, GITCOORD_BEAT_SECONDS="150")
    for _ in range(edit_notes.ROUNDS_A_MINUTE):
        ann = later(ann, seconds=5)
        note(ann, "src/a.py")
        edit_notes.begin_round(ann)
    ann = later(ann, seconds=6)
    notes = edit_notes.noted(ann.setting.clone.folder)[-1:]

    assert 100 < edit_notes.gathering_s(ann, notes) <= 150
    assert edit_notes.gathering_s(later(ann, seconds=150), notes) <= 0


def test_edits_leave_the_last_pushes_of_a_budget_to_calls_but_not_for_ever(
    agents: Agents, shared: Shared, git: Git
) -> None:
    git(shared.one, "config", "gitcoord.pushesPerMinute", "6")
    ann = agents(shared.one, "ann/claude/wt", session="s-ann", serve=True)
    note(ann, "src/a.py")
    notes = edit_notes.noted(ann.setting.clone.folder)
    ann = later(ann, seconds=edit_notes.GATHERED_S)
    ann.setting.push_budget.note(5)

    assert 0 < edit_notes.gathering_s(ann, notes) <= 30
    ann = later(ann, seconds=ann.setting.beats.interval_s)
    ann.setting.push_budget.note(4)
    assert edit_notes.gathering_s(ann, notes) <= 0


def test_what_git_ignores_is_nobodys_work(ann: Workspace, repo: Path) -> None:
    (repo / ".gitignore").write_text("*.log\n/build/\n", "utf-8")
    note(ann, "x.log", "build/out.js", "src/a.py")

    taken(ann)

    assert held(ann) == {"ann/claude/wt": ["src/a.py"]}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"event": "edit"}', '{"session": "s-ann", "at": "now", "paths": []}', '{"at": 1, "paths": 3}'],
)
def test_a_note_that_nobody_understands_is_removed(ann: Workspace, text: str) -> None:
    folder = ann.setting.clone.folder / snapshot_files.EDITS
    folder.mkdir(exist_ok=True)
    (folder / "000-1.json").write_text(text, "utf-8")
    note(ann, "src/a.py")

    taken(ann)

    assert held(ann) == {"ann/claude/wt": ["src/a.py"]}
    assert sorted(one.name for one in folder.iterdir()) == ["taking.lock"]


def test_a_note_that_nobody_came_for_is_nobodys_work_any_more(ann: Workspace) -> None:
    note(ann, "src/a.py")

    edit_notes.take(later(ann, minutes=61), edit_notes.noted(ann.setting.clone.folder))

    assert held(ann) == {}


def test_more_than_may_be_claimed_is_told_and_stops_nobody(ann: Workspace, repo: Path, git: Git) -> None:
    for number in range(40):
        (repo / f"f{number}.py").write_text("x\n", "utf-8")
    git(repo, "add", "--all")
    note(ann, *(f"f{number}.py" for number in range(20)))

    taken(ann)

    assert held(ann) == {}
    assert refused(ann) == []
    (said,) = [one for one in take_notices(ann) if one["notice"] == "auto_claim_refused"]
    assert "What you edited is not claimed" in str(said["message"])


def test_the_session_is_known_by_the_id_that_a_hook_has(ann: Workspace) -> None:
    note(ann, event="start", session="s-new")

    taken(ann)

    assert ann.session is not None
    assert "s-new" in ann.session.names


def test_a_session_without_server_keeps_its_name(agents: Agents, repo: Path) -> None:
    first, again = (agents(repo, "ann/claude/wt", session="s-1") for _ in range(2))
    other = agents(repo, "ann/claude/wt", session="s-2", serve=True)

    for one in (first, again):
        identity.join(one, "claude-code")

    assert other.agent == "ann/claude/wt"
    assert (first.agent, first.session_id) == (again.agent, again.session_id) == ("ann/claude/wt-2", "s-1")


def test_a_session_without_server_lives_while_its_hooks_run(agents: Agents, repo: Path) -> None:
    ann = agents(repo, "ann/claude/wt", session="s-1")
    identity.join(ann, "claude-code")
    sessions, now = ann.setting.sessions, ann.setting.host.now()

    assert [one.id for one in sessions.beats(now)] == ["s-1"]
    assert sessions.state("s-1").locked is None
    assert sessions.beats(later(ann, minutes=5).setting.host.now()) == ()


def test_a_session_that_ends_for_good_leaves_nothing(agents: Agents, repo: Path) -> None:
    ann = agents(repo, "ann/claude/wt", session="s-ann", serve=True)
    project(ann)
    claim_files(ann, patterns=["src/a.py"])
    assert claim_step(ann, project="app")["step"] is not None
    ann.close()
    hook = agents(repo, "ann/claude/wt", session="s-ann")

    assert end_session.finish(hook)

    assert held(hook) == {}
    other = agents(repo, "bob/cli/wt")
    assert claim_step(other, project="app")["step"] is not None
    assert hook.setting.sessions.known("s-ann") is None


def test_a_session_whose_server_lives_does_not_end(ann: Workspace, agents: Agents, repo: Path) -> None:
    claim_files(ann, patterns=["src/a.py"])
    hook = agents(repo, "ann/claude/wt", session="s-ann")
    clock = itertools.count()
    host = replace(hook.setting.host, sleep=lambda _: None, monotonic=lambda: float(next(clock)))
    hook.setting = replace(hook.setting, host=host)

    assert not end_session.finish(hook)

    assert held(ann) == {"ann/claude/wt": ["src/a.py"]}


def test_the_snapshot_changes_only_where_the_claims_did(ann: Workspace) -> None:
    claim_files(ann, patterns=["src/a.py"])
    writer, folder = Snapshot(ann), ann.setting.clone.folder / snapshot_files.SNAPSHOT
    writer.write(ann.register(), ann.listed())
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != snapshot_files.ME}
    claim_files(ann, patterns=["docs/x.md", "*.lock"])

    writer.write(ann.register(), ann.listed())

    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {name: at for name, at in after.items() if name in before} == before
    assert len(after) == len(before) + 3


def test_what_another_process_left_in_the_snapshot_is_gone(ann: Workspace) -> None:
    folder = ann.setting.clone.folder / snapshot_files.SNAPSHOT
    folder.mkdir(exist_ok=True)
    (folder / "s-00000000").write_text('src/\t=a.py\t{"claim": "c-old"}\n', "utf-8")

    Snapshot(ann).write(ann.register(), ann.listed())

    assert [path.name for path in folder.iterdir()] == [snapshot_files.ME]


@pytest.mark.rule("HOOK-9")
def test_a_shell_can_tell_whether_the_team_enforces(ann: Workspace) -> None:
    folder = ann.setting.clone.folder / snapshot_files.SNAPSHOT
    writer = Snapshot(ann)
    seen: list[bool] = []

    for enforce in (False, True, False):
        set_policy(ann, name="enforce", value=str(enforce).lower())
        writer.write(ann.register(), ann.listed())
        seen.append((folder / snapshot_files.ENFORCE).exists())
        assert git_place.is_closed(str(folder.parent), "pre-push") is enforce
        assert not git_place.is_closed(str(folder.parent), "prepare-commit-msg")

    assert seen == [False, True, False]


@pytest.mark.rule("HOOK-9")
def test_a_policy_that_changed_alone_reaches_the_snapshot_with_the_next_command(agents: Agents, repo: Path) -> None:
    ann = agents(repo, "ann/cli/wt")
    Snapshot(ann).tell()
    set_policy(ann, name="enforce", value="true")

    Snapshot(ann).tell()

    assert (ann.setting.clone.folder / snapshot_files.SNAPSHOT / snapshot_files.ENFORCE).exists()


def test_a_mark_that_holds_outlives_the_next_session(ann: Workspace) -> None:
    folder = ann.setting.clone.folder / snapshot_files.SNAPSHOT
    set_policy(ann, name="enforce", value="true")
    Snapshot(ann).write(ann.register(), ann.listed())

    Snapshot(ann).write(ann.register(), ann.listed())

    assert (folder / snapshot_files.ENFORCE).exists()


def rows_at(workspace: Workspace, path: str) -> list[str]:
    """Return the agents that the snapshot shows at a path."""
    folder = str(workspace.setting.clone.folder / snapshot_files.SNAPSHOT)
    return [str(row["agent"]) for row in snapshot_files.rows_near(folder, path, fold=False)]


def test_what_could_not_be_written_for_hooks_is_written_by_the_next_look(ann: Workspace) -> None:
    snapshot = Snapshot(ann)
    snapshot.write(ann.register(), ann.listed())
    claim_files(ann, patterns=["src/a.py"])
    blocked = (
        ann.setting.clone.folder / snapshot_files.SNAPSHOT / f".{snapshot_files.file_of('src')}.{ann.setting.host.pid}"
    )
    blocked.mkdir()

    snapshot.write(ann.register(), ann.listed())
    blocked.rmdir()
    snapshot.write(ann.register(), ann.listed())

    assert rows_at(ann, "src/a.py") == ["ann/claude/wt"]


def test_a_process_that_looked_before_does_not_undo_what_the_session_that_writes_wrote(ann: Workspace) -> None:
    before, listed = ann.register(), ann.listed()
    claim_files(ann, patterns=["src/a.py"])
    writer, late = Snapshot(ann), Snapshot(ann)
    writer.keep(ann.register(), ann.listed(), changed=True)

    late.renew(before, listed)

    assert rows_at(ann, "src/a.py") == ["ann/claude/wt"]
    writer.close()


@pytest.mark.parametrize(("age_s", "shown"), [(OLD_S / 2, []), (OLD_S * 2, ["ann/claude/wt"])])
def test_where_the_session_that_writes_was_stopped_another_process_writes_after_a_minute(
    ann: Workspace, age_s: float, shown: list[str]
) -> None:
    stopped = Snapshot(ann)
    stopped.keep(ann.register(), ann.listed(), changed=True)
    at = ann.setting.host.now().timestamp() - age_s
    os.utime(ann.setting.clone.folder / snapshot_files.SNAPSHOT / snapshot_files.ME, (at, at))
    claim_files(ann, patterns=["src/a.py"])

    Snapshot(ann).renew(ann.register(), ann.listed())

    assert rows_at(ann, "src/a.py") == shown
    stopped.close()


def test_what_is_edited_in_a_worktree_that_the_agent_entered_is_claimed_there(ann: Workspace, git: Git) -> None:
    top = ann.repository.top
    entered, gone = top.parent / "entered", top.parent / "gone"
    git(top, "worktree", "add", "--quiet", "-b", "work", str(entered))
    note(ann, "src/a.py")
    note(ann, "src/b.py", top=str(entered))
    note(ann, "src/c.py", top=str(gone))

    assert taken(ann) == 3

    rows: Any = list_claims(ann)["claims"]
    assert {row["branch"]: [item["pattern"] for item in row["items"]] for row in rows} == {
        "main": ["src/a.py"],
        "work": ["src/b.py"],
    }


def test_a_claim_of_a_step_that_went_on_is_not_shown_to_hooks(ann: Workspace) -> None:
    project(ann)
    now = ann.setting.host.now()
    until = now + timedelta(hours=1)
    one = Claim(
        id="c-1",
        agent="bob/claude/wt",
        clone="c-far",
        session="s-bob",
        items=(Item(pattern="src/a.py", expires_at=until),),
        step="app/1",
        step_fence=1,
        created_at=now,
        expires_at=until,
        last_activity=now,
    )
    register = Register().with_changes([one, one.evolve(id="c-2", agent="bob/cli", step=None)])

    Snapshot(ann).write(register, ann.listed())

    assert rows_at(ann, "src/a.py") == ["bob/cli"]


def test_a_command_that_changed_no_claim_writes_no_snapshot(agents: Agents, repo: Path) -> None:
    ann = agents(repo, "ann/cli/wt")
    claim_files(ann, patterns=["src/a.py"])
    Snapshot(ann).tell()
    (file,) = (ann.setting.clone.folder / snapshot_files.SNAPSHOT).glob("s-*")
    file.write_text("kept", "utf-8")

    project(ann)
    Snapshot(ann).tell()
    kept = file.read_text("utf-8")
    claim_files(ann, patterns=["src/b.py"])
    Snapshot(ann).tell()

    assert kept == "kept"
    assert "b.py" in file.read_text("utf-8")


def test_more_claims_than_a_person_waits_for_are_written_by_the_next_session(agents: Agents, repo: Path) -> None:
    ann = agents(repo, "ann/cli/wt")
    now = ann.setting.host.now()
    until = now + timedelta(hours=1)
    claims = [
        Claim(
            id=f"c-{number}",
            agent="bob",
            clone="coord",
            items=(Item(pattern=f"/docs/{number}.md", expires_at=until),),
            created_at=now,
            expires_at=until,
            last_activity=now,
        )
        for number in range(AT_ONCE_MAX)
    ]
    ann.submit(ImportClaims(claims=tuple(claims)), ann.actor(), None)
    Snapshot(ann).tell()
    at_most = rows_at(ann, "docs/0.md")

    claim_files(ann, patterns=["src/a.py"])
    Snapshot(ann).tell()
    too_many = rows_at(ann, "src/a.py")
    session = Snapshot(ann)
    session.keep(ann.register(), ann.listed(), changed=True)

    assert (at_most, too_many, rows_at(ann, "src/a.py")) == (["bob"], [], ["ann/cli/wt"])
    session.close()


@pytest.mark.rule("CLAIM-14")
def test_an_edit_on_the_default_branch_moves_no_claim_there(ann: Workspace, repo: Path, git: Git) -> None:
    git(repo, "switch", "--quiet", "--create", "feat/x")
    claim_files(ann, patterns=["src/**"])
    git(repo, "switch", "--quiet", "main")
    note(ann, "docs/a.md")

    taken(ann)

    rows: Any = list_claims(ann)["claims"]
    assert sorted(row["branch"] for row in rows) == ["feat/x", "main"]
