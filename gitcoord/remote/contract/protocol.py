"""What every transport can do, and what all agree on: list refs, fetch objects, swap refs by compare-and-swap.

Rules:
  * There is no way to say "unconditional". `old=None` means *the ref must be absent*; `new=None` deletes;
    `old == new` is a *check*: the ref must be unchanged, nothing is written.
  * A swap is all or none. Where `atomic` is false, which may be found out by the first swap of several refs, one that
    writes more than one ref is LOST, and nothing of it was sent: a caller that needs several writes them one after
    another.
  * The answer to a swap is a value, one of five. UNKNOWN is neither success nor failure: the caller reads again.
  * Success is "the ref is at *my* unique commit", never "the program exited with 0".

What this file does not know: any transport.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, NewType, Protocol, runtime_checkable

from gitcoord.errors import CoordError, DocumentError, UnreachableError

Oid = NewType("Oid", str)
"""A full object id in lower-case hexadecimal: 40 digits (sha1) or 64 (sha256)."""

RefName = NewType("RefName", str)
"""A full ref name, such as `refs/coord/claims`."""


class CorruptError(DocumentError):
    """The bytes of an object on this disk are not its content; those of another copy may be."""


_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def oid(text: str) -> Oid:
    """Return `text` as an object id.

    Raises:
        ValueError: `text` is not 40 or 64 lower-case hexadecimal digits.
    """
    if not _OID.fullmatch(text):
        message = f"{text[:80]!r} is not a full object id"
        raise ValueError(message)
    return Oid(text)


class ObjectKind(StrEnum):
    """The three kinds of object that a ledger is made of (no tags)."""

    BLOB = "blob"
    TREE = "tree"
    COMMIT = "commit"


class RefUpdate(NamedTuple):
    """One line of a swap. `old=None`: must be absent. `new=None`: delete. `old == new`: a check."""

    ref: RefName
    old: Oid | None
    new: Oid | None

    @property
    def is_check(self) -> bool:
        """Whether this line only demands that the ref is unchanged."""
        return self.old == self.new


class SwapStatus(StrEnum):
    """What became of a swap."""

    WON = "won"
    LOST = "lost"
    DENIED = "denied"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


class SwapOutcome(NamedTuple):
    """The status, and the remote's words where there are any (already stripped of control characters).

    `cause` is what broke on this machine, where that and not the remote is why nothing was sent. `lock_path` is the
    lock file that stayed taken, where that and no other write is why the swap was lost.
    """

    status: SwapStatus
    message: str = ""
    cause: CoordError | None = None
    lock_path: str = ""


class FaultKind(StrEnum):
    """Why a listing passed over a ref, as the end of a sentence."""

    NO_NAME = "is not a ref name"
    SYMBOLIC = "is symbolic"
    NO_OBJECT = "holds no object id"
    UNREADABLE = "cannot be read"


class RefFault(NamedTuple):
    """What is wrong with a ref; `reason` is the system's, where it gave one."""

    ref: str
    kind: FaultKind
    reason: str = ""

    @property
    def what(self) -> str:
        """Return what is wrong, as the end of a sentence."""
        return f"{self.kind}: {self.reason}" if self.reason else self.kind.value


class Objects(Protocol):
    """A content-addressed store of whole objects, without their headers."""

    @property
    def object_format(self) -> str:
        """`sha1` or `sha256`."""
        ...

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        """Return the kind and content.

        Raises:
            MissingObjectError: it is not here.
            DocumentError: it is here but larger than 16 MiB, of another kind, or corrupt.
        """
        ...

    def has(self, oid: Oid) -> bool:
        """Whether the object is here."""
        ...

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        """Store an object and return its id; storing it twice is harmless."""
        ...


@runtime_checkable
class LeavesOut(Protocol):
    """Objects of a copy from which the history of long ago was left out, and which bring it where it is looked for.

    It has no properties: Python 3.11 reads them to tell whether something is one of these, and each look does.
    """

    def here(self) -> Objects:
        """Return what is here, for who asks the remote for nothing more."""
        ...

    def leaves_out(self) -> bool:
        """Whether anything is not here that was left out."""
        ...

    def why_left_out(self, oid: Oid) -> UnreachableError | None:
        """Return why an object is not here that was left out and may come yet; `None`: it is of no such history."""
        ...


