"""`make bench`: run the measurements, print a table, write bench.json."""

import argparse
from collections.abc import Callable
from pathlib import Path

from tests.bench import claims, clients, crowd, p1, startup
from tests.bench.report import Figure, table, write

BENCHES: dict[str, Callable[[], list[Figure]]] = {
    "P1": p1.run,
    "P2": claims.p2,
    "P3": crowd.p3,
    "P4": crowd.p4,
    "P8": startup.p8,
    "P8c": clients.p8c,
    "P10": claims.p10,
    "P12": startup.p12,
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=sorted(BENCHES), action="append")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    chosen = parser.parse_args()
    figures: list[Figure] = []
    for name, bench in BENCHES.items():
        if not chosen.only or name in chosen.only:
            figures += bench()
    write(figures, chosen.out)
    print(table(figures))


if __name__ == "__main__":
    main()
