"""The transport by https, as it is deployed: nginx with a certificate of a private authority, and a sign-in."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gitcoord.remote.contract.protocol import SwapStatus
from tests.contract.transports.smarthttp.certificates import Authority
from tests.contract.worlds import CLAIMS, Worlds, commit, put, won
from tests.servers.daemons import START_S
from tests.servers.delaying_proxy import DelayingProxy
from tests.servers.fixtures import Remote
from tests.servers.http_backend import PASSWORD, USER, HttpBackend


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[HttpBackend]:
    running = HttpBackend(tmp_path_factory.mktemp("tls"), authority.signed())
    yield running
    running.stop()


@pytest.fixture
def proxy(nginx: HttpBackend) -> Iterator[DelayingProxy]:
    """Counts connections to the server."""
    running = DelayingProxy(nginx.port, 0)
    yield running
    running.stop()


@pytest.fixture
def remote(nginx: HttpBackend, proxy: DelayingProxy, authority: Authority, tmp_path: Path) -> Remote:
    """A repository that wants a sign-in, at a server whose authority is named in git's settings."""
    git_dir = nginx.root / "auth" / f"{tmp_path.name}.git"
    for words in (
        ["init", "-q", "--bare", str(git_dir)],
        ["--git-dir", str(git_dir), "config", "http.receivepack", "true"],
    ):
        subprocess.run(["git", *words], check=True, timeout=START_S)
    url = f"https://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}/auth/{git_dir.name}"
    return Remote("https", url, git_dir, settings=(("http.sslCAInfo", str(authority.certificate)),))


@pytest.mark.rule("SEC-2")
def test_a_clone_signs_in_once_on_one_connection_that_stays(
    worlds: Worlds, remote: Remote, proxy: DelayingProxy
) -> None:
    ann = worlds.smarthttp(remote)
    one = commit(ann, "one")
    won(put(ann, CLAIMS, None, one))
    won(put(ann, CLAIMS, one, two := commit(ann, "two", one)))
    listed = dict(ann.read(["refs/coord/"]))
    won(put(ann, CLAIMS, two, three := commit(ann, "three", two)))

    assert (ann.name, proxy.connections, listed) == ("smarthttp", 1, {CLAIMS: two})
    assert remote.refs() == {CLAIMS: three}


@pytest.mark.parametrize("why", ["an authority that is not named", "a name that is not in the certificate"])
def test_a_server_that_cannot_be_proven_gets_no_push_and_no_password(worlds: Worlds, remote: Remote, why: str) -> None:
    """Git is asked, too, and does not trust it either."""
    is_unnamed = why == "an authority that is not named"
    changed = (
        replace(remote, settings=())
        if is_unnamed
        else replace(remote, url=remote.url.replace("127.0.0.1", "localhost"))
    )
    ann = worlds.smarthttp(changed)

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status in {SwapStatus.UNREACHABLE, SwapStatus.DENIED}
    assert "certificate" in outcome.message
    assert PASSWORD not in outcome.message
    assert remote.refs() == {}
