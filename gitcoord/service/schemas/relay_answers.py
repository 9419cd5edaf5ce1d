"""Answers of a relay, field by field.

What this file does not know: which command prints them.
"""

from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from gitcoord.core.documents.events import Event
from gitcoord.service.schemas.answers import Answer


class AttemptOfRound(TypedDict):
    """An attempt of this process. `answer`: the receiver's status, or why there was none."""

    delivery_id: str
    event_type: Event
    attempt: int
    delivered: bool
    answer: str


class RelayReport(Answer):
    """What a relay did: once, or in a round of one that goes on.

    Attributes:
        receiver: scheme, host and port; the rest of a URL may be a secret.
        delivered, failed: attempts now.
        waiting, exhausted: deliveries that are tried again, and that were given up.
        begun: it begins with what happens from now on.
        next_attempt_at: when one that waits is due.
        problem, hint: why a round of a relay that goes on came to nothing.
    """

    relay: NotRequired[str]
    receiver: NotRequired[str]
    delivered: NotRequired[int]
    failed: NotRequired[int]
    waiting: NotRequired[int]
    exhausted: NotRequired[int]
    attempts: NotRequired[list[AttemptOfRound]]
    begun: NotRequired[bool]
    next_attempt_at: NotRequired[datetime]
    problem: NotRequired[str]
    hint: NotRequired[str]


class CommentRow(TypedDict):
    """One pull request.

    Attributes:
        collides: with other work, as `text` says.
        comment: what was done with the comment; `unknown`: it was left, since the pull request cannot be judged.
        text: in Markdown.
        problem, hint: why it was not judged, or not written.
    """

    number: int
    collides: bool
    comment: Literal["created", "updated", "removed", "unchanged", "unknown", "failed"]
    text: NotRequired[str]
    problem: NotRequired[str]
    hint: NotRequired[str]


class CommentsKept(Answer):
    """What the open pull requests collide with, and what became of their comments: in one look.

    Attributes:
        count, collisions: how many there are, and how many of them collide.
        changed, failed, unknown: how many comments were changed, could not be written, and were left since their pull
            request cannot be judged.
        dry_run: nothing was changed; the rest says what would be.
        problem, hint: why a look of a relay that goes on came to nothing.
    """

    dry_run: NotRequired[bool]
    pull_requests: NotRequired[list[CommentRow]]
    count: NotRequired[int]
    collisions: NotRequired[int]
    changed: NotRequired[int]
    failed: NotRequired[int]
    unknown: NotRequired[int]
    problem: NotRequired[str]
    hint: NotRequired[str]


class RelayRow(TypedDict):
    """One relay. `delivered`, `failed`, `given_up`: attempts ever; `waiting`, `exhausted`: deliveries now."""

    relay: str
    receiver: str
    delivered: int
    failed: int
    given_up: int
    waiting: int
    exhausted: int
    next_attempt_at: datetime | None
    paused_until: datetime | None


class RelaysListed(Answer):
    """All relays, or the one that was named."""

    relays: list[RelayRow]
    count: int


class AttemptRow(TypedDict):
    """An attempt of any process."""

    delivery_id: str
    event_type: Event
    at: datetime
    attempt: int
    result: Literal["delivered", "failed", "exhausted"]
    answer: str


class DeliveryRow(TypedDict):
    """A delivery that failed. `at`: when the event was; `due_at`: when it is tried again; `problem`: the last one."""

    delivery_id: str
    event_type: Event
    at: datetime
    attempts: int
    due_at: datetime | None
    problem: str


class RelayTail(Answer):
    """The last attempts of a relay, the newest first, and what is not delivered."""

    relay: str
    attempts: list[AttemptRow]
    waiting: list[DeliveryRow]
    exhausted: list[DeliveryRow]


class DeliveriesRetried(Answer):
    """How many deliveries are due now."""

    relay: str
    count: int


class DeliveriesPurged(Answer):
    """How many deliveries were forgotten, and whether the relay was."""

    relay: str
    purged: int
    removed: bool
