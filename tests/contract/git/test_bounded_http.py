"""Asking a service: the answer is whole, in time and small, or an error says which it was not."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from gitcoord.errors import InvalidError, UnreachableError
from gitcoord.remote.git.bounded_http import ANSWER_BYTES_MAX, HttpPlace
from gitcoord.remote.git.git_credential import password_for
from tests.conftest import Git
from tests.foreign import Coord, send, served
from tests.servers.webhook_receiver import received, reply


@pytest.fixture
def coord() -> Iterator[Coord]:
    with served(Coord()) as one:
        yield one


def test_an_answer_comes_whole_with_its_status(coord: Coord) -> None:
    answer = HttpPlace.of(coord.url + "/").get("/claims", coord.token)

    assert (answer.status, answer.body) == (200, b'{"claims": [], "count": 0}')
    assert HttpPlace.of(coord.url).get("/claims", None).status == 401


@pytest.mark.rule("SEC-2")
def test_a_token_is_sent_in_a_header_and_nowhere_else(coord: Coord) -> None:
    HttpPlace.of(coord.url).get("/claims", "t0ken")

    assert coord.asked == [("/claims", "Bearer t0ken")]


@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_takes_no_token_along(coord: Coord, status: int) -> None:
    with served(Coord()) as other:
        coord.odd["/claims"] = lambda request: send(request, status, "", Location=f"{other.url}/claims?token=abc")
        with pytest.raises(InvalidError) as caught:
            HttpPlace.of(coord.url).get("/claims", "t0ken")

    assert other.asked == []
    assert f"redirects to '{other.url}/claims?token=***'" in str(caught.value)


@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize("url", ["http://ann:pw@127.0.0.1:1", "https://t0ken@example.invalid", "http://:pw@h/"])
def test_credentials_in_a_url_are_refused_and_not_shown(url: str) -> None:
    with pytest.raises(InvalidError) as caught:
        HttpPlace.of(url)

    assert "pw" not in str(caught.value).replace("password", "")
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://x", "http://", "http://x:0/", "http://x:99999", "http://[", "http://x y", "http://x/?q"),
        *("http://x/#f", "http://x\r\nHost: y", "http://ex\u00e4mple"),
    ],
)
def test_what_is_no_url_of_a_service_is_refused(url: str) -> None:
    with pytest.raises(InvalidError, match="is not the URL of a service"):
        HttpPlace.of(url)


def test_an_answer_that_is_too_large_is_refused(coord: Coord) -> None:
    coord.odd["/claims"] = lambda request: send(request, 200, "x" * (ANSWER_BYTES_MAX + 1))

    with pytest.raises(InvalidError, match="answers with more than 4 MB"):
        HttpPlace.of(coord.url).get("/claims", None)


def _cut(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"{")


def _garbage(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"\x00\x01 not HTTP at all\r\n\r\n")


def _endless(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nmodules: {}")


@pytest.mark.parametrize("how", [_cut, _garbage, _endless])
def test_an_answer_that_is_not_whole_is_none(coord: Coord, how: object) -> None:
    coord.odd["/claims"] = how  # pyright: ignore[reportArgumentType]

    with pytest.raises(UnreachableError, match="cannot be read"):
        HttpPlace.of(coord.url).get("/claims", None)


@pytest.mark.parametrize("head", [b"X-Slow: ", b"Connection: close\r\nContent-Length: 999\r\n\r\n"])
def test_an_answer_that_never_ends_is_ended(coord: Coord, head: bytes) -> None:
    over = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n" + head)
        while not over.wait(0.02):
            request.wfile.write(b"x")

    coord.odd["/claims"] = drip
    try:
        with pytest.raises(UnreachableError):
            HttpPlace.of(coord.url).get("/claims", None, within_s=0.2)
    finally:
        over.set()


def test_where_connecting_took_all_the_time_nothing_is_asked(coord: Coord, monkeypatch: pytest.MonkeyPatch) -> None:
    """There was no socket to end when the time was over, so an answer could go on for ever."""
    connect = socket.create_connection

    def late(address: tuple[str, int], timeout_s: float, source: None) -> socket.socket:
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                thread.join(10)
        return connect(address, timeout_s, source)

    monkeypatch.setattr(socket, "create_connection", late)

    with pytest.raises(UnreachableError, match="it took too long"):
        HttpPlace.of(coord.url).get("/claims", None, within_s=0.1)
    with received() as hook, pytest.raises(UnreachableError, match="it took too long"):
        HttpPlace.of(hook.url).post(b"", {}, within_s=0.1)

    assert (coord.asked, hook.posts) == ([], [])


def test_nobody_there_is_unreachable(coord: Coord) -> None:
    with served(Coord()) as gone:
        url = gone.url

    with pytest.raises(UnreachableError, match="cannot be read"):
        HttpPlace.of(url).get("/claims", None)


@pytest.mark.parametrize(
    ("url", "is_clear"),
    [
        ("http://127.0.0.1:8", False),
        ("http://localhost", False),
        ("http://[::1]:8", False),
        ("https://example.invalid", False),
        ("http://example.invalid", True),
        ("http://192.0.2.1", True),
    ],
)
def test_it_is_known_where_others_could_read_along(url: str, is_clear: bool) -> None:
    assert HttpPlace.of(url).is_clear is is_clear


@pytest.mark.rule("SEC-2")
def test_git_s_credential_helper_is_asked_and_nobody_else(git: Git, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "repo")
    repo, place = tmp_path / "repo", HttpPlace.of("http://coord.invalid:8080/x")

    before = password_for(place.parts, cwd=repo, env=os.environ)
    helper = '!f() { test "$1" != get || printf "username=ann\\npassword=from-helper\\n"; }; f'
    git(repo, "config", "credential.http://coord.invalid:8080.helper", helper)

    assert (before, password_for(place.parts, cwd=repo, env=os.environ)) == (None, "from-helper")
    assert password_for(HttpPlace.of("http://other.invalid").parts, cwd=repo, env=os.environ) is None


def test_a_post_goes_to_path_and_query_and_its_answer_is_a_status() -> None:
    with received() as hook:
        hook.answers(reply(429, "x" * 10_000_000, Retry_After="7"))

        posted = HttpPlace.of_receiver(f"{hook.url}/a/b?key=abc").post(b"{}", {"X-Test": "1"}, within_s=60)

    assert posted == (429, "7")
    assert [(post.path, post.body, post.headers["x-test"]) for post in hook.posts] == [("/a/b?key=abc", b"{}", "1")]


@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize(
    "url",
    [
        *("http://ann:hush@h/", "https://hush@h/", "ftp://h/hush", "http:///hush", "hush", "http://h/hush\r\nX: y"),
        *("http://h/?hush hush", "http://h/#hush", "file:///hush"),
    ],
)
def test_what_is_no_receiver_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(InvalidError, match="not the URL of a receiver") as caught:
        HttpPlace.of_receiver(url)

    assert "hush" not in str(caught.value) + caught.value.hint


@pytest.mark.rule("SEC-2")
def test_of_a_receiver_only_the_host_is_kept() -> None:
    assert (
        HttpPlace.of_receiver("https://hooks.example.com:8443/T0/B0/secret?k=v").url == "https://hooks.example.com:8443"
    )


@pytest.mark.rule("SEC-2")
def test_a_receiver_whose_certificate_is_not_known_gets_nothing(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*words, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    with received(certificate, key) as hook, pytest.raises(UnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
        HttpPlace.of_receiver(hook.url).post(b"{}", {}, within_s=60)

    assert hook.posts == []
