"""`gitcoord import`: what was done elsewhere is shown, taken over, and never half."""

from pathlib import Path

import pytest

from tests.conftest import Git
from tests.faces.cli.conftest import Run
from tests.foreign import HQ_TABLES, change, database, hq_rows


@pytest.fixture
def hq(tmp_path: Path, git: Git, repo: Path) -> str:
    head = git(repo, "rev-parse", "HEAD")
    return str(database(tmp_path / "hq.db", HQ_TABLES, hq_rows(head, head)))


def test_a_dry_run_shows_the_projects_and_writes_none(run: Run, hq: str) -> None:
    done = run("import", "hq", hq, "--dry-run")

    assert (done.status, done.err) == (0, "note: nothing was written; the same without --dry-run imports it\n")
    assert [line.split() for line in done.out.splitlines()] == [
        ["PROJECT", "STATE", "STATUS", "STEPS", "COMPLETED", "WAS", "HELD"],
        ["shop", "new", "active", "5", "2", "3"],
    ]
    assert run("project", "list", "--json").json["count"] == 0


def test_projects_are_imported_and_then_are_there(run: Run, hq: str) -> None:
    done = run("import", "hq", hq, "--json")

    assert (done.status, done.json["source"], done.json["schema"], done.json["dry_run"]) == (0, "hq", 1, False)
    assert run("step", "claim", "--json").json["step"]["id"] == "shop/3"


def test_a_project_that_is_there_and_another_is_refused_with_exit_status_1(run: Run, hq: str, project: str) -> None:
    done = run("import", "hq", hq, "--rename", f"shop={project}")

    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("refused: A project named 'app' exists already, and it is another")
    assert "--rename app=NAME" in done.err
    assert run("import", "hq", hq, "--rename", f"shop={project}", "--json").json["refused"] == "exists"


def test_what_cannot_be_imported_is_a_mistake_with_its_place_and_what_to_do(run: Run, hq: str) -> None:
    change(Path(hq), "UPDATE steps SET status = 'paused' WHERE id = 5")

    done = run("import", "hq", hq)

    assert (done.status, done.out) == (2, "")
    assert "steps, id '5': status is 'paused'" in done.err
    assert "hint: Mend it there" in done.err
    assert run("import", "hq", hq, "--json").json["error"]["code"] == "invalid"


@pytest.mark.parametrize("words", ["shop", "=x", "shop=", "="])
def test_a_new_name_is_given_as_a_pair(run: Run, hq: str, words: str) -> None:
    assert run("import", "hq", hq, "--rename", words).status == 2


def test_a_file_without_projects_says_so(run: Run, tmp_path: Path) -> None:
    assert run("import", "hq", str(database(tmp_path / "hq.db", HQ_TABLES))).out == "there are no projects in it\n"


@pytest.mark.rule("SEC-1")
def test_nothing_of_the_file_reaches_the_terminal_as_it_is(run: Run, hq: str) -> None:
    change(Path(hq), "UPDATE steps SET notes = 'a' || char(27) || ']0;x' || char(7) WHERE id = 1")

    run("import", "hq", hq)

    assert "\x1b" not in run("step", "show", "shop/1").out
