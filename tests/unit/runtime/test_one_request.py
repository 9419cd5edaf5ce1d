"""A command over http is decided on what was listed a moment ago and sent at once; what that cannot prove is read."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gitcoord.ledger.readers.recent_refs import RECENT
from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, start_step
from gitcoord.service.team import owner_edits
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.watch import tick
from tests.conftest import MakeRepo
from tests.servers.fixtures import Servers
from tests.servers.meddling_http import Meddled, Server, meddling
from tests.unit.runtime.test_one_clone import move_beat
from tests.unit.service.world import Agents, later, project

READ, WRITE = "git-upload-pack", "git-receive-pack"


@pytest.fixture
def server(servers: Servers) -> Iterator[Server]:
    with meddling(servers.http().port) as running:
        yield running


@pytest.fixture
def two(
    agents: Agents, servers: Servers, server: Server, repo: Path, make_repo: MakeRepo
) -> tuple[Workspace, Workspace]:
    """Two clones that have both written to one remote by http, ann last."""
    remote = servers.remote("http")
    url = remote.url.replace(remote.url.split("/")[2], f"127.0.0.1:{server.port}")
    bob = agents(make_repo("bob"), "bob/cli/wt", GITCOORD_REMOTE=url)
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE=url)
    claim_files(bob, patterns=["made/bob.py"])
    claim_files(ann, patterns=["made/ann.py"])
    ann.listed()
    server.clear()
    return ann, bob


def services(server: Server) -> list[str]:
    """Return which service each request asked, in order."""
    return [asked.rpartition("/")[2] for asked in server.asked]


@pytest.mark.rule("SAFE-2")
def test_a_claim_is_one_request_and_so_is_the_next(two: tuple[Workspace, Workspace], server: Server) -> None:
    ann, _ = two

    granted = [claim_files(ann, patterns=[f"made/{name}.py"])["granted"] for name in ("a", "b", "c")]

    assert granted == [True] * 3
    assert services(server) == [WRITE] * 3


def test_after_the_write_of_another_it_is_a_push_one_look_and_a_push(
    two: tuple[Workspace, Workspace], server: Server
) -> None:
    ann, bob = two
    claim_files(bob, patterns=["made/b.py"])
    server.clear()

    assert claim_files(ann, patterns=["made/a.py"])["granted"]

    assert services(server) == [WRITE, READ, READ, WRITE]  # a look lists, and brings what is new


def test_what_was_listed_too_long_ago_is_listed_again(two: tuple[Workspace, Workspace], server: Server) -> None:
    ann = later(two[0], seconds=(RECENT + timedelta(seconds=1)).total_seconds())

    assert claim_files(ann, patterns=["made/a.py"])["granted"]

    assert services(server)[0] == READ
    assert services(server).count(WRITE) == 1


@pytest.mark.rule("SAFE-2")
def test_a_refusal_is_of_now(two: tuple[Workspace, Workspace], server: Server) -> None:
    """What was listed has bob's claim; it is gone since."""
    ann, bob = two
    release_claims(bob)
    server.clear()

    assert claim_files(ann, patterns=["made/bob.py"])["granted"]

    assert services(server) == [READ, READ, WRITE]


@pytest.mark.rule("SAFE-1")
def test_what_another_took_a_moment_ago_is_not_given_out(two: tuple[Workspace, Workspace]) -> None:
    """What was listed has it free."""
    ann, bob = two
    assert claim_files(bob, patterns=["made/x.py"])["granted"]

    refused = claim_files(ann, patterns=["made/x.py"])

    assert not refused["granted"]


def test_owners_that_changed_since_the_listing_count_for_a_claim_that_lost(two: tuple[Workspace, Workspace]) -> None:
    """The push compares the team's ref, and what its owners say is looked up again after the loss."""
    ann, bob = two
    set_policy(bob, name="max_claims_per_agent", value="9")
    ann.listed()
    owner_edits.write(
        bob, text="modules:\n  made: {paths: [made/**], owners: [bob], severity: hard}\n", name="owners.yaml"
    )

    claim = claim_files(ann, patterns=["made/x.py"])["claim"]

    assert isinstance(claim, dict)
    assert (claim["owners"], claim["severity"]) == (["bob"], "hard")


def test_the_first_policy_of_a_team_counts_at_once_in_the_clone_that_set_it(
    two: tuple[Workspace, Workspace], server: Server
) -> None:
    ann, _ = two
    set_policy(ann, name="max_claims_per_agent", value="1")
    server.clear()

    refused = claim_files(ann, patterns=["made/a.py"])

    assert not refused["granted"], refused


@pytest.mark.rule("TXN-2")
def test_after_a_push_without_an_answer_refs_are_listed_and_nothing_is_done_twice(
    two: tuple[Workspace, Workspace], server: Server
) -> None:
    ann, _ = two
    server.answers(WRITE, Meddled(body=None, change=lambda _: b""))
    landed = claim_files(ann, patterns=["made/a.py"])

    assert landed["granted"]
    assert services(server)[1] == READ
    server.clear()
    claims = [claim.items[0].pattern for claim in ann.register(ann.listed()).claims.values()]
    assert claims.count("made/a.py") == 1


def test_a_step_is_taken_with_one_request(two: tuple[Workspace, Workspace], server: Server) -> None:
    ann, _ = two
    project(ann)
    ann.listed()
    server.clear()

    assert claim_step(ann)["step"]

    assert services(server) == [WRITE]


def test_what_a_call_reads_after_its_own_write_asks_nothing(two: tuple[Workspace, Workspace], server: Server) -> None:
    ann, _ = two
    project(ann)
    step = claim_step(ann)["step"]
    assert isinstance(step, dict)
    server.clear()
    asked: list[list[str]] = []

    for call in (
        lambda: claim_files(ann, patterns=["made/a.py"]),
        lambda: start_step(ann, step_id=str(step["id"])),
        lambda: release_claims(ann),
        lambda: complete_step(ann, step_id=str(step["id"]), commit_hash="HEAD"),
    ):
        call()
        asked.append(services(server))
        server.clear()

    assert [(each[-1], each.count(WRITE)) for each in asked] == [(WRITE, 1)] * len(asked), asked


@pytest.mark.rule("SAFE-7")
def test_a_session_that_goes_on_under_another_id_of_its_clone_is_heard_before_it_is_judged(
    agents: Agents, servers: Servers, repo: Path, make_repo: MakeRepo
) -> None:
    """Its heartbeat is at a ref that was not listed a moment ago, and that no swap compares."""
    remote = servers.remote("http")
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE=remote.url)
    project(ann)
    bob = agents(make_repo("bob"), "bob/claude/wt", serve=True, GITCOORD_REMOTE=remote.url)
    assert claim_step(bob)["step"]
    move_beat(remote, bob)
    later(ann, hours=2).listed()
    tick(later(bob, hours=2))

    assert claim_step(ann)["step"] is None
