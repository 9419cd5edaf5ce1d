"""`gitcoord gc` on a ledger as weeks of work leave it: doctor asks for it, it says what it did, work goes on."""

from pathlib import Path

import pytest

from gitcoord.ledger.format.commits import ROLLED_AFTER
from tests.conftest import Git
from tests.faces.cli.conftest import Run
from tests.unit.service.upkeep.long_ledger import lengthen
from tests.unit.service.world import store_of

CLAIMS, ARCHIVE = "refs/coord/claims", "refs/coord/archive/claims/1"


def bounds(run: Run) -> tuple[str, str]:
    (row,) = [row for row in run("doctor", "--offline", "--json").json["checks"] if row["id"] == "bounds"]
    return row["status"], row["hint"]


def test_a_long_ledger_is_rolled_where_doctor_says_so(run: Run, repo: Path, git: Git) -> None:
    run("claim", "add", "a.zig")
    lengthen(git, store_of(repo), CLAIMS, ROLLED_AFTER)
    asked = bounds(run)

    tried = run("gc", "--dry-run")
    done = run("gc")
    again = run("gc", "--json")

    assert asked == ("warn", "Run `gitcoord gc`; agents go on meanwhile.")
    assert bounds(run)[0] == "ok"
    assert tried.out.startswith(f"would roll {CLAIMS}: 20,001 commits go to {ARCHIVE}\nstore: ")
    assert done.out.startswith(f"rolled {CLAIMS}: 20,001 commits go to {ARCHIVE}\npacked the store: ")
    assert (tried.status, done.status, again.status) == (0, 0, 0)
    assert (again.json["rolled"], again.json["archives"]["refs"]) == ([], [ARCHIVE])
    assert run("claim", "add", "b.zig").status == 0
    assert [row["patterns"] for row in run("log", "--json").json["events"]][::-1] == [["a.zig"], ["b.zig"]]


def test_a_ledger_of_so_many_commits_stays(run: Run, repo: Path, git: Git) -> None:
    run("claim", "add", "a.zig")
    lengthen(git, store_of(repo), CLAIMS, ROLLED_AFTER - 1)

    assert (bounds(run)[0], run("gc", "--json").json["rolled"]) == ("ok", [])


@pytest.mark.rule("SAFE-6")
def test_what_was_left_as_it_is_is_the_exit_status(run: Run, repo: Path, git: Git) -> None:
    run("claim", "add", "a.zig")
    store = store_of(repo)
    blob = git(store, "rev-parse", f"{CLAIMS}:meta.json")
    git(store, "update-ref", "refs/coord/steps/broken", git(store, "commit-tree", f"{CLAIMS}:claims", "-m", blob))

    done = run("gc")

    assert done.status == 1
    assert "refs/coord/steps/broken" in done.err or "is not of a ledger" in done.err
    assert run("gc", "--json").json["problems"][0]["ref"] == "refs/coord/steps/broken"
