"""`make bench`: run the measurements, print a table, write bench.json."""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.peers.install import FOLDER
from tests.bench.registry import PROMISED, Measurement, measurements, order, promise
from tests.bench.report import not_measured, read, table, write
from tests.bench.runs import rows_of


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
    fresh: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bench-peers-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER] = folder
        for part in parts:
            rows = rows_of(part)
            print(f"{part.name}: {rows[0]['run']['took_s']} s", flush=True)
            fresh += rows
    earlier = read(given.out)["figures"] if given.out.is_file() else []
    kept = {part.name for part in found} - {part.name for part in parts}
    rows = sorted(
        [*fresh, *(row for row in earlier if row.get("run", {}).get("part") in kept)],
        key=lambda row: order(row["run"]["part"]),
    )
    missing = sorted(set(PROMISED) - {promise(part.name) for part in found}, key=order)
    rows += [not_measured(name, "nothing measures it yet") for name in missing]
    write(rows, given.out)
    print(table(fresh))
    print("missing:", ", ".join(missing) or "none")


def _is_chosen(part: Measurement, only: list[str] | None) -> bool:
    return not only or part.name in only or promise(part.name) in only


if __name__ == "__main__":
    main()
