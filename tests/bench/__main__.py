"""`make bench`: run the measurements, print a table, write bench.json."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import (
    claimers,
    claims,
    clients,
    committing,
    crowd,
    definitions,
    hooks,
    http_claims,
    p1,
    p13,
    peers,
    pushing,
    startup,
    wire_bytes,
)
from tests.bench.pages import dashboard
from tests.bench.report import Figure, table, write

BENCHES: dict[str, Callable[[], list[Figure]]] = {
    "P1": p1.run,
    "P2": claims.p2,
    "P3": claimers.p3,
    "P3s": crowd.p3s,
    "P4": crowd.p4,
    "P5": http_claims.p5,
    "P7": hooks.p7,
    "P7p": pushing.p7_push,
    "P7c": committing.p7c,
    "P8": startup.p8,
    "P8c": clients.p8c,
    "P9": wire_bytes.p9,
    "P10": claims.p10,
    "P11": definitions.p11,
    "P12": startup.p12,
    "P13s": p13.run,
    "P13": dashboard.p13,
}
WITH_PEERS: dict[str, Callable[[Sequence[peers.Peer]], list[Figure]]] = {"P2": peers.p2, "P3": peers.p3}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=sorted(BENCHES), action="append")
    parser.add_argument("--peers", action="store_true", help="compare P2 and P3 with what others do; needs PyPI")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    chosen = parser.parse_args()
    figures: list[Figure] = []
    for name, bench in BENCHES.items():
        if not chosen.only or name in chosen.only:
            figures += bench()
    wanted = [bench for name, bench in WITH_PEERS.items() if not chosen.only or name in chosen.only]
    if chosen.peers and wanted:
        with peers.installed() as found:
            for bench in wanted:
                figures += bench(found)
    write(figures, chosen.out)
    print(table(figures))


if __name__ == "__main__":
    main()
