"""Freshness: refs are listed as they are now; a read is answered from what is here, with its age, while that fails.

    reading ──> list refs ──answered within READ_S──> as it is now
                    └──not answered──> the last listing of this clone: `fresh: false`, `as_of`, a notice
                                           └──nothing was ever read here──> UnreachableError

Rules:
  * READ_S is for all that a read asks of remotes together, and for what else it waits for meanwhile. What git does here
    is not bounded by it.
  * Only what is called within `reading` is answered so. What decides (a command, a hook, `verify`, `land`) insists on
    the remote, and so does a person with `--fresh`.
  * After the first question without an answer nothing more is asked in the same read.
  * A read from here alone (`asks=False`) asks nothing over a network; a prompt does not wait for one.
  * Who is alive is judged as of the moment of the listing: that nothing was heard since is not their silence.
  * Where nothing was ever read here, the remote is waited for as long as usual: there is nothing else to say.
  * One thread of a process asks at a time, and while it does it holds nothing that others need to look at what is here:
    a remote that hangs stops only the call that asks it. Who waited for another that got no answer does not ask.
  * What this clone saw is read before refs are listed, and judged after (SAFE-9).
  * What is listed is kept for when the remote is away, where its objects are here then (`last_listing`).

What this file does not know: who shows the answer.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.doc import Struct
from gitcoord.core.documents.json_text import Json, clock_text, time_text
from gitcoord.core.documents.liveness import span_text
from gitcoord.errors import NotFoundError, RulesMovedError, UnreachableError
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.readers.last_listing import Listing
from gitcoord.ledger.readers.recent_refs import recent
from gitcoord.remote.contract import deadline
from gitcoord.remote.contract.deadline import NoAnswerError
from gitcoord.remote.contract.protocol import Oid, RefName

if TYPE_CHECKING:
    from gitcoord.service.session.workspace import Workspace

_T = TypeVar("_T")

RULES_TRIES = 3  # of one call: rules change seldom
READ_S = 3.0  # a reader waits for it; a listing over a slow line takes one, and the age of an answer says the rest
NOTICE = "not_fresh"
LEFT_OUT = "history_left_out"  # the notice that a history ends where this clone began, and not where it does
_NEVER = "Nothing was ever read from it here."
_NOT_COPIED = "What was read from it is not copied here yet."


class Read(Struct):
    """One read.

    Attributes:
        end: on the host's monotonic clock; after it nothing is asked.
        asks: whether a remote is asked over a network at all.
        listing: what was here last, once the remote did not answer.
        cause: why it did not.
    """

    host: Host
    end: float
    asks: bool = True
    listing: Listing | None = None
    cause: UnreachableError | None = None

    def left_s(self) -> float:
        """Return for how long remotes may still be asked."""
        return 0.0 if self.listing is not None else max(0.0, self.end - self.host.monotonic())

    def fall_back(self, listing: Listing, error: UnreachableError) -> None:
        """Answer from a listing from now on."""
        self.listing, self.cause = listing, error

    @property
    def is_fresh(self) -> bool:
        """Whether the answer is as of now."""
        return self.listing is None

    def dated(self, result: Mapping[str, Json]) -> dict[str, Json]:
        """Return a result that says of which moment it is, if that is not now."""
        if self.listing is None:
            return {**result}
        return {"fresh": False, "as_of": time_text(self.listing.at), **result}

    def sentence(self) -> str:
        """Say how old the answer is and why; "" where it is as of now."""
        if self.listing is None:
            return ""
        now = self.host.now()
        age = span_text((now - self.listing.at).total_seconds())
        return f"The remote did not answer; this is what was here {age} ago ({clock_text(self.listing.at, now)})."

    def notice(self) -> CallerNotice:
        """Return the same for a caller, with why."""
        todo = "It proves nothing as of now. What you hold stays yours; a call that writes asks the remote again."
        return CallerNotice.of(NOTICE, self.sentence(), todo, cause=str(self.cause))


class Silence(Struct, frozen=True):
    """What a listing in vain ended with. `at`: when, on the host's monotonic clock."""

    at: float
    message: str
    hint: str


# The read that this thread is in; `None`: it insists on the remote.
_read: ContextVar[Read | None] = ContextVar("read", default=None)


@contextmanager
def reading(host: Host, *, asks: bool = True) -> Generator[Read]:
    """Answer what is read within the block from what is here, where no remote answers in time, or none is asked.

    Raises:
        UnreachableError: what was named is not in what is here, which does not say that it is nowhere.
    """
    read = Read(host, host.monotonic() + (READ_S if asks else 0.0), asks)
    token = _read.set(read)
    try:
        with deadline.asking_until(read.left_s):
            yield read
    except NotFoundError as error:
        if read.is_fresh:
            raise
        hint = "Ask again once the remote answers."
        raise UnreachableError(f"{error} {read.sentence()}", hint=hint) from error
    finally:
        _read.reset(token)


def is_old() -> bool:
    """Whether what this thread answers from is not as of now."""
    read = _read.get()
    return read is not None and not read.is_fresh


def judged_at(now: datetime) -> datetime:
    """Return as of when who is alive is judged by what others wrote: now, or when that was read."""
    read = _read.get()
    return now if read is None or read.listing is None else min(now, read.listing.at)


