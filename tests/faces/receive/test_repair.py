"""Repairs and removals where the server checks: what its hook lets pass, and that nothing forged comes with it."""

import json
import subprocess

import pytest

from tests.faces.receive.test_receive import CLAIMS, CONFIG, STEPS, Team, by_hand
from tests.faces.receive.test_receive import busy as busy  # noqa: PLC0414 - a fixture, exported to pytest
from tests.faces.receive.test_receive import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.faces.receive.test_receive import team as team  # noqa: PLC0414 - a fixture, exported to pytest


def lose(team: Team, name: str) -> None:
    """Take an object away at the server, as `git gc --prune=now` does."""
    where, oid = team.remote.git_dir / "objects", team.remote.git("rev-parse", name).strip()
    for pack in [*(where / "pack").glob("*.pack")]:
        data = pack.read_bytes()
        for part in (where / "pack").glob(f"{pack.stem}.*"):
            part.unlink()
        words = ["git", f"--git-dir={team.remote.git_dir}", "unpack-objects", "-q"]
        subprocess.run(words, input=data, capture_output=True, check=True)
    (where / oid[:2] / oid[2:]).unlink()


def repaired(team: Team) -> None:
    """Have ann repair, and see that what is there then is sound and can be written."""
    team.gitcoord("doctor", "--repair", "--yes")
    team.gitcoord("audit", "--full")
    team.gitcoord("claim", "add", "/other.py")
    team.gitcoord("step", "list")


@pytest.mark.timeout(600)
@pytest.mark.rule("SEC-3", "SAFE-9")
@pytest.mark.parametrize(
    ("busy", "name", "pins"),
    [
        ("path", CLAIMS, ""),
        ("path", CLAIMS, "carl/*=carl@example.invalid"),  # then the hook looks at authors, too
        pytest.param("path", f"{STEPS}:meta.json", "", marks=pytest.mark.torture),
        ("http", CLAIMS, ""),
        pytest.param("ssh", f"{STEPS}:meta.json", "carl/*=carl@example.invalid", marks=pytest.mark.torture),
    ],
    indirect=["busy"],
)
def test_a_ledger_that_lost_an_object_at_the_server_is_put_back(name: str, pins: str, busy: Team) -> None:
    if pins:
        busy.gitcoord("policy", "set", "pin_agents", pins)
    lose(busy, name)

    repaired(busy)

    assert {CLAIMS, STEPS} <= set(busy.remote.refs())


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.rule("SEC-3", "SAFE-9")
@pytest.mark.parametrize("busy", ["path", "http", "ssh"], indirect=True)
def test_what_was_forged_before_the_hook_was_there_is_put_back_through_it(busy: Team) -> None:
    forger = busy.forger()
    by_hand(forger)
    busy.push(f"{CLAIMS}:refs/heads/evil")
    busy.remote.git("update-ref", CLAIMS, "refs/heads/evil")

    repaired(busy)

    decided = json.loads(busy.remote.git("show", f"{CONFIG}:rewinds.json"))["decisions"]
    assert [(row["ledger"], row["what"]) for row in decided] == [("claims", "mended")]


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.rule("SEC-3", "SAFE-9")
def test_rules_of_the_team_that_are_damaged_at_the_server_are_put_back(busy: Team) -> None:
    busy.gitcoord("policy", "set", "idle_minutes", "30")
    lose(busy, f"{CONFIG}:policy.json")

    busy.gitcoord("doctor", "--repair", "--yes")

    assert "30" in busy.gitcoord("policy", "show")


@pytest.mark.timeout(600)
@pytest.mark.rule("SEC-3", "SAFE-9")
def test_what_is_whole_goes_by_a_decision_alone_and_the_rules_of_the_team_last(busy: Team) -> None:
    busy.gitcoord("policy", "set", "idle_minutes", "30")
    _ = busy.forger()
    busy.assert_refused(f":{CLAIMS}", why="would be deleted")
    busy.assert_refused(f":{CONFIG}", why="after the last ledger")

    busy.gitcoord("uninstall", "--everything", "--remote", "--yes")

    assert [ref for ref in busy.remote.refs() if ref.startswith("refs/coord/")] == []


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.rule("SEC-3", "SAFE-9")
def test_in_the_place_of_what_is_damaged_nothing_forged_is_put(busy: Team) -> None:
    forger = busy.forger()
    by_hand(forger)
    lose(busy, f"{CLAIMS}:meta.json")

    busy.assert_refused(f"{CLAIMS}:{CLAIMS}", why="is to have the commit")
