"""A dashboard that serves in this process, and what is asked of it over its real port."""

import contextlib
import json
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from gitcoord.faces.cli.pages import page_link, page_server
from gitcoord.faces.cli.pages.live_panels import LivePanels
from gitcoord.faces.cli.pages.page_frame import Frame
from gitcoord.service.session.workspace import Workspace

ANSWER_S = 150  # a bound for a hang


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: str


class Stream:
    """The events of one page, as they come."""

    def __init__(self, response: HTTPResponse, connection: HTTPConnection) -> None:
        self._response = response
        self._connection = connection

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        while line := self._response.readline():
            data = self._response.readline().removeprefix(b"data: ")
            assert self._response.readline() == b"\n"
            yield line.removeprefix(b"event: ").decode().strip(), json.loads(data)

    def until(self, name: str) -> list[tuple[str, Any]]:
        """Return what comes, up to the first event of that name."""
        found: list[tuple[str, Any]] = []
        for event in self:
            found.append(event)
            if event[0] == name:
                return found
        raise AssertionError(f"the stream ended without {name}: {[name for name, _ in found]}")

    def panels(self) -> dict[str, str]:
        """Return the panels that come with the next look, each with its digest."""
        return {data["name"]: data["digest"] for name, data in self.until("condition") if name == "panel"}

    def close(self) -> None:
        """Close the page."""
        self._response.close()
        self._connection.close()


@dataclass
class Served:
    """A dashboard that serves."""

    port: int
    token: str
    live: LivePanels
    end: Any
    _streams: list[Stream] = field(default_factory=list[Stream])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.token}/"

    def ask(self, part: str = "", method: str = "GET") -> Answer:
        """Ask for a part of the page; for the page itself, if not said."""
        connection = self._asked(part, method)
        with contextlib.closing(connection):
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read().decode())

    def stream(self, have: Mapping[str, str] | None = None) -> Stream:
        """Open a page's stream of events. `have`: the digests of the panels that the page has."""
        known = ",".join(f"{name}.{digest}" for name, digest in (have or {}).items())
        connection = self._asked(f"live?have={known}", "GET")
        response = connection.getresponse()
        assert (response.status, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        self._streams.append(Stream(response, connection))
        return self._streams[-1]

    def close(self) -> None:
        for stream in self._streams:
            stream.close()

    def _asked(self, part: str, method: str) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        connection.request(method, f"/{self.token}/{part}")
        return connection


@contextmanager
def serving(workspace: Workspace, days: int = 30, frame: type[Frame] = Frame) -> Generator[Served]:
    """Serve the dashboard of a workspace for as long as the block runs; `frame`: the kind of page around its panels."""
    live = LivePanels(workspace, days)
    link = page_link.open_link(workspace.setting.clone.folder, workspace.setting.host, None)
    server = page_server.make_server(link, live, frame("shop", workspace.remote_name, days))
    thread = threading.Thread(target=server.run, args=([link.listening],))

    def end() -> None:
        server.should_exit = True
        thread.join(ANSWER_S)
        assert not thread.is_alive()

    live.start()
    thread.start()
    served = Served(link.port, link.token, live, end)
    try:
        yield served
    finally:
        served.close()
        end()
