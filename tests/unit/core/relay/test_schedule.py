"""The schedule of a relay: turns, retries, pauses, and what a document of it may hold."""

from datetime import UTC, datetime, timedelta

import pytest

from gitcoord.core.documents import limits
from gitcoord.core.relay import schedule
from gitcoord.core.relay.relay import Delivery, Position, Relay
from gitcoord.core.relay.schedule import Response, Tried, settle, take_turn

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
NO, YES = Response(500, "HTTP 500"), Response(200, "HTTP 200")
EMPTY = Relay(name="webhooks")


def delivery(name: str = "d1", **fields: object) -> Delivery:
    return Delivery(id=name, event="claim_granted", at=NOW).evolve(**fields)


def after(*answers: Response, chance: float = 0.0) -> Relay:
    return settle(
        EMPTY, [Tried(delivery(f"d{number}"), answer, NOW) for number, answer in enumerate(answers)], (), chance
    )


@pytest.mark.rule("RELAY-1")
def test_a_turn_is_for_one_process_until_its_time_is_over() -> None:
    taken = take_turn(EMPTY, "a", NOW)
    assert taken is not None

    assert take_turn(taken, "b", NOW + timedelta(seconds=119)) is None
    assert take_turn(taken, "a", NOW + timedelta(seconds=60)) is not None
    over = take_turn(taken, "b", NOW + timedelta(seconds=120))
    assert over is not None
    assert over.turn_of == "b"


@pytest.mark.rule("RELAY-2")
@pytest.mark.parametrize(("chance", "waits"), [(0.0, [60, 120, 240, 480]), (1.0, [75, 150, 300, 600])])
def test_each_retry_waits_twice_as_long_and_up_to_a_quarter_more(chance: float, waits: list[int]) -> None:
    found: list[float] = []
    waiting = delivery()
    for _ in range(4):
        (waiting,) = settle(EMPTY, [Tried(waiting, NO, NOW)], (), chance).waiting
        assert waiting.due_at is not None
        found.append((waiting.due_at - NOW).total_seconds())

    assert found == waits
    last = settle(EMPTY, [Tried(waiting, NO, NOW)], (), chance)
    assert (last.waiting, [one.attempts for one in last.exhausted], last.given_up) == ((), [5], 1)


@pytest.mark.rule("RELAY-2")
@pytest.mark.parametrize(("asked_s", "waits"), [(5.0, 60), (300.0, 300), (10_000_000.0, 3600)])
def test_a_receiver_may_ask_for_more_time_but_not_for_ever(asked_s: float, waits: int) -> None:
    relay = after(Response(429, "HTTP 429", asked_s))

    assert relay.waiting[0].due_at == NOW + timedelta(seconds=waits)
    assert schedule.is_paused(relay, NOW + timedelta(seconds=min(asked_s, 3600) - 1))
    assert not schedule.is_paused(relay, NOW + timedelta(seconds=min(asked_s, 3600)))


@pytest.mark.parametrize(
    ("answers", "pauses"),
    [([NO], False), ([NO, NO], False), ([NO, NO, NO], True), ([NO, NO, YES], False), ([NO, YES, NO, NO], False)],
)
def test_three_failures_in_a_row_pause_the_relay(answers: list[Response], pauses: bool) -> None:
    assert schedule.is_paused(after(*answers), NOW) is pauses


def test_what_is_due_is_tried_first_that_is_due_for_longest() -> None:
    waiting = (
        delivery("late", due_at=NOW),
        delivery("early", due_at=NOW - timedelta(hours=1)),
        delivery("not yet", due_at=NOW + timedelta(seconds=1)),
    )
    relay = EMPTY.evolve(waiting=waiting)

    assert [due.id for due in schedule.due(relay, NOW)] == ["early", "late"]
    assert schedule.next_at(relay) == NOW - timedelta(hours=1)


def test_a_retry_by_hand_begins_anew_and_ends_the_pause() -> None:
    gone, other = delivery("gone", attempts=5), delivery("other", attempts=5)
    waits = delivery("waits", attempts=2, due_at=NOW + timedelta(hours=1))
    relay = EMPTY.evolve(exhausted=(gone, other), waiting=(waits,), paused_until=NOW + timedelta(hours=1))

    some = schedule.retry(relay, ["gone"], NOW)

    assert [(due.id, due.attempts) for due in schedule.due(some, NOW)] == [("gone", 0)]
    assert [left.id for left in some.exhausted] == ["other"]
    assert some.paused_until is None
    assert {due.id for due in schedule.due(schedule.retry(relay, [], NOW), NOW)} == {"gone", "other", "waits"}


@pytest.mark.rule("SAFE-8")
def test_a_full_relay_is_still_one_that_every_reader_takes() -> None:
    detail = {"description": "x" * 3_000}
    many = [delivery(f"{number:032}", detail=detail, problem="p" * 200) for number in range(1_000)]
    positions = [Position(ledger=f"refs/coord/steps/{number:0100}", commit="0" * 64, at=NOW) for number in range(3_000)]
    full = EMPTY.evolve(waiting=tuple(many[: schedule.WAITING_MAX + 50]))

    relay = settle(full, [Tried(each.evolve(attempts=4), NO, NOW) for each in many[-200:]], positions, 0.0)

    assert (len(relay.exhausted), len(relay.recent), len(relay.positions)) == (100, 50, 2_000)
    assert len(relay.encode()) < limits.DOCUMENT_BYTES
    assert Relay.decode(relay.encode()) == relay
