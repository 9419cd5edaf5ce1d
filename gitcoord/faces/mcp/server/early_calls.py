"""Calls of tools that begin before the engine is up, and the workplace that they share with it.

    front ──begin──> a thread carries the call out ──answer──> front, if the engine is not up yet
      │                   │
      └──deliver──> engine: else its handler waits for the same call, reports progress, cancels, answers

A call that has begun goes with its own message to the engine; no id is looked up, for clients use ids again. Loading
the SDK takes several times as long as a call. Nothing here imports it; what a call does is in `tool_call`, for both.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.mcp.manifest import CALL
from gitcoord.faces.mcp.tool_call import ToolCall
from gitcoord.faces.mcp.tools.tool import ToolSet
from gitcoord.faces.mcp.tools.tool_table import tools_of
from gitcoord.faces.mcp.workplace import Workplace


class EarlyCalls:
    """Those of one conversation."""

    def __init__(self, tool_set: ToolSet, cwd: str, env: Mapping[str, str]) -> None:
        self.tool_set: ToolSet = tool_set
        self.tools = tools_of(tool_set)
        self.workplace = Workplace(Path(cwd), dict(env))

    def begin(
        self, params: Mapping[str, Json], answer: Callable[[ToolCall, dict[str, Json] | None], None]
    ) -> ToolCall | None:
        """Begin a call in a thread and return it; `None`: there is no such tool.

        Args:
            params: as the client sent them.
            answer: is given the call and its result, or `None` where the client wants none any more.
        """
        tool = self.tools.get(str(params.get("name")))
        if tool is None:
            return None
        self.workplace.meet(CALL, params)
        call = ToolCall(self.workplace, tool, self.tools, params)

        def run() -> None:
            result = call.result()
            answer(call, None if call.patience.is_over else result)

        threading.Thread(target=run, name=tool.name, daemon=True).start()
        return call
