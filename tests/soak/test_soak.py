"""A load over time: memory, open files, refs, documents and stores stay flat (`make torture SOAK=30m`)."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import torture_report
from tests.conftest import Clone, Git, MakeRepo
from tests.servers.fixtures import Servers, servers
from tests.soak import measures
from tests.soak.load import GITCOORD, Load, Place, run
from tests.torture_seed import SEED

__all__ = ["servers"]

FEW, CALLS_EACH = 30, 5  # rounds of an agent that are tried each time; calls of a round, at least
_UNITS = {"s": 1, "m": 60, "h": 3600}
COMMIT_BYTES = 3_000  # of a store that was packed, at most, for each commit of its ledgers
FIXED_BYTES = 4 << 20  # of a store, whatever its history


def seconds_of(text: str) -> int:
    """Return how long `30m`, `90s` or `2h` is."""
    found = re.fullmatch(r"([1-9][0-9]*)([smh])", text)
    assert found, f"SOAK={text}: say 90s, 30m or 2h"
    return int(found[1]) * _UNITS[found[2]]


def series(*values: int) -> list[measures.Sample]:
    return [{"open files of a server": value} for value in values]


@pytest.mark.parametrize(
    ("values", "grew"),
    [
        ((1, 9, 9, 10, 9, 10, 9, 10, 10), False),
        ((1, 9, 9, 10, 10, 10, 10, 10, 90), True),
        ((90, 80, 70, 10, 10, 10, 10, 10, 10), False),
        (tuple(range(10, 190, 20)), True),
    ],
)
def test_growth_is_what_comes_after_the_warm_up_and_is_more_than_is_allowed(
    values: tuple[int, ...], grew: bool
) -> None:
    assert bool(measures.growth(series(*values))) is grew


def embedded(make_repo: MakeRepo, git: Git, more: Sequence[str] = ("two", "three")) -> Place:
    """Make a clone with more worktrees, and a store of its own."""
    repo = make_repo("embedded")
    others = []
    for name in more:
        git(repo, "worktree", "add", "-q", "-b", name, str(repo.parent / name))
        others.append(repo.parent / name)
    common = repo / ".git/gitcoord"
    return Place("embedded", (repo, *others), common, common / "store.git")


def over_http(make_repo: MakeRepo, clone: Clone, git: Git, servers: Servers) -> Place:
    """Make two clones of a remote behind a web server."""
    remote = servers.remote("http")
    source = make_repo("source")
    git(source, "push", "-q", str(remote.git_dir), "HEAD:refs/heads/main")
    remote.git("symbolic-ref", "HEAD", "refs/heads/main")
    clones = tuple(clone(remote.url, name) for name in ("one", "other"))
    for each in clones:
        git(each, "config", "gitcoord.remote", "origin")
    return Place("http", clones, clones[0] / ".git/gitcoord", remote.git_dir)


@pytest.mark.timeout(600)
def test_nothing_but_memory_grows_over_a_few_rounds(make_repo: MakeRepo, git: Git, tmp_path: Path) -> None:
    """The memory is still warming up, and is not looked at."""
    load = Load(embedded(make_repo, git, ()), SEED, tmp_path)

    try:
        samples = load.turns(FEW)
    finally:
        load.end()

    assert load.broken == []
    assert load.done["calls"] >= FEW * CALLS_EACH
    assert [grown for grown in measures.growth(samples) if not grown.startswith("memory")] == []
    size, commits = _settled(load.place)
    assert size <= FIXED_BYTES + COMMIT_BYTES * commits


@pytest.mark.torture
@pytest.mark.timeout(0)
def test_nothing_grows_under_a_load(
    make_repo: MakeRepo, clone: Clone, git: Git, servers: Servers, tmp_path: Path
) -> None:
    seconds = seconds_of(os.environ.get("TORTURE_SOAK") or "90s")
    loads = [
        Load(place, SEED, tmp_path) for place in (embedded(make_repo, git), over_http(make_repo, clone, git, servers))
    ]

    samples = run(loads, seconds)

    sizes = {load.place.name: _settled(load.place) for load in loads}
    counts = sum((load.done for load in loads), Counter[str]())
    names = [*samples[-1]]
    third = len(samples) // 3
    peaks = {
        name: [measures.highest(samples[third : 2 * third], name), measures.highest(samples[2 * third :], name)]
        for name in names
    }
    told = {
        "seconds": seconds,
        "seed": SEED,
        "counts": dict(counts),
        "peaks": peaks,
        "failed": [load.told for load in loads],
        "bytes and commits": sizes,
    }
    sys.stdout.write(json.dumps(told, indent=1))
    assert [what for load in loads for what in load.broken] == []
    assert measures.growth(samples) == []
    for size, commits in sizes.values():
        assert size <= FIXED_BYTES + COMMIT_BYTES * commits
    assert counts["calls"] > 0
    torture_report.add("soak", count=seconds, operations=counts["calls"] + counts["commands"], kills=counts["kills"])


def _settled(place: Place) -> tuple[int, int]:
    """Return the bytes of a store after its upkeep, and the commits of its ledgers."""
    subprocess.run([*GITCOORD, "gc"], cwd=place.worktrees[0], capture_output=True, check=True, timeout=600)
    if place.git_dir.parent != place.common:
        subprocess.run(["git", "gc", "-q"], cwd=place.git_dir, capture_output=True, check=True, timeout=600)
    return measures.size_bytes(place.git_dir), measures.commits_in(place.git_dir)
