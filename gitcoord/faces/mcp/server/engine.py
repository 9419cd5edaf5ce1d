"""The engine: runs the SDK's server in a thread, on lines that the front hands over.

The front calls `deliver` and `end` from its own thread; everything else happens in the engine's event loop.
"""

import asyncio
import json
import math
from collections.abc import Callable, Mapping

import anyio
import anyio.lowlevel
import anyio.streams.memory
import mcp_types as types
from mcp.shared.message import ServerMessageMetadata, SessionMessage

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.mcp import channel
from gitcoord.faces.mcp.results import all_seen
from gitcoord.faces.mcp.server.early_calls import EarlyCalls
from gitcoord.faces.mcp.server.handshake import ANSWERED
from gitcoord.faces.mcp.server.server import build
from gitcoord.faces.mcp.server.subscriptions import Subscriptions
from gitcoord.faces.mcp.tool_call import ToolCall
from gitcoord.service.watch.watch import Tick

_LISTEN = "subscriptions/listen"  # stays open for as long as the client wants


class Engine:
    """One conversation."""

    def __init__(self, early: EarlyCalls, env: Mapping[str, str], send_line: Callable[[bytes], None]) -> None:
        """Prepare; `send_line` may be called from any thread."""
        self._send_line = send_line
        self._workplace = early.workplace
        self._env = dict(env)
        self._channel_opened_by: Json = None  # the id of the opening request of a client with a channel
        self._subscriptions = Subscriptions()
        self._server = build(early, self._subscriptions)
        self._unanswered: dict[str | int, ToolCall | None] = {}  # with what has begun already
        self._idle = asyncio.Event()
        self._inbox, self._messages = anyio.create_memory_object_stream[SessionMessage | Exception](math.inf)

    def run(self, is_up: "Callable[[Engine], None]") -> None:
        """Serve until `end`; `is_up` is called once messages can be delivered."""
        anyio.run(self._serve, is_up)

    def deliver(self, line: bytes, begun: ToolCall | None = None) -> None:
        """Take a message, and the call that it asks for if that has begun; called by the front's thread."""
        self._soon(self._receive, line, begun)

    def end(self, patience_s: float) -> None:
        """Answer the open requests within this time, and stop; called by the front's thread."""
        self._soon(lambda: self._tasks.start_soon(self._finish, patience_s))

    async def _serve(self, is_up: "Callable[[Engine], None]") -> None:
        self._loop = asyncio.get_running_loop()
        answers, written = anyio.create_memory_object_stream[SessionMessage](0)
        async with anyio.create_task_group() as self._tasks:
            self._tasks.start_soon(self._write, written)
            is_up(self)
            self._soon(self._workplace.listen, self._ticked)  # after the opening request, which asks for a channel
            try:
                await self._server.run(self._messages, answers, self._server.create_initialization_options())
            finally:
                self._workplace.close()
                self._inbox.close()
                self._tasks.cancel_scope.cancel()

    def _receive(self, line: bytes, begun: ToolCall | None) -> None:
        try:
            message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError as error:
            self._inbox.send_nowait(error)
            return
        match message:
            case types.JSONRPCRequest(id=request) if message.method != _LISTEN:
                self._unanswered[request] = begun
                if message.method == "initialize" and channel.is_open(self._env, message.params):
                    self._channel_opened_by = request
            case types.JSONRPCNotification(method="notifications/cancelled", params={"requestId": request}):
                self._settle(request)
            case _:
                pass
        self._inbox.send_nowait(SessionMessage(message, ServerMessageMetadata(request_context=begun)))

    async def _write(self, written: anyio.streams.memory.MemoryObjectReceiveStream[SessionMessage]) -> None:
        with written:
            async for item in written:
                message = item.message
                if isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
                    self._settle(message.id)
                    if message.id == ANSWERED:
                        continue
                if isinstance(message, types.JSONRPCResponse) and message.id == self._channel_opened_by:
                    message.result = channel.declared(message.result)
                line = message.model_dump_json(by_alias=True, exclude_unset=True)
                self._send_line(all_seen(line).encode())  # clients show people and models structured content as it came

    def _settle(self, request: Json) -> None:
        if isinstance(request, str | int) and (call := self._unanswered.pop(request, None)):
            call.patience.stop()  # one that is cancelled before its handler begins would wait for others on and on
        if not self._unanswered:
            self._idle.set()

    async def _finish(self, patience_s: float) -> None:
        with anyio.move_on_after(patience_s):
            while self._unanswered:
                self._idle.clear()
                await self._idle.wait()
        self._subscriptions.listen.close()
        await anyio.lowlevel.checkpoint()
        self._inbox.close()

    def _ticked(self, tick: Tick) -> None:
        """Tell the client what a look brought; called by the watch's thread. No call that runs is touched."""
        if tick.changed:
            self._soon(lambda: self._tasks.start_soon(self._subscriptions.publish, tick.changed))
        if self._channel_opened_by is not None:
            for row in tick.arrived:
                if row.wakes:
                    said = channel.message(row.notice.notice, row.ids[0], row.notice.text)
                    self._send_line(all_seen(json.dumps(said, ensure_ascii=False)).encode())

    def _soon(self, work: Callable[..., object], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(work, *arguments)
        except RuntimeError:  # the loop has ended, and the conversation with it
            return
