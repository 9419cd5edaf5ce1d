"""P3: many processes claim files that nobody else wants, in one embedded store."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gitcoord.errors import CoordError
from gitcoord.service.claims import claims
from tests.bench.places import as_agent, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

PROCESSES = 32
EACH = 100
AGENTS = 10  # a process; each has a few claims, as agents have
RATE_MIN = 1000  # claims a second
READY_S = 1.0  # for all to pass the barrier


@measures("P3")
def p3() -> list[Figure]:
    """32 processes, 100 claims each; fewer for the plot."""
    figures: list[Figure] = []
    for count in (1, 4, 16, PROCESSES):
        with repository() as (top, env):
            figures.append(ours(top, env, count, EACH).over("processes that claim at once", count, "claim_files"))
    for figure in figures[:-1]:
        figure.target, figure.met = "", None
    return figures


def ours(top: Path, env: dict[str, str], processes: int, each: int) -> Figure:
    """Let processes claim at once, and count what is active then."""
    seconds, rows = crowd(processes, _claimer, (top, env, each))
    latencies = [ms for row in rows for ms in row["ms"]]
    failures = sum(row["failures"] for row in rows)
    active = len(workspace(top, env, "bench/cli/r").register().claims)
    assert active >= processes * (each + 1) - failures, (active, failures)
    rate = (len(latencies) - failures) / seconds
    work = f"{processes} processes claim {processes * each:,} files (latency of a claim)"
    figure = Figure("P3", work, latencies)
    figure.must(f">= {RATE_MIN:,} claims a second", rate >= RATE_MIN).must("no failure", not failures)
    figure.notes = {
        "claims_per_second": round(rate, 1),
        "failures": failures,
        "longest_ms": round(max(latencies)),
        "active": active,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(sum(row["cpu"] for row in rows), 1),
        **{name: sum(row[name] for row in rows) for name in ("won", "lost", "leads", "parsed")},
    }
    return figure


def crowd(
    count: int, work: Callable[..., dict[str, Any]], arguments: Sequence[Any]
) -> tuple[float, list[dict[str, Any]]]:
    """Start processes, let them go at one moment, and return the seconds until the last was done, with what each says.

    `work` is given its number, a function that waits for the moment, and the arguments. A barrier lets its waiters go
    one after the other, and those that are at work already hold up the rest (64 of them for seconds): so all of them
    have passed it when the moment comes.
    """
    context = multiprocessing.get_context("spawn")
    results, barrier, moment = context.Queue(), context.Barrier(count + 1), context.Value("d", 0.0)
    shared = (barrier, moment, results, arguments)
    processes = [context.Process(target=_run, args=(work, k, *shared)) for k in range(count)]
    for process in processes:
        process.start()
    try:
        barrier.wait(timeout=300)
        moment.value = time.time() + READY_S
        time.sleep(READY_S)
        begin = time.perf_counter()
        rows = [results.get(timeout=600) for _ in processes]
        return time.perf_counter() - begin, rows
    finally:
        for process in processes:
            process.join(timeout=30)
            process.kill()


def _run(
    work: Callable[..., dict[str, Any]], k: int, barrier: Any, moment: Any, results: Any, arguments: Sequence[Any]
) -> None:
    def start() -> None:
        barrier.wait(timeout=300)
        while not moment.value:
            time.sleep(0.01)
        time.sleep(max(0.0, moment.value - time.time()))

    try:
        results.put(work(k, start, *arguments))
    except BaseException:
        barrier.abort()
        raise


def _claimer(k: int, start: Callable[[], object], top: Path, env: dict[str, str], each: int) -> dict[str, Any]:
    """Claim once to be a running process, then on the common word."""
    one = workspace(top, env, f"bench/cli/w{k}")
    claims.claim_files(one, patterns=[f"src/area{k}/first.py"])
    transactions, combiner = one.combiner.transactions, one.combiner
    before = _counts(transactions, combiner)
    start()
    cpu, failures, latencies = time.process_time(), 0, list[float]()
    for at in range(each):
        as_agent(one, f"bench/cli/w{k}a{at % AGENTS}")
        begin = time.perf_counter()
        try:
            failures += not claims.claim_files(one, patterns=[f"src/area{k}/part{at}/file.py"])["granted"]
        except CoordError as error:
            print(f"P3: {error}")
            failures += 1
        latencies.append((time.perf_counter() - begin) * 1000)
    counts = _counts(transactions, combiner)
    moved = {name: counts[name] - before[name] for name in counts}
    return {"ms": latencies, "failures": failures, "cpu": time.process_time() - cpu, **moved}


def _counts(transactions: Any, combiner: Any) -> dict[str, int]:
    return {
        "won": transactions.won_swaps,
        "lost": transactions.lost_swaps,
        "leads": combiner.leads,
        "parsed": transactions.reader.parsed,
    }
