"""The one boundary of the command line: whatever happened becomes an exit status and two lines.

    error: one sentence. [code]       on stderr
    hint: what to do.

With --json or --jsonl it is one object on stdout, so that who parses the output finds one there in every case:
`{"error": {"code": …, "message": …, "hint": …}}`. A bug differs from a mistake: its traceback goes to a file.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gitcoord.errors import CoordError, RepositoryError, of_disk
from gitcoord.faces.cli.terminal import commands, show, world
from gitcoord.redaction import redact
from gitcoord.remote.contract import deadline

if TYPE_CHECKING:
    import typer

USAGE = 2
BUG = 3
INTERRUPTED = 130
PIPE_CLOSED = 141  # what a shell reports of a program that SIGPIPE ended, as it does of git


def run(command: Callable[[], int], words: Sequence[str]) -> int:
    """Run a command and answer for everything that it raises."""
    as_json = not {"--json", "--jsonl"}.isdisjoint(words)
    try:
        said: set[str] = set()

        def tell(remote: str) -> None:
            if remote not in said and sys.stderr.isatty():
                said.add(remote)
                show.aside("waiting", f"{remote} has not answered yet.")

        with deadline.telling(tell):
            status = command()
        sys.stdout.flush()
    except CoordError as error:
        return _broke(error, words, as_json=as_json)
    except KeyboardInterrupt:
        return _interrupted(as_json=as_json)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); keep the interpreter from saying so once more at its end.
        import os

        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        return PIPE_CLOSED
    except SystemExit as end:  # how typer ends after completion
        return end.code if isinstance(end.code, int) else 0
    except Exception as error:  # noqa: BLE001 - the boundary: what is not foreseen is a bug, and is said to be one
        import typer  # a command that succeeds may not have needed it

        if isinstance(error, typer.TyperException):
            return _misused(error, as_json=as_json)
        if isinstance(error, typer.Abort):
            return _interrupted(as_json=as_json)
        known = of_disk(error)  # where nothing nearer to it says so, it is a disk's fault all the same
        return _broke(known, words, as_json=as_json) if known else _bug(error, words, as_json=as_json)
    return status


def _broke(error: CoordError, words: Sequence[str], *, as_json: bool) -> int:
    if error.exit_status == BUG and not error.hint:  # else it says what to do, or where its report is, by itself
        return _bug(error, words, as_json=as_json)
    message = str(error) if as_json else commands.for_shell(str(error))
    return _tell(error.code, message, _hint(error, words), error.exit_status, as_json=as_json)


def _hint(error: CoordError, words: Sequence[str]) -> str:
    """Return what to do: an agent whose command is kept in a sandbox has a tool that does the same outside of it."""
    from gitcoord.runtime import sandbox  # seldom needed, and each command starts cold

    usual, tool = commands.for_shell(error.hint), commands.tool_of(words)
    instead = f"call the tool {tool} of gitcoord's MCP server, which runs" if tool else "have this command run"
    try:
        return sandbox.hint_of(error.code, world.folder(), instead, usual)
    except RepositoryError:  # the folder was deleted meanwhile
        return usual


def _misused(error: "typer.TyperException", *, as_json: bool) -> int:
    context = getattr(error, "ctx", None)
    path = str(getattr(context, "command_path", "gitcoord"))
    message = error.format_message().strip().replace("Value error, ", "")  # pydantic's words, not ours
    if not message:
        message = "A command is missing."
    elif type(error).__name__ == "NoArgsIsHelpError":  # its message is the whole help
        sys.stderr.write(f"{message}\n")
        return USAGE
    message = message if message.endswith((".", "?")) else f"{message}."
    return _tell("usage", message, f"See `{path} --help`.", USAGE, as_json=as_json)


def _interrupted(*, as_json: bool) -> int:
    return _tell("interrupted", "Interrupted.", "", INTERRUPTED, as_json=as_json)


def _bug(error: Exception, words: Sequence[str], *, as_json: bool) -> int:
    from gitcoord.ledger.clone import bug_report

    path = bug_report.write(error, f"arguments: {list(words)!r}")
    message = f"This is a bug in gitcoord: {type(error).__name__}: {error}"
    hint = f"Please report it with this file: {path}" if path else "No report could be written."
    return _tell("bug", message, hint, BUG, as_json=as_json, report=path)


def _tell(code: str, message: str, hint: str, status: int, *, as_json: bool, **facts: str) -> int:
    message = redact(message)  # the parser quotes arguments, and a bug its values; errors of ours have none (SEC-2)
    if as_json:
        show.json_object({"error": {"code": code, "message": message, "hint": hint, **facts}})
        return status
    show.failure("error", message, code)
    if hint:
        show.aside("hint", hint)
    return status
