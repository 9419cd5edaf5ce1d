"""`python -m tests.bench.page bench.json`: the figures of a run into docs/, with their data, plots and forecasts.

    bench.json ──> docs/benchmarks.json ──> the tables between the marks of the pages, docs/images/bench-*.svg
        └── simulation of larger teams ──┘

The test of the pages makes both from the committed data again, so no figure of them can be written by hand.
"""

import json
import math
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.bench.plots import drawn
from tests.bench.registry import order, promise
from tests.bench.report import Row, is_of_peers, read
from tests.bench.scaling.forecast import teams

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "scaling.md")
DATA = ROOT / "docs" / "benchmarks.json"
PLOTS = ROOT / "docs" / "images"
SHOWN_MAX = 4  # rows of one part with one target; of more, the worst stands for all
_NO_PEERS = "Not in these runs; `make bench BENCH_ARGS=--peers` measures it.\n"
_MARKS = re.compile(r"(<!-- (\w+): made by tests/bench/page.py -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, data: dict[str, Any]) -> str:
    """Return a page with what the data say between its marks."""
    rows = data["figures"]
    peers = [row for row in rows if is_of_peers(row)]
    parts = {
        "machine": _machine(data["machine"], rows),
        "targets": _table([row for row in _condensed(rows) if not is_of_peers(row)]),
        "peers": _table(peers) if peers else _NO_PEERS,
        "pushes": _pushes(rows),
        "scaling": _teams(data.get("teams", [])),
        "forecasts": _forecasts(rows),
        "requests": _requests(rows),
        "plots": "\n".join(f"![Latency over {name}](images/{_file(name)})" for name in drawn(rows)) + "\n",
    }
    return _MARKS.sub(lambda found: f"{found[1]}\n{parts[found[2]]}\n{found[3]}", page)


def plots(data: dict[str, Any]) -> dict[str, str]:
    """Return the drawings by the names of their files."""
    return {_file(name): drawing for name, drawing in drawn(data["figures"]).items()}


def _machine(machine: Row, rows: Sequence[Row]) -> str:
    """Say where it was, with which programs, and when."""
    days = sorted({row["run"]["at"][:10] for row in rows if "run" in row})
    loads = [row["run"]["load"] for row in rows if "run" in row]
    lines = [f"| {name.replace('_', ' ')} | {value} |" for name, value in machine.items() if name != "processor"]
    lines += _processors(machine.get("processor", ""), rows)
    when = f"| measured | {days[0]}{f' to {days[-1]}' if days[1:] else ''} |" if days else ""
    took_s = sum({row["run"]["part"]: row["run"]["took_s"] for row in rows if "run" in row}.values())
    took = f"| all measurements took | {took_s / 60:.0f} minutes |" if rows else ""
    load = f"| load when a measurement began | {min(loads)} to {max(loads)} |" if loads else ""
    return "\n".join(line for line in ["| | |", "| --- | --- |", *lines, when, took, load] if line) + "\n"


def _processors(here: str, rows: Sequence[Row]) -> list[str]:
    """Name the processor, or each with what was measured on it; older runs took no note of it."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if "run" in row:
            name = row["run"].get("processor", f"{here} (not recorded)")
            found.setdefault(name, set()).add(promise(row["id"]))
    if len(found) < 2:
        return [f"| processor | {name} |" for name in found or ([here] if here else [])]
    return [f"| processor of {', '.join(sorted(of, key=order))} | {name} |" for name, of in found.items()]


def _pushes(rows: Sequence[Row]) -> str:
    """Say how many times a `git push` over the same line a claim takes."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        times, point = row["notes"].get("of a push"), row.get("point")
        if times is not None and point and point["line"] != "swap":
            found.setdefault((point["over"], point["line"]), []).append(f"{times} at {point['x']}")
    head = ["over", "what", "times of a `git push`"]
    lines = [head, ["---"] * len(head), *([*what, ", ".join(times)] for what, times in found.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _forecasts(rows: Sequence[Row]) -> str:
    """Say what the replay says of each crowd that was measured."""
    computing = "ms a client computes for a claim: measured"
    head = ["crowd", "unit", "measured", "forecast", "forecast by measured", computing, "forecast"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        if "forecast" in row["notes"]:
            notes, crowd = row["notes"], row["work"].partition(": ")[2]
            values = (
                notes["measured"],
                notes["forecast"],
                row["median"],
                notes["client_ms_measured"],
                notes["client_ms"],
            )
            numbers = [_number(value) for value in values]
            lines.append([crowd, notes["unit"], *numbers])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _requests(rows: Sequence[Row]) -> str:
    """Say what each kind of request costs, in milliseconds."""
    head = ["request", "of its clone", "of the server", "for the disk", "for each ref or commit", "requests a clone"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        if "server_ms" in row["notes"]:
            notes = row["notes"]
            (client, more), (server, most) = notes["client_ms"], notes["server_ms"]
            numbers = [_number(value) for value in (client, server, notes["wait_ms"], more + most)]
            lines.append([notes["part"], *numbers, _number(notes["requests_a_clone"])])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _table(rows: Iterable[Row]) -> str:
    head = ["id", "work", "median", "p95", "p99", "n", "must reach", "met", "measured, load, pass"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        numbers = [f"{_number(row[name])} {row['unit']}" if row["n"] else "" for name in ("median", "p95", "p99")]
        run = f"{row['run']['at']}, {row['run']['load']}, {row['run']['pass_ms']:.0f} ms" if "run" in row else ""
        met = {True: "yes", False: "**no**"}.get(row["met"], "")
        target = row["target"].replace("<=", "≤").replace(">=", "≥")
        lines.append(
            [promise(row["id"]), row["work"].replace("|", "\\|"), *numbers, str(row["n"] or ""), target, met, run]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _teams(teams: Sequence[Row]) -> str:
    head = ["agents", "remote", "p50", "p95", "later than 60 s", "pushes a minute", "lost", "busiest", "its load"]
    lines = [head, ["---"] * len(head)]
    for team in teams:
        least = "≥ " if team["at_least"] else ""
        times = [f"{least}{_number(team[name])} s" for name in ("p50_s", "p95_s")]
        shares = [f"{team['late']:.1%}", _number(team["pushes_a_minute"]), f"{team['lost']:.0%}"]
        lines.append([f"{team['agents']:,}", team["remote"], *times, *shares, team["busiest"], f"{team['load']:.0%}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _condensed(rows: Sequence[Row]) -> list[Row]:
    """Let the worst of many alike stand for all of them."""
    alike: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        alike.setdefault((_part(row), row["target"]), []).append(row)
    found: list[Row] = []
    for (_, target), group in alike.items():
        if len(group) <= SHOWN_MAX or not target:
            found += group
            continue
        worst = max(group, key=lambda row: _badness(row, target))
        met = all(row["met"] for row in group)
        found.append({**worst, "work": f"{worst['work']}, the worst of {len(group)}", "met": met})
    return found


def _badness(row: Row, target: str) -> float:
    """Return by how much a row is worse than others with its target; what was not measured is the worst."""
    if not row["n"]:
        return math.inf
    if "within" in target:  # too little is as bad as too much
        return abs(row["median"] - 1)
    return -row["median"] if ">=" in target else row["median"]


def _part(row: Row) -> str:
    return row["run"]["part"] if "run" in row else row["id"]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # three digits are more than two runs agree in


def _file(name: str) -> str:
    return f"bench-{re.sub(r'[^a-z]+', '-', name)}.svg"


def main(source: Path) -> None:
    """Write the data, the page and the plots."""
    data = read(source)
    data["teams"] = [*teams(data["figures"])]
    DATA.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", "utf-8")
    for page in PAGES:
        page.write_text(filled(page.read_text("utf-8"), data), "utf-8")
    for old in PLOTS.glob("bench-*.svg"):
        old.unlink()
    for name, drawing in plots(data).items():
        (PLOTS / name).write_text(drawing, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
