"""What time it is where the refs are kept."""

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitcoord.remote.transports import place_time
from tests.contract.worlds import Worlds
from tests.servers.fixtures import Servers

NEAR = timedelta(minutes=1)


@pytest.mark.rule("CLAIM-22")
@pytest.mark.parametrize(
    ("kind", "tells"), [("http", True), ("http-auth", True), ("daemon", False), ("path-hook", False)]
)
def test_an_http_server_says_what_time_it_is(worlds: Worlds, servers: Servers, kind: str, tells: bool) -> None:
    told = worlds.gitcli(servers.remote(kind)).server_time()

    assert (told is not None) is tells
    assert told is None or abs(datetime.fromtimestamp(time.time(), UTC) - told) < NEAR


def test_a_server_that_is_not_there_says_nothing(worlds: Worlds, servers: Servers) -> None:
    remote = servers.remote("http")
    gone = type(remote)("elsewhere", re.sub(r":\d+/", ":1/", remote.url), remote.git_dir)

    assert worlds.gitcli(gone).server_time() is None


def test_a_file_says_what_time_it_is_where_it_is_kept(worlds: Worlds, servers: Servers) -> None:
    git_dir = servers.remote("path").git_dir

    told = place_time.of_folder(git_dir)

    assert told is not None
    assert abs(datetime.fromtimestamp(time.time(), UTC) - told) < NEAR
    assert [path.name for path in (git_dir / "objects").iterdir() if path.is_file()] == []
    assert place_time.of_folder(Path("/nowhere")) is None


DATE, LATER = b"Date: Sat, 28 Nov 2026 19:05:01 GMT", b"date: Sat, 28 Nov 2026 19:06:01 GMT"


@pytest.mark.parametrize(
    ("trace", "told"),
    [
        (b"19:05:01.1 http.c:756  <= Recv header: " + DATE + b"\r\n", "2026-11-28T19:05:01+00:00"),
        (b"<= Recv header: " + DATE + b"\n<= Recv header: " + LATER + b"\n", "2026-11-28T19:06:01+00:00"),
        (b"<= Recv header: Date: soon\n", None),
        (b"<= Recv header: Date: Sat, 99 Nov 2026 19:05:01 GMT\n", None),
        (b"=> Send header: " + DATE + b"\n", None),
        (b"", None),
    ],
)
def test_the_date_is_read_from_the_trace_of_an_answer(trace: bytes, told: str | None) -> None:
    found = place_time.in_trace(trace)

    assert (found.isoformat() if found else None) == told
