"""A relay: how far it has delivered, and what waits to be tried again. Lives in `refs/coord/relay/<name>`.

    event ──delivered──> counted
      └──failed──> waiting ──tried again──> delivered, or waiting
                      └──failed for the fifth time──> exhausted, until a person tries it again or purges it

Rules:
  * RELAY-3: no secret and no URL is in it: of the receiver it has the scheme, the host and the port.
  * All of it is bounded: what does not fit any more is the oldest of what is only shown.

What this file does not know: who delivers, and how.
"""

from collections.abc import Mapping
from datetime import datetime

from gitcoord.core.documents.doc import EMPTY, Doc, Number, Text
from gitcoord.core.documents.json_text import Json


class Position(Doc, frozen=True, kw_only=True):
    """How far one ledger was delivered: to this commit, of that time, and so many events of the commit after it."""

    ledger: Text
    commit: Text
    at: datetime
    events: Number = 0


class Delivery(Doc, frozen=True, kw_only=True):
    """One event on its way to the receiver.

    Attributes:
        id: the same for the same event, by any process and however often.
        event: its word.
        at: when it happened.
        detail: what it is about.
        attempts: how often it was tried in vain.
        due_at: when to try next; `None`: as soon as can be.
        problem: why the last attempt failed.
    """

    id: Text
    event: Text
    at: datetime
    detail: Mapping[str, Json] = EMPTY
    attempts: Number = 0
    due_at: datetime | None = None
    problem: Text = ""


class Attempt(Doc, frozen=True, kw_only=True):
    """One attempt, for people who look. `result`: `delivered`, `failed` or `exhausted`; `answer`: of the receiver."""

    id: Text
    event: Text
    at: datetime
    number: Number
    result: Text
    answer: Text


class Relay(Doc, frozen=True, kw_only=True):
    """What all processes share that deliver under one name.

    Attributes:
        name: of the relay.
        receiver: where it delivers, without what may be a secret.
        positions: of each ledger; a ledger that is in none is delivered from its first commit.
        waiting, exhausted: deliveries that failed.
        recent: the last attempts, the newest last.
        delivered, failed, given_up: how many attempts ended so, ever.
        turn_of, turn_until: the process that delivers now, and for how long it may.
        paused_until: the receiver asked for, or needs, a pause until then.
    """

    name: Text
    receiver: Text = ""
    positions: tuple[Position, ...] = ()
    waiting: tuple[Delivery, ...] = ()
    exhausted: tuple[Delivery, ...] = ()
    recent: tuple[Attempt, ...] = ()
    delivered: Number = 0
    failed: Number = 0
    given_up: Number = 0
    turn_of: Text = ""
    turn_until: datetime | None = None
    paused_until: datetime | None = None
