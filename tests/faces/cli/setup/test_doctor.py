"""`gitcoord doctor` as people and scripts see it: one line a check, one object, an exit status."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gitcoord.errors import UnreachableError
from gitcoord.faces.cli.setup import doctor
from tests import fork_server
from tests.conftest import Git, MakeBare
from tests.faces.cli.conftest import ROOT, Done, Run, RunProgram
from tests.hostile.crafts import Ledger
from tests.unit.service.world import store_of, write_ref

IDS = [
    *("git", "python", "grammars", "repository", "head", "worktrees", "settings", "identity", "store", "locks", "refs"),
    *("hooks", "mcp", "mirrors", "remote", "write", "limits", "clock", "deleted", "rewound"),
    *("ownership", "sessions", "ledgers", "audit", "bounds", "authors"),
]


def _checks(done: Done) -> dict[str, Any]:
    return {check["id"]: check for check in done.json["checks"]}


def test_each_check_is_one_line_and_the_last_sums_up(run: Run) -> None:
    done = run("doctor")

    *lines, last = done.out.splitlines()
    assert [line.split()[1] for line in lines] == IDS
    assert {line.split()[0] for line in lines} <= {"OK", "WARN", "SKIP"}
    assert done.status == 0
    assert last.endswith("not looked at")


@pytest.mark.rule("SAFE-6")
def test_each_thing_that_is_damaged_has_a_line_of_its_own_with_what_to_do(
    run: Run, repo: Path, git: Git, make_bare: MakeBare
) -> None:
    remote, count = make_bare(), doctor.PARTS_MAX + 2
    git(repo, "config", "gitcoord.remote", str(remote))
    for number in range(count):
        write_ref(remote, f"refs/coord/relay/r{number:02}", {"relay.json": "{"})

    lines = [line for line in run("doctor").out.splitlines() if line.startswith("FAIL  ledgers")]

    assert len(lines) == doctor.PARTS_MAX + 1
    assert lines[1].endswith("-> gitcoord doctor --repair deletes refs/coord/relay/r01.")
    assert lines[-1].endswith("and 2 more -> gitcoord doctor --json")


def test_json_has_what_scripts_need(run: Run) -> None:
    done = run("doctor", "--json", "--offline")

    assert list(_checks(done)) == IDS
    for check in done.json["checks"]:
        assert sorted(check) == ["facts", "hint", "id", "repairs", "status", "text"]
        assert check["status"] in {"ok", "warn", "fail", "skip"}
    assert done.json["status"] == "warn"
    assert _checks(done)["identity"]["facts"]["agent"] == "test-author/cli/repo"


def test_what_fails_is_an_exit_status_of_1_and_says_what_to_do(run: Run, repo: Path, git: Git) -> None:
    git(repo, "config", "gitcoord.remote", "/nowhere/at/all.git")

    done, as_json = run("doctor"), run("doctor", "--json")

    assert (done.status, as_json.status) == (1, 1)
    failed = next(line for line in done.out.splitlines() if line.startswith("FAIL  remote"))
    assert " -> " in failed
    assert _checks(as_json)["remote"]["hint"]


def test_outside_of_a_repository_only_what_can_be_looked_at_is_shown(run: Run, tmp_path: Path) -> None:
    done, as_json = run("doctor", cwd=tmp_path), run("doctor", "--json", cwd=tmp_path)

    assert [line.split()[1] for line in done.out.splitlines()[:-1]] == ["git", "python", "grammars", "repository"]
    assert (done.status, list(_checks(as_json))) == (1, IDS)


def test_in_a_folder_that_is_gone_it_is_an_error_with_a_sentence(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    done = subprocess.run(
        ["/bin/sh", "-c", f'rmdir {gone}; exec "{sys.executable}" -P -m gitcoord doctor'],
        cwd=gone,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )

    assert done.returncode == 2
    assert "The current folder is gone." in done.stderr


def test_a_package_that_cannot_be_loaded_is_named_and_all_else_is_looked_at(
    program: RunProgram, repo: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "pygit2.py").write_text("raise ImportError('no pygit2 here', name='pygit2')\n")

    done = program(["doctor", "--json"], repo, env={"PYTHONPATH": f"{tmp_path / 'broken'}{os.pathsep}{ROOT}"})

    assert (done.status, list(_checks(done))) == (1, IDS)
    assert "no pygit2 here" in _checks(done)["python"]["text"]
    assert "pip install" in _checks(done)["python"]["hint"]


@pytest.mark.rule("SEC-1", "SEC-2")
def test_nothing_secret_and_nothing_a_terminal_acts_on_is_shown(run: Run, repo: Path, git: Git) -> None:
    git(repo, "config", "gitcoord.remote", "https://ann:hunter2@127.0.0.1:9/x.git")
    git(repo, "config", "gitcoord.repo", "\x1b[31mred")

    done = [run("doctor"), run("doctor", "--json")]

    for one in done:
        assert "hunter2" not in one.out + one.err
        assert "\x1b" not in one.out


def test_repair_asks_nobody_without_a_terminal_and_does_nothing_without_yes(run: Run, repo: Path, plan: str) -> None:
    lock = _left_lock(run, repo, plan)

    done = run("doctor", "--repair")

    assert "not done: not confirmed" in done.out
    assert (done.status, lock.exists()) == (1, True)


def test_repair_with_yes_mends_and_looks_again(run: Run, repo: Path, plan: str) -> None:
    lock = _left_lock(run, repo, plan)
    before = run("doctor", "--json")

    done = run("doctor", "--repair", "--yes", "--json")

    assert (before.status, _checks(before)["locks"]["status"]) == (1, "fail")
    assert (done.status, lock.exists()) == (0, False)
    assert _checks(done)["locks"]["status"] == "ok"
    assert _checks(done)["locks"]["repairs"][0]["done"]


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_repair_that_fails_says_where_what_it_replaces_is_kept(
    run: Run, repo: Path, git: Git, make_bare: MakeBare, monkeypatch: pytest.MonkeyPatch, is_whole: bool
) -> None:
    remote, claims = make_bare(), "refs/coord/claims"
    git(repo, "config", "gitcoord.remote", str(remote))
    for name in ("/a.py", "/b.py"):
        assert run("claim", "add", name).status == 0
    tip = git(remote, "rev-parse", claims)
    tree = git(remote, "rev-parse", f"{tip}^{{tree}}") if is_whole else "1" * 40
    who = "bob <bob@example.invalid> 1800000000 +0000"
    forged = f"tree {tree}\nparent {tip}\nauthor {who}\ncommitter {who}\n\nby hand\n".encode()
    write = ["git", "hash-object", "-w", "--literally", "-t", "commit", "--stdin"]
    made = subprocess.run(write, cwd=remote, input=forged, capture_output=True, check=True).stdout
    (remote / claims).write_bytes(made)

    def fail(*_: object) -> str:
        message = "The remote does not answer."
        raise UnreachableError(message)

    for name in ("go_back", "repair"):
        monkeypatch.setattr(f"gitcoord.ledger.rewinds.restore.Restorer.{name}", fail)
    rows = [row for check in _checks(run("doctor", "--repair", "--yes", "--json")).values() for row in check["repairs"]]

    row = next(row for row in rows if "claims" in row.get("kept", ""))
    assert (row["done"], Path(row["kept"]).is_file()) == (False, is_whole)
    assert row["text"].startswith("not done: The remote does not answer.")
    copy = "What was there is kept" if is_whole else "Of what was there only the newest state is kept"
    assert row["text"].endswith(f" {copy}: {row['kept']}")
    assert row["command"].startswith("git ")


@pytest.mark.rule("SAFE-9")
def test_yes_accepts_no_loss_because_what_was_lost_could_not_be_put_back(run: Run, repo: Path, git: Git) -> None:
    remote, claims = repo.parent / "hub.git", "refs/coord/claims"
    git(repo.parent, "init", "--quiet", "--bare", str(remote))
    git(repo, "config", "gitcoord.remote", f"file://{remote}")
    run("claim", "add", "README.md")
    git(remote, "update-ref", "-d", claims)
    asked = [line for line in run("doctor", "--repair").out.splitlines() if line.startswith("deleted: ")]
    hook = remote / "hooks" / "update"
    hook.write_text(f'#!/bin/sh\n[ "$1" != {claims} ]\n', encoding="ascii")
    hook.chmod(0o755)

    done = run("doctor", "--repair", "--yes", "--json")
    hook.unlink()
    again = run("doctor", "--repair", "--yes", "--json")

    assert [row["done"] for row in _checks(done)["deleted"]["repairs"]] == [False, False]
    assert [row["text"].endswith("not confirmed (at a terminal)") for row in _checks(done)["deleted"]["repairs"]] == [
        False,
        True,
    ]
    assert asked[0].startswith(f"deleted: publish {claims} again as it was at ")
    assert asked[0].endswith(": not done: not confirmed (--yes)")
    assert asked[1:] == [f"deleted: accept that {claims} is gone: not done: not confirmed (at a terminal)"]
    assert [row["done"] for row in _checks(again)["deleted"]["repairs"]] == [True]
    assert "README.md" in run("claim", "list").out


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("is_home", [False, True], ids=["remote", "home"])
def test_rules_of_the_team_that_were_put_back_are_kept_once_and_not_asked_about_again(
    run: Run, repo: Path, git: Git, make_bare: MakeBare, *, is_home: bool
) -> None:
    config = "refs/coord/config"
    if not is_home:
        git(repo, "config", "gitcoord.remote", str(make_bare()))
    assert run("policy", "set", "idle_minutes", "20").status == 0
    remote = store_of(repo) if is_home else Path(git(repo, "config", "gitcoord.remote"))
    crafted = Ledger(remote, config).with_files({"policy.json": b"{"})
    git(remote, "update-ref", config, crafted)

    done = run("doctor", "--repair", "--yes")

    (copy,) = (repo / ".git" / "gitcoord" / "replaced").iterdir()
    said = [line for line in done.out.splitlines() if line.startswith("ledgers: ")]
    assert [line.endswith(f"is not in it any more. What was there is kept: {copy}") for line in said] == [True]
    assert "is lost" not in done.out
    assert f"back: git fetch {copy} " in done.err
    assert git(repo, "bundle", "list-heads", str(copy)) == f"{crafted} {config}"


@pytest.mark.parametrize(("answer", "status"), [(b"y\n", 0), (b"n\n", 1), (b"\n", 1)])
def test_repair_asks_on_a_terminal_and_does_what_was_said(
    run: Run, repo: Path, plan: str, answer: bytes, status: int
) -> None:
    lock = _left_lock(run, repo, plan)

    ended, shown = _on_terminal(repo, "doctor", "--repair", "--offline", answer=answer)

    assert (ended, lock.exists()) == (status, bool(status))
    assert f"Remove {lock}? [y/N]" in shown.replace("\n", "")


def _left_lock(run: Run, repo: Path, plan: str) -> Path:
    assert run("project", "create", plan).status == 0
    lock = store_of(repo) / "refs" / "coord" / "steps" / "app.lock"
    lock.touch()
    os.utime(lock, (1_000_000_000, 1_000_000_000))
    return lock


def test_a_remote_that_works_is_all_well(run: Run, repo: Path, make_bare: MakeBare, git: Git) -> None:
    git(repo, "config", "gitcoord.remote", str(make_bare()))

    done = run("doctor", "--json")

    checks = _checks(done)
    assert {checks[name]["status"] for name in ("remote", "write", "clock", "ledgers")} == {"ok"}
    assert done.status == 0


def test_on_a_terminal_long_lines_are_folded_below_their_text(repo: Path) -> None:
    ended, text = _on_terminal(repo, "doctor", "--offline")

    assert ended == 0
    plain = [_colourless(line) for line in text.splitlines()]
    assert max(map(len, plain)) <= 60
    assert any(line.startswith(" " * 17) for line in plain)
    assert "\x1b[33mWARN " in text


def _on_terminal(repo: Path, *words: str, answer: bytes = b"") -> tuple[int, str]:
    """Run it on a terminal of 60 columns where that is typed; return its exit status and what it showed."""
    mine, theirs = pty.openpty()
    with fork_server.start(
        [sys.executable, "-m", "gitcoord", *words],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "60"},
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(theirs)
        os.write(mine, answer)
        shown = b""
        while chunk := _read(mine):
            shown += chunk
        os.close(mine)
        return process.wait(150), shown.decode().replace("\r", "")


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except OSError:  # how a terminal says that nobody is left
        return b""


def _colourless(line: str) -> str:
    return "".join(part.partition("m")[2] if at else part for at, part in enumerate(line.split("\x1b[")))


def test_the_object_is_one_even_when_a_check_breaks(run: Run, repo: Path) -> None:
    (repo / ".git" / "gitcoord").mkdir()
    (repo / ".git" / "gitcoord" / "store.json").write_text("{")

    done = run("doctor", "--json")

    assert json.loads(done.out)["status"] == "fail"
    assert _checks(done)["store"]["status"] == "fail"
