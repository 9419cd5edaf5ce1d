"""Attention: what needs a person or an agent now, as rows in one order.

    high      someone waits for it, others are blocked, work is about to be lost, or nothing can be relied on
    medium    it stands still, or will soon
    low       it ends by itself, or is for another agent to do

Rules:
  * The highest comes first; of one severity what ends first, then what most others wait for, then what is oldest.
  * A row is for the caller (`you`), for any person (`person`), or for an agent, which is named.
  * What needs a caller now are the rows for it and for a person that are not low: a prompt counts these.
  * The next step names its calls as data.

What this file does not know: how anything is found out, the clock, how a row is shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.liveness import span_text
from gitcoord.core.documents.names import amount

YOU, PERSON = "you", "person"


class AttentionKind(StrEnum):
    """What a row is about; in the order in which rows of one severity and moment come."""

    DAMAGED = "damaged"
    REWOUND = "rewound"
    REMOTE_DECLINES = "remote_declines"
    HEARTBEAT_LATE = "heartbeat_late"
    CLOCK_OFF = "clock_off"
    RELEASE_ASKED = "release_asked"
    CLAIM_ENDS = "claim_ends"
    EDIT_REFUSED = "edit_refused"
    STEP_FAILED = "step_failed"
    STEP_STALE = "step_stale"
    CALL_WAITING = "call_waiting"
    CONFLICT_PREDICTED = "conflict_predicted"
    NO_CALL = "no_call"
    HOLDER_GONE = "holder_gone"
    KEPT = "kept"


class Rank(StrEnum):
    """How much a row matters."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Attention(NamedTuple):
    """One row.

    Attributes:
        who: `YOU`, `PERSON`, or the agent that has to act.
        about: the id of the claim, step, request or ref, or the agent.
        message: what is so; a sentence without its full stop.
        next_step: what to do, with its calls; "" where there is nothing.
        since, until: since when it is so; when it ends by itself, which may be a loss.
        waiting: how many others wait for it.
        facts: what else is known, by the names of the documents.
    """

    kind: AttentionKind
    rank: Rank
    who: str
    about: str
    message: str
    next_step: str = ""
    since: datetime | None = None
    until: datetime | None = None
    waiting: int = 0
    facts: Mapping[str, Json] = MappingProxyType({})

    @property
    def is_needed(self) -> bool:
        """Whether the caller, or a person, has to do something."""
        return self.who in (YOU, PERSON) and self.rank is not Rank.LOW

    def as_json(self) -> dict[str, Json]:
        """Return it as a result shows it."""
        row: dict[str, Json] = {"kind": self.kind.value, "severity": self.rank.value, "who": self.who}
        row |= {"about": self.about, **self.facts}
        row |= {name: time_text(at) for name, at in (("since", self.since), ("until", self.until)) if at is not None}
        return {**row, "message": self.message, **({"next_step": self.next_step} if self.next_step else {})}


def in_order(rows: Iterable[Attention]) -> list[Attention]:
    """Return rows as they are shown."""
    kinds, ranks = [*AttentionKind], [*Rank]

    def place(row: Attention) -> tuple[int, float, int, float, int, str]:
        end = row.until.timestamp() if row.until else float("inf")
        begin = row.since.timestamp() if row.since else float("-inf")
        return (ranks.index(row.rank), end, -row.waiting, begin, kinds.index(row.kind), row.about)

    return sorted(rows, key=place)


def highest(rows: Iterable[Attention]) -> Rank | None:
    """Return how much the most important of what is needed matters; `None`: nothing is."""
    needed = {row.rank for row in rows if row.is_needed}
    return next((rank for rank in Rank if rank in needed), None)


def in_one_line(rows: Iterable[Attention], now: datetime) -> str:
    """Say what is needed on one line, for a prompt; "" where nothing is."""
    by_kind: dict[AttentionKind, list[Attention]] = {}
    for row in in_order(rows):
        if row.is_needed:
            by_kind.setdefault(row.kind, []).append(row)
    return " · ".join(_said(kind, same, now) for kind, same in by_kind.items())


def _said(kind: AttentionKind, rows: Sequence[Attention], now: datetime) -> str:
    noun, behind = _WORDS[kind]
    said = f"{amount(len(rows), noun) if noun else ''} {behind[len(rows) != 1]}".strip()
    ends = [row.until for row in rows if row.until is not None]
    if kind is not AttentionKind.CLAIM_ENDS or not ends:
        return said
    left_s = (min(ends) - now).total_seconds()
    return f"{said} {f'in {span_text(left_s)}' if left_s > 0 else 'now'}"


# Kind -> the noun that is counted, and what stands behind it for one and for several.
_WORDS: Mapping[AttentionKind, tuple[str, tuple[str, str]]] = {
    AttentionKind.DAMAGED: ("ledger", ("damaged", "damaged")),
    AttentionKind.REWOUND: ("ledger", ("went back", "went back")),
    AttentionKind.REMOTE_DECLINES: ("", ("remote declines", "remote declines")),
    AttentionKind.HEARTBEAT_LATE: ("", ("no heartbeat at the remote", "no heartbeat at the remote")),
    AttentionKind.CLOCK_OFF: ("", ("clock off", "clock off")),
    AttentionKind.RELEASE_ASKED: ("request", ("", "")),
    AttentionKind.CLAIM_ENDS: ("claim", ("ends", "end")),
    AttentionKind.EDIT_REFUSED: ("edit", ("of what another agent holds", "of what another agent holds")),
    AttentionKind.CONFLICT_PREDICTED: ("branch", ("will not merge with yours", "will not merge with yours")),
    AttentionKind.STEP_FAILED: ("step", ("failed", "failed")),
    AttentionKind.STEP_STALE: ("step", ("stale", "stale")),
    AttentionKind.CALL_WAITING: ("call", ("waits behind you", "wait behind you")),
    AttentionKind.NO_CALL: ("agent", ("idle", "idle")),
    AttentionKind.HOLDER_GONE: ("holder", ("gone", "gone")),
    AttentionKind.KEPT: ("ledger", ("kept aside", "kept aside")),
}
