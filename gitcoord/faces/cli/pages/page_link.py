"""The link of a dashboard: its port and its token, which the next start of this clone has again.

    dashboard.json    in the clone's folder, for its owner alone: {"port", "token", "at"}

Rules:
  * The token is drawn by chance. It is kept for a day, so that a page that is open finds the server again that was
    started anew; a second server of the clone has a link of its own, which is not kept.
  * The token stands on no command line, which other users of the machine see: a browser is given a file that leads on.

What this file does not know: what is shown there.
"""

import contextlib
import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from gitcoord.core.documents.json_text import Json, compact, time_text
from gitcoord.errors import StorageError, UsageError, unwritable
from gitcoord.faces.cli.pages.markup import element
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.host import Host

_FILE = "dashboard.json"
KEPT_FOR = timedelta(days=1)
LOOPBACK = "127.0.0.1"
BACKLOG = 64
TOKEN_CHARS = 32  # 160 bits


class Link(NamedTuple):
    """Where a dashboard is, with the socket that listens there."""

    listening: socket.socket
    token: str

    @property
    def port(self) -> int:
        """Return the port."""
        return self.listening.getsockname()[1]

    @property
    def url(self) -> str:
        """Return the whole address."""
        return f"http://{LOOPBACK}:{self.port}/{self.token}/"


def open_link(folder: Path, host: Host, port: int | None) -> Link:
    """Listen on a port; `None`: on the one of the last time, or on any that is free.

    Raises:
        UsageError: the port that was named is taken.
    """
    kept = files.read_json(folder / _FILE)
    last, token, at = kept.get("port"), kept.get("token"), files.time_in(kept, "at")
    is_young = at is not None and timedelta() <= host.now() - at < KEPT_FOR
    is_kept = is_young and isinstance(last, int) and isinstance(token, str) and len(token) == TOKEN_CHARS
    if is_kept and port in (None, last) and (listening := _bound(int(f"{last}"))):
        return Link(listening, f"{token}")
    listening = _bound(port or 0)
    if listening is None:
        raise UsageError(f"Port {port} is taken.", hint="Name another with --port, or leave it out for a free one.")
    link = Link(listening, f"{host.draw_id()}{host.draw_id()}")
    if port is not None or not is_kept:
        now: dict[str, Json] = {"port": link.port, "token": link.token, "at": time_text(host.now())}
        with contextlib.suppress(StorageError):  # a page that is open then does not find the next server
            _write_private(folder / _FILE, compact(now).encode())
    return link


def leading_file(folder: Path, url: str) -> Path:
    """Write a file that leads a browser to an address, for its owner alone.

    Raises:
        StorageError: the disk cannot be written.
    """
    file = folder / "dashboard.html"
    lead = element("meta", http_equiv="refresh", content=f"0; url={url}")
    page = element("html", element("head", lead))
    _write_private(file, ET.tostring(page, encoding="utf-8", method="html"))
    return file


def _write_private(file: Path, data: bytes) -> None:
    try:
        file.unlink(missing_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as opened:
            opened.write(data)
    except OSError as error:
        raise unwritable(f"The file {str(file)!r}", error) from error


def _bound(port: int) -> socket.socket | None:
    """Listen on loopback; `None`: the port is taken, or not for us."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # A server that was just ended holds its port for a minute otherwise.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
        listening.listen(BACKLOG)
    except (OSError, OverflowError):
        listening.close()
        return None
    return listening
