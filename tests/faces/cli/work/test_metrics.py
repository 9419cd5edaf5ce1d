"""`gitcoord metrics …` at a shell."""

from pathlib import Path

import pytest

from tests.conftest import Git
from tests.faces.cli.conftest import Run


@pytest.fixture
def meetings(run: Run) -> None:
    """Leave one automatic resolution and two refusals."""
    for words in (
        ("--symbol", "a.zig=f"),
        ("--symbol", "a.zig=g", "--as", "tests"),
        ("b.py",),
        ("b.py", "--as", "tests"),
        ("b.py", "--as", "tests"),
        ("c.py", "--as", "tests"),
    ):
        run("claim", "add", *words)


def test_automatic_resolutions_are_a_table_and_a_series(run: Run, meetings: None) -> None:
    table, found = run("metrics", "auto-resolutions"), run("metrics", "auto-resolutions", "--days", "7", "--json").json

    day = found["series"][0]["day"]
    assert found["series"] == [{"repo": None, "day": day, "auto_coexist": 1, "auto_narrow": 0}]
    assert (found["days"], found["complete_since"]) == (7, None)
    assert [line.split() for line in table.out.splitlines()][1:] == [[day, "1", "0"]]


def test_refusals_are_a_table_and_a_series(run: Run, meetings: None) -> None:
    table, found = run("metrics", "hotspots"), run("metrics", "hotspots", "--json").json

    day = found["series"][0]["day"]
    assert found["series"] == [{"repo": None, "day": day, "pattern": "b.py", "refusals": 2, "agents": 1}]
    assert table.out.splitlines()[1].split() == [day, "2", "1", "b.py"]


def test_a_remote_of_named_repositories_has_a_column_for_them(run: Run, repo: Path, git: Git, meetings: None) -> None:
    git(repo, "config", "gitcoord.repo", "web")
    run("claim", "add", "--symbol", "d.zig=f")
    run("claim", "add", "--symbol", "d.zig=g", "--as", "tests")

    lines = run("metrics", "auto-resolutions").out.splitlines()

    assert lines[0].split() == ["DAY", "REPO", "AUTO_COEXIST", "AUTO_NARROW"]
    assert [line.split()[1:] for line in lines[1:]] == [["-", "1", "0"], ["web", "1", "0"]]


@pytest.mark.parametrize("series", ["auto-resolutions", "hotspots"])
def test_nothing_is_said_where_there_is_nothing(run: Run, series: str) -> None:
    done = run("metrics", series, "--days", "3")

    assert (done.status, done.err) == (0, "")
    assert done.out.endswith("in the last 3 days\n")


def test_an_option_before_the_name_of_a_series_is_a_usage_error(run: Run) -> None:
    done = run("metrics", "--project", "app", "hotspots")

    assert (done.status, done.out) == (2, "")
    assert "stand behind it" in done.err


def test_some_days_are_shown_by_day_and_by_agent(run: Run, meetings: None) -> None:
    table, found = run("metrics", "--days", "7"), run("metrics", "--days", "7", "--json").json

    assert (found["steps"], found["activity"]["totals"]["claim_refused"]) == (0, 2)
    assert "the last 7 days: claim_granted 4, claim_refused 2, auto_coexist 1\nrefused because: conflict 2" in table.out
    assert "\nDAY " in table.out
    assert "\nAGENT " in table.out


def test_without_days_only_the_steps_are_looked_at(run: Run, meetings: None) -> None:
    assert "activity" not in run("metrics", "--json").json
