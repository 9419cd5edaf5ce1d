"""Answers about claims, requests and the line (`service/claims`), field by field."""

from datetime import datetime
from typing import NotRequired, TypedDict

from gitcoord.core.claims.claim import Claim, Item, Severity
from gitcoord.core.claims.claim_commands import Urgency
from gitcoord.core.claims.release_request import RequestState
from gitcoord.core.documents.json_text import Json
from gitcoord.service.schemas.answers import Answer
from gitcoord.service.schemas.recorded import BarrierFact

_For = TypedDict("_For", {"for": NotRequired[str]})  # a word of Python


class ConflictRow(_For):
    """A held item that meets what was asked.

    Attributes:
        your_pattern, your_symbols: what was asked.
        items: the first patterns of that claim.
        overlap, overlap_more: tracked files in both, and how many more there are.
        example: a path that both match, where no tracked file is in both.
        symbol_overlap: the symbols in both.
        holder_life, holder_seen, free_at: how the holder is judged, where its claim ends with it.
    """

    your_pattern: str
    your_symbols: list[str]
    agent: str
    claim_id: str
    item: str
    items: list[str]
    branch: str | None
    description: str
    expires_at: str
    overlap: list[str]
    overlap_more: NotRequired[int]
    example: NotRequired[str]
    symbol_overlap: list[str]
    holder_life: NotRequired[str]
    holder_seen: NotRequired[datetime]
    holder_called_at: NotRequired[datetime]
    free_at: NotRequired[datetime]


class ClaimAnswer(Answer):
    """What became of a call that claims: granted, in line, or, with `refused`, not.

    Attributes:
        claim: null where nothing is granted.
        claims: ids, where what was asked is in several claims; not after a wait, which has the new claim alone.
        carved: what others hold of the caller's own claims there; not after a wait either.
        barriers: commits that the new holder should have.
        waiting, queue_id, position, behind, until: in line: the call, its place, and who is before it.
        refused: why not, in a word.
        conflicts, conflicts_count: what is in the way.
    """

    granted: bool
    claim: Claim | None
    claims: NotRequired[list[str]]
    carved: NotRequired[list[dict[str, Json]]]
    barriers: NotRequired[list[BarrierFact]]
    waiting: NotRequired[bool]
    queue_id: NotRequired[str]
    position: NotRequired[int]
    behind: NotRequired[list[Json]]
    until: NotRequired[datetime]
    refused: NotRequired[str]
    conflicts: NotRequired[list[ConflictRow]]
    conflicts_count: NotRequired[int]


class ClaimsChecked(Answer):
    """Whether a claim would be granted; nothing was claimed. `refused`: as a claim would be, in a word."""

    safe: bool
    refused: NotRequired[str]
    conflicts: list[ConflictRow]
    conflicts_count: NotRequired[int]


class ClaimRow(TypedDict):
    """A claim in a list; of one that ended, and cannot be read any more, only the first fields are there.

    Attributes:
        ended, ended_at: how it ended, in a word, and when.
        holder_life, holder_seen, holder_called_at, free_at: how its holder is judged, and when it ends for its silence.
    """

    id: str
    agent: str
    clone: NotRequired[str]
    session: NotRequired[str | None]
    repo: NotRequired[str | None]
    branch: NotRequired[str | None]
    description: NotRequired[str]
    items: NotRequired[list[Item]]
    partners: NotRequired[list[dict[str, Json]]]
    severity: NotRequired[Severity | None]
    owners: NotRequired[list[str]]
    fence: NotRequired[int]
    step: NotRequired[str | None]
    step_fence: NotRequired[int | None]
    created_at: NotRequired[datetime]
    expires_at: NotRequired[datetime]
    last_activity: NotRequired[datetime]
    ack_by: NotRequired[datetime]
    queue_id: NotRequired[str]
    commit: NotRequired[str]
    ended: NotRequired[str]
    ended_at: NotRequired[datetime]
    holder_life: NotRequired[str]
    holder_seen: NotRequired[datetime]
    holder_called_at: NotRequired[datetime]
    free_at: NotRequired[datetime]


class ClaimsListed(Answer):
    """Claims, the one that ends first first; after them those that ended, where they are asked for."""

    claims: list[ClaimRow]
    count: int


class ExtendedRow(TypedDict):
    """When a claim ends now."""

    id: str
    expires_at: datetime


class ClaimsExtended(Answer):
    """The claims, and when they end now.

    Attributes:
        clamped: those that end sooner, because another agent asks for them.
    """

    claims: list[ExtendedRow]
    count: int
    clamped: NotRequired[list[Json]]


class ClaimsReleased(Answer):
    """The ids of claims that ended.

    Attributes:
        not_yours, not_found: ids of those that did not.
        ended: how those ended that were over before, by id.
    """

    released: list[str]
    not_yours: NotRequired[list[str]]
    not_found: NotRequired[list[str]]
    ended: NotRequired[dict[str, str]]


class RequestRow(TypedDict):
    """A request for the release of a claim.

    Attributes:
        requested: what was asked for of it.
        holder_agent, holder_clone, holder_session: who answers.
        seen_at: when the holder saw it.
        granted: the claim that the answer gave.
        late: what the holder answered after it was decided.
        items, expires_at: of the claim, for its holder.
    """

    id: str
    claim: str
    agent: str
    clone: str
    session: NotRequired[str | None]
    holder_agent: str
    holder_clone: str
    holder_session: NotRequired[str | None]
    created_at: datetime
    seen_at: NotRequired[datetime | None]
    decision: RequestState
    decided_at: NotRequired[datetime | None]
    note: NotRequired[str]
    granted: NotRequired[str | None]
    late: NotRequired[str | None]
    reason: str
    urgency: Urgency
    requested: list[str]
    items: NotRequired[list[str]]
    expires_at: NotRequired[datetime]


class RequestAnswer(Answer):
    """A request as it is now.

    Attributes:
        claim: what the answer gave.
        late: it was decided before.
    """

    request: RequestRow | None
    claim: NotRequired[Claim]
    late: NotRequired[bool]


class WaitingCall(TypedDict):
    """A call that waits."""

    queue_id: str
    agent: str
    clone: str
    patterns: list[str]
    urgency: Urgency
    description: str
    created_at: datetime
    expires_at: datetime


class WaitedFor(TypedDict):
    """Who is in the way of a call that waits."""

    agent: str
    claim_id: str
    item: str
    expires_at: datetime


class QueueRow(WaitingCall):
    """A call that waits, its place, and whom it waits for.

    Attributes:
        behind: the agents of calls before it.
    """

    position: int
    behind: list[str]
    waits_for: list[WaitedFor]


class RequestsListed(Answer):
    """What others ask of the caller; or what the caller asked for, and its calls that wait."""

    pending: NotRequired[list[RequestRow]]
    requests: NotRequired[list[RequestRow]]
    queued: NotRequired[list[WaitingCall]]
    count: int


class QueueListed(Answer):
    """The calls that wait, who came first first."""

    queued: list[QueueRow]


class QueueCancelled(Answer):
    """Whether a call waits no more."""

    cancelled: bool
    queue_id: str
