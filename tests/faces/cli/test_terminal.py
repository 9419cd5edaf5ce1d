"""On a terminal: tables and colours, questions; still nothing of others that a terminal acts on."""

import os
import select
import sys
from pathlib import Path

import pytest

from tests import fork_server
from tests.conftest import Git, MakeBare
from tests.faces.cli.conftest import ROOT, Run
from tests.servers.fixtures import Servers
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest

END_WAIT_S = 150


def on_terminal(repo: Path, *words: str, typed: bytes = b"", **env: str) -> tuple[int, str]:
    """Run gitcoord on a pseudo-terminal; return its status and what was drawn."""
    ours, theirs = os.openpty()
    process = fork_server.start(
        [sys.executable, "-m", "gitcoord", *words],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "120", **env},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, typed)
    drawn = b""
    while select.select([ours], [], [], END_WAIT_S)[0]:
        try:
            drawn += os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
    os.close(ours)
    return process.wait(END_WAIT_S), drawn.decode()


def test_a_table_has_colours_and_titles_have_none_of_their_own(run: Run, repo: Path) -> None:
    (repo / "plan.yaml").write_text(
        'name: app\nsteps: [{step_num: 1, title: "\\e[31mr\\u202eed[bold]"}]\n', encoding="utf-8"
    )
    run("project", "create", "plan.yaml")

    status, drawn = on_terminal(repo, "step", "available")

    assert status == 0
    assert "\x1b[1mSTEP" in drawn
    assert "\x1b[31m" not in drawn
    assert "r\N{REPLACEMENT CHARACTER}ed[bold]" in drawn


def test_no_color_is_respected(run: Run, repo: Path, project: str) -> None:
    drawn = on_terminal(repo, "step", "available", NO_COLOR="1")[1]
    error = on_terminal(repo, "step", "show", "9", NO_COLOR="1")[1]

    assert "app/1" in drawn
    assert "\x1b[3" not in drawn + error


def test_json_on_a_terminal_is_indented_and_plain(run: Run, repo: Path, project: str) -> None:
    drawn = on_terminal(repo, "project", "list", "--json")[1]

    assert '\r\n  "count": 1\r\n' in drawn
    assert "\x1b" not in drawn


@pytest.mark.parametrize(("typed", "is_written"), [(b"n\n", False), (b"y\n", True), (b"\n", True)])
def test_init_asks_before_it_writes(repo: Path, typed: bytes, *, is_written: bool) -> None:
    status, drawn = on_terminal(repo, "init", "--tool", "claude", typed=typed)

    assert status == 0
    assert "create     .mcp.json" in drawn.partition("Write these?")[0]
    assert "created" not in drawn.partition("Write these?")[0]
    assert (repo / ".mcp.json").exists() is is_written


def test_an_interrupted_question_is_130_and_writes_nothing(repo: Path) -> None:
    status, _ = on_terminal(repo, "init", "--tool", "claude", typed=b"\x04")

    assert status == 130
    assert not (repo / ".mcp.json").exists()


@pytest.mark.parametrize(("typed", "expected"), [(b"\n", "upstream"), (b"origin\ny\n", "origin"), (b".\n", "")])
def test_init_proposes_upstream_where_origin_is_a_fork(
    repo: Path, git: Git, make_bare: MakeBare, typed: bytes, expected: str
) -> None:
    git(repo, "remote", "add", "origin", str(make_bare("ann/app.git")))
    git(repo, "remote", "add", "upstream", str(make_bare("team/app.git")))

    status, drawn = on_terminal(repo, "init", "--tool", "none", "--no-hooks", typed=typed)

    assert status == 0, drawn
    assert "origin looks like a fork of upstream" in drawn
    assert git(repo, "config", "--default", "", "--get", "gitcoord.remote") == expected


@pytest.mark.rule("SEC-6")
@pytest.mark.parametrize(("answer", "texts"), [(b"y\n", "private"), (b"\n", "shared")])
def test_init_asks_whether_texts_are_to_stay_out_of_a_remote_that_everybody_can_read(
    run: Run, repo: Path, servers: Servers, answer: bytes, texts: str
) -> None:
    url = servers.remote("http").url

    status, drawn = on_terminal(repo, "init", "--tool", "none", "--no-hooks", "--remote", url, typed=answer)
    again = on_terminal(repo, "init", "--tool", "none", "--no-hooks", "--remote", url, typed=answer)[1]

    assert status == 0, drawn
    assert "for the whole team (policy texts = private)?" in drawn
    assert run("policy", "show", "--json").json["policy"]["texts"] == texts
    assert ("(policy texts = private)?" in again) is (texts == "shared")


def test_claims_and_the_log_have_one_line_each_in_80_columns(run: Run, repo: Path) -> None:
    claim = run("claim", "add", "README.md", "--json").json["claim"]

    claims = on_terminal(repo, "claim", "list", COLUMNS="80")[1].splitlines()
    log = on_terminal(repo, "log", COLUMNS="80")[1].splitlines()

    assert (len(claims), len(log)) == (2, 2)
    assert "UNTIL (UTC)" in claims[0]
    assert claim["expires_at"][11:16] in claims[1]
    assert log[1].startswith(claim["created_at"][11:19])


def test_an_id_stays_whole_where_there_is_little_room(run: Run, repo: Path) -> None:
    claim = run("claim", "add", "src/a/rather/long/path/of/a/file.py", "-d", "a long reason " * 5, "--json").json[
        "claim"
    ]

    drawn = on_terminal(repo, "claim", "list", COLUMNS="60")[1]

    assert claim["id"] in drawn
