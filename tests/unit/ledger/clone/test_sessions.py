"""Sessions: a held lock is life, whatever else is written; told by real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitcoord.core.documents.liveness import SessionBeat
from gitcoord.ledger.clone.sessions import OpenSession, Sessions, SessionState
from tests import fork_server
from tests.unit.ledger.fakes import Clock

ROOT = Path(__file__).parents[4]
WAIT_S = 30

_SESSION = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from gitcoord.core.documents.liveness import SessionBeat
from gitcoord.ledger.clone.sessions import Sessions
name = sys.argv[2]
session = Sessions(Path(sys.argv[1]), name).open(SessionBeat(id=name, agents=(f"ann/{name}",), since=datetime.now(UTC)))
print("open", flush=True)
for line in sys.stdin:
    if line.strip() == "bye":
        session.close(datetime.now(UTC))
    print("done", flush=True)
"""


_LOOKS = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_SH | fcntl.LOCK_NB)
print("looking", flush=True)
sys.stdin.read()
"""


class Process:
    """A session in a process of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.process = fork_server.start(
            [sys.executable, "-c", _SESSION, str(folder), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self._line() == "open"

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def say(self, word: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        assert self._line() == "done"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=WAIT_S)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Process]]:
    started: list[Process] = []

    def begin(name: str) -> Process:
        started.append(Process(tmp_path, name))
        return started[-1]

    yield begin
    for one in started:
        one.kill()


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path, "judge")


@pytest.mark.rule("SAFE-7")
def test_a_session_lives_while_its_process_lives_and_not_a_moment_longer(
    sessions: Sessions, start: Callable[[str], Process]
) -> None:
    one, two = start("one"), start("two")
    both = sessions.live_agents()

    one.kill()

    assert both == {"ann/one": "one", "ann/two": "two"}
    assert sessions.state("one") == SessionState(locked=False)
    assert sessions.state("two") == SessionState(locked=True)
    assert sessions.live_agents() == {"ann/two": "two"}
    two.say("hello")


@pytest.mark.rule("LIVE-2")
def test_a_crash_is_no_good_bye_and_has_no_grace(sessions: Sessions, start: Callable[[str], Process]) -> None:
    clock = Clock()
    one, two = start("one"), start("two")
    now = sessions.beats(clock.now)[0].since
    assert now

    one.kill()
    two.say("bye")

    closed = sessions.state("two").closed_at
    assert closed is not None
    assert sessions.state("two").locked is False
    assert [beat.id for beat in sessions.beats(now)] == ["two"]


def test_nobody_becomes_a_session_that_lives_in_another_process(
    sessions: Sessions, start: Callable[[str], Process]
) -> None:
    one = start("one")

    with pytest.raises(TimeoutError):
        sessions.open(SessionBeat(id="one", agents=("bob",)))

    assert sessions.live_agents() == {"ann/one": "one"}
    one.kill()
    sessions.open(SessionBeat(id="one", agents=("bob",))).forget()


def test_who_said_good_bye_is_listed_for_a_grace_and_may_come_back(sessions: Sessions) -> None:
    clock = Clock()
    session = sessions.open(SessionBeat(id="one", agents=("ann",), since=clock.now))
    session.close(clock.now)

    clock.advance(minutes=9)
    within = [(beat.id, beat.closed_at is not None) for beat in sessions.beats(clock.now)]
    again = sessions.open(SessionBeat(id="one", agents=("ann",), since=clock.now))
    back = [(beat.id, beat.closed_at) for beat in sessions.beats(clock.now)]
    again.close(clock.now)
    clock.advance(minutes=11)

    assert within == [("one", True)]
    assert back == [("one", None)]
    assert sessions.beats(clock.now) == ()
    assert sessions.state("one").locked is False


def test_who_ends_for_good_has_no_grace(sessions: Sessions) -> None:
    clock = Clock()
    session = sessions.open(SessionBeat(id="one", agents=("ann",), since=clock.now))

    session.forget()

    assert sessions.beats(clock.now) == ()
    assert sessions.state("one").locked is not True


def test_sub_agents_and_other_ids_of_a_session_are_known(sessions: Sessions) -> None:
    session = sessions.open(SessionBeat(id="one", agents=("ann",)))

    added = [session.add_agent("ann/tests"), session.add_agent("ann/tests")]
    session.add_alias("tool-id")

    assert added == [True, False]
    assert sessions.live_agents() == {"ann": "one", "ann/tests": "one"}
    assert sessions.state("tool-id") == SessionState(locked=True)
    session.forget()


