"""Every command explains itself, with an example of itself, without touching a repository."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from gitcoord import __version__
from gitcoord.faces.cli import parser
from gitcoord.faces.cli.help import GROUPS as BY_PURPOSE
from tests.faces.cli.conftest import Run, RunProgram

GROUPS = {"agents", "worktree", "project", "step", "config", "policy", "owners", "claim", "request", "queue", "import"}
GROUPS |= {"metrics", "relay"}  # alone each is a command, too


def commands() -> Iterator[tuple[str, ...]]:
    root = typer.main.get_command(parser.build([]))
    for name, command in getattr(root, "commands", {}).items():
        below = getattr(command, "commands", None)
        if below is None:
            yield (name,)
        else:
            yield from [(name,)] * getattr(command, "invoke_without_command", False)
            yield from ((name, verb) for verb in below)


ALL = sorted(commands())


def test_the_nouns_and_verbs_are_those_of_the_specification() -> None:
    taking = ("claim", "start", "heartbeat", "complete", "fail", "recover")
    expected = {("step", verb) for verb in (*taking, "update", "skip", "show", "list", "available", "stale")}
    expected |= {("project", verb) for verb in ("create", "show", "list", "add", "abort", "delete")}
    expected |= {("config", verb) for verb in ("list", "get", "set", "check")}
    expected |= {("policy", verb) for verb in ("show", "list", "set")}
    expected |= {("claim", verb) for verb in ("add", "check", "list", "extend", "release")}
    expected |= {("request", verb) for verb in ("file", "list", "answer", "wait")}
    expected |= {("agents", verb) for verb in ("list", "show", "stale")} | {("worktree", "in-use")}
    expected |= {("relay", verb) for verb in ("pull-requests", "stats", "tail", "retry", "purge")}
    expected |= {("queue", verb) for verb in ("list", "cancel")}
    expected |= {("owners", verb) for verb in ("show", "edit", "import", "check")}
    expected |= {("metrics", series) for series in ("auto-resolutions", "hotspots")}
    expected |= {("import", tool) for tool in ("hq", "coord")}
    expected |= {(noun,) for noun in ("hotspots", "promote", "predict", "verify", "land", "audit")}
    expected |= {
        (noun,)
        for noun in (
            "init",
            "doctor",
            "gc",
            "upgrade",
            "uninstall",
            "status",
            "watch",
            "log",
            "metrics",
            "dashboard",
            "relay",
            "schema",
            "sync",
            "mcp",
            "hook",
            "demo",
        )
    }

    assert expected == set(ALL)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_a_help_with_an_example_of_itself(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words, "--help")

    assert done.status == 0
    assert done.err == ""
    assert "Examples:" in done.out
    assert f"gitcoord {' '.join(words)}" in done.out.split("Examples:")[1]


@pytest.mark.parametrize("words", [words for words in ALL if words not in {("mcp",), ("hook",)}], ids=" ".join)
def test_every_command_can_answer_in_json(run: Run, words: tuple[str, ...]) -> None:
    assert "--json" in run(*words, "--help").out


@pytest.mark.parametrize("words", [(), *((group,) for group in sorted(GROUPS - {"metrics"}))], ids=" ".join)
def test_a_missing_verb_shows_the_help_on_stderr_and_is_a_usage_error(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words)

    assert (done.status, done.out) == (2, "")
    assert ("Commands:" if words else "Set up:") in done.err


def test_the_help_lists_every_command_once_by_what_it_is_for(run: Run) -> None:
    listed = [name for names in BY_PURPOSE.values() for name in names]

    assert sorted(listed) == sorted(parser.NOUNS)
    assert re.findall(r"^  ([a-z]+) ", run("--help").out, re.MULTILINE) == listed


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version").out == f"gitcoord {__version__}\n"


@pytest.mark.parametrize("words", [("stauts",), ("step", "clam")], ids=" ".join)
def test_a_misspelt_command_is_a_usage_error_with_a_suggestion(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words)

    assert done.status == 2
    assert "Did you mean" in done.err
    assert "hint: See `gitcoord" in done.err


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"_GITCOORD_COMPLETE": "complete_bash", "COMP_WORDS": "gitcoord sta", "COMP_CWORD": "1"}, "status"),
        ({"_GITCOORD_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "gitcoord step comp"}, "complete"),
        (
            {
                "_GITCOORD_COMPLETE": "complete_fish",
                "_TYPER_COMPLETE_ARGS": "gitcoord project cr",
                "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            },
            "create",
        ),
    ],
    ids=["bash", "zsh", "fish"],
)
def test_a_shell_completes_words(program: RunProgram, tmp_path: Path, variables: dict[str, str], expected: str) -> None:
    done = program([], tmp_path, env=variables)

    assert expected in done.out


@pytest.mark.parametrize("words", [(), *((group,) for group in sorted(GROUPS))], ids=" ".join)
def test_a_list_of_commands_is_whole_in_80_columns(run: Run, words: tuple[str, ...]) -> None:
    lines = run(*words, "--help").out.splitlines()[1:]  # the first has the usage

    assert [line for line in lines if line.endswith("...") or len(line) > 80] == []
