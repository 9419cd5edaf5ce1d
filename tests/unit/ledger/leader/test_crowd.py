"""Crowd: that others were met holds for all processes of the clone, and for a while."""

from pathlib import Path

import pytest

from gitcoord.ledger.leader.crowd import FILE, FOLD_MAX_S, LASTS, REST, Crowd
from tests.unit.ledger.fakes import Clock, host_of


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def crowd(tmp_path: Path, clock: Clock) -> Crowd:
    return Crowd(tmp_path, host_of(clock))


def test_who_met_nobody_expects_nobody(crowd: Crowd) -> None:
    assert crowd.fold_s is None


def test_what_one_process_has_met_holds_for_another_until_a_while_later(
    crowd: Crowd, tmp_path: Path, clock: Clock
) -> None:
    crowd.meet()
    other = Crowd(tmp_path, host_of(clock))
    found = [other.fold_s]
    clock.advance(seconds=LASTS.total_seconds() - 0.1)
    found.append(other.fold_s)
    clock.advance(seconds=0.2)

    assert [*found, other.fold_s] == [0.0, 0.0, None]


def test_who_goes_on_meeting_others_goes_on_expecting_them(crowd: Crowd, clock: Clock) -> None:
    for _ in range(5):
        crowd.meet()
        clock.advance(seconds=LASTS.total_seconds() - 1)

    assert crowd.fold_s == 0.0


def test_what_a_fold_takes_is_learned_and_kept_by_a_meeting_that_does_not_say(crowd: Crowd, clock: Clock) -> None:
    crowd.meet(2.0)
    clock.advance(seconds=2)
    crowd.meet()
    kept = crowd.fold_s
    crowd.meet(1.0)

    assert (kept, crowd.fold_s) == (2.0, 1.5)


def test_that_others_were_met_before_says_nothing_of_what_their_first_fold_takes(crowd: Crowd) -> None:
    crowd.meet()
    crowd.meet(2.0)

    assert crowd.fold_s == 2.0


def test_a_fold_that_took_longer_than_any_wait_counts_as_the_longest_wait(crowd: Crowd) -> None:
    crowd.meet(1e9)

    assert crowd.fold_s == FOLD_MAX_S


def test_who_was_alone_expects_nobody(crowd: Crowd) -> None:
    crowd.meet(1.0)
    crowd.leave()

    assert crowd.fold_s is None


def test_a_meeting_of_the_future_does_not_count(crowd: Crowd, clock: Clock) -> None:
    clock.advance(days=1)
    crowd.meet()
    clock.advance(days=-1)

    assert crowd.fold_s is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"at": 1, "fold_s": 1}', '{"fold_s": 1}', '{"at": "x"}'])
def test_a_file_that_cannot_be_read_says_nothing(crowd: Crowd, tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")

    assert crowd.fold_s is None
    crowd.meet(1.0)
    assert crowd.fold_s == 1.0


def test_that_posts_are_declined_holds_for_another_process_whoever_is_met_meanwhile(
    crowd: Crowd, tmp_path: Path, clock: Clock
) -> None:
    crowd.rest(is_declined=True)
    other = Crowd(tmp_path, host_of(clock))
    found = [other.is_resting]
    other.meet(1.0)
    found.append(other.is_resting)
    other.leave()
    found += [other.is_resting, crowd.is_resting]
    clock.advance(seconds=REST.total_seconds() - 1)
    found.append(other.is_resting)
    clock.advance(seconds=1)

    assert found == [True] * 5
    assert [other.is_resting, crowd.is_resting] == [False, False]


def test_a_rest_that_is_longer_than_any_is_none(crowd: Crowd, tmp_path: Path, clock: Clock) -> None:
    crowd.rest(is_declined=True)
    clock.advance(days=-1)  # it was written by a clock that was wrong

    assert not Crowd(tmp_path, host_of(clock)).is_resting


def test_what_broke_in_one_process_keeps_no_other_from_posting(crowd: Crowd, tmp_path: Path, clock: Clock) -> None:
    crowd.rest(is_declined=False)

    assert [crowd.is_resting, Crowd(tmp_path, host_of(clock)).is_resting] == [True, False]


def test_what_one_process_has_left_alone_all_do_for_ten_seconds(crowd: Crowd, clock: Clock, tmp_path: Path) -> None:
    other = Crowd(tmp_path, host_of(clock))
    crowd.meet(2.0)
    crowd.leave_alone(["refs/a"])
    clock.advance(seconds=6)
    other.leave_alone(["refs/b"])
    other.leave_alone([])
    other.leave()

    assert (crowd.left_alone, crowd.fold_s) == ({"refs/a", "refs/b"}, None)
    clock.advance(seconds=4)
    assert crowd.left_alone == {"refs/b"}
    clock.advance(seconds=6)
    assert crowd.left_alone == frozenset()
    crowd.rest(is_declined=True)
    crowd.leave()
    assert other.is_resting


@pytest.mark.parametrize("said", ['"refs/a"', '["refs/a"]', '{"refs/a": 1}', '{"refs/a": "soon"}'])
def test_of_a_damaged_note_nothing_is_left_alone(crowd: Crowd, tmp_path: Path, said: str) -> None:
    (tmp_path / FILE).write_text(f'{{"left_alone": {said}}}', encoding="utf-8")

    assert crowd.left_alone == frozenset()
    crowd.leave_alone(["refs/b"])
    assert crowd.left_alone == {"refs/b"}
