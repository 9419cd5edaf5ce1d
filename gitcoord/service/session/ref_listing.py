"""Listings: the refs of a place as they are now, with what they need brought here; for a read, see `freshness`.

Rules:
  * One thread of a process asks at a time, and while it does it holds nothing that others need to look at what is here:
    a remote that hangs stops only the call that asks it. Who waited for another that got no answer does not ask.
  * What this clone saw is read before refs are listed, and judged after (SAFE-9).
  * What is listed is kept for when the remote is away, where its objects are here then (`last_listing`).
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitcoord.errors import UnreachableError
from gitcoord.ledger.readers.last_listing import Listing
from gitcoord.remote.contract import deadline
from gitcoord.remote.contract.deadline import NoAnswerError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session import freshness
from gitcoord.service.session.freshness import Read

if TYPE_CHECKING:
    from gitcoord.service.session.workspace import Workspace

_NEVER = "Nothing was ever read from it here."
_NOT_COPIED = "What was read from it is not copied here yet."


@dataclass(frozen=True, slots=True)
class Silence:
    """What a listing in vain ended with. `at`: when, on the host's monotonic clock."""

    at: float
    message: str
    hint: str


def listed(workspace: "Workspace") -> Mapping[RefName, Oid]:
    """List the refs as they are now; within a read, as they were here last where the remote does not answer.

    Raises:
        UnreachableError: the remote does not answer, and nothing was ever read here, or the caller insists.
        CoordError: the remote cannot be read.
    """
    read = freshness.current()
    if read is None:
        workspace.follow()
        return _as_now(workspace, None)
    if read.listing is not None:
        return read.listing.refs
    workspace.follow()
    known = last(workspace)
    try:
        with deadline.asking_until(read.left_s if known else None):
            return _as_now(workspace, read if known else None)
    except UnreachableError as error:
        if known is None:
            lacking = _NOT_COPIED if workspace.lookback.marks.refs() else _NEVER
            raise UnreachableError(f"{error} {lacking}", hint=error.hint) from error
        read.fall_back(known, error)
        return known.refs


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

    `None`: it saw nothing, nor did any before it.

    Raises:
        CoordError: they cannot be read.
    """
    if workspace.setting.transport.name != "gitcli":
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
        if kept is not None and not rewound and workspace.setting.transport.name == "gitcli":
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
        beats = reader.heartbeats(found)
        lookback.hear(beats)
        reader.rules.look(found.get(workspace.setting.refs.config))
        workspace.setting.clock_offset.observe(beats, workspace.setting.clone)
        workspace.setting.watchfulness.observe(workspace.setting.refs.heartbeats_in(found), reader.beat_of)
    return found
