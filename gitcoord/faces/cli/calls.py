"""Calls: open the workspace, call one service, show its result.

A refusal is a result: with --json it is printed like any other; without, its sentence goes to stderr. Exit status 1.
"""

from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from gitcoord.core.doc import Json
from gitcoord.faces.cli import phrases, show, world
from gitcoord.faces.cli.conflict_lines import conflict_lines
from gitcoord.faces.cli.fields import records, strings, text

if TYPE_CHECKING:
    from gitcoord.service.workspace import Workspace

REFUSED = 1
Result = dict[str, Json]
View = Callable[[Result, datetime], None]


@contextmanager
def opened() -> "Generator[Workspace]":
    """Open the workspace around the current folder, for one command."""
    from gitcoord import runtime

    workspace = runtime.open_workspace(world.folder(), world.environment(), tool="cli", joins=True)
    written: list[bool] = []
    workspace.wake = lambda: written.append(True)
    try:
        yield workspace
    finally:
        if written:
            _tell_hooks(workspace)
        workspace.close()


def _tell_hooks(workspace: "Workspace") -> None:
    """Have the snapshot follow what this command changed."""
    from gitcoord.service.snapshot import Snapshot

    Snapshot(workspace).tell()


def _is_refused(result: Result) -> bool:
    return bool(result.get("refused")) or result.get("granted") is False


def answer(
    call: "Callable[[Workspace], Result]",
    view: View,
    *,
    as_json: bool,
    refused: Callable[[Result], bool] = _is_refused,
    told: Collection[str] = (),
) -> int:
    """Call a service and show what it returned; return the exit status.

    Args:
        call: the service.
        view: shows its result.
        as_json: print that as one object instead.
        refused: whether the exit status is 1.
        told: the fields that the view shows, of those that are otherwise shown beside any result.
    """
    with opened() as workspace:
        result = call(workspace)
        now = workspace.setting.host.now()
        notices: list[Json] = [*workspace.take_notices()]
    status = REFUSED if refused(result) else 0
    if as_json:
        show.json_object({**result, **({"notices": notices} if notices else {})})
        return status
    if result.get("seen_by"):
        show.aside("warning", text(result.get("seen_by")))
    for notice in notices:
        if isinstance(notice, dict):
            show.aside("note", text(notice.get("message")))
            if notice.get("next_step"):
                show.aside("next", phrases.for_shell(text(notice.get("next_step"))))
    if status and result.get("why"):
        refusal(result)
    else:
        view(result, now)
        _asides({name: value for name, value in result.items() if name not in told})
    return status


def refusal(result: Result) -> None:
    """Say why nothing was done, and what to do."""
    show.aside("refused", phrases.for_shell(text(result.get("why"))))
    for one in records(result.get("conflicts")):
        for line in conflict_lines(one):
            show.aside("conflict", line)
    _warnings(result)
    if result.get("next_step"):
        show.aside("next", phrases.for_shell(text(result.get("next_step"))))


def _warnings(result: Result) -> None:
    for warning in strings(result.get("warnings")):
        show.aside("warning", phrases.for_shell(warning))


def _asides(result: Result) -> None:
    _warnings(result)
    for oddity in records(result.get("oddities")):
        show.aside("attention", text(oddity.get("message")))
        show.aside("next", phrases.for_shell(text(oddity.get("next_step"))))
    if result.get("next_step"):
        show.aside("next", phrases.for_shell(text(result.get("next_step"))))
