"""Who is answered: who has the whole address, on this machine, from our own page, to look."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from gitcoord.faces.cli.pages.page_access import HEADERS, Access
from tests.faces.cli.dashboard.serving import Answer

pytestmark = pytest.mark.rule("SEC-7")
PORT = 8123
TOKEN = "abcdefgh" * 4
HOST = f"127.0.0.1:{PORT}"
NAVIGATION = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
LACKING = "This needs the whole address that gitcoord printed, with the long word at its end.\n"


def ask(path: str = f"/{TOKEN}/", method: str = "GET", hosts: Sequence[str] = (HOST,), **headers: str) -> Answer:
    """Send one request; behind the guard is an application that says which path it was given."""
    sent: list[Any] = []

    async def inside(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has them
        await PlainTextResponse(f"inside {scope['path']}")(scope, receive, send)

    async def receive() -> Any:  # noqa: ANN401 - as above
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:  # noqa: ANN401 - as above
        sent.append(message)

    pairs = [*(("host", host) for host in hosts), *((name.replace("_", "-"), value) for name, value in headers.items())]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
    }
    asyncio.run(Access(inside, TOKEN, PORT)(scope, receive, send))
    head, body = sent
    answered = {name.decode(): value.decode() for name, value in head["headers"]}
    return Answer(head["status"], answered, body["body"].decode())


def test_who_has_the_address_is_answered_and_the_token_goes_no_further() -> None:
    assert [(found := ask(f"/{TOKEN}/{part}")).status for part in ("", "live")] == [200, 200]
    assert found.body == "inside /live"


@pytest.mark.parametrize("path", ["/", "/x/", "/live", "/page.css", "//", "", "/\udcff/"])
def test_without_the_token_nothing_is_told_but_that(path: str) -> None:
    answer = ask(path)

    assert (answer.status, answer.body) == (403, LACKING)


@pytest.mark.parametrize("token", [TOKEN[:-1], f"{TOKEN}0", f"{TOKEN[:-1]}0", TOKEN.upper(), f" {TOKEN}", f"{TOKEN}é"])
@pytest.mark.parametrize("part", ["", "live"])
def test_a_token_that_is_nearly_right_is_refused(token: str, part: str) -> None:
    assert ask(f"/{token}/{part}").status == 403


def test_the_address_without_its_last_stroke_leads_to_the_page() -> None:
    answer = ask(f"/{TOKEN}")

    assert (answer.status, answer.headers["location"]) == (308, f"{TOKEN}/")


@pytest.mark.parametrize(
    "hosts",
    [
        ["evil.example"],
        [f"evil.example:{PORT}"],
        ["127.0.0.1"],
        ["127.0.0.1:1"],
        [f"[::1]:{PORT}"],
        [f"127.0.0.1.evil.example:{PORT}"],
        [""],
        [],
        [HOST, "evil.example"],
        [HOST, HOST],
    ],
    ids=str,
)
def test_a_name_that_was_made_to_lead_here_is_refused(hosts: list[str]) -> None:
    answer = ask(hosts=hosts)

    assert answer.status == 403
    assert answer.body == "This page is shown at 127.0.0.1 only; open the address that gitcoord printed.\n"


def test_localhost_is_the_same_machine() -> None:
    host = f"localhost:{PORT}"

    assert (ask(hosts=[host]).status, ask(hosts=[host], origin=f"http://{host}").status) == (200, 200)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": f"https://{HOST}"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "unheard-of"},
        {**NAVIGATION, "sec-fetch-dest": "iframe"},
        {**NAVIGATION, "sec-fetch-mode": "no-cors"},
        {**NAVIGATION, "origin": "https://evil.example"},
    ],
    ids=str,
)
def test_a_page_of_others_is_not_answered_even_with_the_token(headers: dict[str, str]) -> None:
    answer = ask(**headers)

    assert (answer.status, answer.body) == (403, "A page of others may not read this one.\n")


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec-fetch-site": "none"}, {"sec-fetch-site": "same-origin", "origin": f"http://{HOST}"}, NAVIGATION],
    ids=str,
)
def test_the_page_itself_and_a_link_that_a_person_follows_are_answered(headers: dict[str, str]) -> None:
    assert ask(**headers).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get"])
def test_the_page_can_only_be_read(method: str) -> None:
    answer = ask(method=method)

    assert (answer.status, answer.headers["allow"], answer.body) == (405, "GET, HEAD", "This page can only be read.\n")


def test_what_is_refused_is_protected_as_what_is_answered() -> None:
    answers = [ask(), ask("/"), ask(f"/{TOKEN}"), ask(method="POST"), ask(hosts=["evil.example"]), ask(origin="null")]

    assert [HEADERS.items() <= answer.headers.items() for answer in answers] == [True] * 6
    assert [TOKEN in f"{answer.headers} {answer.body}" for answer in answers] == [False, False, True, *[False] * 3]
