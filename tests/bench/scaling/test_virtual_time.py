"""Threads share processors and take turns; what they spend decides when each goes on."""

import pytest

from tests.bench.scaling.virtual_time import VirtualTime


@pytest.mark.parametrize(("processors", "ends"), [(1, [3.0, 5.0, 6.0]), (2, [1.5, 2.5, 3.5]), (3, [1.0, 2.0, 3.0])])
def test_those_that_compute_share_the_processors(processors: int, ends: list[float]) -> None:
    time, ended = VirtualTime(processors, 1), list[float]()

    def work(seconds: float) -> None:
        time.spend(seconds)
        ended.append(time.now_s)

    time.run([lambda seconds=seconds: work(seconds) for seconds in (3.0, 2.0, 1.0)])

    assert ended == pytest.approx(ends)
    assert time.busy_s == pytest.approx(6.0)


def test_who_sleeps_leaves_the_processor_to_others() -> None:
    time, ended = VirtualTime(1, 1), list[float]()

    def sleeper() -> None:
        time.sleep(1.0)
        time.spend(1.0)
        ended.append(time.now_s)

    def worker() -> None:
        time.spend(2.0)
        ended.append(time.now_s)

    time.run([sleeper, worker])

    assert ended == pytest.approx([3.0, 3.0])


def test_a_server_admits_so_many_at_once_and_the_others_in_line() -> None:
    time, ended = VirtualTime(9, 2), list[tuple[int, float]]()

    def work(number: int) -> None:
        with time.admitted():
            time.sleep(1.0 + number)
        ended.append((number, time.now_s))

    time.run([lambda number=number: work(number) for number in range(4)])

    assert ended == [(0, 1.0), (1, 2.0), (2, 4.0), (3, 6.0)]


def test_what_runs_outside_of_threads_waits_for_no_one() -> None:
    time = VirtualTime(1, 1)

    time.sleep(2.0)
    time.spend(1.0)
    with time.admitted(), time.admitted():
        pass

    assert time.now_s == 3.0


def test_an_error_of_a_thread_is_raised_once_all_have_ended() -> None:
    time, ended = VirtualTime(1, 1), list[str]()

    def broken() -> None:
        time.spend(1.0)
        raise LookupError

    def whole() -> None:
        time.spend(5.0)
        ended.append("whole")

    with pytest.raises(LookupError):
        time.run([broken, whole])

    assert ended == ["whole"]
