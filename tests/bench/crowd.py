"""P3s and P4: many processes take the steps of one embedded store."""

import json
import multiprocessing
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

from gitcoord.core.steps.step_commands import CompleteStep
from gitcoord.service.steps import step_work
from gitcoord.service.watch import watch
from tests.bench.places import as_agent, fill, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

PROCESSES = 32
AGENTS = 1000
IDLE_S = 0.02  # an agent that finds nothing available asks again after this
COMMIT = "0" * 40  # completing does not look the commit up here: the work is the ledger's, not git's


@measures("P3s")
def p3s() -> list[Figure]:
    """32 processes claim 3,200 steps, nothing else."""
    return _crowd("P3s", "32 processes claim 3,200 steps of 32 projects", 32, 100, _claim_only)


@measures("P4", limit_s=600)
def p4() -> list[Figure]:
    """1,000 agents drain 10,000 steps."""
    return drained(100, 100, PROCESSES)


def drained(projects: int, size: int, processes: int) -> list[Figure]:
    """Let processes drain the steps of projects; each is seen to be completed once, by plain git."""
    work = f"{AGENTS:,} agents drain {projects * size:,} steps of {projects} projects"
    return _crowd("P4", work, projects, size, _drain, processes)


def _crowd(id_: str, work: str, projects: int, size: int, job: Any, processes: int = PROCESSES) -> list[Figure]:
    total = projects * size
    with repository() as (top, env):
        one = workspace(top, env, "bench/cli/r")
        fill(one, projects, size, chained=job is _drain)
        context = multiprocessing.get_context("spawn")
        results, barrier = context.Queue(), context.Barrier(processes + 1)
        shared = (job, processes, results, barrier)
        crowd = [context.Process(target=_worker, args=(top, env, k, *shared)) for k in range(processes)]
        for process in crowd:
            process.start()
        barrier.wait(timeout=300)
        begin = time.perf_counter()
        rows = [results.get(timeout=600) for _ in crowd]
        seconds = time.perf_counter() - begin
        for process in crowd:
            process.join()
        watch.sync(one)  # brings the repository up to the journal, for plain git
        checked = _check(top, env, "step_claimed" if job is _claim_only else "step_completed")
    assert sum(row["done"] for row in rows) == total == checked, (sum(row["done"] for row in rows), checked)
    latencies = [ms for row in rows for ms in row["ms"]]
    notes = {
        "seconds": round(seconds, 1),
        "steps": total,
        "commands_per_second": round(len(latencies) / seconds),
        "swaps_won": sum(row["won"] for row in rows),
        "swaps_lost": sum(row["lost"] for row in rows),
        "leads": sum(row["leads"] for row in rows),
        "documents_parsed_per_command": round(sum(row["parsed"] for row in rows) / len(latencies), 2),
        "checked": "every step once, from the history",
    }
    figure = Figure(id_, work + " (latency of a command)", latencies, notes=notes)
    if job is _claim_only:
        return [figure.must(">= 1,000 steps a second", total / seconds >= 1000)]
    return [figure, Figure(id_, work, [seconds], unit="s").at_most(30, 1.0)]


def _worker(top: Path, env: dict[str, str], k: int, job: Any, processes: int, results: Any, barrier: Any) -> None:
    one = workspace(top, env, f"bench/cli/w{k}")
    barrier.wait(timeout=300)
    ms: list[float] = []
    done = job(one, k, processes, ms)
    transactions = one.combiner.transactions
    results.put(
        {
            "done": done,
            "ms": ms,
            "won": transactions.won_swaps,
            "lost": transactions.lost_swaps,
            "leads": one.combiner.leads,
            "parsed": transactions.reader.parsed,
        }
    )


def _timed(ms: list[float], call: Any) -> Any:
    begin = time.perf_counter()
    result = call()
    ms.append((time.perf_counter() - begin) * 1000)
    return result


def _claim_only(one: Any, k: int, _: int, ms: list[float]) -> int:
    for at in range(100):
        as_agent(one, f"bench/cli/w{k}a{at}")
        assert _timed(ms, lambda: step_work.claim_step(one))["step"]
    return 100


def _drain(one: Any, k: int, processes: int, ms: list[float]) -> int:
    done = 0
    agents = range(k, AGENTS, processes)
    while True:
        for agent in agents:
            as_agent(one, f"bench/cli/a{agent}")
            claimed = _timed(ms, lambda: step_work.claim_step(one))
            if not claimed["step"]:
                if claimed["refused"] in ("no_active_project", "all_done"):
                    return done
                time.sleep(IDLE_S)
                continue
            step = claimed["step"]
            assert _timed(ms, lambda step=step: step_work.start_step(one, step_id=step["id"]))["step"]
            command = CompleteStep(step_num=step["step_num"], commit_hash=COMMIT, fence=step["fence"])
            reply = _timed(ms, lambda step=step, command=command: one.submit(command, one.actor(), step["project"]))
            assert reply.outcome.is_done, reply
            done += 1


def _check(top: Path, env: dict[str, str], code: str) -> int:
    """Count the steps to which it happened, by plain git; fail if it happened to one twice."""
    git = ["git", f"--git-dir={top / '.git' / 'gitcoord' / 'store.git'}"]
    refs = _output([*git, "for-each-ref", "--format=%(refname)", "refs/coord/steps"], env).split()
    seen: Counter[tuple[str, int]] = Counter()
    for ref in refs:
        for line in _records(git, ref, env):
            outcome = json.loads(line)["outcome"] if line.startswith('{"args"') else {}
            if outcome.get("code") == code and not outcome["facts"].get("already"):
                seen[ref, outcome["facts"]["step_num"]] += 1
    twice = [key for key, count in seen.items() if count > 1]
    assert not twice, twice[:5]
    return len(seen)


def _records(git: list[str], ref: str, env: dict[str, str]) -> list[str]:
    """Return the lines of every record of a ledger, from the messages and from `record.json`."""
    lines: list[str] = []
    for entry in _output([*git, "log", "-z", "--format=%H%n%B", ref], env).split("\0"):
        commit, _, message = entry.partition("\n")
        inline = '{"record":' not in message
        lines += (message if inline else _output([*git, "show", f"{commit}:record.json"], env)).splitlines()
    return lines


def _output(command: list[str], env: dict[str, str]) -> str:
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
