"""`gitcoord dashboard` as a program: its address, its end, its next start, and what it writes."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests import fork_server
from tests.conftest import AddWorktree
from tests.faces.cli.conftest import ROOT, Run

END_S = 150  # a bound for a hang
KEPT = ".git/gitcoord/dashboard.json"


@contextmanager
def dashboard(
    cwd: Path, *words: str, env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Start it as a program; yield the address that it prints."""
    program = fork_server.start(
        [sys.executable, "-m", "gitcoord", "dashboard", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    with program:
        try:
            yield (program.stdout.readline() if program.stdout else "").strip(), program
        finally:
            program.kill()


def ended(program: "subprocess.Popen[str]", number: signal.Signals) -> tuple[int, str, str]:
    program.send_signal(number)
    out, err = program.communicate(timeout=END_S)
    return program.returncode, out, err


def port_of(url: str) -> str:
    return url.removeprefix("http://127.0.0.1:").partition("/")[0]


@pytest.mark.rule("SEC-7")
def test_it_prints_its_address_serves_it_and_ends_when_it_is_interrupted(repo: Path) -> None:
    with dashboard(repo) as (url, program), urlopen(f"{url}live", timeout=END_S) as open_page:  # noqa: S310 - our own
        assert open_page.readline() == b"event: version\n"

        status, out, err = ended(program, signal.SIGINT)

    token = url.split("/")[3]
    assert (status, out) == (130, "")
    assert err.splitlines()[-1] == "error: Interrupted. [interrupted]"
    assert (len(token), token in err) == (32, False)


def test_a_shell_that_started_it_in_the_background_interrupts_it_too(repo: Path) -> None:
    words = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "-m", "gitcoord", "dashboard"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, cwd=repo, env=env, stdout=-1, stderr=-1, encoding="utf-8") as program:
        assert program.stdout
        with urlopen(program.stdout.readline().strip(), timeout=END_S):  # noqa: S310 - our own
            pass

        status, _, err = ended(program, signal.SIGINT)

    assert (status, err.splitlines()[-1]) == (130, "error: Interrupted. [interrupted]")


def test_a_signal_that_ends_it_ends_it(repo: Path) -> None:
    with dashboard(repo) as (_, program):
        assert ended(program, signal.SIGTERM)[0] == -signal.SIGTERM


@pytest.mark.rule("SEC-7")
def test_the_next_start_has_the_same_address_which_is_its_owner_s(repo: Path) -> None:
    with dashboard(repo) as (first, program):
        ended(program, signal.SIGINT)
    with dashboard(repo) as (second, program), dashboard(repo) as (beside, other):
        ended(other, signal.SIGINT)
        ended(program, signal.SIGINT)
    with dashboard(repo) as (third, program):
        ended(program, signal.SIGINT)

    assert [second, third] == [first, first]
    assert (port_of(beside) == port_of(first), beside.split("/")[3] == first.split("/")[3]) == (False, False)
    assert stat.S_IMODE((repo / KEPT).stat().st_mode) == 0o600


def test_an_address_is_kept_for_a_day(repo: Path) -> None:
    with dashboard(repo) as (first, program):
        ended(program, signal.SIGINT)
    kept = (repo / KEPT).read_text()
    (repo / KEPT).write_text(kept.replace('"at":"2', '"at":"1'))

    with dashboard(repo) as (second, program):
        ended(program, signal.SIGINT)

    assert first.split("/")[3] != second.split("/")[3]


@pytest.mark.parametrize("kept", ["", "{", '{"port":"x","token":7,"at":1}', '{"port":99999999,"token":"%s","at":"%s"}'])
def test_a_file_that_keeps_nothing_of_use_is_written_anew(kept: str, repo: Path) -> None:
    (repo / KEPT).parent.mkdir(exist_ok=True)
    (repo / KEPT).write_text(kept.replace("%s", "a" * 32, 1).replace("%s", "2026-11-29T12:00:00Z"))

    with dashboard(repo) as (url, program):
        ended(program, signal.SIGINT)

    assert url.startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_is_said(repo: Path, add_worktree: AddWorktree, run: Run) -> None:
    other = add_worktree(repo, "wt-2")
    with dashboard(repo) as (url, _):
        taken = run("dashboard", "--port", port_of(url), cwd=other)

    assert (taken.status, taken.out) == (2, "")
    assert taken.err.splitlines() == [
        f"error: Port {port_of(url)} is taken. [usage]",
        "hint: Name another with --port, or leave it out for a free one.",
    ]


@pytest.mark.rule("SEC-7")
def test_a_browser_is_given_a_file_that_leads_on_and_no_token(repo: Path, tmp_path: Path) -> None:
    browser, given = tmp_path / "browser", tmp_path / "given"
    os.mkfifo(given)
    browser.write_text(f'#!/bin/sh\necho "$@" > {given}\n')
    browser.chmod(0o700)

    with dashboard(repo, "--open", env={"BROWSER": f"{browser} %s"}) as (url, program):
        words = given.read_text().split()
        ended(program, signal.SIGINT)

    file = Path(words[0].removeprefix("file://"))
    assert (len(words), url.split("/")[3] in words[0]) == (1, False)
    assert f'content="0; url={url}"' in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_is_written_and_one_that_is_there_is_replaced_with_a_word(run: Run, repo: Path, project: str) -> None:
    first = run("dashboard", "--export", "page.html")
    second = run("dashboard", "--export", "page.html", "--json", "--days", "7")

    assert (first.status, first.out) == (0, f"written: {repo / 'page.html'}\n")
    assert second.json == {"export": str(repo / "page.html"), "replaced": True, "days": 7, "complete_since": None}
    assert "Data model" in (repo / "page.html").read_text("utf-8")


def test_what_it_would_show_is_printed(run: Run, project: str) -> None:
    facts = run("dashboard", "--json").json

    assert [row["name"] for row in facts["projects"]["rows"]] == ["app"]
    assert facts["place"] == {"remote": "this clone", "repo": None, "days": 30}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--days", "0"], "days is 0; it is from 1 to 90."),
        (["--days", "91", "--json"], "days is 91; it is from 1 to 90."),
        (["--export", "no/such/page.html"], "'no/such/page.html' cannot be written: No such file or directory."),
        (
            ["--export", "x.html", "--open"],
            "Invalid value for --export: nothing is served, so --port and --open mean nothing.",
        ),
        (["--json", "--port", "80"], "Invalid value for --json: nothing is served, so --port and --open mean nothing."),
        (["--fresh"], "Invalid value for --fresh: a page that is live says how old it is."),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_said_and_nothing_is_served(words: list[str], sentence: str, run: Run) -> None:
    done = run("dashboard", *words)

    assert done.status == 2
    assert sentence in f"{done.out}{done.err}"
