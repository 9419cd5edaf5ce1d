"""The transport to servers that let in only who has a certificate: nginx, and one that ends the connection without."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from ssl import CERT_REQUIRED, PROTOCOL_TLS_SERVER, SSLContext, TLSVersion

import pytest

from gitcoord.errors import UnreachableError
from gitcoord.remote.contract.protocol import SwapStatus
from tests.contract.transports.smarthttp.certificates import Authority, Signed
from tests.contract.transports.smarthttp.meddled import behind, helper, posts
from tests.contract.worlds import CLAIMS, Worlds, commit, put, won
from tests.servers.daemons import START_S
from tests.servers.fixtures import Remote, Servers
from tests.servers.http_backend import PASSWORD, HttpBackend
from tests.servers.meddling_http import meddling


class Place:
    """Who signs, who is signed, and the server."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(_made(folder / "ca"))
        self.server = self.authority.signed()
        self.ann = self.authority.signed("ann")
        self.sealed = self.authority.signed("sealed", password=PASSWORD)
        self.stranger = Authority(_made(folder / "other")).signed("stranger")
        self.nginx = HttpBackend(_made(folder / "n"), self.server, clients=self.authority.certificate)

    def remote(self, name: str, *settings: tuple[str, str]) -> Remote:
        """Return a new repository there."""
        git_dir = self.nginx.root / "open" / name
        subprocess.run(["git", "init", "-q", "--bare", str(git_dir)], check=True, timeout=START_S)
        subprocess.run(
            ["git", f"--git-dir={git_dir}", "config", "http.receivepack", "true"], check=True, timeout=START_S
        )
        url = self.nginx.url("open", name).replace("http://", "https://")
        return Remote("https", url, git_dir, settings=(("http.sslCAInfo", str(self.authority.certificate)), *settings))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def having(signed: Signed) -> tuple[tuple[str, str], ...]:
    return ("http.sslCert", str(signed.certificate)), ("http.sslKey", str(signed.key))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    running = Place(tmp_path_factory.mktemp("p"))
    yield running
    running.nginx.stop()


@pytest.mark.parametrize("way", ["settings", "environment", "one file", "a folder of authorities"])
def test_a_client_with_a_certificate_is_let_in(worlds: Worlds, place: Place, tmp_path: Path, way: str) -> None:
    remote, env, ann = place.remote(f"{tmp_path.name}.git"), {}, place.ann
    if way == "environment":
        env = {"GIT_SSL_CERT": str(ann.certificate), "GIT_SSL_KEY": str(ann.key)}
    elif way == "one file":
        both = tmp_path / "both.pem"
        both.write_bytes(ann.certificate.read_bytes() + ann.key.read_bytes())
        remote = replace(remote, settings=(*remote.settings, ("http.sslCert", str(both))))
    elif way == "settings":
        remote = replace(remote, settings=(*remote.settings, *having(ann)))
    else:
        remote = replace(remote, settings=(("http.sslCAPath", str(place.authority.hashed())), *having(ann)))
    clone = worlds.smarthttp(remote, env=env)
    one = commit(clone, "one")

    won(put(clone, CLAIMS, None, one))

    assert clone.name == "smarthttp"
    assert dict(clone.read(["refs/coord/"])) == remote.refs() == {CLAIMS: one}


@pytest.mark.parametrize("who", ["none", "a stranger"])
def test_a_client_without_a_certificate_of_that_authority_is_not_let_in(
    worlds: Worlds, place: Place, tmp_path: Path, who: str
) -> None:
    """The answer of nginx is 400, to git as well."""
    remote = place.remote(f"{tmp_path.name}.git", *(having(place.stranger) if who == "a stranger" else ()))
    clone = worlds.smarthttp(remote)

    outcome = put(clone, CLAIMS, None, commit(clone, "one"))

    assert outcome.status is SwapStatus.UNREACHABLE
    assert "400" in outcome.message
    assert remote.refs() == {}
    assert clone.why_git == ""  # it is tried again at once, where one is set


@pytest.mark.parametrize("version", [TLSVersion.TLSv1_2, TLSVersion.TLSv1_3])
@pytest.mark.parametrize("who", ["none", "a stranger"])
def test_a_server_that_ends_the_connection_of_who_has_none_is_out_of_reach(
    worlds: Worlds, servers: Servers, place: Place, version: TLSVersion, who: str
) -> None:
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*place.server)
    context.load_verify_locations(place.authority.certificate)
    context.verify_mode = CERT_REQUIRED
    context.maximum_version = version
    authority = ("http.sslCAInfo", str(place.authority.certificate))
    with meddling(servers.http().port, context) as server:
        real = behind(server, servers.remote("http"))
        remote = replace(real, url=real.url.replace("http://", "https://"))
        settings = (authority, *(having(place.stranger) if who == "a stranger" else ()))
        clone = worlds.smarthttp(replace(remote, settings=settings))
        outcome = put(clone, CLAIMS, None, commit(clone, "one"))
        asked = [*server.asked]
        ann = worlds.smarthttp(replace(remote, settings=(authority, *having(place.ann))))
        won(put(ann, CLAIMS, None, commit(ann, "one")))

    assert (outcome.status, asked) == (SwapStatus.UNREACHABLE, [])
    assert (ann.name, posts(server)) == ("smarthttp", 2)


def test_a_key_with_a_password_that_no_setting_tells_of_is_an_error_with_what_to_set(
    worlds: Worlds, place: Place, tmp_path: Path
) -> None:
    clone = worlds.smarthttp(place.remote(f"{tmp_path.name}.git", *having(place.sealed)))

    with pytest.raises(UnreachableError, match="has a password") as caught:
        clone.read(["refs/coord/"])

    assert "http.sslCertPasswordProtected" in caught.value.hint


@pytest.mark.parametrize("way", ["settings", "environment"])
def test_a_key_with_a_password_that_a_helper_knows_is_left_to_git(
    worlds: Worlds, place: Place, tmp_path: Path, way: str
) -> None:
    knows = helper(f"password={PASSWORD}\\n", tmp_path / "log")
    is_set = (("http.sslCertPasswordProtected", "true"),) if way == "settings" else ()
    env: Mapping[str, str] = {} if is_set else {"GIT_SSL_CERT_PASSWORD_PROTECTED": "1"}
    remote = place.remote(f"{tmp_path.name}.git", *having(place.sealed), *is_set, *knows)
    clone = worlds.smarthttp(remote, env=env)
    one = commit(clone, "one")

    won(put(clone, CLAIMS, None, one))

    assert (clone.name, remote.refs()) == ("gitcli", {CLAIMS: one})
    assert "protocol=cert" in (tmp_path / "log").read_text().splitlines()
