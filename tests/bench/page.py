"""`python -m tests.bench.page bench.json`: the figures of a run into docs/, with their data, plots and forecasts.

    bench.json ──> docs/benchmarks.json ──> the tables between the marks of the pages, docs/images/bench-*.svg
        └── simulation of larger teams ──┘

The test of the pages makes both from the committed data again, so no figure of them can be written by hand.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.bench.plots import drawn
from tests.bench.registry import promise
from tests.bench.report import Row, read
from tests.bench.scaling.forecast import teams

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "scaling.md")
DATA = ROOT / "docs" / "benchmarks.json"
PLOTS = ROOT / "docs" / "images"
SHOWN_MAX = 4  # rows of one part with one target; of more, the worst stands for all
_MARKS = re.compile(r"(<!-- (\w+): made by tests/bench/page.py -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, data: dict[str, Any]) -> str:
    """Return a page with what the data say between its marks."""
    rows = data["figures"]
    parts = {
        "machine": _machine(data["machine"], rows),
        "targets": _table([row for row in _condensed(rows) if "+peers" not in _part(row)]),
        "peers": _table([row for row in rows if "+peers" in _part(row)]),
        "scaling": _teams(data.get("teams", [])),
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
    lines = [f"| {name.replace('_', ' ')} | {value} |" for name, value in machine.items()]
    when = f"| measured | {days[0]}{f' to {days[-1]}' if days[1:] else ''} |" if days else ""
    took_s = sum({row["run"]["part"]: row["run"]["took_s"] for row in rows if "run" in row}.values())
    took = f"| all measurements took | {took_s / 60:.0f} minutes |" if rows else ""
    load = f"| load when a measurement began | {min(loads)} to {max(loads)} |" if loads else ""
    return "\n".join(line for line in ["| | |", "| --- | --- |", *lines, when, took, load] if line) + "\n"


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
        times = [f"{_number(team[name])} s" for name in ("p50_s", "p95_s")]
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
        worst = (min if ">=" in target else max)(group, key=lambda row: row.get("median", 0))
        met = all(row["met"] for row in group)
        found.append({**worst, "work": f"{worst['work']}, the worst of {len(group)}", "met": met})
    return found


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
