"""`gitcoord audit`: the verdict of each ledger as a table, what was found in words, and the exit status for CI."""

from pathlib import Path

import pytest

from tests.faces.cli.conftest import Run
from tests.unit.service.audit.forge import Forger, with_line
from tests.unit.service.world import store_of


@pytest.fixture
def claims(repo: Path, run: Run) -> Forger:
    """Two claims in the store of a clone."""
    run("claim", "add", "a.py")
    run("claim", "add", "b.py")
    return Forger(store_of(repo), "refs/coord/claims")


def test_sound_ledgers_are_clean(run: Run, claims: Forger) -> None:
    first, second = run("audit"), run("audit")

    assert (first.status, first.err) == (0, "")
    assert first.out.splitlines()[1].split() == ["refs/coord/claims", "2", "its", "first", "commit", "clean"]
    assert first.out.splitlines()[-1] == "2 commits of 1 ledger replayed: each is what its recorded commands give."
    assert "the audit before" in second.out
    assert run("audit", "--full", "--json").json["ledgers"][0]["begin"] == "first"


def test_what_is_not_sound_is_named_with_its_author_and_what_differs(run: Run, claims: Forger) -> None:
    made = claims.rewrite({1: with_line(1, lambda line: line["outcome"]["facts"].update(claim="c-other"))})

    done, row = run("audit", "--ledger", "claims"), run("audit", "--json")

    assert (done.status, row.status) == (1, 1)
    assert f"commit {made[1][:12]} says of claim_files" in done.out
    assert "written by Test Author <author@example.invalid>, clone " in done.out
    assert '  claim_files outcome.facts.claim: "c-other", but its commands give "c-' in done.out
    assert "next: Ask its author." in done.err
    assert "NOT SOUND" in done.out
    assert [finding["problem"] for finding in row.json["findings"] if "commit" in finding] == ["outcome"]


def test_without_a_ledger_there_is_nothing_to_audit(run: Run) -> None:
    done = run("audit")

    assert (done.status, done.out) == (0, "There is no ledger yet.\n")


@pytest.mark.parametrize(("since", "begin"), [("3d", "its first commit"), ("2026-01-01", "its first commit")])
def test_a_time_is_typed_as_for_log(run: Run, claims: Forger, since: str, begin: str) -> None:
    assert begin in run("audit", "--since", since).out


def test_a_commit_is_named_by_the_beginning_of_its_id(run: Run, claims: Forger) -> None:
    done = run("audit", "--since", claims.commits[0][:8])

    assert "1 commit of 1 ledger replayed" in done.out
    assert run("audit", "--since", "yesterday").status == 2
