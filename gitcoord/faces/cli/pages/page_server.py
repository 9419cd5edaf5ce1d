"""The server of the dashboard: a page, its style and script, and a stream of the panels that change.

    GET ./                 the page, whole
    GET ./page.css, .js    its style and script
    GET ./live?have=…      server-sent events: `panel`, whose digest the page has not; `condition`, after each look

Rules:
  * Nothing is written, and nothing is asked of anyone but the ledgers' place.
  * Bounds: STREAMS_MAX open pages; a page that takes in nothing for SLOW_S is let go of, and asks anew.
  * No log: an address has the token in it. What breaks goes to a bug report, and the page says so.

What this file does not know: what the panels are (`live_panels`), who may ask (`page_access`).
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, NoReturn

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.pages.live_panels import Condition, LivePanels
from gitcoord.faces.cli.pages.page_access import Access
from gitcoord.faces.cli.pages.page_frame import Frame
from gitcoord.faces.cli.pages.page_link import Link
from gitcoord.ledger.clone.bug_report import LastBug, bug

STREAMS_MAX = 32  # open pages; a browser opens six at most to one server
CONNECTIONS_MAX = 100
BEAT_S = 15.0  # a page that hears nothing for three of these asks anew
SLOW_S = 30.0
LOADING_S = 5.0  # a page that was just made asks for its news when it is there, and needs no other look for that
HAVE_MAX = 100  # names of panels that a page says it has
FIRST_S = 20.0  # a remote that does not answer is waited for shorter; then the page comes empty and is filled later
END_S = 2


class Pages:
    """What is answered."""

    def __init__(self, live: LivePanels, frame: Frame) -> None:
        """Begin with no page open."""
        self._live = live
        self._frame = frame
        self._streams = 0
        self._bugs = LastBug()
        self.app = Starlette(
            routes=[
                Route("/", self.page),
                Route("/page.css", _fixed(frame.style, "text/css")),
                Route("/page.js", _fixed(frame.script, "text/javascript")),
                Route("/live", self.stream),
            ],
            exception_handlers={Exception: _broke},
        )

    async def page(self, _request: Request) -> Response:
        """Answer with the page as it stands; with the last look of all, if another does not come in time."""
        news = asyncio.Event()
        with self._live.watched(_teller(news)) as old, anyio.move_on_after(FIRST_S):
            while self._live.latest.number <= old and not self._live.is_over:
                await news.wait()
                news.clear()
        return Response(self._frame.page(self._live.latest), media_type="text/html")

    async def stream(self, request: Request) -> Response:
        """Answer with events for as long as the page is open."""
        if self._streams >= STREAMS_MAX:
            return PlainTextResponse("Too many pages are open; close some.\n", 503, {"retry-after": f"{BEAT_S:.0f}"})
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        pairs = [pair.partition(".") for pair in request.query_params.get("have", "").split(",")[:HAVE_MAX]]
        self._streams += 1

        def closed() -> None:
            self._streams -= 1

        return _EventStream(self.events({name: digest for name, _, digest in pairs}), closed)

    async def events(self, known: dict[str, str]) -> AsyncGenerator[bytes]:
        """Yield what a page has not, and why there is no more; `known`: the digest of each panel that it has."""
        news = asyncio.Event()
        try:
            yield _event("version", self._frame.version)
            with self._live.watched(_teller(news), young_s=LOADING_S) as old:
                while not self._live.is_over:
                    look = self._live.latest
                    for name, fragment in look.panels.items() if look.number > old else ():
                        if known.get(name) != fragment.digest:
                            known[name] = fragment.digest
                            yield _event("panel", {"name": name, **fragment._asdict()})
                    yield _event("condition", look.condition.as_json()) if look.number > old else _event("beat", None)
                    with anyio.move_on_after(BEAT_S):
                        await news.wait()
                    news.clear()
        except Exception as error:  # noqa: BLE001 - the answer has begun, so that only an event can say it; the page asks anew
            broken = self._bugs.as_known(error, "sending news to a page")
            trouble = Condition(self._live.latest.condition.at, str(broken), broken.hint)
            yield _event("condition", trouble.as_json())


class _EventStream(Response):
    """The events of one page, until it is closed, they end, or it takes in nothing."""

    def __init__(self, events: AsyncGenerator[bytes], closed: Callable[[], None]) -> None:
        super().__init__(media_type="text/event-stream")
        del self.headers["content-length"]
        self._events = events
        self._closed = closed

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        async def until_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group, contextlib.aclosing(self._events) as events:
                group.start_soon(until_gone)
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                async for event in events:
                    with anyio.move_on_after(SLOW_S) as sending:
                        await send({"type": "http.response.body", "body": event, "more_body": True})
                    if sending.cancelled_caught:
                        break  # without an end: the server closes the connection
                else:
                    await send({"type": "http.response.body", "body": b""})
                group.cancel_scope.cancel()
        finally:
            self._closed()


class _PageServer(uvicorn.Server):
    """Ends its streams before it waits for them."""

    def __init__(self, config: uvicorn.Config, live: LivePanels) -> None:
        super().__init__(config)
        self._live = live

    async def shutdown(self, sockets: Any = None) -> None:  # noqa: ANN401 - uvicorn's own type is of `socket`
        self._live.stop()
        await super().shutdown(sockets)


def make_server(link: Link, live: LivePanels, frame: Frame) -> uvicorn.Server:
    """Return a server that answers from when it is run until its process is interrupted."""
    config = uvicorn.Config(
        Access(Pages(live, frame).app, link.token, link.port),
        http="h11",
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        log_level=logging.CRITICAL + 1,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=END_S,
    )
    return _PageServer(config, live)


def serve(link: Link, live: LivePanels, frame: Frame) -> NoReturn:
    """Answer until the process is interrupted.

    Raises:
        KeyboardInterrupt: it was.
    """
    live.start()
    try:
        make_server(link, live, frame).run([link.listening])
    finally:
        live.stop()
    raise KeyboardInterrupt  # uvicorn ends also where the shell that started it in the background ignores the signal


def _teller(news: asyncio.Event) -> Callable[[], None]:
    """Return what sets an event of this loop from another thread."""
    loop = asyncio.get_running_loop()

    def tell() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: its pages are, too
            loop.call_soon_threadsafe(news.set)

    return tell


def _fixed(text: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        return Response(text, media_type=media_type)

    return answer


def _event(name: str, value: Json | Mapping[str, Json]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(value, ensure_ascii=True)}\n\n".encode()


async def _broke(_request: Request, error: Exception) -> Response:
    known = bug(error, "answering a page")
    return PlainTextResponse(f"{known} {known.hint}\n", 500)
