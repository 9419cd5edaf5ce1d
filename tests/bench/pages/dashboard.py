"""P13: the dashboard of a large team, as a program of its own: its first paint, its news, its memory."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from gitcoord.service.claims import claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import step_work
from tests.bench.places import as_agent, fill, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

AGENTS = 1_000
PROJECTS, STEPS = 100, 100
NEWS = 40
PAINTS = 5
_WORLD = f"{AGENTS:,} agents, {PROJECTS * STEPS:,} steps, {AGENTS:,} claims"


@measures("P13")
def p13() -> list[Figure]:
    """Start a dashboard over the ledgers of a large team, look at it in Chromium, and commit while it is open."""
    with repository() as (top, env):
        one = workspace(top, env, "bench/cli/r")
        fill(one, PROJECTS, STEPS, chained=True)
        for at in range(AGENTS):
            as_agent(one, f"bench/cli/a{at}")
            assert step_work.claim_step(one)["step"]
            assert claims.claim_files(one, patterns=[f"lib/of/a{at}.py"])["granted"]
        with _dashboard(top, env) as (url, process):
            begin = time.perf_counter()
            with urlopen(url, timeout=60) as answer:  # noqa: S310 - our own server
                size = len(answer.read())
            first = Figure("P13", f"first page after the start: {_WORLD}", [_since(begin)], notes={"bytes": size})
            paints = Figure("P13", f"first paint in Chromium: {_WORLD}", _paints(url))
            news = Figure("P13", f"a claim on the open page: {_WORLD}", list(_news(one, url)))
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak_mb = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    memory = Figure("P13", f"memory at most: {_WORLD}", [peak_mb], unit="MB").at_most(300, 1.0)
    return [first, *([paints.at_most(1000, 1.0)] if paints.samples else []), news.at_most(300, 0.95), memory]


@contextmanager
def _dashboard(top: Path, env: dict[str, str]) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    words = [sys.executable, "-m", "gitcoord", "dashboard"]
    with subprocess.Popen(words, cwd=top, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield (process.stdout.readline() if process.stdout else "").strip(), process
        finally:
            process.terminate()


def _since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1000


def _paints(url: str) -> list[float]:
    """Return the milliseconds to the first contentful paint, each in a browser context that knows nothing."""
    if not shutil.which("chromium"):
        return []
    from tests.faces.cli.dashboard.browser import started, visiting  # noqa: PLC0415 - only where there is one

    found: list[float] = []
    with started() as browser:
        for _ in range(PAINTS):
            with visiting(browser, url) as visit:
                visit.is_live()
                found.append(visit.finds("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    return found


def _news(one: Workspace, url: str) -> Iterator[float]:
    """Yield the milliseconds from when a claim is granted until an open page has its panel."""
    with urlopen(f"{url}live", timeout=60) as stream:  # noqa: S310 - our own server
        _until(stream, b"event: condition")
        for at in range(NEWS):
            as_agent(one, f"bench/cli/a{at}")
            assert claims.claim_files(one, patterns=[f"lib/more/a{at}.py"])["granted"]
            begin = time.perf_counter()
            _until(stream, b'"name": "claims"')
            yield _since(begin)
            _until(stream, b"event: condition")


def _until(stream: Iterator[bytes], mark: bytes) -> None:
    next(line for line in stream if mark in line[:80])
