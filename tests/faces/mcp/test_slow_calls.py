"""Calls that take long report progress, and can be cancelled without being undone."""

import queue
import threading
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.to_thread
import mcp_types as types
import pytest
from mcp.client.client import Client
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.mcp import calls
from gitcoord.faces.mcp.server.early_calls import EarlyCalls
from gitcoord.faces.mcp.tool_call import ToolCall
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.faces.mcp.workplace import Workplace
from gitcoord.service.session.workspace import Workspace
from tests.faces.mcp.process import ANSWER_S

pytestmark = pytest.mark.anyio


class FakeWorkspace:
    """What the face asks of a workspace."""

    def add_alias(self, _: str) -> None: ...

    def note_call(self) -> None: ...


class FakeWorkplace(Workplace):
    """A place whose workspace is there already."""

    def __init__(self) -> None:
        super().__init__(Path("/"), {})
        self.workspace = FakeWorkspace()
        self.notices: list[dict[str, Json]] = [{"notice": "first"}]

    def open(self) -> Workspace:
        return cast("Workspace", self.workspace)

    def take_notices(self) -> list[dict[str, Json]]:
        taken, self.notices = self.notices, []
        return taken


class SlowTool:
    """A tool that works until it is let go, or that breaks."""

    def __init__(self) -> None:
        self.begun, self.released, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.count = 0

    def __call__(self, _: object) -> dict[str, Json]:
        self.count += 1
        self.begun.set()
        assert self.released.wait(ANSWER_S)
        self.ended.set()
        return {"done": True}


def server_of(workplace: Workplace, call: Any) -> Server[Any]:  # noqa: ANN401
    tool = Tool("slow", "Slow", "Takes its time.", call, {})

    async def on_call(ctx: ServerRequestContext[Any, Any], _: types.CallToolRequestParams) -> types.CallToolResult:
        return await calls.call_tool(ctx, ToolCall(workplace, tool, [tool.name], ctx.params))

    async def on_list(_: object, __: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool.definition()])

    return Server("test", on_call_tool=on_call, on_list_tools=on_list)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_call_that_takes_long_reports_progress(mode: str) -> None:
    slow = SlowTool()
    reported: list[str | None] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        assert progress >= 1
        reported.append(message)
        slow.released.set()

    async with Client(server_of(FakeWorkplace(), slow), mode=mode) as client:
        result = await client.call_tool("slow", {}, progress_callback=on_progress)

    assert result.structured_content == {"notices": [{"notice": "first"}], "done": True}
    assert reported[0] == "slow is still at work"


async def test_a_cancelled_call_runs_to_its_end_and_keeps_the_notices_for_the_next() -> None:
    slow, workplace = SlowTool(), FakeWorkplace()
    async with Client(server_of(workplace, slow), mode="legacy") as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "slow", {})
            await anyio.to_thread.run_sync(slow.begun.wait, ANSWER_S)
            tasks.cancel_scope.cancel()
        await client.list_tools()  # the server has seen the cancellation
        slow.released.set()
        await anyio.to_thread.run_sync(slow.ended.wait, ANSWER_S)
        result = await client.call_tool("slow", {})

    assert result.structured_content == {"notices": [{"notice": "first"}], "done": True}


def early_calls(slow: SlowTool, workplace: FakeWorkplace) -> EarlyCalls:
    early = EarlyCalls("work", "/", {})
    early.workplace = workplace
    early.tools = {"slow": Tool("slow", "Slow", "Takes its time.", slow, {})}
    return early


def test_a_call_that_began_early_is_carried_out_once_for_whoever_answers_it() -> None:
    slow, answers = SlowTool(), queue.Queue[tuple[object, object]]()
    early = early_calls(slow, FakeWorkplace())

    call = early.begin({"name": "slow"}, lambda *answer: answers.put(answer))
    assert slow.begun.wait(ANSWER_S)
    slow.released.set()

    assert call is not None
    assert answers.get(timeout=ANSWER_S) == (call, call.result())
    assert call.result()["structuredContent"] == {"notices": [{"notice": "first"}], "done": True}
    assert slow.count == 1


def test_an_early_call_that_is_cancelled_has_no_answer_and_keeps_the_notices() -> None:
    slow, workplace, answers = SlowTool(), FakeWorkplace(), queue.Queue[tuple[object, object]]()
    early = early_calls(slow, workplace)

    call = early.begin({"name": "slow"}, lambda *answer: answers.put(answer))
    assert slow.begun.wait(ANSWER_S)
    assert call is not None
    call.patience.stop()
    slow.released.set()

    assert answers.get(timeout=ANSWER_S) == (call, None)
    assert workplace.notices == [{"notice": "first"}]


def test_a_tool_that_there_is_not_is_left_to_the_engine() -> None:
    early = early_calls(SlowTool(), FakeWorkplace())

    assert early.begin({"name": "none"}, lambda *_: None) is None


async def test_what_nobody_expected_is_a_text_that_names_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken(_: object) -> dict[str, Json]:
        raise ZeroDivisionError("inner detail")

    async with Client(server_of(FakeWorkplace(), broken), mode="auto") as client:
        result = await client.call_tool("slow", {})

    (content,) = result.content
    assert isinstance(content, types.TextContent)
    assert content.text.startswith(
        "[bug] slow failed in a way that gitcoord did not expect (ZeroDivisionError). "
        f"Report it with the file {tmp_path}/gitcoord-bug-"
    )
    assert result.structured_content is None
