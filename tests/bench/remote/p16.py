"""P16: thirty days of writes on a simulated clock; claims, the store and an ordinary user's fetch stay as they were.

Each write is a claim or a release by the production path; the limit of commits from which a ledger is rolled is lowered
in the same proportion as the writes a day. `BENCH_P16_WRITES=14000` is the whole promise, and takes an hour or two on a
machine that does nothing else; `BENCH_P16_DAYS` is for fewer days than thirty. At the end of each day `gitcoord audit`
and `gitcoord gc` run, as cron would run them, and a remote takes what the day brought.
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
from gitcoord.service.watch import watch
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
    writes, days = (os.environ.get(f"BENCH_P16_{name}") for name in ("WRITES", "DAYS"))
    return measured(int(writes or DEFAULT_WRITES), int(days or DAYS))


def measured(writes: int, days: int) -> list[Figure]:
    """Write, so many times a day, and measure both ends side by side."""
    rolled_after = max(1, ROLLED_AFTER * writes // WRITES)
    scale: dict[str, object] = {"writes_a_day": writes, "days": days, "rolled_after_commits": rolled_after}
    sizes: list[float] = []
    rolls = 0
    with repository() as (top, env):
        first = top.parent / "first-day"
        hub, first_hub = top.parent / "hub.git", top.parent / "first-day-hub.git"
        subprocess.run(["git", "clone", "-q", "--bare", f"file://{top}", str(hub)], env=env, check=True)
        team = _Team(top, env)
        begin = time.perf_counter()
        for day in range(1, days + 1):
            team.work(writes)
            _age(top)
            rolls += len(team.gc(rolled_after))
            sizes.append(_size(top))
            team.sync()
            _take(hub, top, env)
            if day == 1:
                shutil.copytree(top, first, symlinks=True)
                shutil.copytree(hub, first_hub, symlinks=True)
        took_s = round(time.perf_counter() - begin)
        early = _Team(first, env)
        early.passed, early.count = team.passed, team.count
        latency = _alternating([early.claim, team.claim], CLAIMS)
        fetched = _alternating([_fetching(remote, env) for remote in (first_hub, hub)], FETCHES)
        packs = [len([*(remote / "objects" / "pack").glob("*.pack")]) for remote in (first_hub, hub)]
    notes = {**scale, "rolls": rolls, "took_s": took_s, "packs_of_the_remote": packs}
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
        self.held: deque[tuple[str, str]] = deque()
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
                holder, claim_id = self.held.popleft()
                as_agent(self._workspace, holder)
                assert claims.release_claims(self._workspace, claim_ids=[claim_id])["released"]
            else:
                self.claim()

    def claim(self) -> None:
        """Claim a file that nobody has."""
        self.count += 1
        holder = f"bench/cli/r{self.count % 20}"
        as_agent(self._workspace, holder)
        file = f"area{self._chance.randrange(50)}/part{self._chance.randrange(50)}/file{self.count}.py"
        result = claims.claim_files(self._workspace, patterns=[file], description=f"work on {file}", ttl_hours=24)
        assert result["granted"], result
        claim = result["claim"]
        assert isinstance(claim, dict)
        self.held.append((holder, str(claim["id"])))

    def gc(self, rolled_after: int) -> list[object]:
        """Do what cron does each night."""
        assert audit(self._workspace)["clean"]
        done = gc(self._workspace, rolled_after=rolled_after)
        assert not done["problems"], done
        return list(done["rolled"]) if isinstance(done["rolled"], list) else []

    def sync(self) -> None:
        """Let plain git read the store as it is."""
        watch.sync(self._workspace)


def _age(top: Path) -> None:
    """Let a day pass for the files of the store, too: what nothing names any more goes by its age on disk."""
    for file in _files(top):
        seconds = file.stat().st_mtime - timedelta(days=1).total_seconds()
        os.utime(file, (seconds, seconds))


def _size(top: Path) -> float:
    return sum(file.stat().st_size for file in _files(top)) / 1024


def _files(top: Path) -> list[Path]:
    return [file for file in (top / ".git" / "gitcoord" / "store.git" / "objects").rglob("*") if file.is_file()]


def _alternating(calls: list[Call], count: int) -> list[list[float]]:
    samples: list[list[float]] = [[] for _ in calls]
    for number in range(count + 10):
        for call, taken in zip(calls, samples, strict=True):
            begin = time.perf_counter()
            call()
            if number >= 10:  # the first are warming up
                taken.append((time.perf_counter() - begin) * 1000)
    return samples


def _take(hub: Path, top: Path, env: dict[str, str]) -> None:
    """Let a remote take what a day brought, as a pack and loose refs; no one packs it anew."""
    store = top / ".git" / "gitcoord" / "store.git"
    settings = ["-c", "fetch.unpackLimit=1", "-c", "gc.auto=0"]
    words = ["fetch", "-q", "--prune", f"file://{store}", "+refs/coord/*:refs/coord/*"]
    subprocess.run(["git", "-C", str(hub), *settings, *words], env=env, check=True)


def _fetching(hub: Path, env: dict[str, str]) -> Call:
    """Return a fetch of someone who has nothing to do with gitcoord."""
    user = hub.with_name(f"user-of-{hub.name}")
    subprocess.run(["git", "clone", "-q", f"file://{hub}", str(user)], env=env, check=True)
    return lambda: subprocess.run(["git", "-C", str(user), "fetch", "-q", "origin"], env=env, check=True)


def _store(sizes: list[float], notes: dict[str, object]) -> Figure:
    """Say how the packed store grew; it is bounded if it is as large at the end as once all kept archives are there."""
    figure = Figure("P16", "packed store at the end of each day", sizes, unit="KiB")
    growth = sizes[-1] / sizes[0]
    figure.notes = {**notes, "days_kib": [round(size) for size in sizes], "times_day_1": round(growth, 2)}
    return figure.must(f"day {len(sizes)} <= {RATIO_MAX} x day 1", growth <= RATIO_MAX)


def _compared(work: str, samples: list[list[float]], unit: str, notes: dict[str, object]) -> Figure:
    early, late = (sorted(taken)[len(taken) // 2] for taken in samples)
    figure = Figure("P16", f"{work} on day {notes['days']}", samples[1], unit=unit)
    figure.notes = {**notes, "day_1": round(early, 2), "times_day_1": round(late / early, 2)}
    figure.must(f"p50 <= {RATIO_MAX} x day 1", late / early <= RATIO_MAX)
    return figure
