"""The simulation does what its clones say, and is repeated exactly."""

import pytest

from tests.bench.scaling import forecast, replay
from tests.bench.scaling.simulation import Costs, Pool, Result, Simulation, Team

COSTS = Costs(push_s=0.03, read_s=0.01, try_s=0.02, round_trip_s=0.1)


def test_a_pool_serves_in_the_order_of_requests() -> None:
    pool = Pool(2)

    assert [pool.wait_s(1.0, 2.0) for _ in range(3)] == [2.0, 2.0, 4.0]
    assert pool.load(3.0) == 1.0


def test_a_lone_claim_is_one_try_one_push_and_one_round_trip() -> None:
    result = Simulation(Team(1, once=True), COSTS).run(60)

    assert result.latencies == [pytest.approx(0.15)]
    assert (result.pushes, result.lost) == (1, 0)


@pytest.mark.parametrize("clones", [2, 16, 64])
def test_each_command_of_a_crowd_is_answered_once_for_about_two_pushes_a_clone(clones: int) -> None:
    result = Simulation(Team(clones, once=True, shared=True), COSTS).run(600)

    assert (len(result.latencies), result.waiting) == (clones, [])
    assert result.lost >= clones - 1  # of pushes that begin at once, one is won
    assert result.pushes <= 2.5 * clones


def test_the_agents_of_a_clone_share_a_push() -> None:
    result = Simulation(Team(1, agents=20, once=True), COSTS).run(60)

    assert (len(result.latencies), result.pushes) == (20, 1)


@pytest.mark.parametrize("clones", [8, 16])
def test_the_simulation_of_a_crowd_is_near_the_replay_of_it(clones: int) -> None:
    request = replay.Cost(replay.Line(0.003), replay.Line(0.008), spread=0.2)
    replayed = replay.together(clones, "a file", replay.Costs(request, request, request, request))
    look_s = (0.003 + 0.008) * 5 / 3  # three listings and two fetches
    costs = Costs(push_s=0.008, read_s=look_s, try_s=0.003)

    simulated = Simulation(Team(clones, once=True, shared=True), costs).run(60)

    assert 2 / 3 < simulated.seconds / replayed.took_s < 3 / 2


def test_a_run_is_repeated_exactly_and_another_seed_is_another_run() -> None:
    team = Team(8, 4, commands_an_hour=600, beat_s=150)

    first, again, other = (Simulation(team, COSTS, seed).run(300) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_what_a_host_does_not_admit_is_left_over() -> None:
    result = Simulation(Team(20, 20, commands_an_hour=60, pushes_a_minute=6), COSTS).run(600)

    assert result.limit >= 1
    assert result.pushes <= 61
    assert result.at(0.5) > 60


@pytest.mark.parametrize(("budget", "least", "most"), [(6, 11, 12), (600, 300, 420), (0, 300, 420)])
def test_a_clone_pushes_a_burst_and_then_as_often_as_its_budget_says(budget: int, least: int, most: int) -> None:
    result = Simulation(Team(1, budget=budget), COSTS).run(60)

    assert least <= result.pushes <= most


def test_who_has_met_others_posts_without_trying_a_swap() -> None:
    simulation = Simulation(Team(1, once=True), COSTS)
    simulation._clones[0]._meet_others()

    result = simulation.run(60)

    assert (result.pushes, result.lost, len(result.latencies)) == (2, 0, 1)  # the post, and the fold of it


@pytest.mark.parametrize(("waiting", "is_least"), [(1, False), (2, True)])
def test_times_are_lower_bounds_where_more_than_one_in_a_hundred_still_waits(waiting: int, is_least: bool) -> None:
    result = Result(60, [1.0] * (100 - waiting), [30.0] * waiting, pushes=1, lost=0, server=0.1, limit=0.0)

    assert forecast._said(result)["at_least"] is is_least


def test_nothing_is_pushed_but_beats_where_no_agent_has_a_command() -> None:
    result = Simulation(Team(3, 1, commands_an_hour=1e-9, beat_s=100), COSTS).run(1_000)

    assert (result.latencies, 27 <= result.pushes <= 33) == ([], True)


def test_without_a_measured_server_nothing_is_forecast() -> None:
    assert [*forecast.teams([])] == []
