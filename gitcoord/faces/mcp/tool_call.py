"""One call of a tool: what it does, and what the agent is shown of it.

Rules:
  * Whatever happens is a result as the protocol has it; only tools that are offered are named in it.
  * It is carried out once: who asks for its result second gets that of the first. So a call that began before the SDK
    was loaded goes on, and the engine answers it (`server/early_calls`).
  * One that the client cancels runs to its end, because a swap that was sent cannot be taken back; its notices wait for
    the next call. One that waits for others stops waiting.

Nothing here imports the SDK, which takes longer to load than most calls take.
"""

import threading
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from typing import cast

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.mcp.client import alias_of
from gitcoord.faces.mcp.results import failure, hint_of, phrased, success
from gitcoord.faces.mcp.tools.arguments import read_arguments
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.faces.mcp.workplace import Workplace
from gitcoord.ledger.clone.bug_report import as_known
from gitcoord.service.session import freshness
from gitcoord.service.session.patience import Patience


class ToolCall:
    """A call of one tool with the parameters that a client sent."""

    def __init__(
        self, workplace: Workplace, tool: Tool, offered: Collection[str], params: Mapping[str, Json] | None
    ) -> None:
        self.tool = tool
        self.patience = Patience()
        self._workplace = workplace
        self._offered = offered
        self._params = params or {}
        self._lock = threading.Lock()
        self._result: dict[str, Json] | None = None

    @property
    def progress(self) -> str:
        """What it is at, as a sentence."""
        return self.patience.waits_for or f"{self.tool.name} is still at work"

    def result(self) -> dict[str, Json]:
        """Carry it out, or wait for who does; never raises."""
        with self._lock:
            if self._result is None:
                self._result = self._carried_out()
            return self._result

    def _carried_out(self) -> dict[str, Json]:
        tool, workplace, patience = self.tool, self._workplace, self.patience
        try:
            given = cast("dict[str, Json]", self._params.get("arguments") or {})
            understood = read_arguments(tool.name, tool.model, given)
            workspace = workplace.open()
            workspace.note_call()
            workspace.add_alias(alias_of(self._params) or "")
            waiting = {"patience": patience} if tool.waits else {}
            reading = freshness.reading(workspace.setting.host) if tool.is_look else nullcontext()
            with reading as read:
                result = tool.call(workspace, **understood.values, **waiting)
            notices = [] if patience.is_over else workplace.take_notices()
            if read is not None and not read.is_fresh:
                result = read.dated(result)
                notices = [read.notice().dump(), *notices]
            shown_notices = [phrased(notice, self._offered) for notice in notices]
            notes: list[Json] = [*understood.notes]
            if notes:
                result = {**result, "understood": notes}
            return success(tool, understood.values, phrased(result, self._offered), shown_notices)
        except Exception as error:  # noqa: BLE001 - the boundary of this face
            known = as_known(error, tool.name)
            known.hint = hint_of(known, self._offered, workplace.folder)
            return failure(known)