def test_a_session_that_never_had_a_lock_here_is_not_judged(sessions: Sessions) -> None:
    assert sessions.state("cli-123") == SessionState(locked=None)
    assert sessions.state(None) == SessionState(locked=None)
    assert sessions.live_agents() == {}


def test_what_nobody_asks_for_any_more_is_removed(sessions: Sessions, tmp_path: Path) -> None:
    clock = Clock()
    sessions.open(SessionBeat(id="old", agents=("ann",), since=clock.now)).close(clock.now)
    sessions.open(SessionBeat(id="crashed", agents=("bob",), since=clock.now))._lock.release()
    (tmp_path / "sessions" / "cleared.alias").write_text("old", "utf-8")
    sessions.beats(clock.now)
    clock.advance(days=7, seconds=1)

    sessions.beats(clock.now)

    assert [path.name for path in (tmp_path / "sessions").iterdir()] == []


@pytest.mark.rule("LIVE-2")
def test_a_session_that_crashes_after_many_days_is_known_to_be_over_for_a_week(sessions: Sessions) -> None:
    clock = Clock()
    session = sessions.open(SessionBeat(id="one", agents=("ann",), since=clock.now))
    clock.advance(days=30)
    session._lock.release()

    states: list[SessionState] = []
    for _ in range(8):
        assert sessions.beats(clock.now) == ()
        states.append(sessions.state("one"))
        clock.advance(days=1)
    sessions.beats(clock.now)

    assert states == [SessionState(locked=False)] * 8
    assert sessions.state("one") == SessionState(locked=None)


def test_a_session_that_came_back_is_known_for_a_week_after_its_second_crash(sessions: Sessions) -> None:
    clock = Clock()
    for _ in range(2):
        sessions.open(SessionBeat(id="one", agents=("ann",), since=clock.now))._lock.release()
        sessions.beats(clock.now)
        clock.advance(days=6)

    sessions.beats(clock.now)

    assert sessions.state("one") == SessionState(locked=False)


@pytest.mark.rule("LIVE-2")
@pytest.mark.skipif(sys.platform == "win32", reason="there are no shared locks")
def test_two_who_look_at_once_do_not_see_each_other(sessions: Sessions, tmp_path: Path) -> None:
    session = sessions.open(SessionBeat(id="one", agents=("ann",)))
    session._lock.release()
    looking = subprocess.Popen(
        [sys.executable, "-c", _LOOKS, str(tmp_path / "sessions" / "one.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert looking.stdout
    assert looking.stdout.readline() == "looking\n"

    state = sessions.state("one")

    looking.communicate("", timeout=WAIT_S)
    assert state == SessionState(locked=False)


def test_looking_makes_no_file(sessions: Sessions, tmp_path: Path) -> None:
    session = sessions.open(SessionBeat(id="one", agents=("ann",)))
    session._lock.release()
    (tmp_path / "sessions" / "one.lock").unlink(missing_ok=True)

    assert sessions.state("one").locked is False
    assert sessions.live_agents() == {}
    assert not (tmp_path / "sessions" / "one.lock").exists()


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"id":7}', '{"id":"one","closed_at":"soon"}', '{"id":"one","closed_at":7}', "\0"]
)
def test_a_damaged_note_of_a_session_hides_no_lock_and_stops_nobody(
    sessions: Sessions, tmp_path: Path, damage: str
) -> None:
    clock = Clock()
    one = sessions.open(SessionBeat(id="one", agents=("ann",)))
    two = sessions.open(SessionBeat(id="two", agents=("bob",)))
    (tmp_path / "sessions" / "one.json").write_text(damage)

    assert sessions.state("one").locked is True
    assert "bob" in sessions.live_agents()
    assert "two" in [beat.id for beat in sessions.beats(clock.now)]
    one.forget()
    (tmp_path / "sessions" / "one.json").write_text(damage)
    assert sessions.state("one").locked is False
    two.forget()


@pytest.mark.rule("LIFE-3")
def test_a_good_bye_that_is_said_while_somebody_looks_is_no_crash(
    sessions: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sessions._is_locked
    for look in ("state", "beats"):
        session = Sessions(tmp_path, "one").open(SessionBeat(id=look, agents=("ann/one",)))

        def after_closing(name: str, session: OpenSession = session, look: str = look) -> bool:
            if name == look:
                session.close(Clock().now)  # between reading the file, if that came first, and the lock
            return real(name)

        with monkeypatch.context() as while_looking:
            while_looking.setattr(sessions, "_is_locked", after_closing)
            seen = [sessions.state(look)] if look == "state" else sessions.beats(Clock().now)

        assert [one.closed_at for one in seen if getattr(one, "id", look) == look] == [Clock().now]
        assert not (tmp_path / "sessions" / f"{look}.over").exists()
