"""What requests cost is told apart by kind and size, and comes back from the rows of a run."""

import pytest

from tests.bench.scaling.replay import Kind, Line
from tests.bench.scaling.request_costs import Request, Served, costs_in, figures, fitted, measured


def test_a_line_by_size_never_falls_and_never_begins_below_zero() -> None:
    assert fitted([1, 2, 3], [0.003, 0.004, 0.005]) == pytest.approx((2, 1))
    assert fitted([1, 2, 3], [0.005, 0.004, 0.003]) == pytest.approx((4, 0))
    assert fitted([1, 3], [0.0, 0.004]) == pytest.approx((0, 1))
    assert fitted([2, 2], [0.001, 0.003]) == pytest.approx((2, 0))


def test_what_git_served_between_begin_and_end_of_a_request_is_its_cost() -> None:
    requests = [Request(kind, 1, at, at + 0.5, 0.002) for at, kind in enumerate((*Kind, *Kind))]
    served = [Served(request.begin + 0.1, 0.015, 0.01) for request in requests] * 2

    listing, *_ = figures(requests, served, own_s=0.001, clones=2)

    assert listing.samples == pytest.approx([24.0, 24.0])  # served in two parts
    assert listing.notes["client_ms"] == pytest.approx((2, 0))
    assert listing.notes["server_ms"] == pytest.approx((22, 0))
    assert listing.notes["wait_ms"] == pytest.approx(10)


def test_clones_that_take_turns_show_what_each_request_costs() -> None:
    rows = [figure.as_json() for figure in measured([2, 4])]

    costs = costs_in(rows)

    assert costs is not None
    for kind in Kind:
        cost = costs.of(kind)
        assert cost.client.at(1) > 0
        assert cost.server.at(1) > 0.001  # a process was started
        assert cost.client != Line(0.0)
    assert 0 < costs.look_s < costs.write.client.at(1)
    assert costs_in(rows[1:]) is None
