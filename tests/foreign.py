"""Databases of other tools for tests: the tables that they make, as far as they are read here, and rows for them.

Checked against hq's schema 1, and against databases that coord 0.27.1 (schema 13) and 0.49.0 (schema 21) made.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HQ_TABLES = """
CREATE TABLE projects (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, base_commit TEXT,
  created_at TEXT NOT NULL DEFAULT (datetime('now')), status TEXT NOT NULL DEFAULT 'active',
  priority INTEGER NOT NULL DEFAULT 0);
CREATE TABLE steps (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL, step_num INTEGER NOT NULL,
  branch TEXT NOT NULL, scope TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'not_started', worktree TEXT, agent_id TEXT,
  claimed_at TEXT, started_at TEXT, completed_at TEXT, last_heartbeat TEXT, last_commit TEXT, files_modified TEXT,
  notes TEXT);
CREATE TABLE dependencies (step_id INTEGER NOT NULL, depends_on_step_id INTEGER NOT NULL,
  PRIMARY KEY (step_id, depends_on_step_id));
CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL DEFAULT (datetime('now')));
INSERT INTO schema_migrations (version) VALUES (1);
"""

COORD_TABLES = """
CREATE TABLE schema_version (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);
CREATE TABLE claims (id TEXT PRIMARY KEY, engineer TEXT NOT NULL, branch TEXT, description TEXT,
  claim_type TEXT NOT NULL, pattern TEXT NOT NULL, severity TEXT NOT NULL DEFAULT 'soft', created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL, released_at TEXT, repo TEXT, session_id TEXT, last_activity TEXT, coexists_with TEXT,
  ttl_shortened BOOLEAN DEFAULT 0, scope_type TEXT NOT NULL DEFAULT 'file', narrowable BOOLEAN NOT NULL DEFAULT 1);
CREATE TABLE claim_symbols (id TEXT PRIMARY KEY, claim_id TEXT NOT NULL, file_path TEXT NOT NULL,
  symbol_name TEXT NOT NULL, symbol_kind TEXT NOT NULL, parent_symbol TEXT);
CREATE TABLE ownership_config (id INTEGER PRIMARY KEY CHECK (id = 1), yaml_text TEXT NOT NULL,
  updated_at TEXT NOT NULL);
INSERT INTO schema_version VALUES (1, 21);
"""

Rows = Sequence[Mapping[str, Any]]


def database(path: Path, tables: str, rows: Mapping[str, Rows] | None = None, *, wal: bool = False) -> Path:
    """Make a file with tables, and rows in them."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if wal:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(tables)
        fill(connection, rows or {})
    return path


def fill(connection: sqlite3.Connection, rows: Mapping[str, Rows]) -> None:
    connection.execute("BEGIN")
    for table, values in rows.items():
        for one in values:
            marks = ", ".join("?" * len(one))
            connection.execute(f"INSERT INTO {table} ({', '.join(one)}) VALUES ({marks})", [*one.values()])  # noqa: S608
    connection.execute("COMMIT")


def change(path: Path, *statements: str) -> Path:
    """Change a file by hand, as somebody may have done."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for one in statements:
            connection.execute(one)
    return path


def step(num: int, *, project: int = 1, one: int | None = None, **fields: object) -> dict[str, object]:
    """Return a row of a step; its id is its number, unless it is given."""
    known: dict[str, object] = {"id": one or num, "project_id": project, "step_num": num}
    return {**known, "branch": f"step{num}/x", "scope": "api", **fields}


def hq_rows(base: str, commit: str) -> dict[str, Rows]:
    """Return a project in the middle of its work: done, merged, under way, failed, and not begun."""
    had: dict[str, Any] = {
        "agent_id": "agent-1",
        "claimed_at": "2026-01-18 10:30:00",
        "last_heartbeat": "2026-01-18 11:00:00",
    }
    done: dict[str, Any] = {
        **had,
        "started_at": "2026-01-18 10:31:00",
        "completed_at": "2026-01-18 11:30:00",
        "last_commit": commit,
    }
    return {
        "projects": [{"id": 1, "name": "shop", "base_commit": base, "created_at": "2026-01-18T10:00:00Z"}],
        "steps": [
            step(1, status="merged", files_modified='["src/a.py", "src/b.py"]', notes="all of it", **done),
            step(2, status="completed", **done),
            step(3, status="in_progress", worktree="/w/3", notes="half", **had),
            step(4, status="failed", notes="no way", **had),
            step(5),
        ],
        "dependencies": [
            {"step_id": 3, "depends_on_step_id": 1},
            {"step_id": 3, "depends_on_step_id": 2},
            {"step_id": 5, "depends_on_step_id": 3},
        ],
    }


def coord_claim(one: str, engineer: str, pattern: str, **fields: object) -> dict[str, Any]:
    """Return a claim as coord's table and its answers have it: four hours from now, unless that is given."""
    now = datetime.now(UTC).replace(microsecond=0)
    known: dict[str, Any] = {
        "created_at": moment(now),
        "expires_at": moment(now + timedelta(hours=4)),
        "severity": "soft",
    }
    shape: dict[str, Any] = {"claim_type": "file", "scope_type": "file", "narrowable": 1, "ttl_shortened": 0}
    empty = dict.fromkeys(("branch", "description", "released_at", "repo", "session_id", "last_activity"))
    return {
        "id": one,
        "engineer": engineer,
        "pattern": pattern,
        "coexists_with": None,
        **empty,
        **known,
        **shape,
        **fields,
    }


def moment(at: datetime) -> str:
    """Spell a moment as coord does."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


@dataclass
class Coord:
    """A service that speaks coord's answers. `asked`: each path with the token it came with."""

    claims: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    owners: str | None = None
    token: str = "s3cret"  # noqa: S105 - of a service that lives as long as a test
    version: str = "0.49.0"
    asked: list[tuple[str, str | None]] = field(default_factory=list[tuple[str, str | None]])
    odd: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(
        default_factory=dict[str, Callable[[BaseHTTPRequestHandler], None]]
    )
    url: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        given = request.headers.get("Authorization")
        self.asked.append((request.path, given))
        if path in self.odd:
            self.odd[path](request)
        elif path == "/meta":
            send(request, 200, {"name": "multi-agent-coordination", "version": self.version, "auth_mode": "bearer"})
        elif given != f"Bearer {self.token}":
            send(request, 401, {"detail": "Invalid bearer token"})
        elif path == "/claims":
            send(request, 200, {"claims": self.claims, "count": len(self.claims)})
        elif path == "/config/ownership" and self.owners is not None:
            send(request, 200, self.owners)
        elif path == "/config/ownership":
            send(request, 204, "")
        else:
            send(request, 404, {"detail": "Not Found"})


def send(request: BaseHTTPRequestHandler, status: int, body: object, **headers: str) -> None:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)


@contextmanager
def served(coord: Coord) -> Generator[Coord]:
    """Serve on the loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):
                coord.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    coord.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield coord
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
