"""Processes in several clones want the same files at the same moment: each file has one holder, at every commit."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from gitcoord.core.claims.claim import Claim
from gitcoord.core.documents.json_text import load_object
from tests import fork_server
from tests.race.conftest import ROOT, Race, Races
from tests.servers.fixtures import Servers

CLAIMER = Path(__file__).with_name("claimer.py")
RACE_S = 200.0  # a bound for a hang


def claimers(race: Race, rounds: int, *, own: bool = False) -> list[dict[int, int | str]]:
    """Start one in each seat, let them go together, and return what each won: round to fence, or its error."""
    started: list[subprocess.Popen[str]] = []
    for at, seat in enumerate(race.seats):
        options = json.dumps(
            {"cwd": str(seat), "name": f"w{at}", "rounds": str(rounds), "own": f"own-{at}/" if own else ""}
        )
        started.append(
            fork_server.start(
                [sys.executable, str(CLAIMER), options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **race.env, "PYTHONPATH": str(ROOT)},
                text=True,
            )
        )
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    out: list[dict[int, int | str]] = []
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        said, _ = process.communicate(timeout=RACE_S)
        assert process.returncode == 0
        out.append({int(at): fence for at, fence in json.loads(said).items()})
    return out


def double_holders(race: Race) -> list[str]:
    """Return every pattern that two holders have at a commit of the ledger; each commit is looked at."""
    repository = pygit2.Repository(str(race.git_dir))
    parsed: dict[pygit2.Oid, Claim] = {}
    found: list[str] = []
    for commit in repository.walk(repository.references["refs/coord/claims"].target):
        holders: dict[str, set[tuple[str, str]]] = {}
        for blob in blobs(commit.tree / "claims") if "claims" in commit.tree else ():
            claim = parsed.setdefault(blob.id, Claim.parse(load_object(blob.data)))
            holders.setdefault(claim.items[0].pattern, set()).add(claim.holder)
        found += [f"{commit.id}: {pattern}" for pattern, some in holders.items() if len(some) > 1]
    return found


def blobs(tree: pygit2.Object) -> Iterator[pygit2.Blob]:
    assert isinstance(tree, pygit2.Tree)
    for entry in tree:
        if isinstance(entry, pygit2.Blob):
            yield entry
        else:
            yield from blobs(entry)


@pytest.mark.rule("SAFE-1")
@pytest.mark.parametrize(
    ("kind", "clones", "worktrees", "rounds"), [("store", 1, 8, 200), ("path", 8, 1, 50), ("http", 3, 2, 8)]
)
def test_each_file_has_one_winner(
    races: Races, servers: Servers, kind: str, clones: int, worktrees: int, rounds: int
) -> None:
    remote = None if kind == "store" else servers.remote(kind)
    race = races.make(clones=clones, worktrees=worktrees, steps=1, remote=remote)

    won = claimers(race, rounds)

    winners = Counter(at for one in won for at in one)
    assert winners == Counter(dict.fromkeys(range(rounds), 1))
    fences = [fence for one in won for fence in one.values()]
    assert len({*fences}) == rounds
    assert double_holders(race) == []


@pytest.mark.rule("LIVE-1")
def test_over_http_nobody_fails_because_of_the_others(races: Races, servers: Servers) -> None:
    race = races.make(clones=4, worktrees=2, steps=1, remote=servers.remote("http"))

    won = claimers(race, rounds=3, own=True)

    failed = [fence for one in won for fence in one.values() if isinstance(fence, str)]
    assert (failed, sum(map(len, won))) == ([], 8 * 3)