def listed(workspace: "Workspace") -> Mapping[RefName, Oid]:
    """List the refs as they are now; within a read, as they were here last where the remote does not answer.

    Raises:
        UnreachableError: the remote does not answer, and nothing was ever read here, or the caller insists.
        CoordError: the remote cannot be read.
    """
    read = _read.get()
    if read is None:
        workspace.follow()
        return _as_now(workspace, None)
    if read.listing is not None:
        return read.listing.refs
    workspace.follow()
    known = last(workspace)
    if not read.asks and known is not None and workspace.setting.transport.is_far:
        read.fall_back(known, NoAnswerError("It was not asked."))
        return known.refs
    try:
        with deadline.asking_until(read.left_s if known or not read.asks else None):
            return _as_now(workspace, read if known else None)
    except UnreachableError as error:
        if known is None:
            lacking = _NOT_COPIED if workspace.lookback.marks.refs() else _NEVER
            raise UnreachableError(f"{error} {lacking}", hint=error.hint) from error
        read.fall_back(known, error)
        return known.refs


def lately(workspace: "Workspace") -> Mapping[RefName, Oid]:
    """Return the refs as they were listed a moment ago, or else as they are now: for what a swap compares again.

    Whether ledgers went back is left to who decides, which looks again.
    """
    workspace.follow()
    setting, reader = workspace.setting, workspace.reader
    with workspace.lock:
        if not setting.transport.is_far:
            return reader.list_refs()
        known = recent(setting.transport, setting.last_listing, reader, setting.host.now())
    return listed(workspace) if known is None else known


def lately_for_rules(workspace: "Workspace") -> Mapping[RefName, Oid]:
    """Return the same for the team's rules alone: of a store that is here, its other refs are not looked at."""
    workspace.follow()
    setting = workspace.setting
    if setting.transport.is_far:
        return lately(workspace)
    with workspace.lock:
        return setting.transport.read([setting.refs.config])


def by_rules(
    workspace: "Workspace", listed: Mapping[RefName, Oid], attempt: Callable[[Mapping[RefName, Oid]], _T]
) -> _T:
    """Return what an attempt by the team's rules of these refs gives; it is made anew where these moved meanwhile.

    Raises:
        RulesMovedError: they did so each time.
    """
    for _ in range(RULES_TRIES - 1):
        with suppress(RulesMovedError):
            return attempt(listed)
        listed = workspace.listed()
    return attempt(listed)


def last(workspace: "Workspace") -> Listing | None:
    """Return the refs as they were listed last, with what this clone has put there since.

    `None`: nothing was ever listed here, or it is the clone's own store, which is always here.
    """
    kept = workspace.setting.last_listing
    if kept is None:
        return None
    with workspace.lock:
        return kept.load(workspace.reader)


def left(workspace: "Workspace") -> Mapping[RefName, Oid] | None:
    """Return the refs as they are, or, where only git can ask for them, as this command saw and left them.

    Where ledgers went back they are asked for: what was listed then is not kept, and what is kept is older.
    `None`: it saw nothing, nor did any before it.

    Raises:
        CoordError: they cannot be read.
    """
    if not workspace.setting.transport.is_far or workspace.rewound_refs:
        return listed(workspace)
    known = last(workspace)
    return known.refs if known is not None else None


def _as_now(workspace: "Workspace", read: Read | None) -> Mapping[RefName, Oid]:
    with _asking(workspace, read):
        began = workspace.setting.host.now()
        found = _list_once(workspace)
        rewound = workspace.rewound(found)
        if rewound and not workspace.rewound_refs:  # from a server's older copy, or the place was left just now
            workspace.follow()
            began = workspace.setting.host.now()
            found = _list_once(workspace)
            rewound = workspace.rewound(found)
        workspace.note_skipped(rewound)
        kept = workspace.setting.last_listing
        if kept is not None and not rewound and workspace.setting.transport.is_far:
            kept.note(Listing(began, found), workspace.setting.host.unique)
        return found


@contextmanager
def _asking(workspace: "Workspace", read: Read | None) -> Generator[None]:
    """Be the one that asks; a read waits for another no longer than for the remote."""
    monotonic = workspace.setting.host.monotonic
    began = monotonic()
    if not workspace.asking.acquire(timeout=-1 if read is None else read.left_s()):
        raise UnreachableError("Another call of this session waits for the remote, which does not answer it.")
    try:
        silence = workspace.silence
        if silence is not None and silence.at > began:
            raise NoAnswerError(silence.message, hint=silence.hint)
        try:
            yield
        except NoAnswerError as error:
            if read is None:  # a read waits for a moment only, which proves nothing to who insists
                workspace.silence = Silence(monotonic(), str(error), error.hint)
            raise
    finally:
        workspace.asking.release()


def _list_once(workspace: "Workspace") -> Mapping[RefName, Oid]:
    lookback, reader = workspace.lookback, workspace.reader
    lookback.begin()
    found = reader.list_refs()
    reader.prefetch(found)
    with workspace.lock:
        workspace.setting.hear(found, reader, lookback)
        reader.rules_at(found.get(workspace.setting.refs.config))
    return found
