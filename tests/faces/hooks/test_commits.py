"""The hooks of a commit and of a checkout, run by real git."""

import os
import time
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import Json, canonical, load_object
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.format import commits, trees
from gitcoord.remote.contract.protocol import RefName, RefUpdate, SwapStatus
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.team.policy import set_policy
from tests.conftest import AddWorktree, Git
from tests.faces.hooks.pushers import claimed, commit, hooked, run
from tests.unit.service.world import Agents, Shared, project

WAIT_S = 150  # a bound for a hang


@pytest.fixture
def team(shared: Shared, git: Git) -> Shared:
    """Two clones of one remote; commits of the first run our hooks."""
    commit(shared.one, "src/a.py", "src/b.py", text="def old():\n    pass\n")
    git(shared.one, "push", "--quiet", "origin", "main")
    git(shared.two, "pull", "--quiet")
    hooked(shared.one, "pre-commit", "prepare-commit-msg", "post-checkout")
    return shared


def changed(cwd: Path, path: str, text: str = "new\n") -> None:
    (cwd / path).write_text(text, "utf-8")


@pytest.mark.rule("HOOK-10")
def test_a_commit_of_what_others_hold_is_told_and_goes_on(team: Shared, agents: Agents, git: Git) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    changed(team.one, "src/a.py")

    told = run(team.one, "commit", "-a", "-m", "work")
    changed(team.one, "src/b.py")
    silent = run(team.one, "commit", "-a", "-m", "more")

    assert (told.status, silent.status) == (0, 0)
    assert "'src/a.py' is claimed by 'bob/cli/two'" in told.said
    assert "would be refused as a push" in told.said
    assert silent.ours == []


@pytest.mark.rule("HOOK-10")
def test_a_team_that_wants_it_is_stopped_at_the_commit(team: Shared, agents: Agents, git: Git) -> None:
    bob = agents(team.two, "bob/cli/two")
    set_policy(bob, name="pre_commit", value="refuse")
    claimed(bob, "src/a.py")
    agents(team.one, "ann/cli/one")
    changed(team.one, "src/a.py")
    changed(team.one, "src/b.py")

    whole = run(team.one, "commit", "-a", "-m", "work")
    part = run(team.one, "commit", "-m", "part", "src/b.py")

    assert whole.status == 1
    assert "this commit was refused" in whole.said
    assert part.status == 0, part.said


@pytest.fixture
def refusing(team: Shared, agents: Agents, git: Git) -> Shared:
    """A team whose commits are refused; Ann committed a change of Bob's file before that hook was there."""
    bob = agents(team.two, "bob/cli/two")
    set_policy(bob, name="pre_commit", value="refuse")
    claimed(bob, "src/a.py")
    agents(team.one, "ann/cli/one")
    for path in ("src/a.py", "src/b.py"):
        changed(team.one, path)
    git(team.one, "commit", "--quiet", "--no-verify", "--all", "--message", "work")
    return team


@pytest.mark.rule("HOOK-10")
@pytest.mark.parametrize("words", [["--amend", "--no-edit"], ["--message", "taken out"]])
@pytest.mark.parametrize("earlier", [0, 1])
def test_the_commit_that_takes_the_change_out_is_neither_refused_nor_told(
    refusing: Shared, git: Git, words: list[str], earlier: int
) -> None:
    for number in range(earlier):
        changed(refusing.one, "src/b.py", f"{number}\n")
        git(refusing.one, "commit", "--quiet", "--no-verify", "--all", "--message", "more")
    git(refusing.one, "checkout", "--quiet", "origin/main", "--", "src/a.py")

    done = run(refusing.one, "commit", *words)

    assert (done.status, done.ours) == (0, [])


@pytest.mark.rule("HOOK-10")
@pytest.mark.parametrize("words", [["--amend", "--no-edit"], ["--message", "more"]])
def test_another_change_of_the_same_file_is_refused_all_the_same(refusing: Shared, words: list[str]) -> None:
    changed(refusing.one, "src/a.py", "other\n")

    done = run(refusing.one, "commit", "--all", *words)

    assert (done.status, "'src/a.py' is claimed by 'bob/cli/two'" in done.said) == (1, True)


