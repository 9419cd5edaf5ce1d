"""A notification is a program with arguments: what others wrote is no script, no option and no markup in it."""

import os
from pathlib import Path

import pytest

from gitcoord.remote.git import desktop

HOSTILE = '-e do shell script "touch x" <b>\x1b[31m& "quoted"\nhttps://ann:secret@example.com/x'


def test_on_linux_a_text_is_no_option_and_no_markup() -> None:
    *program, title, text = desktop.command_for("linux", HOSTILE, HOSTILE)

    assert program == ["notify-send", "--app-name=gitcoord", "--"]
    assert title.startswith('-e do shell script "touch x" <b>&')
    assert text.startswith('-e do shell script "touch x" &lt;b&gt;&amp; "quoted"')
    assert "secret" not in title + text
    assert (title + text).isprintable()


def test_on_macos_a_text_is_an_argument_of_a_script_that_never_changes() -> None:
    plain, hostile = (desktop.command_for("darwin", words, words) for words in ("x", HOSTILE))

    assert plain[:-2] == hostile[:-2]
    assert hostile[-3] == "--"
    assert all("touch" not in word for word in hostile[:-2])


def test_a_text_is_cut() -> None:
    *_, title, text = desktop.command_for("linux", "t" * 1_000, "x" * 10_000)

    assert (len(title), len(text)) == (desktop.TITLE_CHARS, desktop.TEXT_CHARS)


@pytest.mark.parametrize("status", [0, 1])
def test_the_program_gets_it_as_it_is_and_says_whether_it_took_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(desktop, "SHOW_S", 60.0)  # for a busy machine
    program = tmp_path / "notify-send"
    program.write_text(
        f'#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word" >>{tmp_path}/got; done\nexit {status}\n'
    )
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    took = desktop.show("linux", env, "gitcoord: app", "$(touch x); `y`")

    assert took is (status == 0)
    assert (tmp_path / "got").read_text("utf-8").splitlines() == [
        "--app-name=gitcoord",
        "--",
        "gitcoord: app",
        "$(touch x); `y`",
    ]


@pytest.mark.parametrize("system", ["linux", "win32"])
def test_without_a_program_nothing_is_shown_and_nothing_breaks(tmp_path: Path, system: str) -> None:
    assert desktop.show(system, {"PATH": str(tmp_path)}, "title", "text") is False
