"""What the simulation says: of the crowds that P6 measures, to compare both, and of teams that no bench can run.

Its costs are those of the same run: a push and a read as the server's log has them (P5t), and a lone claim (P6).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tests.bench.report import Figure, Row
from tests.bench.scaling.simulation import Costs, Result, Simulation, Team

NEAR = 1.25  # times, in either direction: within a quarter
COMMANDS_AN_HOUR = 12  # of an agent: two steps of three commands each, three claims and their releases
AGENTS_A_CLONE = 20
BEAT_S = 150.0  # on a hosted remote
ROUND_TRIP_S = 0.05
PROCESSORS = 8  # that a host lets work for one repository
PATIENCE_S = 60.0
PASS_MS = 10.0
AGENTS = (100, 1_000, 10_000)
SECONDS = {100: 3600.0, 1_000: 1200.0, 10_000: 300.0}
REMOTES: dict[str, dict[str, Any]] = {
    "6 pushes a minute": {"pushes_a_minute": 6},
    "600 pushes a minute": {"pushes_a_minute": 600},
    "no limit, 8 processors": {},
    "no limit, claims in 16 ledgers": {"ledgers": 16},
    "no limit, 2 processors": {"processors": 2},
}


def compared(rows: Sequence[Row]) -> list[Figure]:
    """Return how the simulation differs from each crowd of P6, as the ratio of both."""
    return [
        _compared(crowd, costs) for crowd in rows if (costs := _costs_of(crowd, rows)) and "clones" in crowd["notes"]
    ]


def _compared(crowd: Row, costs: Costs) -> Figure:
    notes = crowd["notes"]
    clones = notes["clones"]
    if "claims_a_second" in notes:
        agents = notes["processes"] // clones
        result = Simulation(Team(clones, agents, shared=True), costs).run(30)
        said, measured, unit = len(result.latencies) / 30, notes["claims_a_second"], "claims a second"
    else:
        result = Simulation(Team(clones, once=True, shared=True), costs).run(600)
        said, measured, unit = max(result.latencies) * 1000, notes["last_ms"], "ms until the last is done"
    figure = Figure("P16", f"forecast by measured: {crowd['work'].partition(' (')[0]}", [said / measured], "x")
    figure.notes = {"forecast": round(said, 1), "measured": measured, "unit": unit, "pushes": result.pushes}
    return figure.must("within 25 %", 1 / NEAR <= said / measured <= NEAR)


def _costs_of(crowd: Row, rows: Sequence[Row]) -> Costs | None:
    """Return the costs in the run that measured a crowd; `None`: it is none, or they were not measured."""
    reads = [row["median"] for row in _server(rows, "a read")]
    if not reads or "lone_ms" not in crowd["notes"]:
        return None
    lone_ms, push_ms = crowd["notes"]["lone_ms"], crowd["notes"]["server_ms_a_push"]
    return Costs(push_ms / 1000, reads[0] / 1000, max(1.0, lone_ms - push_ms) / 1000)


def teams(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield what becomes of teams of each size on each kind of remote; nothing where no server was measured."""
    pushes, reads = (_server(rows, kind) for kind in ("a push", "a read"))
    if not pushes or not reads:
        return
    costs = Costs(_quiet_s(pushes[-1]), _quiet_s(reads[-1]), 0.01, ROUND_TRIP_S)
    for agents in AGENTS:
        for name, settings in REMOTES.items():
            team = Team(
                agents // AGENTS_A_CLONE, AGENTS_A_CLONE, COMMANDS_AN_HOUR, processors=PROCESSORS, beat_s=BEAT_S
            )
            team = replace(team, **settings)
            yield {"agents": agents, "remote": name, **_said(Simulation(team, costs).run(SECONDS[agents]))}


def _quiet_s(row: Row) -> float:
    """Return what it would have taken on a machine that does nothing else, which starts Python in `PASS_MS`."""
    return row["median"] / 1000 * min(1.0, PASS_MS / row["run"]["pass_ms"])


def _said(result: Result) -> dict[str, Any]:
    every = [*result.latencies, *result.waiting]
    late = sum(latency > PATIENCE_S for latency in every)
    busy = {"the host's limit": result.limit, "the server's processors": result.server}
    name, load = max(busy.items(), key=lambda pair: pair[1])
    return {
        "p50_s": round(result.at(0.5), 2),
        "p95_s": round(result.at(0.95), 2),
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