@pytest.mark.rule("HOOK-10")
def test_going_back_behind_what_others_have_is_a_change(refusing: Shared, git: Git) -> None:
    changed(refusing.one, "src/a.py", "third\n")
    git(refusing.one, "commit", "--quiet", "--no-verify", "--all", "--message", "third")
    git(refusing.one, "push", "--quiet", "origin", "HEAD:refs/heads/feat/x")
    git(refusing.one, "checkout", "--quiet", "HEAD~1", "--", "src/a.py")

    done = run(refusing.one, "commit", "--message", "back")

    assert done.status == 1


@pytest.mark.rule("HOOK-10")
def test_a_merge_is_not_told_of_what_others_had_committed(team: Shared, agents: Agents, git: Git) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    commit(team.two, "src/a.py", text="bob\n")
    git(team.two, "push", "--quiet", "origin", "main")
    agents(team.one, "ann/cli/one")
    commit(team.one, "src/b.py")
    git(team.one, "fetch", "--quiet")

    done = run(team.one, "merge", "--no-commit", "origin/main")
    merged = run(team.one, "commit", "--no-edit")

    assert (done.status, merged.status, merged.ours) == (0, 0, [])


@pytest.mark.rule("HOOK-11")
def test_a_commit_on_the_branch_of_a_held_step_names_it_once(team: Shared, agents: Agents, git: Git) -> None:
    ann = agents(team.one, "ann/claude-code/one", serve=True, session="s-1")
    project(ann)
    claim_step(ann, project="app")
    git(team.one, "switch", "--quiet", "--create", "feat/1")
    changed(team.one, "src/a.py")

    done = run(team.one, "commit", "-a", "-m", "Work on it", "-m", "A body.\n\nSigned-off-by:ann")
    again = run(team.one, "commit", "--amend", "--no-edit")

    assert (done.status, again.status) == (0, 0), done.said
    message = git(team.one, "log", "-1", "--format=%B").strip()
    assert message.startswith("Work on it\n\nA body.\n\nSigned-off-by:")
    assert message.count("Coord-Step: app/1") == message.count("Coord-Fence: 1") == 1
    assert message.endswith("Coord-Agent: ann/claude-code/one")


@pytest.mark.rule("HOOK-11")
def test_a_team_that_wants_no_trailers_has_none(team: Shared, agents: Agents, git: Git) -> None:
    ann = agents(team.one, "ann/claude-code/one", serve=True, session="s-1")
    project(ann)
    claim_step(ann, project="app")
    set_policy(ann, name="trailers", value="false")
    git(team.one, "switch", "--quiet", "--create", "feat/1")
    changed(team.one, "src/a.py")

    done = run(team.one, "commit", "-a", "-m", "Work on it")

    assert (done.status, git(team.one, "log", "-1", "--format=%B").strip()) == (0, "Work on it")


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("agent_id", "ann/claude-code/one\x1b]0;pwned\x07\x1b[31m"),
        ("agent_id", "eve/cli/wt\rFixes #1"),
        ("agent_id", "ann/claude-code/one/\u202e[skip ci]"),
        ("agent_id", "x" * 60_000),
        ("id", "app/1\rFixes #1"),
    ],
    ids=["escapes", "another", "direction", "long", "id"],
)
def test_nothing_that_a_ledger_says_gets_into_a_message(
    team: Shared, agents: Agents, git: Git, field: str, text: str
) -> None:
    ann = agents(team.one, "ann/claude-code/one", serve=True, session="s-1")
    project(ann)
    claim_step(ann, project="app")
    rewrite(ann, "refs/coord/steps/app", "steps/0/1.json", {field: text})
    git(team.one, "switch", "--quiet", "--create", "feat/1")
    changed(team.one, "src/a.py")

    run(team.one, "commit", "-a", "-m", "Work on it")

    trailers = ["Coord-Step: app/1", "Coord-Fence: 1", "Coord-Agent: ann/claude-code/one"]
    assert git(team.one, "log", "-1", "--format=%B").strip().split("\n") == ["Work on it", "", *trailers]


