"""Presence: each class of liveness at each of its boundaries."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.documents.liveness import (
    BEATS_MIN,
    GRACE,
    Heartbeat,
    Life,
    SessionBeat,
    Sighting,
    judge,
    live_agents,
    sighting_of,
)
from gitcoord.core.steps.step import Step, StepStatus
from tests.unit.core.play import ANN, NOW, minutes, seen, step

LIMIT = 15
MOMENT = timedelta(milliseconds=1)
OID = "e" * 40


def held(minutes_ago: float | None = None, session: str = ANN.session) -> Step:
    last = None if minutes_ago is None else NOW - minutes(minutes_ago)
    return step(
        1,
        status=StepStatus.CLAIMED,
        agent_id=ANN.agent,
        clone=ANN.clone,
        session_id=session,
        last_activity=last,
        branch="feat/1",
    )


def life(one: Step, sighting: Sighting, limit: int = LIMIT) -> Life:
    return judge(one, sighting, NOW, limit).life


# --- by time ---


@pytest.mark.rule("LIFE-1")
@pytest.mark.parametrize(
    ("silent", "expected"),
    [
        (timedelta(), Life.LIVE),
        (minutes(5), Life.LIVE),
        (minutes(5) + MOMENT, Life.QUIET),
        (minutes(15), Life.QUIET),
        (minutes(15) + MOMENT, Life.STALE),
        (minutes(-20), Life.LIVE),
    ],
)
def test_a_beating_holder_is_live_then_quiet_then_stale(silent: timedelta, expected: Life) -> None:
    sighting = Sighting(clone_beats=True, heartbeat=OID, beaten_at=NOW - silent)

    assert life(held(100), sighting) is expected


@pytest.mark.rule("LIFE-1")
@pytest.mark.parametrize(
    ("silent", "expected"),
    [
        (timedelta(), Life.UNKNOWN),
        (minutes(60), Life.UNKNOWN),
        (minutes(60) + MOMENT, Life.STALE),
    ],
)
def test_a_holder_whose_clone_never_beat_is_unknown_for_four_times_the_limit(silent: timedelta, expected: Life) -> None:
    one = held().evolve(last_activity=NOW - silent)

    assert life(one, Sighting()) is expected


@pytest.mark.rule("LIFE-1")
def test_the_command_line_of_a_clone_that_beats_has_four_times_the_limit_too() -> None:
    one = held(59, session="cli-0123")

    assert life(one, Sighting(clone_beats=True, heartbeat=OID)) is Life.UNKNOWN
    assert life(held(59), Sighting(clone_beats=True, heartbeat=OID)) is Life.STALE
    assert life(held(61, session="cli-0123"), Sighting(clone_beats=True, heartbeat=OID)) is Life.STALE


@pytest.mark.rule("LIFE-1")
@pytest.mark.parametrize(
    ("command", "beat", "branch", "minutes_ago"),
    [(3, 20, 30, 3), (20, 3, 30, 3), (30, 20, 3, 3), (30, 3, None, 3), (3, None, None, 3)],
)
def test_last_seen_is_the_newest_of_command_heartbeat_and_branch(
    command: float, beat: float | None, branch: float | None, minutes_ago: float
) -> None:
    sighting = Sighting(
        clone_beats=True,
        heartbeat=OID,
        beaten_at=None if beat is None else NOW - minutes(beat),
        branch_at=None if branch is None else NOW - minutes(branch),
    )

    verdict = judge(held(command), sighting, NOW, LIMIT)

    assert verdict.last_seen == NOW - minutes(minutes_ago)
    assert verdict.life is Life.LIVE
    assert verdict.why == f"last seen {minutes_ago} min ago"


def test_a_holder_that_was_never_seen_is_stale() -> None:
    verdict = judge(held(), Sighting(), NOW, LIMIT)

    assert (verdict.life, verdict.last_seen, verdict.why) == (Life.STALE, None, "it was never seen")


def test_a_holder_from_the_future_was_seen_just_now() -> None:
    assert judge(held(-4), Sighting(), NOW, LIMIT).why == "last seen 0 s ago"


@pytest.mark.parametrize(
    ("ago", "said"), [(minutes(0.3), "18 s"), (minutes(1), "1 min"), (minutes(119), "119 min"), (minutes(121), "2 h")]
)
def test_how_long_ago_a_holder_was_seen_is_said_as_everywhere(ago: timedelta, said: str) -> None:
    silent = held(ago.total_seconds() / 60)

    assert judge(silent, Sighting(), NOW, LIMIT).why == f"last seen {said} ago"


@pytest.mark.rule("TIME-1")
@pytest.mark.parametrize("error", [-5, -4, 4, 5])
def test_a_clock_that_is_five_minutes_off_makes_nobody_stale_who_beats(error: float) -> None:
    sighting = seen(2 - error)

    assert life(held(200), sighting) is not Life.STALE


def test_the_limit_is_the_projects_own() -> None:
    assert life(held(), seen(17), limit=16) is Life.STALE
    assert life(held(), seen(17), limit=18) is Life.QUIET
    assert life(held(), seen(17), limit=60) is Life.LIVE


def test_a_judgement_names_the_evidence_that_it_was_made_by() -> None:
    sighting = seen(16, branch_tip="f" * 40, branch_at=NOW - minutes(40))

    verdict = judge(held(20), sighting, NOW, LIMIT)

    assert verdict.sighting == sighting
    assert (verdict.limit_minutes, verdict.is_over) == (LIMIT, True)


# --- by locks ---


@pytest.mark.rule("LIFE-2")
def test_within_the_clone_a_held_lock_is_life_whatever_the_times_say() -> None:
    assert life(held(1000), Sighting(locked=True, clone_beats=True)) is Life.LIVE
    assert life(held(1000), Sighting(locked=True, closed_at=NOW - minutes(99))) is Life.LIVE


@pytest.mark.rule("LIFE-2", "LIVE-2")
def test_within_the_clone_a_free_lock_without_a_good_bye_is_a_crash() -> None:
    verdict = judge(held(0), Sighting(locked=False, clone_beats=True), NOW, LIMIT)

    assert (verdict.life, verdict.why) == (Life.STALE, "its session's lock is free")


@pytest.mark.rule("LIFE-3")
@pytest.mark.parametrize("locked", [False, None])
@pytest.mark.parametrize(
    ("ago", "expected"),
    [(timedelta(), Life.QUIET), (GRACE - MOMENT, Life.QUIET), (GRACE, Life.STALE), (minutes(99), Life.STALE)],
)
def test_a_session_that_said_good_bye_is_kept_for_ten_minutes(
    locked: bool | None, ago: timedelta, expected: Life
) -> None:
    sighting = Sighting(clone_beats=True, heartbeat=OID, locked=locked, closed_at=NOW - ago)

    assert minutes(10) == GRACE
    assert life(held(100), sighting) is expected


@pytest.mark.rule("LIFE-3", "SAFE-7")
@pytest.mark.parametrize(("locked", "minutes_kept"), [(None, 20), (False, 10)])
def test_a_judge_that_cannot_check_the_heartbeat_doubles_the_grace_too(
    locked: bool | None, minutes_kept: float
) -> None:
    for ago, expected in ((minutes(minutes_kept) - MOMENT, Life.QUIET), (minutes(minutes_kept), Life.STALE)):
        sighting = Sighting(clone_beats=True, heartbeat=OID, locked=locked, closed_at=NOW - ago)

        assert judge(held(100), sighting, NOW, LIMIT, 2).life is expected


@pytest.mark.rule("LIFE-3", "SAFE-7")
@pytest.mark.parametrize("locked", [False, None])
def test_a_good_bye_before_the_last_command_is_none(locked: bool | None) -> None:
    sighting = Sighting(clone_beats=True, heartbeat=OID, locked=locked, closed_at=NOW - minutes(11))

    assert life(held(11), sighting) is Life.STALE
    assert life(held(10), sighting) is Life.QUIET
    assert life(held(2), sighting) is Life.LIVE


@pytest.mark.rule("LIFE-1", "SAFE-7")
@pytest.mark.parametrize(
    ("interval_s", "watched", "limit"),
    [
        *[(60, True, 10), (150, True, 10), (600, True, 30), (10**9, True, 30), (0, True, 10)],
        *[(60, False, 13), (150, False, 18), (600, False, 40), (10**9, False, 40), (0, False, 10)],
    ],
)
def test_nobody_is_stale_before_three_beats_could_have_come_by_any_clock(
    interval_s: int, watched: bool, limit: int
) -> None:
    for silent, is_over in ((minutes(limit), False), (minutes(limit) + MOMENT, True)):
        sighting = Sighting(
            clone_beats=True, heartbeat=OID, beaten_at=NOW - silent, interval_s=interval_s, watched=watched
        )

        verdict = judge(held(), sighting, NOW, 1)

        assert (verdict.is_over, verdict.limit_minutes) == (is_over, limit)


@pytest.mark.rule("TIME-1", "SAFE-7")
@given(
    holders=st.integers(-300, 300),
    judges=st.integers(-300, 300),
    interval_s=st.integers(5, 600),
    missed=st.floats(0, BEATS_MIN),
    stale_minutes=st.integers(1, 60),
)
def test_no_two_clocks_within_five_minutes_make_anybody_stale_whose_third_beat_is_not_overdue(
    holders: int, judges: int, interval_s: int, missed: float, stale_minutes: int
) -> None:
    beaten = NOW + timedelta(seconds=holders)
    sighting = Sighting(clone_beats=True, heartbeat=OID, beaten_at=beaten, interval_s=interval_s)
    now = NOW + timedelta(seconds=interval_s * missed + judges)

    assert judge(held().evolve(last_activity=beaten), sighting, now, stale_minutes).life is not Life.STALE


def test_no_sign_of_life_is_newer_than_now() -> None:
    sighting = Sighting(
        clone_beats=True, heartbeat=OID, beaten_at=NOW + minutes(90), branch_tip=OID, branch_at=NOW + minutes(900)
    )

    assert judge(held(5), sighting, NOW, LIMIT).last_seen == NOW


# --- what a heartbeat says ---


def beat(*sessions: SessionBeat) -> Heartbeat:
    return Heartbeat(clone=ANN.clone, beaten_at=NOW - minutes(2), sessions=sessions)


def test_a_clone_without_a_heartbeat_says_nothing() -> None:
    assert sighting_of(held(), None, None) == Sighting()


@pytest.mark.parametrize(
    "entry",
    [
        SessionBeat(id=ANN.session),
        SessionBeat(id="other", aliases=(ANN.session,)),
        SessionBeat(id="other", agents=("zed", ANN.agent)),
    ],
)
def test_a_heartbeat_speaks_for_the_session_by_id_alias_or_agent(entry: SessionBeat) -> None:
    found = sighting_of(held(), beat(SessionBeat(id="zed"), entry), OID)

    assert found == Sighting(clone_beats=True, heartbeat=OID, beaten_at=NOW - minutes(2), interval_s=60)


def test_a_heartbeat_that_does_not_list_the_holder_is_still_what_it_is_judged_by() -> None:
    found = sighting_of(held(), beat(SessionBeat(id="zed", agents=("zed",))), OID)

    assert found == Sighting(clone_beats=True, heartbeat=OID, interval_s=60)


@pytest.mark.rule("LIFE-3")
def test_a_closed_entry_is_no_sign_of_life_but_tells_when_it_closed() -> None:
    entry = SessionBeat(id=ANN.session, agents=(ANN.agent,), closed_at=NOW - minutes(3))

    found = sighting_of(held(), beat(entry), OID)

    assert found == Sighting(clone_beats=True, heartbeat=OID, closed_at=NOW - minutes(3), interval_s=60)


@pytest.mark.rule("LIFE-3", "SAFE-7")
def test_another_session_of_the_agent_that_closed_says_nothing_of_this_one() -> None:
    one = held(12, session="cli-0123")
    entry = SessionBeat(id="s-old", agents=(ANN.agent,), closed_at=NOW - minutes(11))

    found = sighting_of(one, beat(entry), OID)

    assert found.closed_at is None
    assert life(one, found) is Life.UNKNOWN


@pytest.mark.rule("LIFE-1", "LIFE-3")
def test_an_agent_that_came_back_in_a_new_session_is_alive() -> None:
    old = SessionBeat(id=ANN.session, agents=(ANN.agent,), closed_at=NOW - minutes(30))
    new = SessionBeat(id="s-new", agents=(ANN.agent,))

    for sessions in ((old, new), (new, old)):
        assert life(held(60), sighting_of(held(60), beat(*sessions), OID)) is Life.LIVE


def test_live_agents_are_those_of_recent_beats_and_open_sessions() -> None:
    beats = {
        "k1": Heartbeat(
            clone="k1",
            beaten_at=NOW - minutes(15),
            sessions=(
                SessionBeat(id="a", agents=("ann", "ann/tests")),
                SessionBeat(id="b", agents=("bob",), closed_at=NOW),
            ),
        ),
        "k2": Heartbeat(
            clone="k2", beaten_at=NOW - minutes(15) - MOMENT, sessions=(SessionBeat(id="c", agents=("cat",)),)
        ),
    }

    assert live_agents(beats, NOW, 15) == {"ann": ("k1", "a"), "ann/tests": ("k1", "a")}
