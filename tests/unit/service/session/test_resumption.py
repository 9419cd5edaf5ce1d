"""Who an agent is when it is started again: who it was where something proves it, and nobody else in any case."""

from pathlib import Path

import pytest

from gitcoord.core.documents.liveness import GRACE
from gitcoord.service.claims.claims import claim_files, extend_claims
from gitcoord.service.session import identity
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.watch.notices import take_notices
from tests.unit.service.world import Agents, Shared, crash, project, seen

NAME = "ann/claude/wt"


def end(how: str, *workspaces: Workspace) -> None:
    for workspace in workspaces:
        workspace.close() if how == "close" else crash(workspace)


def end_long_ago(workspace: Workspace) -> None:
    """End a session in order, before its grace."""
    assert workspace.session is not None
    workspace.session.close(workspace.setting.host.now() - GRACE)
    workspace.session = None


def forget_process(repo: Path) -> None:
    """Let the next server be one of another process of the tool."""
    for file in (repo / ".git" / "gitcoord" / "sessions").glob("*.tool"):
        file.unlink()


@pytest.fixture
def work(ann: Workspace) -> None:
    """Steps for everyone."""
    project(ann, (), (), ())


@pytest.mark.rule("SAFE-10")
@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("how", ["close", "crash"])
def test_sessions_that_their_tool_names_go_on_as_who_they_were_in_any_order(
    agents: Agents, repo: Path, how: str
) -> None:
    first, second = (agents(repo, NAME, session=name, serve=True) for name in ("id-1", "id-2"))
    claims = [
        seen(claim_files(one, patterns=[path]))["claim"]["id"] for one, path in ((first, "a.py"), (second, "b.py"))
    ]
    for one in (first, second):
        claim_step(one)
    end(how, first, second)

    again = [agents(repo, NAME, session=name, serve=True) for name in ("id-2", "id-1")]

    assert [one.agent for one in again] == [f"{NAME}-2", NAME]
    for one, claim, step in ((again[0], claims[1], "app/2"), (again[1], claims[0], "app/1")):
        assert seen(extend_claims(one, ttl_hours=5))["claims"][0]["id"] == claim
        assert seen(complete_step(one, step_id=step, commit_hash="HEAD"))["step"]["status"] == "completed"


@pytest.mark.rule("SAFE-10")
@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("how", ["close", "crash"])
def test_of_several_sessions_that_nobody_names_none_is_another(agents: Agents, repo: Path, how: str) -> None:
    first, second = (agents(repo, NAME, serve=True) for _ in range(2))
    for one, path in ((first, "a.py"), (second, "b.py")):
        claim_files(one, patterns=[path])
        claim_step(one)
    end(how, first, second)

    again = [agents(repo, NAME, serve=True) for _ in range(2)]

    assert [one.agent for one in again] == [f"{NAME}-3", f"{NAME}-4"]
    assert [[row["notice"] for row in take_notices(one)][:1] for one in again] == [["name_changed"]] * 2
    refused = [seen(claim_files(again[0], patterns=[path])) for path in ("a.py", "b.py")]
    assert [one["conflicts"][0]["agent"] for one in refused] == [NAME, f"{NAME}-2"]
    assert seen(claim_step(again[0]))["step"]["id"] == "app/3"


@pytest.mark.rule("SAFE-10")
@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("named", [False, True])
def test_a_session_that_is_started_again_beside_one_that_lives_is_who_it_was(
    agents: Agents, repo: Path, named: bool
) -> None:
    lives, other = (agents(repo, NAME, serve=True, session="id-1" if named else None) for _ in range(2))
    claim_step(other)
    other.close()

    again = agents(repo, NAME, serve=True, session="id-1" if named else None)

    assert (lives.agent, again.agent) == (NAME, f"{NAME}-2")
    assert seen(claim_step(again))["step"]["id"] == "app/1"


@pytest.mark.rule("SAFE-10")
@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("how", ["close", "crash"])
def test_the_only_session_is_resumed_by_its_name_though_nobody_names_it(agents: Agents, repo: Path, how: str) -> None:
    first = agents(repo, NAME, serve=True)
    claim_files(first, patterns=["a.py"])
    claim_step(first)
    end(how, first)
    forget_process(repo)

    again = agents(repo, NAME, serve=True)

    assert (again.agent, again.session_id == first.session_id) == (NAME, False)
    assert seen(claim_files(again, patterns=["a.py"]))["granted"] is True
    assert seen(claim_step(again))["step"]["id"] == "app/1"


@pytest.mark.rule("SAFE-10")
@pytest.mark.parametrize("other", ["worktree", "tool"])
def test_who_is_of_another_worktree_or_tool_is_not_the_one_that_is_over(agents: Agents, repo: Path, other: str) -> None:
    first = agents(repo, NAME, serve=True)
    assert first.session is not None
    first.session.beat = first.session.beat.evolve(**{other: "other"})
    first.close()
    forget_process(repo)

    assert agents(repo, NAME, serve=True).agent == f"{NAME}-2"


