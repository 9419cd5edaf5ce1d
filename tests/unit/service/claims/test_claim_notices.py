"""What an agent is told of its claims is of use to it: not what was decided, nor what ended before it began."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.ledger.clone.host import Clone
from gitcoord.service.claims.claim_notices import fresh
from gitcoord.service.claims.claims import claim_files, list_claims, release_by_force
from gitcoord.service.claims.requests import request_release, respond_to_request
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import tick
from tests.unit.service.world import Agents, Shared, later, seen


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


@pytest.mark.timeout(60)
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
