"""Calls of the service, for tools and resources: in worker threads, with progress, and with every outcome reported.

A call that the client cancels runs to its end, because a swap that was sent cannot be taken back; it is answered to
no one, and its notices wait for the next call. One that waits for others stops waiting.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError, NotFoundError
from gitcoord.faces.mcp import resources
from gitcoord.faces.mcp.client import alias_of
from gitcoord.faces.mcp.results import failure, phrase, phrased, success
from gitcoord.faces.mcp.tools.arguments import read_arguments
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.faces.mcp.workplace import Workplace
from gitcoord.ledger.clone.bug_report import bug
from gitcoord.service.session import freshness
from gitcoord.service.session.freshness import Read
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import Workspace

PROGRESS_S = 1.0
# Calls of one server that wait at the same moment; they have threads of their own, so that others need not wait.
WAITERS_MAX = 100
_WAITERS = anyio.CapacityLimiter(WAITERS_MAX)
Context = ServerRequestContext[Any, Any]
_T = TypeVar("_T")


async def call_tool(
    workplace: Workplace, tool: Tool, offered: Collection[str], ctx: Context, params: types.CallToolRequestParams
) -> types.CallToolResult:
    """Carry out a call of a tool; whatever happens is a result, in which only tools that are offered are named."""
    patience = Patience()

    def work() -> types.CallToolResult:
        try:
            understood = read_arguments(tool.name, tool.model, params.arguments or {})
            arguments = understood.values
            workspace = workplace.open()
            workspace.note_call()
            workspace.add_alias(alias_of(ctx.params or {}) or "")
            waiting = {"patience": patience} if tool.waits else {}
            with _reading(workspace) if tool.is_look else nullcontext() as read:
                result = tool.call(workspace, **arguments, **waiting)
            notices = [] if patience.is_over else workplace.take_notices()
            if read is not None and not read.is_fresh:
                result = read.dated(result)
                notices = [read.notice().dump(), *notices]
            shown_notices = [phrased(notice, offered) for notice in notices]
            notes: list[Json] = [*understood.notes]
            if notes:
                result = {**result, "understood": notes}
            return success(tool, arguments, phrased(result, offered), shown_notices)
        except CoordError as error:
            error.hint = phrase(error.hint, offered)
            return failure(error)
        except Exception as error:  # noqa: BLE001 - the boundary of this face
            return failure(bug(error, tool.name))

    try:
        return await _in_thread(
            ctx, lambda: patience.waits_for or f"{tool.name} is still at work", work, waits=tool.waits
        )
    finally:
        patience.stop()


async def read_resource(
    workplace: Workplace, offered: Collection[str], ctx: Context, uri: str
) -> types.ReadResourceResult:
    """Read a resource, in which only tools that are offered are named as what to call.

    Raises:
        MCPError: there is no such resource, or it cannot be read now.
    """
    read = resources.reader_of(uri)

    def work() -> types.ReadResourceResult | MCPError:
        try:
            workspace = workplace.open()
            with _reading(workspace) as look:
                result = read(workspace)
            return resources.contents(uri, phrased(look.dated(result), offered))
        except NotFoundError:
            return resources.not_found(uri)
        except CoordError as error:
            message = f"[{error.code}] {error} {phrase(error.hint, offered)}".strip()
            return MCPError(types.INTERNAL_ERROR, message, {"uri": uri})
        except Exception as error:  # noqa: BLE001 - the boundary of this face
            known = bug(error, f"reading {uri}")
            return MCPError(types.INTERNAL_ERROR, f"[{known.code}] {known} {known.hint}", {"uri": uri})

    outcome = await _in_thread(ctx, lambda: f"{uri} is still being read", work)
    if isinstance(outcome, MCPError):
        raise outcome
    return outcome


def _reading(workspace: Workspace) -> AbstractContextManager[Read]:
    return freshness.reading(workspace.setting.host)


async def _in_thread(ctx: Context, message: Callable[[], str], work: Callable[[], _T], *, waits: bool = False) -> _T:
    """Run `work`, which never raises, and report progress if it takes long and the client asked for that."""
    reporting = asyncio.create_task(_report(ctx, message))
    try:
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=_WAITERS if waits else None)
    finally:
        reporting.cancel()


async def _report(ctx: Context, message: Callable[[], str]) -> None:
    reported = 0
    while True:
        await anyio.sleep(PROGRESS_S)
        reported += 1
        await ctx.session.report_progress(reported, message=message())
