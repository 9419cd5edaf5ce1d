"""`make bench`: run the measurements, print a table, write bench.json."""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.peers.install import FOLDER
from tests.bench.registry import PROMISED, Measurement, measurements, order, promise
from tests.bench.report import Row, not_measured, read, table, write
from tests.bench.runs import rows_of
from tests.bench.scaling.forecast import compared

FORECAST: Final = "P16f"


def main() -> None:
    """Run what was asked for; of what was not, an earlier file keeps its rows."""
    found = measurements()
    parser = argparse.ArgumentParser(prog="make bench")
    names = {part.name for part in found}
    parser.add_argument("--only", choices=sorted({*names, *PROMISED}, key=order), action="append")
    parser.add_argument("--peers", action="store_true", help="compare with what others do; needs PyPI")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    given = parser.parse_args()
    parts = [part for part in found if _is_chosen(part, given.only) and (given.peers or not part.peers)]
    kept = read(given.out)["figures"] if given.out.is_file() else []
    fresh: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-peers-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER] = folder
        for part in parts:
            rows = rows_of(part)
            if rows:  # a part that lacks something may leave itself out
                print(f"{part.name}: {rows[0]['run']['took_s']} s", flush=True)
            fresh += rows
            kept = [row for row in kept if row.get("run", {}).get("part") != part.name] + rows
            kept = _whole(kept, found, forecasts=promise(part.name) == "P6")
            write(kept, given.out)  # after each: a run that is interrupted keeps what it measured
    print(table([*fresh, *(row for row in kept if "run" not in row or row["run"]["part"] == FORECAST)]))


def _whole(rows: Sequence[Row], parts: Sequence[Measurement], *, forecasts: bool) -> list[Row]:
    """Return the rows of parts that there are, by number, with what is missing; `forecasts`: made anew of the rows."""
    names = {part.name for part in parts}
    measured = [row for row in rows if row.get("run", {}).get("part") in names]
    if forecasts:
        said = [{**figure.as_json(), "run": _of_forecast(measured)} for figure in compared(measured)]
    else:
        said = [row for row in rows if row.get("run", {}).get("part") == FORECAST]
    wanted = {FORECAST: "forecasts of the crowds of P6", **{part.name: part.says for part in parts if not part.peers}}
    there = {row["run"]["part"] for row in (*measured, *said)}
    gaps = [
        {**not_measured(name, f"{name} is not in these runs ({says})"), "met": None}
        for name, says in wanted.items()
        if name not in there
    ]
    return sorted([*measured, *said, *gaps], key=lambda row: order(row["run"]["part"] if "run" in row else row["id"]))


def _of_forecast(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the run of the crowds that a forecast is compared with, under a name of its own."""
    crowd = next(row for row in rows if row["id"] == "P6" and "run" in row)
    return {**crowd["run"], "part": FORECAST, "took_s": 0.0}


def _is_chosen(part: Measurement, only: list[str] | None) -> bool:
    return not only or part.name in only or promise(part.name) in only


if __name__ == "__main__":
    main()
