"""P6: clones of one http remote at the same moment: each wants a file of its own, or a step; and that for a while."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from gitcoord.errors import CoordError
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step
from tests.bench.claimers import crowd
from tests.bench.places import as_agent, fill, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure
from tests.servers.http_backend import HttpBackend

CROWDS = {16: 4, 64: 8}  # clones, and how many times a lone claim the last one may take beside the server's time
PUSHES_MAX = 2.5  # a clone
CLONES, WORKTREES, SUSTAINED_S = 8, 4, 30.0
RATE_MIN = 40  # claims a second
LONE = 15
STEPS = 100


class Site(NamedTuple):
    """A remote, the requests that it has got, and clones of it."""

    server: HttpBackend
    clones: Sequence[Path]
    env: dict[str, str]


@measures("P6", limit_s=300)
def p6() -> list[Figure]:
    """Measure crowds that start together, then one that goes on."""
    figures: list[Figure] = []
    for clones, times in CROWDS.items():
        with site(clones) as given:
            figures += together(given, times)
    with site(CLONES) as given:
        figures.append(sustained(given, WORKTREES, SUSTAINED_S))
    return figures


@contextmanager
def site(clones: int, around: Callable[[str], Path] | None = None) -> Iterator[Site]:
    """Serve a repository to so many clones; one of them has put a project there. `around`: see `HttpBackend`."""
    home = Path(tempfile.mkdtemp(prefix="gitcoord-bench-p6-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        server = HttpBackend(home, around=around)
        stack.callback(server.stop)
        bare = server.root / "open" / "r.git"
        subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
        for key, value in (("http.receivepack", "true"), ("gc.auto", "0"), ("receive.autogc", "false")):
            subprocess.run(["git", f"--git-dir={bare}", "config", key, value], check=True)
        top, base = stack.enter_context(repository())
        env = {**base, "no_proxy": "127.0.0.1", "GITCOORD_REMOTE": server.url("open", "r.git")}
        subprocess.run(["git", "remote", "add", "origin", env["GITCOORD_REMOTE"]], cwd=top, env=env, check=True)
        folders = [top, *(home / f"clone-{number}" for number in range(1, clones))]
        for folder in folders[1:]:  # before the first was used: nothing of gitcoord is copied
            shutil.copytree(top, folder)
        fill(workspace(top, env, "bench/cli/r"), 1, STEPS)
        yield Site(server, folders, env)


def together(given: Site, times: int) -> list[Figure]:
    """Let each clone claim a file, and then a step, at the same moment as all others."""
    lone_ms, push_ms = _lone(given)
    figures: list[Figure] = []
    for what in ("file", "step"):
        asked = given.server.requests()
        with get_context("spawn").Manager() as manager:
            _, rows = crowd(len(given.clones), _once, (given.clones, given.env, what, manager.Lock()))
        begun, ended = max(row["warm"] for row in rows), [row["begun"] + row["ms"] / 1000 for row in rows]
        pushes = [at for at, took, push in given.server.requests()[len(asked) :] if push and at - took / 1000 >= begun]
        begins = [row["begun"] for row in rows]
        last_ms = (max(ended) - min(begins)) * 1000
        limit_ms = times * lone_ms + len(pushes) * push_ms
        work = f"{len(given.clones)} clones claim a {what} each at the same moment (latency of a claim)"
        figure = Figure("P6", work, [row["ms"] for row in rows])
        failed = sum(row["failed"] for row in rows)
        figure.must("none fails", not failed)
        figure.must(f"<= {PUSHES_MAX} pushes a clone", len(pushes) <= PUSHES_MAX * len(given.clones))
        figure.must(f"last <= {times} lone claims + the server's time for the pushes", last_ms <= limit_ms)
        figure.over("clones that claim at the same moment", len(given.clones), f"a {what}")
        figure.notes = {
            "clones": len(given.clones),
            "failed": failed,
            "pushes_a_clone": round(len(pushes) / len(given.clones), 2),
            "last_ms": round(last_ms),
            "begun_within_ms": round((max(begins) - min(begins)) * 1000, 1),
            "cpu_ms_a_claim": round(sum(row["cpu"] for row in rows) * 1000 / len(rows), 1),
            "may_take_ms": round(limit_ms),
            "lone_ms": round(lone_ms, 1),
            "server_ms_a_push": round(push_ms, 1),
        }
        figures.append(figure)
    return figures


def sustained(given: Site, worktrees: int, seconds: float) -> Figure:
    """Let processes in worktrees of all clones claim one file after another."""
    lone_ms, push_ms = _lone(given)
    seats: list[Path] = []
    for clone in given.clones:
        for number in range(worktrees):
            seat = clone if not number else clone.with_name(f"{clone.name}-{number}")
            if number:
                words = ["git", "worktree", "add", "-q", "--detach", str(seat)]
                subprocess.run(words, cwd=clone, env=given.env, check=True)
            seats.append(seat)
    asked = given.server.requests()
    with get_context("spawn").Manager() as manager:
        _, rows = crowd(len(seats), on_and_on, (seats, [given.env] * len(seats), seconds, manager.Lock()))
    latencies = [ms for row in rows for ms in row["ms"]]
    failed = sum(row["failed"] for row in rows)
    pushes = sum(push for _, _, push in given.server.requests()[len(asked) :])
    rate = (len(latencies) - failed) / max(row["took_s"] for row in rows)
    work = f"{len(seats)} processes in {len(given.clones)} clones claim files for {seconds:.0f} s (latency of a claim)"
    figure = Figure("P6", work, latencies)
    figure.must("none fails", not failed).must(f">= {RATE_MIN} claims a second", rate >= RATE_MIN)
    figure.notes = {
        "clones": len(given.clones),
        "processes": len(seats),
        "lone_ms": round(lone_ms, 1),
        "server_ms_a_push": round(push_ms, 1),
        "claims_a_second": round(rate, 1),
        "failed": failed,
        "fewest_of_a_process": min(len(row["ms"]) for row in rows),
        "most_of_a_process": max(len(row["ms"]) for row in rows),
        "pushes": pushes,
        "cpu_seconds": round(sum(row["cpu"] for row in rows), 1),
        "cpu_ms_a_claim": round(sum(row["cpu"] for row in rows) * 1000 / len(latencies), 1),
        **{name: sum(row[name] for row in rows) for name in ("won", "lost")},
    }
    return figure


def _lone(given: Site) -> tuple[float, float]:
    """Return what a claim takes where no other clone writes, and what of that is the server's, in milliseconds."""
    claimer = workspace(given.clones[0], given.env, "bench/cli/lone")
    took: list[float] = []
    for turn in range(LONE):
        as_agent(claimer, f"bench/cli/lone-{turn}")
        took.append(_timed(lambda turn=turn: claim_files(claimer, patterns=[f"lone/{turn}.py"])["granted"])[0])
    pushes = [took_ms for _, took_ms, push in given.server.requests() if push][-LONE:]
    return sorted(took)[LONE // 2], sorted(pushes)[len(pushes) // 2]


def _timed(call: Callable[[], object]) -> tuple[float, bool]:
    """Return the milliseconds that a claim takes, and whether it was not granted."""
    begin = time.perf_counter()
    try:
        failed = not call()
    except CoordError as error:
        print(f"P6: {error}")
        failed = True
    return (time.perf_counter() - begin) * 1000, failed


def _ready(clone: Path, env: dict[str, str], turns: Any, name: str) -> Workspace:
    """Open the workspace of a clone and claim once, one clone after the other, to be a running process."""
    claimer = workspace(clone, env, f"bench/cli/{name}")
    with turns:
        assert claim_files(claimer, patterns=[f"first/{name}.py"])["granted"]
    return claimer


def _once(
    k: int, start: Callable[[], object], clones: Sequence[Path], env: dict[str, str], what: str, turns: Any
) -> dict[str, Any]:
    claimer = _ready(clones[k], env, turns, f"{what}-{k}")
    as_agent(claimer, f"bench/cli/{what}-of-{k}")
    warm = time.time()
    start()
    begun = time.time()
    call: Callable[[], Any] = {
        "file": lambda: claim_files(claimer, patterns=[f"made/{k}.py"])["granted"],
        "step": lambda: claim_step(claimer)["step"],
    }[what]
    cpu = time.process_time()
    ms, failed = _timed(call)
    return {"warm": warm, "begun": begun, "ms": ms, "failed": failed, "cpu": time.process_time() - cpu}


def on_and_on(
    k: int,
    start: Callable[[], object],
    seats: Sequence[Path],
    envs: Sequence[dict[str, str]],
    seconds: float,
    turns: Any,
) -> dict[str, Any]:
    """Claim one file after another in the seat of that number, with its environment, for so long."""
    claimer = _ready(seats[k], envs[k], turns, f"on-{k}")
    transactions = claimer.combiner.transactions
    before = {"won": transactions.won_swaps, "lost": transactions.lost_swaps}
    start()
    cpu, begun, latencies, failures = time.process_time(), time.perf_counter(), list[float](), 0
    while time.perf_counter() - begun < seconds:
        as_agent(claimer, f"bench/cli/on{k}a{len(latencies) % 10}")
        ms, failed = _timed(lambda: claim_files(claimer, patterns=[f"area{k}/{len(latencies)}.py"])["granted"])
        latencies.append(ms)
        failures += failed
    return {
        "number": k,
        "ms": latencies,
        "failed": failures,
        "took_s": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
        "won": transactions.won_swaps - before["won"],
        "lost": transactions.lost_swaps - before["lost"],
    }
