"""A server that asks for fewer requests (429, `Retry-After`) is left alone until then, by every process of a clone."""

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from gitcoord.errors import UnreachableError
from gitcoord.remote.contract.protocol import SwapStatus
from gitcoord.remote.http.known_server import BELIEVED_S
from gitcoord.remote.http.quiet_time import QUIET_S_MAX
from gitcoord.remote.transports.smart import SmartTransport
from tests.contract.transports.smarthttp.meddled import RECEIVE
from tests.contract.worlds import CLAIMS, CONFIG, WAITING, Worlds, commit, put, won
from tests.servers.fixtures import Remote
from tests.servers.meddling_http import Meddled, Server

BEGIN_S = 1_790_000_000


class Passing:
    """A clone's processes on a clock that a test moves."""

    def __init__(self, worlds: Worlds, remote: Remote, folder: Path) -> None:
        self.now_s = BEGIN_S
        self._worlds, self._remote, self._folder = worlds, remote, folder

    def process(self) -> SmartTransport:
        clocks = WAITING._replace(wall_ns=lambda: self.now_s * 10**9)
        return self._worlds.smarthttp(self._remote, folder=self._folder, clocks=clocks)


@pytest.fixture
def clone(worlds: Worlds, remote: Remote) -> Passing:
    return Passing(worlds, remote, worlds.new_folder())


@pytest.mark.parametrize(
    ("retry_after", "quiet_s"),
    [
        ("7", 7),
        (format_datetime(datetime.fromtimestamp(BEGIN_S + 9, UTC), usegmt=True), 9),
        ("999999", QUIET_S_MAX),
    ],
    ids=["seconds", "a date", "for ever"],
)
def test_nothing_is_asked_until_then_by_any_process(
    clone: Passing, server: Server, retry_after: str, quiet_s: int
) -> None:
    ann = clone.process()
    won(put(ann, CONFIG, None, commit(ann, "config")))
    server.answers(RECEIVE, Meddled(429, {"Retry-After": retry_after}))
    assert put(ann, CLAIMS, None, commit(ann, "one")).status is SwapStatus.UNREACHABLE
    server.clear()
    asked = len(server.asked)

    clone.now_s += quiet_s - 1
    for process in (ann, clone.process()):
        outcome = put(process, CLAIMS, None, commit(process, "one"))
        assert outcome.status is SwapStatus.UNREACHABLE
        with pytest.raises(UnreachableError) as caught:
            process.read([CLAIMS])
        assert caught.value.hint == "Try again in 1 s."
    assert len(server.asked) == asked

    clone.now_s += 1
    later = clone.process()
    won(put(later, CLAIMS, None, commit(later, "one")))


def test_the_quiet_time_lasts_beyond_the_day_for_which_a_server_is_believed(clone: Passing, server: Server) -> None:
    ann = clone.process()
    won(put(ann, CONFIG, None, commit(ann, "config")))
    clone.now_s += BELIEVED_S - 2
    server.answers(RECEIVE, Meddled(429, {"Retry-After": "60"}))
    assert put(ann, CLAIMS, None, commit(ann, "one")).status is SwapStatus.UNREACHABLE
    asked = len(server.asked)

    clone.now_s += 30
    process = clone.process()
    assert put(process, CLAIMS, None, commit(process, "one")).status is SwapStatus.UNREACHABLE
    assert len(server.asked) == asked


@pytest.mark.parametrize("retry_after", ["", "soon", "0", "-5"])
def test_a_server_that_names_no_moment_is_asked_again(clone: Passing, server: Server, retry_after: str) -> None:
    ann = clone.process()
    won(put(ann, CONFIG, None, commit(ann, "config")))
    new = commit(ann, "one")
    server.answers(RECEIVE, Meddled(429, {"Retry-After": retry_after} if retry_after else {}))
    assert put(ann, CLAIMS, None, new).status is SwapStatus.UNREACHABLE
    server.clear()

    won(put(ann, CLAIMS, None, new))


def test_a_clock_that_was_set_back_ends_the_quiet(clone: Passing, server: Server) -> None:
    ann = clone.process()
    won(put(ann, CONFIG, None, commit(ann, "config")))
    server.answers(RECEIVE, Meddled(429, {"Retry-After": "60"}))
    put(ann, CLAIMS, None, commit(ann, "one"))
    server.clear()

    clone.now_s -= 3600

    assert clone.process().read([CLAIMS]) == {}
