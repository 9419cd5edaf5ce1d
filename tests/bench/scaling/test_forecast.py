"""A forecast takes its costs from the rows of its run, and is judged by what was measured there."""

from typing import Any

import pytest

from tests.bench.report import Figure
from tests.bench.scaling.forecast import ROUND_TRIP_S, TRY_S, TeamCosts, _team_costs, compared
from tests.bench.scaling.replay import Kind
from tests.bench.scaling.request_costs import CALL, END, LOOK

FREE = {"client_ms": (0.0, 0.0), "server_ms": (0.0, 0.0), "wait_ms": 0.0, "spread": 0.0}


def costs() -> list[dict[str, Any]]:
    """Return rows by which a write takes 40 ms, a call 8 ms besides, and nothing else takes anything."""
    write = {**FREE, "client_ms": (9.0, 1.0), "server_ms": (30.0, 0.0)}
    of_kinds = [
        Figure("P6c", "", [1.0], notes={**(write if kind is Kind.WRITE else FREE), "part": kind}) for kind in Kind
    ]
    end = Figure("P6c", "", [3.0], notes={"part": END, "client_ms": (3.0, 0.0)})
    look = Figure("P6c", "", [1.0], notes={"part": LOOK})
    call = Figure("P6c", "", [5.0], notes={"part": CALL, "processors": 2})
    return [figure.as_json() for figure in (*of_kinds, end, call, look)]


def crowd(**notes: object) -> dict[str, Any]:
    figure = Figure(
        "P6",
        "one clone (latency)",
        [50.0],
        notes={"clones": 1, "lone_ms": 48.0, "begun_within_ms": 0.0, "cpu_ms_a_claim": 18.5, **notes},
    )
    return figure.over("clones", 1, "a file").as_json()


@pytest.mark.parametrize(("last_ms", "is_met"), [(48, True), (39, True), (63, True), (38, False), (65, False)])
def test_a_crowd_is_forecast_within_a_quarter(last_ms: int, is_met: bool) -> None:
    (figure,) = compared([*costs(), crowd(last_ms=last_ms)])

    assert (figure.work, figure.met) == ("forecast by measured: one clone", is_met)
    assert figure.samples == [pytest.approx(48 / last_ms)] * 3
    assert figure.notes["pushes_a_clone"] == 1
    assert (figure.notes["client_ms"], figure.notes["client_ms_measured"]) == (18.0, 18.5)


def test_claims_that_go_on_are_forecast_as_a_rate() -> None:
    (figure,) = compared([*costs(), crowd(processes=1, claims_a_second=1 / 0.048)])

    assert figure.at(0.5) == pytest.approx(1, abs=0.01)


def test_a_look_and_a_try_of_a_team_cost_what_was_measured_of_requests() -> None:
    """A clone has 0 fetches for each listing here, so a look is free; a try is half of a write's 9.5 ms."""
    parts = [{**row, "notes": {**row["notes"], "mean_size": 0.5, "requests_a_clone": 1}} for row in costs()]
    for row in parts:
        row["notes"]["requests_a_clone"] = int(row["notes"]["part"] != Kind.FETCH)
    server = [
        {**Figure("P5t", "", [20.0]).over("claims at the server", 100, line).as_json(), "run": {"pass_ms": 5.0}}
        for line in ("a push", "a read")
    ]

    measured = _team_costs([*server, *parts])

    assert measured is not None
    assert (measured.push_s, measured.read_s, measured.try_s) == (0.02, 0.0, pytest.approx(0.00475))
    assert _team_costs(server) == TeamCosts(0.02, 0.02, TRY_S, ROUND_TRIP_S)
    assert _team_costs(parts) is None


def test_nothing_is_forecast_of_costs_that_were_not_measured() -> None:
    assert compared([*costs()[1:], crowd(last_ms=48)]) == []
    assert compared(costs()) == []
    assert (
        compared([*costs(), {**crowd(), "notes": {"clones": 1, "lone_ms": 48.0, "last_ms": 48}}]) == []
    )  # an older run
