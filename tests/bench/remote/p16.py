"""P16: thirty days of writes on a simulated clock; claims, the store and an ordinary user's fetch stay as they were.

Each write is a claim or a release by the production path; the limit of commits from which a ledger is rolled is lowered
in the same proportion as the writes a day. `BENCH_P16_WRITES=14000` is the whole promise, and takes hours. At the end
of each day `gitcoord audit` and `gitcoord gc` run, as cron would run them.
"""

import os
import random
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from gitcoord.core.documents.doc import replace
from gitcoord.ledger.format.commits import ROLLED_AFTER
from gitcoord.runtime import make_host, open_workspace
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims import claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.upkeep.gc import gc
from tests.bench.places import as_agent, repository
from tests.bench.registry import measures
from tests.bench.report import Figure

DAYS = 30
WRITES = 14_000
DEFAULT_WRITES = 280
ACTIVE = 100  # claims at any moment, of so many files
RATIO_MAX = 1.2
CLAIMS = 200
FETCHES = 20


@measures("P16", limit_s=4 * 3600)
def p16() -> list[Figure]:
    """Compare the store after thirty days with a copy of what it was after the first."""
    writes = int(os.environ.get("BENCH_P16_WRITES", DEFAULT_WRITES))
    return measured(writes, DAYS)


def measured(writes: int, days: int) -> list[Figure]:
    """Write, so many times a day, and measure both ends side by side."""
    rolled_after = max(1, ROLLED_AFTER * writes // WRITES)
    scale: dict[str, object] = {"writes_a_day": writes, "days": days, "rolled_after_commits": rolled_after}
    sizes: list[float] = []
    rolls = 0
    with repository() as (top, env):
        first = top.parent / "first-day"
        team = _Team(top, env)
        begin = time.perf_counter()
        for day in range(1, days + 1):
            team.work(writes)
            rolls += len(team.gc(rolled_after))
            sizes.append(_size(top))
            if day == 1:
                shutil.copytree(top, first, symlinks=True)
        took_s = round(time.perf_counter() - begin)
        early = _Team(first, env)
        early.passed, early.count = team.passed, team.count
        latency = _alternating([early.claim, team.claim], CLAIMS)
        fetched = _alternating([*map(_fetching, [first, top], [env, env])], FETCHES)
    notes = {**scale, "rolls": rolls, "took_s": took_s}
    return [
        _compared("claim of a file", latency, "ms", notes),
        _compared("fetch of an ordinary user", fetched, "ms", notes),
        _store(sizes, notes),
    ]


Call = Callable[[], object]


class _Team:
    """Twenty agents of one clone, on a clock that a bench moves."""

    def __init__(self, top: Path, env: dict[str, str]) -> None:
        self.passed = timedelta()
        self.held: deque[str] = deque()
        self._chance = random.Random(16)
        self.count = 0
        real = make_host()
        host = replace(
            real,
            now=lambda: real.now() + self.passed,
            monotonic=lambda: real.monotonic() + self.passed.total_seconds(),
        )
        named = {**env, "GITCOORD_AGENT": "bench/cli/r"}
        self._workspace: Workspace = open_workspace(top, named, tool="bench", host=host)

    def work(self, writes: int) -> None:
        """Write for a day: claims, and releases of the oldest once there are enough."""
        for _ in range(writes):
            self.passed += timedelta(days=1) / writes
            if len(self.held) >= ACTIVE:
                claims.release_by_force(self._workspace, claim_ids=[self.held.popleft()])
            else:
                self.claim()

    def claim(self) -> None:
        """Claim a file that nobody has."""
        self.count += 1
        as_agent(self._workspace, f"bench/cli/r{self.count % 20}")
        file = f"area{self._chance.randrange(50)}/part{self._chance.randrange(50)}/file{self.count}.py"
        result = claims.claim_files(self._workspace, patterns=[file], description=f"work on {file}", ttl_hours=24)
        assert result["granted"], result
        claim = result["claim"]
        assert isinstance(claim, dict)
        self.held.append(str(claim["id"]))

    def gc(self, rolled_after: int) -> list[object]:
        """Do what cron does each night."""
        assert audit(self._workspace)["clean"]
        done = gc(self._workspace, rolled_after=rolled_after)
        assert not done["problems"], done
        return list(done["rolled"]) if isinstance(done["rolled"], list) else []


def _size(top: Path) -> float:
    objects = top / ".git" / "gitcoord" / "store.git" / "objects"
    return sum(file.stat().st_size for file in objects.rglob("*") if file.is_file()) / 1024


def _alternating(calls: list[Call], count: int) -> list[list[float]]:
    samples: list[list[float]] = [[] for _ in calls]
    for number in range(count + 10):
        for call, taken in zip(calls, samples, strict=True):
            begin = time.perf_counter()
            call()
            if number >= 10:  # the first are warming up
                taken.append((time.perf_counter() - begin) * 1000)
    return samples


def _fetching(top: Path, env: dict[str, str]) -> Call:
    """Return a fetch of someone who has nothing to do with gitcoord, from a remote that has all refs of the store."""
    hub, user = top.parent / f"{top.name}-hub.git", top.parent / f"{top.name}-user"
    store = top / ".git" / "gitcoord" / "store.git"
    for words in (
        ["clone", "-q", "--bare", f"file://{top}", str(hub)],
        ["-C", str(hub), "fetch", "-q", f"file://{store}", "+refs/coord/*:refs/coord/*"],
        ["clone", "-q", f"file://{hub}", str(user)],
    ):
        subprocess.run(["git", *words], env=env, check=True)
    return lambda: subprocess.run(["git", "-C", str(user), "fetch", "-q", "origin"], env=env, check=True)


def _store(sizes: list[float], notes: dict[str, object]) -> Figure:
    """Say how the packed store grew; it is bounded if it is as large at the end as once all kept archives are there."""
    figure = Figure("P16", "packed store at the end of each day", sizes, unit="KiB")
    growth = sizes[-1] / sizes[0]
    figure.notes = {**notes, "days_kib": [round(size) for size in sizes], "times_day_1": round(growth, 2)}
    return figure.must(f"day {len(sizes)} <= {RATIO_MAX} x day 1", growth <= RATIO_MAX)


def _compared(work: str, samples: list[list[float]], unit: str, notes: dict[str, object]) -> Figure:
    early, late = (sorted(taken)[len(taken) // 2] for taken in samples)
    figure = Figure("P16", f"{work} on day 30", samples[1], unit=unit)
    figure.notes = {**notes, "day_1": round(early, 2), "times_day_1": round(late / early, 2)}
    figure.must(f"p50 <= {RATIO_MAX} x day 1", late / early <= RATIO_MAX)
    return figure
