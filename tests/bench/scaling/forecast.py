"""What is forecast: of the crowds that P6 measures, by a replay, to compare both; of larger teams, by a simulation.

The costs are those of the same run: each request (P6c), and of the simulation a push among many claims (P5t).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import mean, median
from typing import Any

from tests.bench.report import Figure, Row
from tests.bench.scaling import replay
from tests.bench.scaling.replay import Costs, Kind
from tests.bench.scaling.request_costs import costs_in
from tests.bench.scaling.simulation import Costs as TeamCosts
from tests.bench.scaling.simulation import Result, Simulation, Team

NEAR = 0.25  # of what was measured, in either direction
SEEDS = (1, 2, 3)
REPLAYED_S = 10.0  # of a crowd that goes on
COMMANDS_AN_HOUR = 12  # of an agent: two steps of three commands each, three claims and their releases
AGENTS_A_CLONE = 20
BEAT_S = 150.0  # on a hosted remote
ROUND_TRIP_S = 0.05
TRY_S = 0.01  # of a client, where it was not measured
PROCESSORS = 8  # that a host lets work for one repository
PATIENCE_S = 60.0
PASS_MS = 10.0
CUT_OFF = 0.01  # where a larger share still waits when a run ends, its times are lower bounds
AGENTS = (100, 1_000, 10_000)
SECONDS = {100: 3600.0, 1_000: 1200.0, 10_000: 300.0}
REMOTES: dict[str, dict[str, Any]] = {
    "6 pushes a minute": {"pushes_a_minute": 6, "budget": 6},  # github.com, whose limit a clone keeps to by itself
    "600 pushes a minute": {"pushes_a_minute": 600},  # gitlab.com, where it is each user's
    "no limit, 8 processors": {},
    "no limit, claims in 16 ledgers": {"ledgers": 16},
    "no limit, 2 processors": {"processors": 2},
}


def compared(rows: Sequence[Row]) -> list[Figure]:
    """Return how the replay differs from each crowd of P6, as the ratio of both; nothing without measured costs."""
    costs = costs_in(rows)
    crowds = [row for row in rows if row["id"] == "P6" and "cpu_ms_a_claim" in row["notes"]]  # older rows lack it
    return [_compared(crowd, costs) for crowd in crowds] if costs else []


def _compared(crowd: Row, costs: Costs) -> Figure:
    notes = crowd["notes"]
    clones = notes["clones"]
    if "claims_a_second" in notes:
        replays = [replay.on_and_on(clones, notes["processes"] // clones, REPLAYED_S, costs)]
        said = [len(result.latencies) / result.took_s for result in replays]
        measured, unit = notes["claims_a_second"], "claims a second"
    else:
        what, within_s = crowd["point"]["line"], notes["begun_within_ms"] / 1000
        replays = [replay.together(clones, what, costs, seed, within_s) for seed in SEEDS]
        said = [result.took_s * 1000 for result in replays]
        measured, unit = notes["last_ms"], "ms until the last is done"
    work = f"forecast by measured: {crowd['work'].partition(' (')[0]}"
    figure = Figure("P16", work, [forecast / measured for forecast in said], "x")
    figure.notes = {
        "forecast": round(median(said), 1),
        "measured": measured,
        "unit": unit,
        "pushes_a_clone": round(mean(result.pushes for result in replays) / clones, 2),
        "busy": round(mean(result.busy for result in replays), 2),
        "client_ms": round(1000 * mean(result.client_s for result in replays), 1),  # a claim
        "client_ms_measured": notes["cpu_ms_a_claim"],
    }
    return figure.must(f"within {NEAR:.0%} of P6: {1 - NEAR} to {1 + NEAR}", abs(figure.at(0.5) - 1) <= NEAR)


def teams(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield what becomes of teams of each size on each kind of remote; nothing where no server was measured."""
    costs = _team_costs(rows)
    if costs is None:
        return
    for agents in AGENTS:
        for name, settings in REMOTES.items():
            team = Team(
                agents // AGENTS_A_CLONE, AGENTS_A_CLONE, COMMANDS_AN_HOUR, processors=PROCESSORS, beat_s=BEAT_S
            )
            team = replace(team, **settings)
            yield {"agents": agents, "remote": name, **_said(Simulation(team, costs).run(SECONDS[agents]))}


def _team_costs(rows: Sequence[Row]) -> TeamCosts | None:
    """Return the costs of a simulation: a push among most claims (P5t), and what was measured of requests (P6c).

    A look is a listing and its share of a fetch; a try is what the client computes from one push to the next.
    """
    pushes, reads = (_server(rows, kind) for kind in ("a push", "a read"))
    if not pushes or not reads:
        return None
    push_s = _quiet_s(pushes[-1])
    requests = {row["notes"]["part"]: row["notes"] for row in rows if row["id"] == "P6c" and row["n"]}
    if not requests.keys() >= {*Kind}:  # of an earlier run
        return TeamCosts(push_s, _quiet_s(reads[-1]), TRY_S, ROUND_TRIP_S)
    listing, fetch, post, write = (requests[kind] for kind in Kind)
    fetches = fetch["requests_a_clone"] / listing["requests_a_clone"]
    read_s = _of_mean_size(listing, "server_ms") + fetches * _of_mean_size(fetch, "server_ms")
    look_s = _of_mean_size(listing, "client_ms") + fetches * _of_mean_size(fetch, "client_ms")
    try_s = look_s + (_of_mean_size(post, "client_ms") + _of_mean_size(write, "client_ms")) / 2
    return TeamCosts(push_s, read_s, try_s, ROUND_TRIP_S)


def _of_mean_size(notes: Row, name: str) -> float:
    fixed_ms, each_ms = notes[name]
    return (fixed_ms + each_ms * notes["mean_size"]) / 1000


def _quiet_s(row: Row) -> float:
    """Return what it would have taken on a machine that does nothing else, which starts Python in `PASS_MS`."""
    return row["median"] / 1000 * min(1.0, PASS_MS / row["run"]["pass_ms"])


def _said(result: Result) -> dict[str, Any]:
    every = [*result.latencies, *result.waiting]
    late = sum(latency > PATIENCE_S for latency in every)
    is_cut_off = len(result.waiting) > CUT_OFF * len(every)
    busy = {"the host's limit": result.limit, "the server's processors": result.server}
    name, load = max(busy.items(), key=lambda pair: pair[1])
    return {
        "p50_s": round(result.at(0.5), 2),
        "p95_s": round(result.at(0.95), 2),
        "at_least": is_cut_off,
        "late": round(late / max(1, len(every)), 3),
        "pushes_a_minute": round(60 * result.pushes / result.seconds, 1),
        "lost": round(result.lost / max(1, result.pushes), 2),
        "busiest": name,
        "load": round(load, 2),
    }


def _server(rows: Sequence[Row], kind: str) -> list[Row]:
    """Return the rows of the server's time for such requests, by the number of documents."""
    found = [row for row in rows if row.get("point") and row["point"]["over"] == "claims at the server" and row["n"]]
    return sorted((row for row in found if row["point"]["line"] == kind), key=lambda row: row["point"]["x"])
