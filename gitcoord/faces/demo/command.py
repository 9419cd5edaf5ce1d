"""`gitcoord demo`: watch agents share files, one be killed, and the ledger prove that nothing went wrong."""

import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.core.documents.names import shown
from gitcoord.errors import UsageError
from gitcoord.redaction import redact

if TYPE_CHECKING:
    from gitcoord.faces.demo.place import Place
    from gitcoord.faces.demo.report import Report

AGENTS_MIN = 2  # one that is killed, and one beside it that takes over; a third works in the other clone
AGENTS_MAX = 12  # more than there is work for
FAILED = 1
_EXAMPLES = """\b
Examples:
  gitcoord demo
  gitcoord demo --agents 6 --keep
  gitcoord demo --dashboard
  gitcoord demo --remote https://example.com/team/scratch.git
  gitcoord demo --json | jq '.checks[] | select(.ok | not)'
"""


def register(root: typer.Typer) -> None:
    """Add this command."""
    root.command("demo", epilog=_EXAMPLES)(demo)


def demo(
    *,
    agents: Annotated[
        int, typer.Option("--agents", "-n", min=AGENTS_MIN, max=AGENTS_MAX, help="How many agents, each a process.")
    ] = 4,
    remote: Annotated[
        str | None, typer.Option("--remote", metavar="URL", help="A scratch remote; a throw-away one if left out.")
    ] = None,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Show it as a page, too, in your browser where there is one.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the repositories, to look at.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, at the end.")] = False,
) -> int:
    """Watch agents share a project and files while one is killed.

    They are real: processes with servers, worktrees and commits of their own. They claim steps and files, are refused,
    wait in line and negotiate. Everything happens in a throw-away folder. The report at the end is computed from the
    commits of the ledgers; exit status 1 if any of it is not as it must be.
    """
    from gitcoord.faces.demo import play, report
    from gitcoord.faces.demo.live_page import live_page
    from gitcoord.faces.demo.place import remove_place

    if os.name != "posix":
        raise UsageError("The demonstration needs process groups, which this system does not have.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left behind then either
    env = dict(os.environ)  # noqa: TID251 - what the agents' processes are started with
    remote = _absolute(remote)
    folder = Path(tempfile.mkdtemp(prefix="gitcoord-demo-")).resolve()
    place: Place | None = None
    try:
        place = play.make_place(folder, env, remote=remote, agents=agents)
        with ExitStack() as stack:
            is_watched = sys.stdout.isatty()
            page = stack.enter_context(live_page(place, is_opened=is_watched)) if dashboard else None
            if page is not None:
                sys.stderr.write(f"dashboard: {page.url}\n")
            found = _played(place, as_json=as_json)
            if page is not None and is_watched:
                sys.stdout.write("\nThe dashboard stays until you press Ctrl-C.\n")
                with suppress(KeyboardInterrupt):
                    page.process.wait()
    finally:
        if place is not None and not keep:
            remove_place(place)
        elif not keep:
            shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(found, [folder] if keep else [])) + "\n")
    elif keep:
        sys.stdout.write(f"\nKept: {folder}\n")
    return 0 if found.is_ok else FAILED


def _played(place: "Place", *, as_json: bool) -> "Report":
    from gitcoord.faces.demo import play, screen

    if as_json:
        return play.play(place, screen.Silence())
    if sys.stdout.isatty():
        sys.stdout.write(
            f"watch it from another terminal: cd {shlex.quote(str(place.clone('ann')))} && gitcoord watch\n"
        )
        with screen.Table() as table:
            found = play.play(place, table)
    else:
        found = play.play(place, screen.Lines())
    screen.report(found)
    return found


def _absolute(remote: str | None) -> str | None:
    """Return a path as one that holds in every folder; a URL as it is.

    Raises:
        UsageError: it has a password, which git would show on its command lines: agents use `origin` as people do.
    """
    if remote is not None and redact(remote) != remote:
        hint = "Name it without, and let a credential helper keep the password (`git help credentials`)."
        raise UsageError(f"The scratch remote {shown(remote)} has a password in its URL.", hint=hint)
    if remote is None or "://" in remote or not Path(remote).exists():
        return remote
    return str(Path(remote).resolve())
