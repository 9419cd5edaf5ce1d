"""What an agent is told of its claims is of use to it: not what was decided, nor what ended before it began."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.ledger.clone.host import Clone
from gitcoord.service.claims.claim_notices import fresh
from gitcoord.service.claims.claims import claim_files, list_claims, release_by_force, release_claims
from gitcoord.service.claims.requests import request_release, respond_to_request
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, recover_step
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import tick
from tests.unit.service.world import Agents, Shared, later, project, seen


@pytest.fixture
def bob(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.two, "bob/cli/two", serve=True)


def told(workspace: Workspace) -> list[object]:
    return [notice["notice"] for notice in take_notices(workspace)]


def asked_of_ann(agents: Agents, shared: Shared, bob: Workspace) -> tuple[Workspace, str]:
    """Let bob ask for what ann holds; return her and the request."""
    ann = agents(shared.one, "ann/cli/one")
    claim = seen(claim_files(ann, patterns=["src/**"]))["claim"]["id"]
    return ann, seen(request_release(bob, claim_id=claim, reason="soon?", wait_seconds=0))["request"]["id"]


def test_a_request_that_waits_is_told_with_every_reply(agents: Agents, shared: Shared, bob: Workspace) -> None:
    ann, _ = asked_of_ann(agents, shared, bob)

    assert [told(ann), told(ann)] == [["request_pending"], ["request_pending"]]


@pytest.mark.parametrize("decision", ["approved", "denied"])
def test_nothing_is_said_of_a_request_that_was_decided(
    agents: Agents, shared: Shared, bob: Workspace, decision: str
) -> None:
    ann, request = asked_of_ann(agents, shared, bob)
    respond_to_request(ann, request_id=request, decision=decision)

    assert told(agents(shared.one, "ann/cli/one")) == []


def test_what_is_said_of_a_claim_ends_with_it(agents: Agents, shared: Shared, bob: Workspace) -> None:
    ann = agents(shared.one, "ann/cli/one")
    held = seen(claim_files(ann, patterns=["README.md"]))["claim"]["id"]
    claim_files(bob, symbols={"README.md": ["f"]})
    release_by_force(bob, claim_ids=[held])

    assert told(ann) == ["claim_released"]


def test_who_completes_the_step_of_a_sub_agent_is_told_that_its_own_call_ended_the_claim(
    agents: Agents, shared: Shared
) -> None:
    ann = agents(shared.one, "ann/claude/one", serve=True)
    project(ann, paths=["src/**"])
    claim_step(ann, agent_id="tests")

    done = seen(complete_step(ann, step_id="app/1", commit_hash="HEAD"))

    texts = [str(notice["message"]) for notice in take_notices(ann)]
    assert done["step"]["status"] == "completed"
    assert [text.endswith("went on without it, in a call of ann/claude/one.") for text in texts] == [True]


@pytest.mark.rule("SAFE-1")
def test_a_claim_that_was_ended_by_force_elsewhere_under_a_name_of_the_session_is_told(
    agents: Agents, shared: Shared
) -> None:
    ann = agents(shared.one, "ann/claude/one", serve=True)
    held = seen(claim_files(ann, patterns=["README.md"]))["claim"]["id"]

    release_by_force(agents(shared.two, "ann/claude/one/ops"), claim_ids=[held])

    assert told(ann) == ["claim_released"]


def test_of_a_claim_that_another_ended_it_says_in_whose_call(agents: Agents, shared: Shared, bob: Workspace) -> None:
    ann = agents(shared.one, "ann/claude/one", serve=True)
    project(ann, paths=["src/**"])
    claim_step(ann)
    recover_step(bob, step_id="app/1", force=True)

    texts = [str(notice["message"]) for notice in take_notices(ann) if notice["notice"] == "claim_released"]

    assert len(texts) == 1
    assert texts[0].endswith("the step that it was taken with went on without it, in a call of bob/cli/two.")


def test_the_holder_learns_who_ended_its_claim_by_force_and_why_as_who_asks_for_that_claim_does(
    agents: Agents, shared: Shared, bob: Workspace
) -> None:
    ann = agents(shared.one, "ann/claude/one", serve=True)
    held = seen(claim_files(ann, patterns=["src/**"]))["claim"]["id"]
    release_by_force(bob, claim_ids=[held], reason="its agent was stopped")

    (said,) = (str(notice["message"]) for notice in take_notices(ann) if notice["notice"] == "claim_released")
    asked = release_claims(ann, claim_ids=[held])

    how = "bob/cli/two ended it by force, saying 'its agent was stopped'."
    assert said == f"Your claim {held} ended: {how}"
    assert str(asked["why"]).endswith(how)


@pytest.mark.parametrize(("minutes", "expected"), [(29, ["claim_released"]), (31, [])])
def test_how_a_claim_ended_is_news_for_half_an_hour(
    agents: Agents, shared: Shared, bob: Workspace, minutes: int, expected: list[str]
) -> None:
    held = seen(claim_files(agents(shared.one, "ann/cli/one"), patterns=["src/**"]))["claim"]["id"]
    release_by_force(bob, claim_ids=[held])

    assert told(later(agents(shared.one, "ann/cli/one"), minutes=minutes)) == expected


def test_a_session_that_was_there_is_told_however_late(agents: Agents, shared: Shared, bob: Workspace) -> None:
    ann = agents(shared.one, "ann/cli/one", serve=True)
    held = seen(claim_files(ann, patterns=["src/**"]))["claim"]["id"]
    release_by_force(bob, claim_ids=[held])

    assert "claim_released" in told(later(ann, minutes=50))


def test_a_remote_that_is_there_again_is_not_called_unreachable(agents: Agents, shared: Shared, bob: Workspace) -> None:
    away = shared.remote.with_name("away.git")
    take_notices(bob)
    shared.remote.rename(away)
    tick(bob)
    away.rename(shared.remote)
    noted = [notice.notice for notice in bob.notices]

    assert noted
    assert set(noted) <= {"unreachable", "repository"}
    assert list_claims(bob)["count"] == 0
    assert told(bob) == []


class Meets(Clone):
    """A clone of which two command lines look at the same moment whether a notice is theirs."""

    together: Barrier | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        assert self.together is not None
        self.together.wait(timeout=30)
        return (self.id,)


def test_of_two_command_lines_of_a_session_at_the_same_moment_one_is_told(
    agents: Agents, shared: Shared, bob: Workspace
) -> None:
    lines = [agents(shared.one, "ann/cli/one") for _ in range(2)]
    held = seen(claim_files(lines[0], patterns=["src/**"]))["claim"]["id"]
    release_by_force(bob, claim_ids=[held])
    together = Barrier(len(lines))
    for line in lines:
        clone = line.setting.clone
        meeting = Meets(clone.id, clone.folder, clone.signature, together=together)
        line.setting = replace(line.setting, clone=meeting)

    with ThreadPoolExecutor(len(lines)) as pool:
        notices = [notice.notice for told in pool.map(fresh, lines) for notice in told]

    assert notices == ["claim_released"]
