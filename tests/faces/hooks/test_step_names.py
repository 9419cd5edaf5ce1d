"""Which commits name a step: in every shape of clone, from what is here, whatever became of the step or its server."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gitcoord.ledger.clone import held_branches, snapshot_files
from gitcoord.ledger.liveness.cleanup import UNTOUCHED, Sweeper
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, recover_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.overview import status
from gitcoord.service.watch.watch import tick
from tests.conftest import AddWorktree, Clone, Git, MakeBare
from tests.faces.hooks.conftest import Servers
from tests.faces.hooks.pushers import GIT_S
from tests.faces.hooks.shimmed import Afar, Shimmed, holds, shimmed, was_asked
from tests.faces.hooks.shimmed import afar as afar  # noqa: PLC0414 - a fixture, exported to pytest
from tests.faces.hooks.shimmed import alone as alone  # noqa: PLC0414 - as above
from tests.faces.mcp.process import environment
from tests.git_calls import GitCalls
from tests.unit.service.world import Agents, project

ANN = "ann/claude-code/alone"


def message(clone: Shimmed, git: Git, cwd: Path | None = None, **env: str) -> str:
    """Commit something; return the whole message."""
    done = clone.git("commit", "--quiet", "--allow-empty", "--message", "work", cwd=cwd, is_patient=False, **env)
    assert (done.status, done.ours) == (0, []), done.said
    return git(cwd or clone.repo, "log", "-1", "--format=%B").strip()


def named(fence: int = 1, agent: str = ANN) -> str:
    return f"work\n\nCoord-Step: app/1\nCoord-Fence: {fence}\nCoord-Agent: {agent}"


def linked(clone: Shimmed, git: Git, tmp_path: Path) -> Path:
    git(clone.repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "link ed" / "alone"))
    return tmp_path / "link ed" / "alone"


def apart(clone: Shimmed, git: Git, tmp_path: Path) -> Path:
    """A work tree whose git directory lies elsewhere."""
    git(clone.repo, "init", "--quiet", "--separate-git-dir", str(tmp_path / "else where.git"))
    return clone.repo


def submodule(clone: Shimmed, git: Git, tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "super")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(clone.repo), "alone")
    git(tmp_path / "super", *add)
    return tmp_path / "super" / "alone"


def usual(clone: Shimmed, git: Git, tmp_path: Path) -> Path:
    return clone.repo


@pytest.mark.rule("HOOK-11")
@pytest.mark.parametrize("shape", [usual, linked, apart, submodule])
def test_a_step_is_named_wherever_gits_folder_is(
    alone: Shimmed, agents: Agents, git: Git, tmp_path: Path, shape: Callable[[Shimmed, Git, Path], Path]
) -> None:
    where = shape(alone, git, tmp_path)
    clone = shimmed(where) if shape is submodule else alone
    holds(agents, where)
    git(where, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/1")
    (where / "deeper").mkdir()

    said = message(clone, git, where), message(clone, git, where / "deeper")

    assert said == (named(), named())


@pytest.mark.rule("HOOK-11")
def test_it_is_named_with_the_fence_of_the_moment_as_soon_as_a_server_has_answered(
    alone: Shimmed, serve: Servers, git: Git
) -> None:
    server = serve(alone.repo, "s-ann", ANN)
    steps = [{"step_num": 1, "title": "x", "branch": "feat/1"}]
    server.call("create_project", name="app", base_commit="HEAD", steps=steps)
    git(alone.repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/1")

    before = message(alone, git)
    server.call("claim_step", project="app")
    first = message(alone, git)
    server.call("fail_step", step_id="app/1", reason="no time")
    failed = message(alone, git)
    server.call("claim_step", step_id="app/1")
    second = message(alone, git)
    server.call("complete_step", step_id="app/1", commit_hash="HEAD")
    completed = message(alone, git)

    assert (before, failed, completed) == ("work", "work", "work")
    assert (first, second) == (named(1), named(2))
    assert alone.started == ["pre-commit"]  # nothing is left of it, so the shell alone decides


@pytest.mark.rule("HOOK-11")
def test_a_step_that_another_agent_of_the_clone_took_over_is_named_no_more(
    alone: Shimmed, agents: Agents, git: Git, add_worktree: AddWorktree
) -> None:
    holds(agents, alone.repo)
    bob = agents(add_worktree(alone.repo, "other"), "bob/claude-code/other", serve=True, session="s-bob")
    git(alone.repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/1")

    recover_step(bob, step_id="app/1", force=True)
    free = message(alone, git)
    claim_step(bob, project="app")
    taken = message(alone, git)

    assert (free, taken) == ("work", "work")


@pytest.mark.rule("HOOK-11")
def test_a_sub_agents_step_is_named_with_its_name(alone: Shimmed, agents: Agents, git: Git) -> None:
    ann = agents(alone.repo, ANN, serve=True, session="s-ann")
    project(ann)
    claim_step(ann, project="app", agent_id="tests")
    git(alone.repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/1")

    assert message(alone, git) == named(agent=f"{ANN}/tests")


@pytest.mark.rule("HOOK-11")
def test_a_step_without_a_branch_is_named_on_every_branch_while_it_is_the_only_one(
    alone: Shimmed, agents: Agents, git: Git
) -> None:
    ann = agents(alone.repo, ANN, serve=True, session="s-ann")
    steps = [{"step_num": 1}, {"step_num": 2, "branch": "feat/2"}, {"step_num": 3}]
    create_project(ann, name="app", base_commit="HEAD", steps=steps)

    claim_step(ann, step_id="app/1")
    first = message(alone, git)
    git(alone.repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "app-1")
    own = message(alone, git)
    claim_step(ann, step_id="app/2", agent_id="tests")
    beside = message(alone, git)
    git(alone.repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/2")
    of_branch = message(alone, git)
    git(alone.repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "app-1")
    claim_step(ann, step_id="app/3", agent_id="docs")
    doubtful = message(alone, git)
    complete_step(ann, step_id="app/3", commit_hash="HEAD", agent_id="docs")
    again = message(alone, git)
    complete_step(ann, step_id="app/1", commit_hash="HEAD")
    none = message(alone, git)

    assert (first, own, beside, again) == (named(),) * 4
    assert of_branch == named(agent=f"{ANN}/tests").replace("app/1", "app/2")
    assert (doubtful, none) == ("work", "work")


@pytest.mark.rule("HOOK-11")
def test_a_step_without_a_branch_is_named_where_what_was_held_on_the_branch_is_over(
    alone: Shimmed, agents: Agents, git: Git, clone: Clone, make_bare: MakeBare
) -> None:
    remote = make_bare()
    git(alone.repo, "config", "gitcoord.remote", str(remote))
    ann = agents(alone.repo, "ann/cli/alone")
    create_project(ann, name="app", base_commit="HEAD", steps=[{"step_num": 1}, {"step_num": 2, "branch": "feat/2"}])
    claim_step(ann, step_id="app/1")
    claim_step(ann, step_id="app/2", agent_id="tests")
    two = clone(alone.repo, "two")
    git(two, "config", "gitcoord.remote", str(remote))
    recover_step(agents(two, "bob/cli/two"), step_id="app/2", force=True)
    git(alone.repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/2")
    (alone.repo / "work.py").write_text("x = 1\n", "utf-8")
    calls = GitCalls(alone.repo.with_name("calls"), environment({}))
    message_file = alone.repo / ".git" / "COMMIT_EDITMSG"
    message_file.write_text("work\n", "utf-8")

    words = [sys.executable, "-P", "-m", "gitcoord", "hook", "prepare-commit-msg", str(message_file), "message"]
    subprocess.run(words, cwd=alone.repo, env=calls.env, check=True, timeout=GIT_S)

    assert message_file.read_text("utf-8").strip() == named(agent="ann/cli/alone")
    asked = calls.taken()
    assert asked.count("fetch") == 2  # claims, and the steps once for both that were given here
    assert asked.count("config") == 1


@pytest.mark.rule("HOOK-11")
def test_trailers_stand_before_the_lines_that_git_leaves_out(alone: Shimmed, agents: Agents, git: Git) -> None:
    holds(agents, alone.repo)
    git(alone.repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/1")
    for mark in ("#", ";"):
        git(alone.repo, "config", "--add", "core.commentChar", mark)
    message_file = alone.repo / ".git" / "COMMIT_EDITMSG"
    message_file.write_text("work\n\n; What begins so is left out.\n", "utf-8")

    words = [sys.executable, "-P", "-m", "gitcoord", "hook", "prepare-commit-msg", str(message_file)]
    subprocess.run(words, cwd=alone.repo, env=environment({}), check=True, timeout=GIT_S)

    text, _, rest = message_file.read_text("utf-8").partition(";")
    assert (text.strip(), rest) == (named(), " What begins so is left out.\n")


@pytest.mark.rule("HOOK-11")
def test_who_is_named_in_the_settings_is_so_in_every_worktree(
    alone: Shimmed, agents: Agents, git: Git, add_worktree: AddWorktree
) -> None:
    project(ann := agents(alone.repo, "ann/cli/x"))
    claim_step(ann, project="app")
    side = add_worktree(alone.repo, "side")
    git(side, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/1")

    by_others = message(alone, git, side)
    by_environment = message(alone, git, side, GITCOORD_AGENT="ann/cli/x")
    git(alone.repo, "config", "gitcoord.agent", "ann/cli/x")
    by_settings = message(alone, git, side)

    assert (by_others, by_environment, by_settings) == ("work", named(agent="ann/cli/x"), named(agent="ann/cli/x"))


@pytest.mark.rule("HOOK-11")
def test_branches_whose_names_differ_in_a_slash_only_are_two(alone: Shimmed, agents: Agents, git: Git) -> None:
    holds(agents, alone.repo)
    git(alone.repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat@1")

    assert message(alone, git) == "work"


@pytest.mark.rule("HOOK-11", "HOOK-13")
def test_a_server_that_is_silent_is_not_asked_for_a_step_that_was_given(afar: Afar, agents: Agents, git: Git) -> None:
    project(afar.ann)
    claim_step(afar.ann, project="app")
    repo = afar.clone.repo
    git(repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/1")

    with afar.falls_silent() as silent:
        said = message(afar.clone, git)
        asked = was_asked(silent)

    assert (said, asked) == (named(), False)


@pytest.mark.rule("HOOK-11", "HOOK-13")
@pytest.mark.parametrize("ends", ["recovered here", "recovered there", "recovered there, and listed", "policy"])
def test_what_this_clone_knows_of_the_step_counts_without_its_server(
    afar: Afar, agents: Agents, git: Git, ends: str
) -> None:
    project(afar.ann)
    claim_step(afar.ann, project="app")
    repo = afar.clone.repo
    git(repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/1")
    bob = agents(repo.with_name("two"), "bob/cli/two")
    match ends:
        case "recovered here":
            recover_step(agents(repo, "ann/cli/alone"), step_id="app/1", force=True)
        case "recovered there, and listed":
            recover_step(bob, step_id="app/1", force=True)
            status(agents(repo, "eve/cli/alone"))
        case "recovered there":
            recover_step(bob, step_id="app/1", force=True)
            tick(agents(repo, "eve/claude-code/alone", serve=True, session="s-eve"))  # watches for the clone
        case _:
            set_policy(bob, name="trailers", value="false")
            tick(agents(repo, "eve/claude-code/alone", serve=True, session="s-eve"))

    with afar.falls_silent():
        said = message(afar.clone, git)

    assert said == "work"


@pytest.mark.rule("HOOK-11")
def test_a_step_that_an_older_version_was_given_is_named_once_a_session_looks(
    alone: Shimmed, agents: Agents, git: Git
) -> None:
    ann = holds(agents, alone.repo)
    folder = alone.repo / ".git" / "gitcoord"
    for file in (folder / held_branches.HELD).iterdir():
        file.unlink()
    (folder / "fences" / "s-ann" / "app@1.json").write_text(json.dumps({"step": "app/1", "fence": 1}))
    git(alone.repo, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/1")

    before = message(alone, git)
    tick(ann)
    after = message(alone, git)
    fail_step(ann, step_id="app/1", reason="no time")

    assert (before, after) == ("work", named())
    assert not held_branches.is_any(str(folder))


def test_what_is_left_of_a_session_that_is_gone_is_swept(alone: Shimmed, agents: Agents) -> None:
    ann = holds(agents, alone.repo)
    folder = alone.repo / ".git" / "gitcoord"
    sweeper, now = Sweeper(ann.setting.refs, ann.setting.sessions, folder), ann.setting.host.now()
    held = [*(folder / held_branches.HELD).iterdir()]
    notices = folder / "notices"
    notices.mkdir(exist_ok=True)
    for name in ("s-gone.json", "s-gone.steps", "lock"):
        (notices / name).write_text("{}")

    sweeper.sweep_files(now + UNTOUCHED + timedelta(days=1))
    given = [file.exists() for file in held]
    for note in (folder / "fences" / "s-ann").iterdir():
        note.unlink()
    sweeper.sweep_files(now + UNTOUCHED + timedelta(days=3))

    assert (given, [file.exists() for file in held]) == ([True], [False])
    assert [file.name for file in notices.iterdir()] == ["lock"]


def test_a_step_that_is_handed_in_and_was_never_given_here_ends_nothing(alone: Shimmed, agents: Agents) -> None:
    ann = holds(agents, alone.repo)
    folder = str(alone.repo / ".git" / "gitcoord")

    dropped = ann.fences.drop("app/1", 7)

    assert (dropped, [row["fence"] for row in held_branches.on_branch(folder, "feat/1")]) == (False, [1])
    complete_step(ann, step_id="app/1", commit_hash="HEAD")
    assert [*held_branches.on_branch(folder, "feat/1")] == []
    assert snapshot_files.load(f"{folder}/fences/s-ann/app@1.ended")["branch"] == "feat/1"
