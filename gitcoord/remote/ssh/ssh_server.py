"""One git server over ssh: sessions of `git-receive-pack` and `git-upload-pack` over a connection that is shared.

    session ──> what it offers, and where refs are ──> commands and pack ──> report ──> the next one is begun

Rules:
  * Nothing is sent before the server has said what it offers. So what breaks before was surely not sent.
  * A session costs two round trips before a push can be sent. So a process that pushes again begins the next one ahead:
    one for a clone, for AHEAD_S. Its listing is old by then; where it is not as the push expects, a new one is begun.
    Where that was so, others write often: for AHEAD_S a look begins a new one beside itself, and a push one to look in.
  * A session to look in says where refs are when it is asked, by version 2 of the protocol. The first version lists as
    it begins, which is old later: of a server that speaks it no such session is begun ahead.
  * An answer that is not git's is `UnfamiliarError`; of a push it says nothing of what became of it.
  * Refs are listed once in a session of `git-upload-pack`, which may remember them; commits are fetched there, too.

What this file does not know: refs and objects.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from filelock import FileLock, Timeout

from gitcoord.errors import CoordError, UnreachableError
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import Oid, RefFault, RefName, RefUpdate, SwapOutcome, lost_at
from gitcoord.remote.contract.time_left import TimeLeft
from gitcoord.remote.http import advertisement, fetch, listed_refs
from gitcoord.remote.http.agent import AGENT
from gitcoord.remote.http.known_server import BELIEVED_S, KnownServers
from gitcoord.remote.http.listed_refs import ListedRef
from gitcoord.remote.http.pkt_line import FLUSH
from gitcoord.remote.ssh.shared_connection import SharedConnection
from gitcoord.remote.ssh.ssh_command import SshCommand
from gitcoord.remote.ssh.ssh_place import SshPlace
from gitcoord.remote.ssh.ssh_process import started
from gitcoord.remote.ssh.ssh_session import SshSession

AHEAD_S: Final = 60.0  # an agent's calls come in groups; a server has a process for each session that waits
_FETCH_S: Final = 5.0  # who lists fetches at once, or not at all
_ADVERTISED_BYTES_MAX: Final = 64 << 20  # the refs of a large repository, which come with the capabilities
_REPORT_BYTES_MAX: Final = 4 << 20
_PUSH: Final = "git-receive-pack"
_LOOK: Final = "git-upload-pack"
_T = TypeVar("_T")


class _PushSession(NamedTuple):
    """A session that waits for a push, and what it said."""

    session: SshSession
    offered: Mapping[str, str]
    refs: Mapping[RefName, Oid]


class _ReadSession(NamedTuple):
    """A session that waits for a question. `refs`: what it listed unasked, by the first version of the protocol."""

    session: SshSession
    offered: Mapping[str, str]
    refs: Sequence[ListedRef] | None


class _Call(threading.local):
    """What the call of a thread has open. `reading`: it has listed refs."""

    writing: _PushSession | None = None
    reading: _ReadSession | None = None


class SshServer:
    """One server, as one clone uses it."""

    way = "smartssh"
    says_time = False
    date: datetime | None = None

    def __init__(
        self, place: SshPlace, command: SshCommand, *, folder: Path, clocks: Clocks, timeout_s: float, shown: str
    ) -> None:
        """Ask nothing yet.

        Args:
            place: where it is.
            command: the user's ssh.
            folder: of the clone, where what is known of servers is kept.
            clocks: what time it is.
            timeout_s: for each question.
            shown: its URL without credentials.
        """
        self._place = place
        self._command = command
        self._clocks = clocks
        self._timeout_s = timeout_s
        self.shown = shown
        self._kept = KnownServers(folder, shown, "ssh.json")
        self.known = self._kept.load(self._now_s())
        self._line = SharedConnection(place, command, folder=folder, now_s=self._now_s, shown=shown)
        self._call = _Call()
        self._ahead: Mapping[str, list[SshSession]] = {_PUSH: [], _LOOK: []}
        self._ahead_locks = {_PUSH: folder / "ssh.lock", _LOOK: folder / "ssh-look.lock"}
        self._busy_until = -inf
        self._lists_when_asked = False
        self._pushes = 0

    # -- what it offers -----------------------------------------------------------------------------------------------

    def receiving(self) -> Mapping[str, str]:
        """Return the capabilities for pushes, with a session that waits for one; see `SmartServer`."""
        return self._writing().offered

    def seen(self, _refs: Sequence[RefName]) -> Mapping[RefName, Oid]:
        """Return where refs are now, as a session says unasked: these, and all others."""
        if not self._writing().session.is_fresh:
            self._let_go()
        return self._writing().refs

    def renew(self) -> None:
        """Believe what is kept for a day; what this thread has open was for the call before."""
        if self.known.at and self._now_s() - self.known.at >= BELIEVED_S:
            self.known = self._kept.load(self._now_s())
        if self._call.writing is not None:
            self._call.writing.session.is_fresh = False

    def forget(self) -> bool:
        """Close what is open. Nothing that is believed can be why, since each session says anew what it offers."""
        self._let_go()
        reading, self._call.reading = self._call.reading, None
        for session in (self._taken_ahead(_PUSH), self._taken_ahead(_LOOK), reading and reading.session):
            if session is not None:
                session.end()
        return False

    def leave_to_git(self, reason: str) -> None:
        """Note for a day that only git can talk to it."""
        self._learn(by_git=reason)

    def note_proof(self) -> None:
        """Note for a day that it compares."""
        self._learn(compares=True)

    def note_wrong(self, *, is_taken: bool) -> None:
        """Note for a day that it said yes to a push that it had to refuse, and whether it took it."""
        self._learn(takes_wrong=is_taken, says_wrong=not is_taken)

    def note_halves(self) -> None:
        """Note for a day that it took a part of several refs."""
        self._learn(takes_one=True)

    def _learn(self, **changes: object) -> None:
        self.known = self._kept.change(self._now_s(), self.known, **changes)

    def _now_s(self) -> int:
        return self._clocks.wall_ns() // 10**9

    # -- sessions -----------------------------------------------------------------------------------------------------

    def _left(self) -> TimeLeft:
        return TimeLeft(self._timeout_s, self.shown, self._clocks.monotonic)

    def _session(self, service: str, left: TimeLeft) -> SshSession:
        words = self._command.words(self._place, self._line.options(left), self._place.command(service))
        more = {"GIT_PROTOCOL": "version=2"} if service == _LOOK else {}
        return SshSession(
            started(self._command._replace(env={**self._command.env, **more}), words), self.shown, AHEAD_S
        )

    def _writing(self) -> _PushSession:
        """Return the session for a push: the one that this call has, or one that was begun ahead, or a new one."""
        if self._call.writing is None or not self._call.writing.session.is_open():
            left, ahead = self._left(), self._taken_ahead(_PUSH)
            if ahead is not None:
                try:
                    self._call.writing = self._greeted(ahead, left)
                except UnreachableError:  # it died while it waited
                    left.whole_s()
                else:
                    return self._call.writing
            self._call.writing = self._greeted(self._session(_PUSH, left), left)
        return self._call.writing

    def _greeted(self, session: SshSession, left: TimeLeft) -> _PushSession:
        def listing() -> tuple[Mapping[str, str], Mapping[RefName, Oid]]:
            offered, rows = advertisement.listing(session.answer(left, _ADVERTISED_BYTES_MAX))
            refs = {row.ref: row.oid for row in rows if row.fault is None}
            return advertisement.checked_receiving(offered), refs

        offered, refs = self._heard(session, listing)
        if offered != self.known.receiving:
            self._learn(receiving={**offered})
        return _PushSession(session, offered, refs)

    def _let_go(self) -> None:
        if self._call.writing is not None:
            self._call.writing.session.end()
        self._call.writing = None

    def _reading(self, left: TimeLeft) -> _ReadSession:
        """Return a session to look in: one that was begun ahead and has listed nothing, or a new one."""
        ahead = self._taken_ahead(_LOOK)
        if ahead is not None:
            with suppress(UnreachableError):  # it died while it waited
                reading = self._offering(ahead, left)
                if reading.refs is None:
                    return reading
                reading.session.end()
            left.whole_s()
        reading = self._offering(self._session(_LOOK, left), left)
        self._lists_when_asked = reading.refs is None
        return reading

    def _offering(self, session: SshSession, left: TimeLeft) -> _ReadSession:
        said = self._heard(session, lambda: session.answer(left, _ADVERTISED_BYTES_MAX))
        if said[4:].startswith(advertisement.VERSION_2):
            return _ReadSession(session, self._heard(session, lambda: advertisement.uploading(said)), None)
        if said == FLUSH:  # nothing to list, and so nothing is offered [git 2.39]
            return _ReadSession(session, {}, ())
        return _ReadSession(session, *self._heard(session, lambda: advertisement.listing(said)))

    def _heard(self, session: SshSession, ask: Callable[[], _T]) -> _T:
        """Ask a session; one that does not answer ends."""
        try:
            return ask()
        except BaseException:
            session.end()
            raise

    # -- asking -------------------------------------------------------------------------------------------------------

    def listed(self, prefixes: Sequence[str]) -> tuple[Mapping[RefName, Oid], Sequence[RefFault]]:
        """List refs, in a session that has not yet; see `SmartServer`."""
        if self._call.reading is not None:
            self._call.reading.session.end()
        ahead = self._taken_ahead(_PUSH) if self._is_busy() else None
        if ahead is not None:
            ahead.end()
            self._begin_ahead(_PUSH)
        left = self._left()
        session, offered, refs = self._call.reading = self._reading(left)
        if refs is not None:
            found = listed_refs.under(prefixes, refs)
        else:
            question = listed_refs.question(prefixes, AGENT if "agent" in offered else "")
            said = self._heard(session, lambda: session.answer(left, listed_refs.BYTES_MAX, question))
            found = listed_refs.parsed(said, prefixes)
        session.wait(_FETCH_S)
        return found

    def pack_of(self, wanted: fetch.Wanted) -> fetch.Brought:
        """Ask for commits, in the session that listed them if it still waits; see `SmartServer`."""
        left, reading, self._call.reading = self._left(), self._call.reading, None
        if reading is None or not reading.session.is_open():
            reading = self._reading(left)
        session, offered, refs = reading
        if refs is not None:
            question, pack_in = fetch.first_question(wanted, offered), fetch.first_pack_in
        else:
            question, pack_in = fetch.question(wanted, offered, AGENT), fetch.pack_in
        pack = pack_in(self._heard(session, lambda: session.answer(left, fetch.BYTES_MAX, question)))
        session.end()
        return pack

    def receive_pack(self, body: bytes, updates: Sequence[RefUpdate]) -> "SshPush":
        """Make a push; `SshPush.send` sends it."""
        return SshPush(self.push, body, updates)

    def push(self, push: "SshPush") -> bytes | SwapOutcome:
        """Send a push; see `SshPush.send`."""
        if _moved(self._writing(), push.updates) and not self._writing().session.is_fresh:
            self._busy_until = self._clocks.monotonic() + AHEAD_S
            self._let_go()
        writing = self._writing()
        moved = _moved(writing, push.updates)
        if moved is not None:
            return lost_at(moved)
        left = self._left()
        self._call.writing, push.was_sent = None, True
        said = self._heard(writing.session, lambda: writing.session.answer(left, _REPORT_BYTES_MAX, push.body))
        writing.session.end()
        self._pushes += 1
        if self._pushes > 1:  # what pushes twice is no single command
            self._begin_ahead(_PUSH)
            if self._lists_when_asked and self._is_busy():
                self._begin_ahead(_LOOK)
        return said

    # -- the sessions that are begun ahead ----------------------------------------------------------------------------

    def _is_busy(self) -> bool:
        """Whether others were seen to write in between."""
        return self._clocks.monotonic() < self._busy_until

    def _begin_ahead(self, service: str) -> None:
        lock = FileLock(self._ahead_locks[service], mode=0o600, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except (Timeout, OSError):  # another process of the clone has one, or no lock can be taken
            return
        try:
            session = self._session(service, self._left())
        except CoordError:  # it is begun when it is needed, and that says what is wrong
            lock.release()
            return
        session.is_fresh = False
        session.at_end.append(lock.release)
        self._ahead[service].append(session)

    def _taken_ahead(self, service: str) -> SshSession | None:
        with suppress(IndexError):  # another thread took it
            while self._ahead[service]:
                session = self._ahead[service].pop()
                if session.is_open():
                    return session
                session.end()
        return None


def _moved(writing: _PushSession, updates: Sequence[RefUpdate]) -> RefUpdate | None:
    """Return an update whose ref is elsewhere; one that is not listed may be hidden, and the server compares it."""
    return next((each for each in updates if writing.refs.get(each.ref, each.old) != each.old), None)


class SshPush:
    """One push on its way."""

    is_doubtful = False

    def __init__(
        self, send: "Callable[[SshPush], bytes | SwapOutcome]", body: bytes, updates: Sequence[RefUpdate]
    ) -> None:
        """Send nothing yet."""
        self._send = send
        self.body = body
        self.updates = updates
        self.was_sent = False

    def send(self) -> bytes | SwapOutcome:
        """Send it, and return git's report; LOST where a ref is elsewhere, and nothing was sent.

        Raises:
            UnfamiliarError: it does not answer as git does.
            CoordError: there is no answer; `was_sent` says whether it may have arrived.
        """
        return self._send(self)