@pytest.mark.rule("SAFE-10")
@pytest.mark.usefixtures("work")
def test_a_session_of_a_new_id_does_not_take_the_place_of_one_that_may_come_back(agents: Agents, repo: Path) -> None:
    first, lives = (agents(repo, NAME, session=name, serve=True) for name in ("id-1", "id-3"))
    claim_step(first)
    first.close()
    new = agents(repo, NAME, session="id-2", serve=True)

    back = agents(repo, NAME, session="id-1", serve=True)

    assert (lives.agent, new.agent, back.agent) == (f"{NAME}-2", f"{NAME}-3", NAME)
    assert take_notices(new)[0]["message"] == (
        f"{NAME} was at work here and may come back; what it held waits for it. Here you are {NAME}-3."
    )
    assert [seen(claim_step(one))["step"]["id"] for one in (new, back)] == ["app/2", "app/1"]


@pytest.mark.rule("SAFE-10")
@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("what", ["", "step", "claim"])
def test_a_name_is_free_after_its_grace_unless_something_is_held_under_it(
    agents: Agents, repo: Path, what: str
) -> None:
    first, lives = (agents(repo, NAME, session=name, serve=True) for name in ("id-1", "id-2"))
    claim_step(first) if what == "step" else None
    claim_files(first, patterns=["a.py"]) if what == "claim" else None
    end_long_ago(first)

    new = agents(repo, NAME, session="id-3", serve=True)

    assert (lives.agent, new.agent) == (f"{NAME}-2", f"{NAME}-3" if what else NAME)


@pytest.mark.rule("SAFE-10")
@pytest.mark.usefixtures("work")
def test_the_only_session_is_resumed_by_its_next_one_though_its_tool_names_both(agents: Agents, repo: Path) -> None:
    first = agents(repo, NAME, session="id-1", serve=True)
    claim_step(first)
    first.close()

    again = agents(repo, NAME, session="id-2", serve=True)

    assert (again.agent, again.session_id, seen(claim_step(again))["step"]["id"]) == (NAME, "id-2", "app/1")


@pytest.mark.rule("SAFE-10")
def test_a_session_that_held_nothing_is_known_by_its_id_long_after(agents: Agents, repo: Path) -> None:
    first, second = (agents(repo, NAME, session=name, serve=True) for name in ("id-1", "id-2"))
    end_long_ago(second)
    first.close()

    assert agents(repo, NAME, session="id-2", serve=True).agent == f"{NAME}-2"


@pytest.mark.rule("SAFE-10")
def test_of_several_servers_of_one_session_that_are_over_none_is_another(agents: Agents, repo: Path) -> None:
    both = [agents(repo, NAME, session="id-1", serve=True) for _ in range(2)]
    end("close", *both)

    again = [agents(repo, NAME, session="id-1", serve=True) for _ in range(2)]

    assert [(one.agent, one.session_id) for one in again] == [(f"{NAME}-3", "id-1-3"), (f"{NAME}-4", "id-1-4")]


@pytest.mark.rule("SAFE-10")
def test_a_session_that_lives_in_another_clone_is_not_the_one_that_was_here(agents: Agents, shared: Shared) -> None:
    agents(shared.two, NAME, session="id-1", serve=True).close()
    agents(shared.one, NAME, session="id-1", serve=True)

    assert agents(shared.two, NAME, session="id-1", serve=True).agent == f"{NAME}-2"


@pytest.mark.rule("SAFE-10")
def test_a_name_that_another_clone_uses_meanwhile_stays_that_of_the_session(agents: Agents, shared: Shared) -> None:
    agents(shared.two, NAME, session="id-2", serve=True).close()
    agents(shared.one, NAME, session="id-1", serve=True)

    assert agents(shared.two, NAME, session="id-2", serve=True).agent == NAME


@pytest.mark.rule("SAFE-10")
def test_a_hook_of_a_new_session_does_not_take_the_name_of_one_that_may_come_back(agents: Agents, repo: Path) -> None:
    first, lives = (agents(repo, NAME, session=name, serve=True) for name in ("id-1", "id-2"))
    first.close()
    hook = agents(repo, NAME, session="id-3")

    identity.join(hook, "cli")

    assert (lives.agent, hook.agent) == (f"{NAME}-2", f"{NAME}-3")


@pytest.mark.rule("SAFE-10")
def test_other_ids_of_a_session_are_its_own_after_a_restart_too(agents: Agents, repo: Path) -> None:
    first = agents(repo, NAME, session="id-1", serve=True)
    first.add_alias("thread-7")
    first.close()

    again = agents(repo, NAME, session="thread-7", serve=True)

    assert (again.agent, again.session_id) == (NAME, "id-1")
    assert again.setting.sessions.state("thread-7").locked is True


def test_a_new_session_whose_hook_came_first_goes_on_as_no_one(agents: Agents, repo: Path) -> None:
    lives = agents(repo, NAME, session="id-1", serve=True)
    identity.join(agents(repo, NAME, session="id-2"), "cli")

    new = agents(repo, NAME, session="id-2", serve=True)
    said = take_notices(new)[0]["message"]

    assert (lives.agent, new.agent) == (NAME, f"{NAME}-2")
    assert said == f"{NAME} is at work in another session; here you are {NAME}-2."


def test_who_has_a_number_is_told_that_it_goes_on_as_that(agents: Agents, repo: Path) -> None:
    lives, other = (agents(repo, NAME, session=name, serve=True) for name in ("id-1", "id-2"))
    other.close()

    again = agents(repo, NAME, session="id-2", serve=True)

    assert (lives.agent, take_notices(again)[0]["message"]) == (NAME, f"You go on as {NAME}-2, as before.")
