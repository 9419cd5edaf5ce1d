"""Calls of the service by the engine: in worker threads, with progress, and with every outcome reported.

A call that the client cancels is answered to no one (`tool_call`).
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError

from gitcoord.errors import NotFoundError
from gitcoord.faces.mcp import resources
from gitcoord.faces.mcp.results import hint_of, phrased
from gitcoord.faces.mcp.tool_call import ToolCall
from gitcoord.faces.mcp.workplace import Workplace
from gitcoord.ledger.clone.bug_report import as_known
from gitcoord.service.session import freshness

PROGRESS_S = 1.0
# Calls of one server that wait at the same moment; they have threads of their own, so that others need not wait.
WAITERS_MAX = 100
_WAITERS = anyio.CapacityLimiter(WAITERS_MAX)
Context = ServerRequestContext[Any, Any]
_T = TypeVar("_T")


async def call_tool(ctx: Context, call: ToolCall) -> types.CallToolResult:
    """Carry out a call of a tool, or wait for one that has begun."""
    try:
        result = await _in_thread(ctx, lambda: call.progress, call.result, waits=call.tool.waits)
        return types.CallToolResult.model_validate(result, by_name=False)
    finally:
        call.patience.stop()


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
            with freshness.reading(workspace.setting.host) as look:
                result = read(workspace)
            return resources.contents(uri, phrased(look.dated(result), offered))
        except NotFoundError:
            return resources.not_found(uri)
        except Exception as error:  # noqa: BLE001 - the boundary of this face
            known = as_known(error, f"reading {uri}")
            message = f"[{known.code}] {known} {hint_of(known, offered, workplace.folder)}".strip()
            return MCPError(types.INTERNAL_ERROR, message, {"uri": uri})

    outcome = await _in_thread(ctx, lambda: f"{uri} is still being read", work)
    if isinstance(outcome, MCPError):
        raise outcome
    return outcome


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
