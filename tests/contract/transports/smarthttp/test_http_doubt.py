"""The transport by http where it cannot know what became of a push, and where it must not believe a server."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from gitcoord.remote.contract.protocol import SwapStatus
from gitcoord.remote.transports.smart import SmartTransport
from tests.contract.transports.smarthttp.meddled import NO_EXCEPTIONS, RECEIVE, UPLOAD, behind, helper, posts
from tests.contract.worlds import CLAIMS, CONFIG, WAITING, Worlds, commit, put, won
from tests.servers.fixtures import Remote, Servers
from tests.servers.http_backend import PASSWORD, USER
from tests.servers.meddling_http import Meddled, Server

SWALLOWED = Meddled(body=None, drops=True)


@pytest.mark.rule("SAFE-3")
@pytest.mark.parametrize("status", [401, 403, 404, 405, 413, 429, 501])
def test_what_is_said_of_a_second_try_is_not_said_of_the_first(
    ann: SmartTransport, remote: Remote, server: Server, status: int
) -> None:
    """The first try landed, and its answer was lost with the kept connection; the second one is refused."""
    new = commit(ann, "one")
    headers = {"WWW-Authenticate": "Basic realm=x"} if status == 401 else {}
    server.answers(RECEIVE, SWALLOWED, Meddled(status, headers))

    outcome = put(ann, CLAIMS, None, new)

    assert remote.refs()[CLAIMS] == new
    assert outcome.status is SwapStatus.UNKNOWN, outcome


@pytest.mark.rule("SEC-4")
def test_an_answer_that_is_compressed_all_the_same_is_left_to_git(
    worlds: Worlds, remote: Remote, ann: SmartTransport, server: Server
) -> None:
    """Of a push it says nothing of what became of it, and for reading git is asked from then on."""
    squeezed = Meddled(body=None, headers={"Content-Encoding": "gzip"}, change=gzip.compress)
    server.answers(RECEIVE, squeezed)
    server.answers(UPLOAD, squeezed)
    new = commit(ann, "one")

    outcome = put(ann, CLAIMS, None, new)
    seen = dict(ann.read([CLAIMS]))

    assert {headers["accept-encoding"] for headers in server.headers if "gitcoord" in headers["user-agent"]} == {
        "identity"
    }
    assert (outcome.status, seen) == (SwapStatus.UNKNOWN, {CLAIMS: new})
    assert (ann.name, ann.why_git) == ("gitcli", "it encodes its answers ('gzip')")
    bob = worlds.smarthttp(remote)
    bob.fetch(bob.read([CLAIMS]).values())
    assert bob.objects.has(new)


@pytest.mark.parametrize("status", [403, 413])
def test_a_refusal_of_all_pushes_is_no_proof_that_a_server_compares(
    worlds: Worlds, remote: Remote, server: Server, status: int
) -> None:
    ann = worlds.smarthttp(remote)
    one = commit(ann, "one")
    server.answers(f"/{RECEIVE}", Meddled(status))
    assert put(ann, CLAIMS, None, one).status is SwapStatus.DENIED
    server.clear()

    won(put(ann, CLAIMS, None, one))

    assert posts(server) == 2  # one that is wrong on purpose comes first


def test_a_credential_that_replaces_a_refused_one_is_kept_by_the_helpers(
    worlds: Worlds, servers: Servers, server: Server, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    settings = helper(f"username={USER}\\npassword={PASSWORD}\\n", log)
    remote = behind(server, servers.remote("http-auth"), settings=settings)
    folder = worlds.new_folder()
    ann = worlds.smarthttp(remote, folder=folder)
    won(put(ann, CLAIMS, None, commit(ann, "one")))
    log.write_text("")
    later = worlds.smarthttp(remote, folder=folder)
    server.answers(UPLOAD, Meddled(401, {"WWW-Authenticate": "Basic realm=x"}), Meddled(body=None))

    later.read(["refs/coord/"])

    assert [word for word in log.read_text().split() if word in {"get", "store", "erase"}] == [
        *("get", "erase", "get", "store")
    ]


@pytest.mark.parametrize("minutes", [0, 5])
def test_where_a_redirect_led_is_asked_again_once_nothing_is_there(
    worlds: Worlds, remote: Remote, server: Server, minutes: int
) -> None:
    """In the next process, and in the same one a while later."""
    name, passed = remote.url.rpartition("/")[2], [0]
    for service in (RECEIVE, UPLOAD):
        tail = f"/info/refs?service={service}"
        server.answers(f"/old/{name}{tail}", Meddled(301, {"Location": f"/moved/open/{name}{tail}"}))
        server.answers(f"/moved/open/{name}{tail}", Meddled(301, {"Location": f"/open/{name}{tail}"}))
    folder = worlds.new_folder()
    clocks = WAITING._replace(wall_ns=lambda: 1_800_000_000 * 10**9 + passed[0] * 60 * 10**9)
    old = replace(remote, url=remote.url.replace("/open/", "/old/"))
    ann = worlds.smarthttp(old, folder=folder, clocks=clocks)
    won(put(ann, CONFIG, None, commit(ann, "config")))
    ann.read(["refs/coord/"])
    for service in (RECEIVE, UPLOAD):
        tail = f"/info/refs?service={service}"
        server.answers(f"/old/{name}{tail}", Meddled(301, {"Location": f"/again/{name}{tail}"}))
        server.answers(f"/again/{name}{tail}", Meddled(301, {"Location": f"/open/{name}{tail}"}))
        server.answers(f"/open/{name}/{service}", Meddled(404), Meddled(body=None))
    passed[0] = minutes
    later = ann if minutes else worlds.smarthttp(old, folder=folder, clocks=clocks)

    assert set(later.read(["refs/coord/"])) == {CONFIG}
    assert later.name == "smarthttp"


def test_a_proxy_that_refuses_is_named_without_its_password(worlds: Worlds, servers: Servers, server: Server) -> None:
    settings = (("http.proxy", f"http://u:geheim@127.0.0.1:{server.port}"),)
    ann = worlds.smarthttp(replace(servers.remote("http"), settings=settings), env=NO_EXCEPTIONS)
    one = commit(ann, "one")
    for status in (407, 403, 502):
        server.answers("", Meddled(status, {"Content-Type": "text/plain"}, b"no"))

        outcome = put(ann, CLAIMS, None, one)

        assert outcome.status in {SwapStatus.DENIED, SwapStatus.UNREACHABLE}
        assert "geheim" not in repr(outcome)
