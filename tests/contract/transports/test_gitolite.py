"""gitolite: what its rules have to say for clones to coordinate, and what is said where they do not."""

from dataclasses import replace

import pytest

from gitcoord.errors import DeniedError
from gitcoord.remote.contract.protocol import Oid, SwapStatus, Transport
from tests.contract.worlds import CLAIMS, Worlds, commit, put, won
from tests.servers.delaying_proxy import DelayingProxy
from tests.servers.fixtures import Servers
from tests.servers.gitolite import COORDINATES
from tests.servers.sshd import end_shared

WAYS = pytest.mark.parametrize("way", ["smartssh", "gitcli"])


def opened(worlds: Worlds, way: str, servers: Servers, *rules: str) -> Transport:
    remote = servers.gitolite(*rules)
    return worlds.smartssh(remote) if way == "smartssh" else worlds.gitcli(remote)


@WAYS
def test_a_repository_whose_rules_leave_coordination_out_denies_a_swap(
    worlds: Worlds, servers: Servers, way: str
) -> None:
    ann = opened(worlds, way, servers, "RW+ refs/heads/ = user")

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status is SwapStatus.DENIED
    assert "W refs/coord/claims" in outcome.message
    assert "DENIED by fallthru" in outcome.message
    assert dict(ann.read(["refs/coord/"])) == {}


@WAYS
def test_who_may_only_read_is_denied_and_not_out_of_reach(worlds: Worlds, servers: Servers, way: str) -> None:
    """The server ends the session before git has begun, with git's words of a connection that broke."""
    ann = opened(worlds, way, servers, "R = user")

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert dict(ann.read(["refs/coord/"])) == {}
    assert outcome.status is SwapStatus.DENIED
    assert "DENIED by fallthru" in outcome.message


@WAYS
def test_who_may_not_read_is_denied(worlds: Worlds, servers: Servers, way: str) -> None:
    ann = opened(worlds, way, servers, "RW+ = someone-else")

    with pytest.raises(DeniedError, match="DENIED by fallthru"):
        ann.read(["refs/coord/"])


def test_the_sessions_of_a_clone_share_a_connection(worlds: Worlds, servers: Servers) -> None:
    """Its key may run one command only, which each session does."""
    remote = servers.gitolite(COORDINATES)
    sshd = servers.gitolite_sshd()
    end_shared(sshd.runtime)
    proxy = DelayingProxy(sshd.port, 0)
    ann = worlds.smartssh(replace(remote, url=sshd.url_at(proxy.port, remote.git_dir.name)))
    tip: Oid | None = None
    for text in ("one", "two", "three"):
        new = commit(ann, text, tip)
        won(put(ann, CLAIMS, tip, new))
        tip = new
    read = dict(ann.read(["refs/coord/"]))
    end_shared(sshd.runtime)
    proxy.stop()

    assert read == {CLAIMS: tip}
    assert (ann.name, ann.why_git, proxy.connections) == ("smartssh", "", 1)
