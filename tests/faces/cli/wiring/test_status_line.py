"""The status line of Claude Code: written where it is wanted, never over one that is there, and taken back."""

import json
from pathlib import Path

import pytest

from tests.faces.cli.conftest import Done, Run

LOCAL = ".claude/settings.local.json"
OURS = {"type": "command", "command": "gitcoord status --line", "refreshInterval": 30}


@pytest.fixture(autouse=True)
def home(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home without settings of the tool, or of git, which the repository was made with."""
    assert repo.exists()
    folder = tmp_path / "person"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GITCOORD_AGENT", "ann/cli/wt")  # git does not know a name there
    return folder


def put(folder: Path, name: str, value: object) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def init(run: Run, *more: str) -> Done:
    done = run("init", "--tool", "claude", "--no-hooks", "--yes", *more)
    assert done.status == 0, done.err
    return done


def test_without_the_flag_there_is_none(run: Run, repo: Path) -> None:
    init(run)

    assert not (repo / LOCAL).exists()
    assert "statusLine" not in (repo / ".claude/settings.json").read_text()


def test_with_the_flag_it_is_in_the_persons_own_settings_and_is_taken_back(run: Run, repo: Path) -> None:
    path = put(repo, LOCAL, {"model": "opus"})

    done = init(run, "--status-line")
    written = json.loads(path.read_text())
    again = init(run, "--status-line", "--json")
    removed = run("uninstall")

    assert written == {"model": "opus", "statusLine": OURS}
    assert "yours alone: do not commit it" in done.out + done.err
    assert LOCAL not in [row["path"] for row in again.json["changes"] if row["action"] != "unchanged"]
    assert removed.status == 0
    assert path.read_text() == '{"model": "opus"}'


def test_what_is_yours_alone_is_not_to_be_committed(run: Run, repo: Path) -> None:
    both = init(run, "--status-line")
    (repo / LOCAL).unlink()
    alone = init(run, "--status-line")

    assert f"next: commit all but {LOCAL}, so that every worktree" in both.err
    assert "next: restart Claude Code; that file is yours alone" in alone.err
    assert "next: commit" not in alone.err


def test_uninstall_without_the_record_takes_out_what_is_ours_also_where_people_changed_how_often(
    run: Run, repo: Path
) -> None:
    path = put(repo, LOCAL, {"model": "opus", "statusLine": {**OURS, "refreshInterval": 5}})

    assert run("uninstall").status == 0
    assert json.loads(path.read_text()) == {"model": "opus"}


def test_one_that_is_there_is_kept_by_init_and_by_uninstall(run: Run, repo: Path) -> None:
    theirs = {"statusLine": {"type": "command", "command": "mine.sh"}}
    path = put(repo, LOCAL, theirs)

    done = init(run, "--status-line")
    run("uninstall")

    assert "it has a statusLine, which is kept" in done.out + done.err
    assert json.loads(path.read_text()) == theirs


@pytest.mark.parametrize("whose", ["team", "person"])
def test_one_that_ours_would_hide_is_named_and_none_is_written(run: Run, repo: Path, home: Path, whose: str) -> None:
    there = put(repo if whose == "team" else home, ".claude/settings.json", {"statusLine": {"command": "mine.sh"}})

    done = init(run, "--status-line")

    assert f"{there} has a statusLine" in done.out + done.err
    assert not (repo / LOCAL).exists()
