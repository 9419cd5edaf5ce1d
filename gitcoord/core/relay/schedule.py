"""The schedule of a relay: whose turn it is, what is due, and what an answer of the receiver means.

    take a turn (swap) ──> deliver what is due, then what is new ──> settle: positions, retries, counts (swap)

Rules:
  * RELAY-1: one process at a time has the turn, so that none delivers what another is delivering. A turn ends with its
    settling, or with its time; what was delivered in one that was never settled is delivered again, under the same id.
  * RELAY-2: a failed delivery is tried again after 60, 120, 240 and 480 s, each up to a quarter longer so that many
    spread out, or later where the receiver says so; the fifth failure is the last.
  * A receiver that fails three times in a row, or asks for it, gets a pause in which nothing is tried: an outage costs
    attempts of few deliveries, and no others are begun.

What this file does not know: the clock, chance, and what is delivered.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from gitcoord.core.relay.relay import Attempt, Delivery, Position, Relay

RETRIES_S = (60, 120, 240, 480)
JITTER = 0.25
RETRY_AFTER_MAX_S = 3600  # a receiver that wants a longer pause is asked once an hour
TURN_S = 120  # twice what a batch may take: an attempt that was begun in time ends within it, its DNS look-up included
FAILURES_MAX = 3  # in a row
WAITING_MAX = 500  # with 2 KB of detail each a document of 1 MB; while so many wait, nothing new is begun
EXHAUSTED_MAX = 100
RECENT_MAX = 50
POSITIONS_MAX = 2_000  # as many ledgers are a hundred a year for twenty years
_SUCCESSES = range(200, 300)


class Response(NamedTuple):
    """What the receiver answered. `status`: of HTTP, `None` where there was none; `after_s`: the pause it asks for."""

    status: int | None
    words: str
    after_s: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the event is delivered."""
        return self.status in _SUCCESSES


class Tried(NamedTuple):
    """One attempt of this turn."""

    delivery: Delivery
    answer: Response
    at: datetime


def take_turn(relay: Relay, process: str, now: datetime) -> Relay | None:
    """Return the relay with the turn of a process; `None`: another process has it."""
    is_taken = relay.turn_until is not None and relay.turn_until > now
    if is_taken and relay.turn_of != process:
        return None
    return relay.evolve(turn_of=process, turn_until=now + timedelta(seconds=TURN_S))


def is_paused(relay: Relay, now: datetime) -> bool:
    """Whether nothing is to be tried now."""
    return relay.paused_until is not None and relay.paused_until > now


def due(relay: Relay, now: datetime) -> list[Delivery]:
    """Return what is to be tried again now, the longest due first."""
    found = [delivery for delivery in relay.waiting if delivery.due_at is None or delivery.due_at <= now]
    return sorted(found, key=lambda delivery: delivery.due_at or delivery.at)


def next_at(relay: Relay) -> datetime | None:
    """Return when something is to be tried again; `None`: nothing waits."""
    moments = [delivery.due_at or delivery.at for delivery in relay.waiting]
    if not moments:
        return None
    return max(min(moments), relay.paused_until) if relay.paused_until else min(moments)


def wants_pause(tried: Sequence[Tried]) -> bool:
    """Whether the receiver is to be left alone after these attempts: it asks for it, or fails again and again."""
    last = tried[-FAILURES_MAX:]
    if not last or last[-1].answer.is_success:
        return False
    return last[-1].answer.after_s is not None or (
        len(last) == FAILURES_MAX and not any(attempt.answer.is_success for attempt in last)
    )


def settle(relay: Relay, tried: Sequence[Tried], positions: Sequence[Position], chance: float) -> Relay:
    """Return the relay after a turn, which is over.

    Args:
        relay: as it is now.
        tried: the attempts, in order.
        positions: how far ledgers were delivered.
        chance: a number from 0 to 1.
    """
    waiting = {delivery.id: delivery for delivery in relay.waiting}
    exhausted = {delivery.id: delivery for delivery in relay.exhausted}
    recent, delivered, given_up = [*relay.recent], 0, 0
    for delivery, answer, at in tried:
        number = delivery.attempts + 1
        waiting.pop(delivery.id, None)
        result = "delivered"
        if answer.is_success:
            delivered += 1
        else:
            failed = _after_failure(delivery, answer, at, chance)
            result = "failed" if number <= len(RETRIES_S) else "exhausted"
            given_up += result == "exhausted"
            (waiting if result == "failed" else exhausted)[delivery.id] = failed
        recent.append(
            Attempt(id=delivery.id, event=delivery.event, at=at, number=number, result=result, answer=answer.words)
        )
    return relay.evolve(
        positions=_moved(relay.positions, positions),
        waiting=tuple(waiting.values()),
        exhausted=tuple(exhausted.values())[-EXHAUSTED_MAX:],
        recent=tuple(recent[-RECENT_MAX:]),
        delivered=relay.delivered + delivered,
        failed=relay.failed + len(tried) - delivered,
        given_up=relay.given_up + given_up,
        paused_until=_pause(tried, chance),
        turn_of="",
        turn_until=None,
    )


def _after_failure(delivery: Delivery, answer: Response, at: datetime, chance: float) -> Delivery:
    wait_s = RETRIES_S[min(delivery.attempts, len(RETRIES_S) - 1)] * (1 + JITTER * chance)
    wait_s = max(wait_s, min(answer.after_s or 0, RETRY_AFTER_MAX_S))
    due_at = at + timedelta(seconds=int(wait_s))
    return delivery.evolve(attempts=delivery.attempts + 1, due_at=due_at, problem=answer.words)


def _pause(tried: Sequence[Tried], chance: float) -> datetime | None:
    if not wants_pause(tried):
        return None
    asked_s = min(tried[-1].answer.after_s or 0, RETRY_AFTER_MAX_S)
    wait_s = asked_s or RETRIES_S[0] * (1 + JITTER * chance)
    return tried[-1].at + timedelta(seconds=int(wait_s))


def _moved(before: Sequence[Position], after: Sequence[Position]) -> tuple[Position, ...]:
    """Return the positions after a move; of ledgers that are gone those stay that moved last: they may come back."""
    found = {position.ledger: position for position in (*before, *after)}
    newest = sorted(found.values(), key=lambda position: position.at)[-POSITIONS_MAX:]
    return tuple(sorted(newest, key=lambda position: position.ledger))


def retry(relay: Relay, ids: Sequence[str], now: datetime) -> Relay:
    """Return the relay with deliveries due now; those that were exhausted begin anew. No ids: all of them."""

    def is_wanted(delivery: Delivery) -> bool:
        return not ids or delivery.id in ids

    again = [delivery.evolve(attempts=0, due_at=now) for delivery in relay.exhausted if is_wanted(delivery)]
    waiting = [delivery.evolve(due_at=now) if is_wanted(delivery) else delivery for delivery in relay.waiting]
    left = tuple(delivery for delivery in relay.exhausted if not is_wanted(delivery))
    return relay.evolve(waiting=(*waiting, *again), exhausted=left, paused_until=None)
