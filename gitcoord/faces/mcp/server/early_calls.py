"""Calls of tools that begin before the engine is up, and the workplace that they share with it.

    front ──begin──> a thread carries the call out ──answer──> front, if the engine is not up yet
                          │
    engine ──taken────────┘   else: the engine's handler waits for the same call, reports progress, cancels, answers

Loading the SDK takes several times as long as a call. Nothing here imports it; what a call does is in `tool_call`, for
both.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.mcp.tool_call import ToolCall
from gitcoord.faces.mcp.tools.tool import ToolSet
from gitcoord.faces.mcp.tools.tool_table import tools_of
from gitcoord.faces.mcp.workplace import Workplace

Request = str | int
"""The id of a request."""


class EarlyCalls:
    """Those of one conversation."""

    def __init__(self, tool_set: ToolSet, cwd: str, env: Mapping[str, str]) -> None:
        self.tool_set: ToolSet = tool_set
        self.tools = tools_of(tool_set)
        self.workplace = Workplace(Path(cwd), dict(env))
        self._begun: dict[Request, ToolCall] = {}

    def begin(
        self, request: Request, params: Mapping[str, Json], answer: Callable[[Request, dict[str, Json] | None], None]
    ) -> bool:
        """Begin a call in a thread, unless there is no such tool.

        Args:
            request: its id; that of no other one.
            params: as the client sent them.
            answer: is given the id and the result, or `None` where the client wants none any more.
        """
        tool = self.tools.get(str(params.get("name")))
        if tool is None:
            return False
        self.workplace.meet("tools/call", params)
        call = self._begun[request] = ToolCall(self.workplace, tool, self.tools, params)

        def run() -> None:
            result = call.result()
            answer(request, None if call.patience.is_over else result)

        threading.Thread(target=run, name=tool.name, daemon=True).start()
        return True

    def cancel(self, request: Request) -> None:
        """Say that no one wants the answer of a call any more."""
        if call := self._begun.get(request):
            call.patience.stop()

    def taken(self, request: Request | None) -> ToolCall | None:
        """Return a call that has begun, to who answers it from now on."""
        return None if request is None else self._begun.pop(request, None)