def here(objects: Objects) -> Objects:
    """Return what is here of objects: for these nothing is brought that was left out."""
    return objects.here() if isinstance(objects, LeavesOut) else objects


class Transport(Protocol):
    """A place that holds refs. Instances may be used from several threads, one call at a time each."""

    @property
    def name(self) -> str:
        """Return `memory`, `local`, `smarthttp` or `gitcli`."""
        ...

    @property
    def is_far(self) -> bool:
        """Whether refs are reached by fetching and pushing alone.

        Then each look waits for an answer, and a swap may land after this process has ended.
        """
        ...

    @property
    def atomic(self) -> bool:
        """Whether a swap may write several refs; as far as is known before the first one that does."""
        ...

    @property
    def sends_checks(self) -> bool:
        """Whether a check is compared by the remote itself, in the same swap as the writes."""
        ...

    @property
    def objects(self) -> Objects:
        """Where objects are read and written; a swap makes what its new tips need reach the remote."""
        ...

    @property
    def faults(self) -> Sequence[RefFault]:
        """The refs that the last `read` passed over, as far as this place can tell."""
        ...

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        """List the refs that begin with one of `prefixes` (whole names or prefixes ending in `/`), as they are now.

        Raises:
            UnreachableError: the remote cannot be reached.
            DeniedError: the remote does not let us read.
        """
        ...

    def fetch(self, oids: Iterable[Oid]) -> None:
        """Make these commits, as listed by `read`, and all they need present in `objects`.

        Raises:
            UnreachableError: the remote cannot be reached.
            MissingObjectError: the remote no longer has one of them; list again.
        """
        ...

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Compare all, then write all. At least one update is not a check. Never raises for an outcome."""
        ...


@runtime_checkable
class TellsTime(Protocol):
    """A transport that knows what time it is where the refs are kept."""

    def server_time(self) -> datetime | None:
        """Return it, for the price of a listing; `None` where it is not said."""
        ...


@runtime_checkable
class Refetches(Protocol):
    """A transport whose objects are a copy, of which a power cut or a full disk may have taken a part."""

    def refetch(self, tip: Oid) -> bool:
        """Bring a commit and all it needs once more, whatever of it seems to be here; return whether that was done.

        Raises:
            UnreachableError: the remote cannot be reached or does not answer; what was here still is.
        """
        ...


@runtime_checkable
class FallsBack(Protocol):
    """A transport that leaves to the git program what it does not know."""

    @property
    def why_git(self) -> str:
        """Return why the git program does it, as the end of a sentence; nothing where it does not."""
        ...

    @property
    def compares(self) -> bool:
        """Whether the remote was not seen to take a push whose old value was wrong."""
        ...

    @property
    def looks_again(self) -> bool:
        """Whether a yes is not known to prove anything, so that a write counts only where its ref is found then."""
        ...

    def withdraw(self, written: Sequence[RefUpdate]) -> None:
        """Delete what was just written, as far as that works: also what no listing shows."""
        ...


def is_under(ref: str, prefixes: Sequence[str]) -> bool:
    """Whether a ref is one of the whole names, or lies under one of the prefixes that end in `/`."""
    return any(ref == prefix or (prefix.endswith("/") and ref.startswith(prefix)) for prefix in prefixes)


def first_stale(refs: Mapping[RefName, str], updates: Sequence[RefUpdate]) -> RefUpdate | None:
    """Return the first update whose ref is not where the swap expects it."""
    return next((update for update in updates if refs.get(update.ref) != update.old), None)


def lost_at(update: RefUpdate) -> SwapOutcome:
    """Return LOST because of this update."""
    return SwapOutcome(SwapStatus.LOST, f"{update.ref} is no longer at {update.old or 'absent'}")


def one_at_a_time() -> SwapOutcome:
    """Return the outcome of a swap of several refs that the remote would land by halves: LOST, and nothing was sent."""
    return SwapOutcome(SwapStatus.LOST, "the remote takes one ref at a time")


def half_landed(landed: Sequence[str], failed: str, outcome: SwapOutcome) -> SwapOutcome:
    """Return the outcome of a swap of which only the first updates landed: UNKNOWN, so that the caller reads."""
    words = f"{', '.join(landed)} landed, but {failed} is {outcome.status}: {outcome.message}"
    return SwapOutcome(SwapStatus.UNKNOWN, words)
