"""On a terminal the screen is drawn and the terminal left as it was; colours are the person's choice."""

import os
import re
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests import fork_server
from tests.faces.cli.conftest import ROOT, Run
from tests.faces.cli.test_terminal import END_WAIT_S, on_terminal

_COLOURED = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|4[0-7]|9[0-7]|[34]8;)")


def test_the_screen_is_drawn_and_the_terminal_is_left_as_it_was(run: Run, repo: Path, project: str) -> None:
    status, drawn = on_terminal(repo, "watch", typed=b"3q")

    assert status == 0
    assert "\x1b[?1049h" in drawn
    assert drawn.rstrip().rfind("\x1b[?1049l") > drawn.rfind("q quit")


@pytest.mark.parametrize("no_color", ["1", ""])
def test_colours_go_by_no_color(run: Run, repo: Path, project: str, no_color: str) -> None:
    assert run("step", "claim").status == 0
    assert run("step", "fail", "app/1", "--reason", "x").status == 0

    _, drawn = on_terminal(repo, "watch", typed=b"qq", **({"NO_COLOR": "1"} if no_color else {}))

    assert "q quit" in drawn
    assert not (no_color and _COLOURED.search(drawn))


def test_what_cannot_be_drawn_on_gets_one_look(run: Run, repo: Path, project: str) -> None:
    status, drawn = on_terminal(repo, "watch", TERM="dumb")

    assert status == 0
    assert "this is one look" in drawn
    assert "\x1b[?1049h" not in drawn


def test_a_screen_that_is_ended_leaves_the_terminal_as_it_was(repo: Path) -> None:
    ours, theirs = os.openpty()
    words = [sys.executable, "-m", "gitcoord", "watch"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    process = fork_server.start(words, cwd=repo, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    drawn = b""
    while b"Nothing needs attention." not in drawn and select.select([ours], [], [], END_WAIT_S)[0]:
        drawn += os.read(ours, 65536)

    process.send_signal(signal.SIGTERM)
    with suppress(OSError):  # how a terminal says that its other side is closed
        while select.select([ours], [], [], END_WAIT_S)[0]:
            drawn += os.read(ours, 65536)
    os.close(ours)

    assert process.wait(END_WAIT_S) == 128 + signal.SIGTERM
    assert drawn.rfind(b"\x1b[?1049l") > drawn.rfind(b"Nothing needs attention.")
