"""JGit's server, of which Gerrit is made: its rules are denials, and what is lost to others is lost."""

import pytest

from gitcoord.remote.contract.protocol import RefUpdate, SwapStatus
from gitcoord.remote.transports.smart import SmartTransport
from tests.contract.worlds import CLAIMS, CONFIG, STEPS, Worlds, commit, put, won
from tests.servers.fixtures import Remote, Servers

pytestmark = pytest.mark.torture  # it needs a JDK, and each push takes it seconds


@pytest.fixture
def remote(servers: Servers) -> Remote:
    return servers.remote("jgit-http")


@pytest.fixture
def ann(worlds: Worlds, remote: Remote) -> SmartTransport:
    return worlds.smarthttp(remote)


@pytest.mark.parametrize("refused", ["refs/coord/", "refs/coord/steps/"])
def test_a_ref_that_a_hook_refuses_is_denied_in_its_words(ann: SmartTransport, remote: Remote, refused: str) -> None:
    remote.git("config", "tests.refused", refused)
    one = commit(ann, "one")

    outcome = ann.swap([RefUpdate(CLAIMS, None, one), RefUpdate(STEPS, None, one)])

    assert outcome.status is SwapStatus.DENIED
    assert "prohibited by the server" in outcome.message
    assert remote.refs() == {}


def test_a_rule_against_rewinding_counts_for_all_refs_there(ann: SmartTransport, remote: Remote) -> None:
    """With git itself it counts for branches: heartbeats are replaced."""
    remote.git("config", "receive.denyNonFastForwards", "true")
    one = commit(ann, "one")
    won(put(ann, CLAIMS, None, one))

    outcome = put(ann, CLAIMS, one, commit(ann, "another"))

    assert outcome.status is SwapStatus.DENIED
    assert remote.refs() == {CLAIMS: one}


@pytest.mark.rule("SAFE-5")
def test_of_several_refs_the_one_that_moved_loses_for_all(worlds: Worlds, ann: SmartTransport, remote: Remote) -> None:
    one = commit(ann, "one")
    won(ann.swap([RefUpdate(ref, None, one) for ref in (CLAIMS, STEPS)]))
    bob = worlds.smarthttp(remote)
    bob.fetch(bob.read(["refs/coord/"]).values())
    won(put(bob, STEPS, one, commit(bob, "of bob", one)))

    two = commit(ann, "two", one)
    outcome = ann.swap([RefUpdate(CLAIMS, one, two), RefUpdate(STEPS, one, two), RefUpdate(CONFIG, None, two)])

    assert outcome.status is SwapStatus.LOST
    assert remote.refs()[CLAIMS] == one
    assert ann.name == "smarthttp"
