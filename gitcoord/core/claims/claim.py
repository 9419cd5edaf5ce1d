"""Claims: who may change what, for how long.

A claim is what one holder asked for in one call: items, each a path pattern or symbols in the files of one. It is
granted or refused as a whole; an item past its end leaves it alone.

Rules:
  * Everything of an item that is not carved out of it is the holder's until `expires_at`.
  * What was carved is another claim's; it comes back when that claim ends.
  * `fence` is drawn from the ledger's sequence number, so it only grows.

What this file does not know: who conflicts with whom, the clock, who is alive.
"""

from datetime import datetime
from enum import StrEnum

from gitcoord.core.documents.doc import Doc, Number, Struct, Text
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.path_pattern import Pattern, Reading

FILE_HOURS = 4.0
SHARED_HOURS = 2.0  # what everyone needs is not kept for long, however long the caller wants it


class Kind(StrEnum):
    """What an item is for; it changes who conflicts only through `narrowable`."""

    FILE = "file"
    SHARED_FILE = "shared_file"
    MODULE = "module"


class Mode(StrEnum):
    """What the holder does there."""

    WRITE = "write"
    READ = "read"


class Severity(StrEnum):
    """How much the owners of a place mind."""

    SOFT = "soft"
    HARD = "hard"


class Why(StrEnum):
    """Why a part has to do with another claim: it was taken out, a writer outdated it, or both agreed to share it."""

    CARVED = "carved"
    STALE = "stale"
    AGREED = "agreed"


class Part(Doc, frozen=True, kw_only=True):
    """A part of an item that has to do with another claim.

    Attributes:
        claim: the id of the other claim.
        symbols: none means every file of the pattern as a whole.
    """

    claim: Text
    pattern: Text
    reading: Reading | None = None
    symbols: tuple[Text, ...] = ()
    why: Why = Why.CARVED

    @property
    def area(self) -> Area:
        """What the part covers."""
        return Area(Pattern.of(self.pattern, self.reading), self.symbols)


class Item(Doc, frozen=True, kw_only=True):
    """One pattern of a claim, or symbols in its files.

    Attributes:
        reading: how the last segment is read, where that is not what its text says.
        clamped_from: the end it had before another agent asked for its release.
        carved: what other claims have of it.
        auto: an edit hook made it; it is extended while it is used.
        since: when the edit hook made it; it is not extended for ever.
        unpushed: its holder's clone has work there that no other one sees, as of its last beat: not committed, or not
            pushed.
    """

    pattern: Text
    reading: Reading | None = None
    symbols: tuple[Text, ...] = ()
    kind: Kind = Kind.FILE
    mode: Mode = Mode.WRITE
    narrowable: bool = True
    expires_at: datetime
    clamped_from: datetime | None = None
    carved: tuple[Part, ...] = ()
    auto: bool = False
    last_activity: datetime | None = None
    since: datetime | None = None
    unpushed: bool = False

    @property
    def area(self) -> Area:
        """What the item covers, carved parts included."""
        return Area(Pattern.of(self.pattern, self.reading), self.symbols)

    @property
    def may_be_narrowed(self) -> bool:
        """Whether other holders may carve symbols out of it without asking."""
        return self.narrowable and self.kind is Kind.FILE and not self.symbols and self.mode is Mode.WRITE


class Claim(Doc, frozen=True, kw_only=True):
    """One claim.

    Attributes:
        session: `None` for a claim that silence never ends.
        repo: which repository, where several share one remote.
        partners: where this claim and others touch: carved out of them, or held together by agreement.
        step, step_fence: the step that it was taken with; it confers nothing once that step has another fence.
        ack_by: until when a waiter that was granted it has to show itself.
        queue_id: the entry that waited for it.
        commit: the last pushed commit that changed something there; the next holder should have it.
    """

    id: Text
    agent: Text
    clone: Text
    session: Text | None = None
    repo: Text | None = None
    branch: Text | None = None
    description: Text = ""
    items: tuple[Item, ...]
    partners: tuple[Part, ...] = ()
    severity: Severity | None = None
    owners: tuple[Text, ...] = ()
    fence: Number = 0
    step: Text | None = None
    step_fence: Number | None = None
    created_at: datetime
    expires_at: datetime
    last_activity: datetime
    ack_by: datetime | None = None
    queue_id: Text | None = None
    commit: Text | None = None

    @property
    def holder(self) -> tuple[str, str]:
        """The pair that holds it."""
        return (self.agent, self.clone)

    @property
    def as_held(self) -> "HeldClaim":
        """Return what judging its holder needs."""
        return HeldClaim(self.id, self.fence, self.agent, self.clone, self.session, None, self.last_activity)

    def with_items(self, items: tuple[Item, ...]) -> "Claim":
        """Return the claim with these items; it ends with the last of them."""
        return self.evolve(items=items, expires_at=max(item.expires_at for item in items))


class HeldClaim(Struct, frozen=True):
    """A claim as `liveness` judges it. Its branch is no sign of life: claims are for what is not committed yet."""

    id: str
    fence: int
    agent_id: str | None
    clone: str | None
    session_id: str | None
    branch: str | None
    last_activity: datetime | None
