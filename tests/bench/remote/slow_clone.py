"""P6f: one of several clones is three times as far from the remote as the others, and all claim for a while.

Fair is at least its share by its round trip: where a claim were nothing but round trips, it would make a third of the
claims of any other. What the server and the clients need for a claim is the same for all, so its share may be more.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context

from tests.bench.claimers import crowd
from tests.bench.registry import measures
from tests.bench.remote.crowds_of_clones import Site, on_and_on, site
from tests.bench.report import Figure
from tests.servers.delaying_proxy import DelayingProxy

CLONES, SECONDS = 8, 30.0
NEAR_MS = (10, 50)  # round trips of the others
TIMES = 3  # so much longer is that of the far one, and so much longer its longest wait may be
FAIR = 1 / TIMES


@measures("P6f", limit_s=300)
def p6f() -> list[Figure]:
    """Measure what a clone far away gets beside others."""
    figures: list[Figure] = []
    for near_ms in NEAR_MS:
        with site(CLONES + 1) as given, lines(given, near_ms) as envs:
            figures.append(measured(given, envs, near_ms, SECONDS))
    return figures


@contextmanager
def lines(given: Site, near_ms: int) -> Iterator[list[dict[str, str]]]:
    """Give each clone but the first, which has used the remote already, an environment with its line; one is far."""
    with ExitStack() as stack:
        ports: list[int] = []
        for round_trip_ms in (near_ms, near_ms * TIMES):
            proxy = DelayingProxy(given.server.port, round_trip_ms / 1000)
            stack.callback(proxy.stop)
            ports.append(proxy.port)
        near, far = ({**given.env, "GITCOORD_REMOTE": f"http://127.0.0.1:{port}/open/r.git"} for port in ports)
        yield [far, *(near for _ in given.clones[2:])]


def measured(given: Site, envs: list[dict[str, str]], near_ms: int, seconds: float) -> Figure:
    """Let a process in each clone claim one file after another."""
    seats = given.clones[1:]
    with get_context("spawn").Manager() as manager:
        _, rows = crowd(len(seats), on_and_on, (seats, envs, seconds, manager.Lock()))
    far, *others = sorted(rows, key=lambda row: row["number"])
    rate, near_rates = len(far["ms"]) / far["took_s"], [len(row["ms"]) / row["took_s"] for row in others]
    mean = sum(near_rates) / len(near_rates)
    longest, near_longest = max(far["ms"]), max(max(row["ms"]) for row in others)
    failed = far["failed"] + sum(row["failed"] for row in others)
    distance = f"{near_ms * TIMES} ms away where the others are {near_ms} ms away"
    figure = Figure("P6f", f"claims of one of {len(seats)} clones, {distance}, all for {seconds:.0f} s", far["ms"])
    figure.must("none fails", not failed)
    figure.must(f"its claims >= {FAIR:.2f} of the mean of the others, its share by its round trip", rate >= FAIR * mean)
    figure.must(f"its longest wait <= {TIMES} times theirs", longest <= TIMES * near_longest)
    figure.notes = {
        "claims_a_second": round(rate, 2),
        "mean_of_the_others": round(mean, 2),
        "fewest_of_the_others": round(min(near_rates), 2),
        "of_their_mean": round(rate / mean, 2),
        "fair": round(FAIR, 2),
        "longest_wait_ms": round(longest),
        "longest_wait_of_the_others_ms": round(near_longest),
        "failed": failed,
        "pushes_won": [far["won"], sum(row["won"] for row in others)],
        "pushes_lost": [far["lost"], sum(row["lost"] for row in others)],
    }
    return figure
