"""A remote whose git servers this process talks to itself: a swap is one request, decided by what was read before.

Rules:
  * The commands of a swap and a pack go straight to `git-receive-pack`; the ids that the remote compares are those
    that were read. Its capabilities are asked for once and kept (`git_server`).
  * SAFE-5: several refs go in one request only to a remote that offers `atomic`; for any other the swap is LOST, and
    nothing is sent. A remote that landed a part of several is sent no several again.
  * A check of a ref that is there is a command from its id to the same id, which the server compares with the rest.
    That a ref is absent cannot be sent: a command from zero to zero deletes what is there. So it is listed immediately
    before.
  * A deletion is sent with the commit that it expects, since a server deletes without comparing what it does not know;
    where nothing else is written no pack is read, and the refs are listed immediately before.
  * A server that says yes to a push that it does not take (dulwich's does), or that takes it without comparing, would
    make each race a win for all. So before the first push it has to refuse one that is wrong on purpose, whole. If not,
    it gets single refs only, by git. There, and where git pushes before that was tried, a win is one only where the ref
    is found afterwards, else UNKNOWN.
  * What was sent and not answered is UNKNOWN; so is everything but a win where a kept connection swallowed a first try.
  * What a swap needs is on disk once it was won, or may have been, or with the next that finds room; of one that was
    lost, only what git had to push and what filled a buffer is (`buffered_objects`).
  * What is unfamiliar is left to the git program (`gitcli`), which speaks to the same remote: for this call, or for a
    day. A swap is left to it only while nothing was carried out.

What this file does not know: ledgers, and how a question travels.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from gitcoord.errors import CoordError, DeniedError, MissingObjectError, StorageError, UnreachableError
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.deadline import NoAnswerError, TooSlowError
from gitcoord.remote.contract.object_graph import reachable
from gitcoord.remote.contract.protocol import (
    Objects,
    Oid,
    RefFault,
    RefName,
    RefUpdate,
    SwapOutcome,
    SwapStatus,
    Transport,
    first_stale,
    is_under,
    lost_at,
    one_at_a_time,
)
from gitcoord.remote.copies.known_tips import KnownTips
from gitcoord.remote.copies.whole_history import WholeHistory
from gitcoord.remote.git.git_failure import judge_failure
from gitcoord.remote.git.git_process import Completed, clean_text
from gitcoord.remote.http import report_status
from gitcoord.remote.http.agent import AGENT
from gitcoord.remote.http.pack_writer import PackWriter
from gitcoord.remote.http.unfamiliar import UnfamiliarError
from gitcoord.remote.http.wrong_push import wrong_push
from gitcoord.remote.transports.push_report import judge_lines, lines_of
from gitcoord.remote.transports.smart_server import SmartServer

if TYPE_CHECKING:  # where git is not needed it is not loaded
    from gitcoord.remote.transports.gitcli import GitCliTransport

TIMEOUT_S: Final = 15.0  # one network timeout: as long as a clone's lock may be held
_T = TypeVar("_T")


class SmartTransport:
    """Refs of a remote, in git's smart protocol, with the clone's store for objects."""

    is_far = True

    def __init__(
        self,
        server: SmartServer,
        *,
        store: KnownTips,
        clocks: Clocks,
        by_git: Callable[[], "GitCliTransport"],
        unfamiliar: str = "",
    ) -> None:
        """Reach a server.

        Args:
            server: what answers there.
            store: where objects are, and what the remote is known to have of them.
            clocks: what time it is.
            by_git: makes the transport for what is unfamiliar.
            unfamiliar: why the git program does all of it; nothing where it does not.
        """
        self.objects: Objects = WholeHistory(
            store.objects, store.boundaries, clocks, lambda oid: self._by_git().deepen(oid)
        )
        self._store = store
        self._server = server
        self._make_git = by_git
        self._clocks = clocks
        self._git: GitCliTransport | None = None
        self._unfamiliar = unfamiliar
        self._faults: Sequence[RefFault] = ()
        self._listed: dict[RefName, Oid] = {}
        self._noted: Mapping[RefName, Oid] = {}
        self._is_all_listed = False

    @property
    def name(self) -> str:
        """Return `smarthttp` or `smartssh`, or `gitcli` where the git program does it."""
        return "gitcli" if self.why_git else self._server.way

    @property
    def why_git(self) -> str:
        """Return why the git program does it; nothing where it does not."""
        return self._unfamiliar or self._server.known.by_git

    @property
    def compares(self) -> bool:
        """Whether the server was not seen to take a push that it had to refuse."""
        return not self._server.known.takes_wrong

    @property
    def looks_again(self) -> bool:
        """Whether a yes is not known to prove anything, so that a write counts only where its ref is found then."""
        known = self._server.known
        return known.takes_wrong or known.says_wrong or not known.compares

    @property
    def atomic(self) -> bool:
        """Whether several refs may be written at once, as far as is known."""
        known = self._server.known
        if known.takes_one:
            return False
        return self._by_git().atomic if self.why_git else not known.receiving or "atomic" in known.receiving

    @property
    def sends_checks(self) -> bool:
        """Whether the remote compares checks itself: not before it is known to write all or nothing."""
        return not self.why_git and bool(self._server.known.receiving) and self.atomic

    @property
    def faults(self) -> Sequence[RefFault]:
        """What the last read skipped."""
        return tuple(self._faults)

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        """List the refs under `prefixes`.

        Raises:
            UnreachableError: the remote cannot be reached or does not answer.
            DeniedError: the remote does not let us read.
        """
        refs = self._or_by_git(lambda: self._list(prefixes), lambda git: git.read(prefixes))
        if self.why_git:
            self._faults = self._by_git().faults
        return refs

    def _list(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        refs, self._faults = self._server.listed(prefixes)
        self._listed = {ref: oid for ref, oid in self._listed.items() if not is_under(ref, prefixes)} | {**refs}
        self._is_all_listed = self._is_all_listed or self._store.namespace in prefixes
        return refs

    def fetch(self, oids: Iterable[Oid]) -> None:
        """Make these commits present, with all they need.

        Raises:
            UnreachableError: the remote cannot be reached or does not answer.
            DeniedError: the remote does not let us read.
            MissingObjectError: the remote no longer has one of them.
        """
        missing = [oid for oid in dict.fromkeys(oids) if not self._store.objects.has(oid)]
        if missing:
            self._or_by_git(lambda: self._bring(missing), lambda git: git.fetch(missing))
        if missing or self._listed != self._noted:  # what this clone wrote is kept from the next look on
            self._noted = self._listed
            self._store.note(self._listed, is_all=self._is_all_listed)

    def refetch(self, tip: Oid) -> bool:
        """Bring a commit once more; see `Refetches.refetch`."""
        return self._or_by_git(
            lambda: self._store.refetch(tip, self._listed, lambda: self._receive([tip], ())),
            lambda git: git.refetch(tip),
        )

    def _bring(self, oids: Sequence[Oid]) -> None:
        haves = self._store.known(ref for ref, oid in self._listed.items() if oid in oids)
        with suppress(MissingObjectError):
            return self._receive(oids, haves)
        if haves:  # what was said to be here is not whole
            with suppress(MissingObjectError):
                self._receive(oids, ())
                return self._store.forget({*self._listed.values()}.difference(oids))
        raise UnfamiliarError("its pack lacks what was asked for", lasts=False)

    def _receive(self, oids: Sequence[Oid], haves: Collection[Oid]) -> None:
        self._store.bring(oids, haves, self._server.pack_of)
        if not all(map(self._store.objects.has, oids)):
            raise MissingObjectError("The remote did not send all that was asked for.")

    def server_time(self) -> datetime | None:
        """Return what time the server says it is, for the price of a listing; `None` where it does not say so."""
        if not self._server.says_time:
            return None
        with suppress(CoordError):
            self.read([f"{self._store.namespace}config"])
        return self._by_git().server_time() if self.why_git else self._server.date

    # -- writing ------------------------------------------------------------------------------------------------------

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Compare all, then write all, in one request."""
        tips = [update.new for update in updates if update.new and not update.is_check]
        lacking = [tip for tip in tips if not self._store.objects.has(tip)]
        if lacking:
            return SwapOutcome(SwapStatus.LOST, f"missing necessary objects: {', '.join(lacking)}")
        outcome = self._outcome_of(updates)
        objects, new = self._store.objects, self._unwritten(tips)
        if outcome.status in {SwapStatus.WON, SwapStatus.UNKNOWN}:
            with suppress(StorageError):  # it has landed; what finds no room is written with the next one, or look
                objects.keep(new)
        elif self.atomic or len(tips) == 1:  # else each goes by itself next, and a win is not the last of them
            objects.lose(new)  # once another is won, and not before: its caller may send it again
        if outcome.status is SwapStatus.WON:
            objects.discard_lost()
            listed = {**self._listed, **{update.ref: update.new for update in updates}}
            # Never changed in place: another thread may be reading it.
            self._listed = {ref: oid for ref, oid in listed.items() if oid is not None}
        return outcome

    def _unwritten(self, tips: Iterable[Oid]) -> frozenset[Oid]:
        return reachable(tips, self._store.objects.buffered)

    def _outcome_of(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        try:
            outcome = self._or_by_git(lambda: self._swap(updates), lambda git: self._swap_by(git, updates))
        except DeniedError as error:
            return SwapOutcome(SwapStatus.DENIED, str(error).rstrip("."))
        except UnreachableError as error:  # before anything was sent
            cause = error if isinstance(error, NoAnswerError | TooSlowError) else None
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error).rstrip("."), cause)
        except CoordError as error:  # of this machine
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error), error)
        if outcome.status is SwapStatus.WON and self.looks_again:
            written = [RefUpdate(update.ref, update.new, None) for update in updates if not update.is_check]
            try:
                elsewhere = first_stale(self.read([update.ref for update in written]), written)
            except CoordError as error:
                return SwapOutcome(SwapStatus.UNKNOWN, str(error).rstrip("."))
            if elsewhere is not None:
                return SwapOutcome(SwapStatus.UNKNOWN, f"the remote said yes, and {elsewhere.ref} is elsewhere")
        return outcome

    def _swap_by(self, git: Transport, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Have git push, which reads what is on disk."""
        tips = (tip for update in updates for tip in (update.old, update.new) if tip)
        self._store.objects.flush(self._unwritten(tips))
        return git.swap(updates)

    def _swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        offered = self._server.receiving()
        if not self._server.known.compares:
            self._prove()
        writes = [update for update in updates if not update.is_check]
        if not self.atomic and len(writes) > 1:
            return one_at_a_time()
        if any(update.new is None for update in writes) and "delete-refs" not in offered:
            raise UnfamiliarError("it does not offer to delete refs", lasts=False)
        sent = [update for update in updates if update.old or update.new] if self.atomic else writes
        only_deletes = all(update.new is None for update in sent)
        looked_at = [update for update in updates if only_deletes or update not in sent]
        if looked_at:
            refs = [update.ref for update in looked_at]
            seen = self._server.seen(refs)
            stale = first_stale(self._list(refs) if seen is None else seen, looked_at)
            if stale is not None:
                return lost_at(stale)
        return self._push(sent, b"" if only_deletes else self._pack(sent))

    def _prove(self) -> None:
        """Have the server refuse a push of which one line is wrong: that ref is not there.

        Raises:
            UnfamiliarError: it takes the wrong line, says yes to it all the same, or says nothing.
            DeniedError: pushes are not taken.
            CoordError: there is no answer.
        """
        wrong = wrong_push(self.objects, self._store.namespace, self._clocks.wall_ns() // 10**9, atomic=self.atomic)
        self._store.objects.lose(self._unwritten(tip for line in wrong.lines for tip in (line.old, line.new) if tip))
        outcome = self._push(wrong.lines, wrong.pack)
        is_yes = outcome.status is SwapStatus.WON
        if outcome.status is SwapStatus.UNREACHABLE:
            raise UnreachableError(outcome.message)
        # One line does not land by halves, so a server that is known for that has said nothing of it.
        is_half = not is_yes and len(wrong.lines) > 1 and self._server.known.takes_one
        if outcome.status is SwapStatus.UNKNOWN and not is_half:
            raise UnfamiliarError(outcome.message, lasts=False)
        if is_yes:  # noted before anything else can fail
            self._server.note_halves()
            self._server.note_wrong(is_taken=False)
        if is_yes or is_half:
            try:
                landed, _ = self._server.listed([line.ref for line in wrong.lines])
            finally:
                self.withdraw(wrong.lines)
            if wrong.lines[-1].ref in landed:
                self._server.note_wrong(is_taken=True)
                raise UnfamiliarError("it takes pushes without comparing")
        if is_yes:
            raise UnfamiliarError("it says yes to a push that it does not take")
        self._server.note_proof()

    def withdraw(self, written: Sequence[RefUpdate]) -> None:
        """Delete what was just written, as far as that works: also what no listing shows."""
        for update in written:
            undo = [RefUpdate(update.ref, update.new, None)]
            with suppress(CoordError):
                if self.why_git:
                    self._by_git().swap(undo)
                else:
                    self._push(undo)

    def _pack(self, updates: Sequence[RefUpdate]) -> bytes:
        writer = PackWriter(self.objects, {*self._listed.values(), *(update.old for update in updates if update.old)})
        for update in updates:
            if update.new is None and update.old:
                writer.add_alone(update.old)
            elif update.new and not update.is_check:
                writer.add(update.new, update.old)
        if writer.is_empty:  # a server that gets no object may take the push for one that only deletes
            writer.add_alone(next(update.new for update in updates if update.new))
        return writer.pack()

    def _push(self, updates: Sequence[RefUpdate], pack: bytes = b"") -> SwapOutcome:
        body = report_status.commands(updates, self._server.receiving(), AGENT)
        push = self._server.receive_pack(body + pack, updates)
        try:
            said = push.send()
        except CoordError as error:  # whatever it says: a hook may have said it once all was written
            if push.was_sent:
                where = f"{self._server.shown}: " if isinstance(error, UnfamiliarError) else ""
                return SwapOutcome(SwapStatus.UNKNOWN, f"{where}{error}".rstrip("."))
            raise
        outcome = self._judge_report(said, updates) if isinstance(said, bytes) else said
        if push.is_doubtful and outcome.status is not SwapStatus.WON:
            return SwapOutcome(SwapStatus.UNKNOWN, f"an earlier try of this push may have landed: {outcome.message}")
        if outcome.status is SwapStatus.DENIED and said is outcome:  # nothing was compared
            raise DeniedError(outcome.message)
        return outcome

    def _judge_report(self, said: bytes, updates: Sequence[RefUpdate]) -> SwapOutcome:
        offered = self._server.known.receiving
        try:
            report = report_status.parsed(said, banded="side-band-64k" in offered)
        except UnfamiliarError as error:
            return SwapOutcome(SwapStatus.UNKNOWN, str(error))
        errors = "".join(f"remote: {line}\n" for line in report.said.splitlines() if line.strip())
        if not report.unpacked:
            failed = judge_failure(Completed(1, b"", errors.encode()))
            is_no = failed.status is SwapStatus.DENIED
            words = clean_text(errors) or "the remote reported nothing of the push"
            return failed if is_no else SwapOutcome(SwapStatus.UNKNOWN, words)
        is_unpacked = report.unpacked == "ok"
        if not is_unpacked:
            errors += f"error: remote unpack failed: {report.unpacked}\n"
        outcome = judge_lines(lines_of(updates, report.ok if is_unpacked else (), report.failed), updates, errors)
        if report.ok and report.failed and len(updates) > 1:
            self._server.note_halves()
        return outcome

    # -- the git program ----------------------------------------------------------------------------------------------

    def _by_git(self) -> "GitCliTransport":
        if self._git is None:
            self._git = self._make_git()
        self._git.atomic = self._git.atomic and not self._server.known.takes_one
        return self._git

    def _or_by_git(self, own: Callable[[], _T], by_git: Callable[["GitCliTransport"], _T]) -> _T:
        """Do it here, or else by git: at once where that is known, and after one more look where it is a surprise."""
        self._server.renew()
        if self.why_git:
            return by_git(self._by_git())
        reason = UnfamiliarError("")
        for _ in range(2):
            try:
                return own()
            except UnfamiliarError as error:
                reason = error
            if not self._server.forget():
                break
        done = by_git(self._by_git())
        if reason.lasts and (not isinstance(done, SwapOutcome) or done.status in {SwapStatus.WON, SwapStatus.LOST}):
            self._server.leave_to_git(str(reason))
        return done