def rewrite(workspace: Workspace, ref: str, path: str, fields: dict[str, Json]) -> None:
    """Change a document at the remote by hand, as nobody's command would."""
    transport, name = workspace.setting.transport, RefName(ref)
    tip = transport.read([name])[name]
    folder = trees.load(transport.objects, commits.read(transport.objects, tip).tree)
    oid = folder.file(path)
    assert oid is not None
    document = {**load_object(transport.objects.read(oid)[1]), **fields}
    tree = trees.write(transport.objects, folder, {path: canonical(document)}).oid
    assert tree is not None
    now = workspace.setting.host.now()
    new = commits.write(transport.objects, tree, [tip], workspace.setting.clone.signature, now, "by hand")
    assert transport.swap([RefUpdate(name, tip, new)]).status is SwapStatus.WON


@pytest.mark.rule("HOOK-11")
def test_other_branches_other_worktrees_and_steps_that_ended_add_nothing(
    team: Shared, agents: Agents, git: Git, add_worktree: AddWorktree
) -> None:
    ann = agents(team.one, "ann/claude-code/one", serve=True, session="s-1")
    project(ann, (), ())
    claim_step(ann, project="app")
    changed(team.one, "src/a.py")
    run(team.one, "commit", "-a", "-m", "on main")
    side = add_worktree(team.one, "side")
    git(side, "switch", "--quiet", "--create", "feat/1")
    changed(side, "src/a.py", "side\n")
    run(side, "commit", "-a", "-m", "elsewhere")
    tip = git(side, "rev-parse", "HEAD")
    git(side, "switch", "--quiet", "--detach")
    git(side, "push", "--quiet", "origin", "feat/1")
    git(team.one, "switch", "--quiet", "feat/1")
    complete_step(ann, step_id="app/1", commit_hash=tip)
    changed(team.one, "src/b.py")
    run(team.one, "commit", "-a", "-m", "afterwards")

    assert "Coord-" not in git(team.one, "log", "--format=%B", "--all")


@pytest.mark.rule("HOOK-11")
def test_what_the_user_wrote_is_kept_to_the_byte_and_no_command_of_its_settings_runs(
    team: Shared, agents: Agents, git: Git, tmp_path: Path
) -> None:
    ann = agents(team.one, "ann/claude-code/one", serve=True, session="s-1")
    project(ann)
    claim_step(ann, project="app")
    git(team.one, "switch", "--quiet", "--create", "feat/1")
    git(team.one, "config", "trailer.sign.command", f"touch {tmp_path / 'ran'}")
    git(team.one, "config", "i18n.commitEncoding", "latin1")
    changed(team.one, "src/a.py")
    file = tmp_path / "message"
    file.write_bytes(b"caf\xe9 --- not a divider\n\n---\nafter\n")

    done = run(team.one, "commit", "-a", "-F", str(file))

    raw = run(team.one, "cat-file", "commit", "HEAD")
    assert done.status == 0, done.said
    assert not (tmp_path / "ran").exists()
    assert "---\nafter\n\nCoord-Step: app/1\n" in raw.said


@pytest.mark.rule("HOOK-12")
def test_a_checkout_refreshes_the_snapshot_apart(team: Shared, agents: Agents, git: Git) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    snapshot = str(team.one / ".git" / "gitcoord" / "snapshot")

    done = run(team.one, "switch", "--create", "other", GITCOORD_AGENT="ann/cli/one")

    assert (done.status, done.ours) == (0, [])
    end = time.monotonic() + WAIT_S
    while not any(True for _ in snapshot_files.rows_near(snapshot, "src/a.py", fold=False)):
        assert time.monotonic() < end
        os.sched_yield()


@pytest.mark.rule("HOOK-12")
def test_a_checkout_runs_no_code_of_what_is_checked_out(team: Shared, agents: Agents, git: Git, tmp_path: Path) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    snapshot = str(team.one / ".git" / "gitcoord" / "snapshot")
    ran = tmp_path / "ran"
    git(team.one, "switch", "--quiet", "--create", "theirs")
    commit(team.one, "gitcoord.py", "secrets.py", text=f"open({str(ran)!r}, 'w').close()\nraise SystemExit\n")
    git(team.one, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "main")
    (team.one / ".git" / "gitcoord" / "watch" / "refreshed").unlink(missing_ok=True)

    run(team.one, "switch", "theirs", GITCOORD_AGENT="ann/cli/one")

    end = time.monotonic() + WAIT_S
    while not ran.exists() and not any(True for _ in snapshot_files.rows_near(snapshot, "src/a.py", fold=False)):
        assert time.monotonic() < end
        os.sched_yield()
    assert not ran.exists()
