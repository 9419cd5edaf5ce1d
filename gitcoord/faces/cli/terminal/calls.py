"""Calls: open the workspace, call one service, show its result.

A refusal is a result: with --json it is printed like any other; without, its sentence goes to stderr. Exit status 1.
A read that the remote did not answer is shown from what is here, after a line that says how old that is.
"""

from collections.abc import Callable, Collection, Generator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from gitcoord.core.documents.call import calls_of
from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.terminal import commands, show, world
from gitcoord.faces.cli.terminal.conflict_lines import conflict_lines
from gitcoord.faces.cli.terminal.fields import records, strings, text

if TYPE_CHECKING:
    from gitcoord.ledger.clone.host import Host
    from gitcoord.service.session.workspace import Workspace

REFUSED = 1
UNREACHABLE = 5
Result = dict[str, Json]
View = Callable[[Result, datetime], None]


@contextmanager
def opened(host: "Host | None" = None) -> "Generator[Workspace]":
    """Open the workspace around the current folder, for one command."""
    from gitcoord import runtime

    workspace = runtime.open_workspace(world.folder(), world.environment(), tool="cli", joins=True, host=host)
    written: list[bool] = []
    workspace.wake = lambda: written.append(True)
    try:
        yield workspace
    finally:
        if written:
            # Have the snapshot follow what this command changed.
            from gitcoord.service.watch.snapshot import Snapshot

            Snapshot(workspace).tell()
        workspace.close()


def answer(
    call: "Callable[[Workspace], Result]",
    view: View,
    *,
    as_json: bool,
    refused: Callable[[Result], bool] = lambda result: bool(result.get("refused")) or result.get("granted") is False,
    shown: Collection[str] = (),
    fresh: bool | None = None,
    is_verdict: bool = False,
) -> int:
    """Call a service and show what it returned; return the exit status.

    Args:
        call: the service.
        view: shows its result.
        as_json: print that as one object instead.
        refused: whether the exit status is 1.
        shown: the fields that the view shows, of those that are otherwise shown beside any result.
        fresh: of a command that only looks, whether it insists on the remote; `None`: it does more, and insists.
        is_verdict: whether callers go by the exit status, so that what is old is no yes: 5.
    """
    from gitcoord import runtime
    from gitcoord.service.place import path_copies
    from gitcoord.service.session import freshness
    from gitcoord.service.watch.notices import take_notices

    host = runtime.make_host()
    with ExitStack() as stack:
        read = stack.enter_context(freshness.reading(host)) if fresh is False else None
        workspace = stack.enter_context(opened(host))
        result, now = call(workspace), host.now()
        old = read if read is not None and not read.is_fresh else None
        lacking = [notice.dump() for notice in workspace.notices if notice.notice == freshness.LEFT_OUT]
        notices: list[Json] = [old.notice().dump(), *lacking] if old else [*take_notices(workspace)]
        status = REFUSED if refused(result) else 0
        if as_json:
            result = old.dated(result) if old else result
            whole: Result = {**result, **({"notices": notices} if notices else {})}
            show.json_object(commands.result_for_shell(whole))
        else:
            _tell(result, notices, is_old=old is not None)
            result = commands.result_for_shell(result)
            if status and result.get("why"):
                refusal(result)
            else:
                view(result, now)
                _asides({name: value for name, value in result.items() if name not in shown})
        if old is None:
            path_copies.keep(workspace)
    return UNREACHABLE if old and is_verdict and not status else status


def _tell(result: Result, notices: list[Json], *, is_old: bool) -> None:
    """Say what comes before a result: how old it is, who can see it, what else concerns the agent."""
    if result.get("seen_by"):
        show.aside("warning", text(result.get("seen_by")))
    rows = records(notices)
    for number, notice in enumerate(rows, 1):
        show.aside("warning" if is_old else "note", commands.for_shell(text(notice.get("message"))))
        if is_old and notice.get("cause"):
            show.aside("note", text(notice.get("cause")))
            show.aside("next", "Add --fresh to insist on what is there now.")
            continue
        todo, last = text(notice.get("next_step")), text(result.get("next_step"))
        # Where the next step at the end names the same calls, one of both is enough; so it is of several notices.
        is_said_again = calls_of(todo) == calls_of(last) != () or any(
            row.get("next_step") == todo for row in rows[number:]
        )
        if todo and not is_said_again:
            show.aside("next", commands.for_shell(todo))


def refusal(result: Result) -> None:
    """Say why nothing was done, and what to do."""
    show.failure("refused", commands.for_shell(text(result.get("why"))), text(result.get("refused")))
    for conflict in records(result.get("conflicts")):
        for line in conflict_lines(conflict):
            show.aside("conflict", line)
    _warnings(result)
    if result.get("next_step"):
        show.aside("next", text(result.get("next_step")))


def _warnings(result: Result) -> None:
    for warning in strings(result.get("warnings")):
        show.aside("warning", commands.for_shell(warning))


def _asides(result: Result) -> None:
    _warnings(result)
    for oddity in records(result.get("oddities")):
        show.aside("attention", text(oddity.get("message")))
        show.aside("next", text(oddity.get("next_step")))
    if result.get("next_step"):
        show.aside("next", text(result.get("next_step")))
