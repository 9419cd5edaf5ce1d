"""A forge on the loopback, GitHub or GitLab as far as comments go: what is posted is kept, listed in pages, changed.

with served_forge() as forge:
    forge.propose(7, head=commit, branch="feat/bob")     a pull request that is open
    forge.comment(7, "hello", author="ann")              what people wrote
    forge.answers = reply(503)                            fail as a test says, for all that `fails_at` matches

A request that the API does not have is a 404; one without the token is a 401.
"""

import itertools
import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.servers.webhook_receiver import Odd, reply

TOKEN = "t0ken-of-the-test"  # noqa: S105 - of a server that lives as long as a test
BOT, BOT_ID = "gitcoord[bot]", 41


@dataclass
class Note:
    """A comment. `author`: of GitHub the login, of GitLab the id."""

    id: int
    author: str | int
    body: str
    system: bool = False


@dataclass
class FakeForge:
    """What the forge has, and what it was asked. `per_page_max`: what it answers at most of a list at once."""

    kind: str = "github"
    url: str = ""
    proposals: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    comments: dict[int, list[Note]] = field(default_factory=dict[int, list[Note]])
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    is_job: bool = False
    per_page_max: int = 100
    says_next: bool = True
    fails_at: str = "(?!)"
    answers: Odd = field(default_factory=lambda: reply(500))
    over: threading.Event = field(default_factory=threading.Event)
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(101))

    def propose(self, number: int, *, head: str, branch: str, base: str = "main", fork: bool = False) -> None:
        self.comments.setdefault(number, [])
        where = 2 if fork else 1
        if self.kind == "github":
            self.proposals[number] = {
                "number": number,
                "head": {"sha": head, "ref": branch, "repo": {"id": where}},
                "base": {"ref": base, "repo": {"id": 1}},
            }
        else:
            self.proposals[number] = {
                "iid": number,
                "sha": head,
                "source_branch": branch,
                "target_branch": base,
                "source_project_id": where,
                "target_project_id": 1,
            }

    def comment(self, number: int, body: str, *, author: str | int, system: bool = False) -> Note:
        note = Note(next(self.ids), author, body, system)
        self.comments[number].append(note)
        return note

    def bodies(self, number: int) -> list[str]:
        return [note.body for note in self.comments[number]]

    @property
    def me(self) -> str | int:
        return BOT if self.kind == "github" else BOT_ID

    @property
    def other(self) -> str | int:
        """An account of a person."""
        return "ann" if self.kind == "github" else 3

    @property
    def sign(self) -> str:
        """What stands before the number of a pull request."""
        return "#" if self.kind == "github" else "!"

    @property
    def changes(self) -> list[tuple[str, str]]:
        """What was asked that changes something."""
        return [(method, path) for method, path in self.asked if method != "GET" and path != "/graphql"]

    def hang(self, _request: BaseHTTPRequestHandler) -> None:
        """Answer nothing until the test is over."""
        self.over.wait()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        length = int(request.headers.get("Content-Length") or 0)
        body: dict[str, Any] = json.loads(request.rfile.read(length)) if length else {}
        self.asked.append((request.command, parts.path))
        token = request.headers.get("Authorization") if self.kind == "github" else request.headers.get("PRIVATE-TOKEN")
        if re.search(self.fails_at, f"{request.command} {parts.path}"):
            self.answers(request)
        elif token != (f"Bearer {TOKEN}" if self.kind == "github" else TOKEN):
            reply(401, '{"message": "Bad credentials"}')(request)
        else:
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            github = self.kind == "github"
            (self._github if github else self._gitlab)(request, unquote(parts.path), query, body)

    def _github(self, request: BaseHTTPRequestHandler, path: str, query: dict[str, str], body: dict[str, Any]) -> None:
        method = request.command
        if (method, path) == ("GET", "/user"):
            reply(403, "{}")(request) if self.is_job else _json(request, {"login": BOT, "id": BOT_ID})
        elif (method, path) == ("POST", "/graphql") and "viewer" in body["query"]:
            _json(request, {"data": {"viewer": {"login": BOT}}})
        elif (method, path) == ("GET", "/repos/ann/shop/pulls") and query["state"] == "open":
            self._page(request, [*self.proposals.values()], query)
        elif match := re.fullmatch(r"/repos/ann/shop/issues/(\d+)/comments", path):
            self._listed_or_added(request, int(match[1]), query, body)
        elif match := re.fullmatch(r"/repos/ann/shop/issues/comments/(\d+)", path):
            self._changed(request, "PATCH", int(match[1]), body)
        else:
            reply(404, "{}")(request)

    def _gitlab(self, request: BaseHTTPRequestHandler, path: str, query: dict[str, str], body: dict[str, Any]) -> None:
        method = request.command
        notes = r"/projects/ann/shop/merge_requests/(\d+)/notes"
        if (method, path) == ("GET", "/user"):
            _json(request, {"username": "project_1_bot", "id": BOT_ID})
        elif (method, path) == ("GET", "/projects/ann/shop/merge_requests") and query["state"] == "opened":
            self._page(request, [*self.proposals.values()], query)
        elif match := re.fullmatch(notes, path):
            self._listed_or_added(request, int(match[1]), query, body)
        elif match := re.fullmatch(rf"{notes}/(\d+)", path):
            self._changed(request, "PUT", int(match[2]), body)
        else:
            reply(404, "{}")(request)

    def _listed_or_added(
        self, request: BaseHTTPRequestHandler, number: int, query: dict[str, str], body: dict[str, Any]
    ) -> None:
        if number not in self.comments:
            reply(404, "{}")(request)
        elif request.command == "POST":
            _json(request, self._shown(self.comment(number, body["body"], author=self.me)), 201)
        else:
            self._page(request, [self._shown(note) for note in self.comments[number]], query)

    def _changed(self, request: BaseHTTPRequestHandler, method: str, number: int, body: dict[str, Any]) -> None:
        """Change or remove any comment: a token that may write may do that to everyone's."""
        [(notes, found)] = [(notes, note) for notes in self.comments.values() for note in notes if note.id == number]
        if request.command == "DELETE":
            notes.remove(found)
            reply(204)(request)
        elif request.command == method:
            found.body = body["body"]
            _json(request, self._shown(found))
        else:
            reply(405, "{}")(request)

    def _shown(self, note: Note) -> dict[str, Any]:
        if self.kind == "github":
            return {"id": note.id, "body": note.body, "user": {"login": note.author, "id": BOT_ID}}
        return {"id": note.id, "body": note.body, "system": note.system, "author": {"id": note.author}}

    def _page(self, request: BaseHTTPRequestHandler, rows: list[Any], query: dict[str, str]) -> None:
        size, page = min(int(query["per_page"]), self.per_page_max), int(query["page"])
        some, has_next = rows[(page - 1) * size : page * size], page * size < len(rows)
        headers: dict[str, str] = {}
        if self.says_next and self.kind == "github":
            headers = {"Link": f'<{self.url}/next?page={page + 1}>; rel="next"'} if has_next else {}
        elif self.says_next:
            headers = {"X-Next-Page": str(page + 1) if has_next else ""}
        reply(200, json.dumps(some), Content_Type="application/json", **headers)(request)


def _json(request: BaseHTTPRequestHandler, value: object, status: int = 200) -> None:
    reply(status, json.dumps(value), Content_Type="application/json")(request)


@contextmanager
def served_forge(kind: str = "github") -> Generator[FakeForge]:
    """Serve on the loopback until the block ends."""
    forge = FakeForge(kind)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):
                forge.serve(self)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - as the class has it

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the class has it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    forge.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield forge
    finally:
        forge.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
