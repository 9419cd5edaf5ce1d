"""The front of the MCP server: answers the opening of a conversation at once, while the engine loads.

An agent's tool waits a second or two for its servers and then sends its first request without the tools of those that
have not answered; loading the engine takes about as long. So the front answers what the manifest holds:

    initialize · server/discover · ping · tools/list · resources/list · resources/templates/list · prompts/list

Rules:
  * It is a cache of the engine's answers. What it is not sure of, it leaves to the engine: a version, a parameter or an
    order of messages that the manifest does not cover.
  * The engine is given the same opening request, so that both know the same conversation; that answer is dropped.
  * Every other message waits for the engine in the order in which it came; once the engine is up, it gets all of them.
  * A call of a tool begins as soon as our own code is there, without the SDK (`early_calls`), which is loaded when such
    calls have been answered, or after EARLY_S. A call is answered once: here, if it is over before the engine is up, or
    by the engine, which is then given it like any other message, and goes on with what has begun.
  * Where the engine cannot be loaded, what has begun is answered, unless it is cancelled; all else is refused.
  * Importing the engine holds the interpreter for milliseconds at a time, so it begins when the tools were listed, when
    something needs it, or at the first pause.

Standard library only, and little of it: start-up is what this file is for.
"""

import gc
import json
import os
import sys
import threading

from gitcoord.faces.mcp import channel
from gitcoord.faces.mcp.manifest import TOOL_SETS, Manifest, load, path_of
from gitcoord.faces.mcp.server.handshake import ANSWERED, Opening
from gitcoord.faces.mcp.server.wire import Wire

TYPE_CHECKING = False  # `typing` takes 9 ms.
if TYPE_CHECKING:
    from typing import Any, Protocol

    from gitcoord.faces.mcp.manifest import ToolSet
    from gitcoord.faces.mcp.server.early_calls import EarlyCalls
    from gitcoord.faces.mcp.tool_call import ToolCall

    class LoadedEngine(Protocol):
        """What the front knows of the engine."""

        def deliver(self, line: bytes, begun: ToolCall | None = None) -> None:
            """Take a message, and the call that it asks for if that has begun."""
            ...

        def end(self, patience_s: float) -> None:
            """Answer the open requests within this time, and stop."""
            ...


# Clients close the input and send SIGTERM two seconds later (TypeScript SDK), so what is still running gets less.
PATIENCE_AT_END_S = 1.5
PATIENCE_AT_SIGNAL_S = 0.5
# For what was asked before the engine was up, by a script that has closed the input: until the engine is up, and again
# until it has answered. A bound for a hang: both take a second, and some twenty on a machine with much else to do.
LOADING_S = 60.0
# A call that takes longer is owed progress, which only the engine reports.
EARLY_S = 1.0
# From closing the session to the end of the process; its lock ends with the process in any case.
CLOSE_S = 2.0
# The default of 5 ms would let the import of the engine delay each answer that much, several times.
SWITCH_S = 0.0005
SWITCH_DEFAULT_S = 0.005
_DISCOVER = "server/discover"
_WHAT_TO_DO = (
    "Nothing of this was carried out. Restart the server; if it stops again, install gitcoord again. "
    "Until then the commands of `gitcoord --help` do the same at a shell."
)
_HANDSHAKE_ONLY = {"code": -32601, "message": "Method not found: a channel needs the handshake era."}


class Front:
    """One conversation: reads, answers, and hands the rest to the engine."""

    def __init__(self, wire: Wire, tool_set: "ToolSet", manifest: Manifest | None) -> None:
        self._wire = wire
        self._tool_set: ToolSet = tool_set
        self._opening = Opening(manifest)
        self._opened_by: dict[str, Any] = {}
        self._changed = threading.Condition()  # guards what follows
        self._waiting: list[bytes] = []
        self._owed: set[int | str] = set()  # the requests among them
        self._early: dict[int | str, tuple[dict[str, Any], bytes]] = {}  # those that are calls which begin here
        self._begun: dict[int | str, ToolCall] = {}  # those of them that have
        self._calls: EarlyCalls | None = None
        self._engine: LoadedEngine | None = None
        self._failure = ""
        self._thread = threading.Thread(target=self._serve, name="engine", daemon=True)

    def run(self) -> None:
        """Serve until the input ends or a signal comes."""
        for line in self._wire.lines(self._load):
            self._take(line)
        if self._wire.interrupted:
            self._end(PATIENCE_AT_SIGNAL_S if self._early else 0, PATIENCE_AT_SIGNAL_S)
        else:
            self._end(LOADING_S, LOADING_S if self._engine is None else PATIENCE_AT_END_S)

    def _take(self, line: bytes) -> None:
        message = None if self._engine is not None else _message(line)
        match message:
            case {"id": int() | str() as request} if not isinstance(request, bool) and not self._failure:
                self._take_request(message, line)
            case {"method": "notifications/cancelled", "params": {"requestId": int() | str() as request}}:
                self._cancel(request, line)
            case _:
                self._hand_over(line)

    def _take_request(self, message: "dict[str, Any]", line: bytes) -> None:
        opens = not self._opening.begun
        has_channel = opens and channel.is_open(os.environ, message.get("params"))
        if has_channel and message["method"] == _DISCOVER:
            self._wire.send({"jsonrpc": "2.0", "id": message["id"], "error": _HANDSHAKE_ONLY})
            return
        result = self._opening.answer(message)
        if result is None:
            self._hand_over(line, message)
            self._load()
            return
        self._wire.send(
            {"jsonrpc": "2.0", "id": message["id"], "result": channel.declared(result) if has_channel else result}
        )
        if opens:
            self._opened_by = message
            self._hand_over(json.dumps({**message, "id": ANSWERED}).encode())
        if message["method"] == "tools/list":
            self._load()

    def _hand_over(self, line: bytes, request: "dict[str, Any] | None" = None) -> None:
        with self._changed:
            if self._failure:
                self._refuse(line)
            elif self._engine is not None:
                self._engine.deliver(line)
            else:
                self._waiting.append(line)
                if request is not None and request["id"] not in self._owed:
                    self._owed.add(request["id"])
                    if self._opening.added(request) is not None:
                        self._early[request["id"]] = (request, line)
                        self._begin(request)

    def _begin(self, call: "dict[str, Any]") -> None:
        """Begin a call, or leave it to the engine; where our code is not loaded yet, that is done when it is."""
        if self._calls is None:
            return
        begun = self._calls.begin(call["params"], lambda begun, result: self._answer(call, begun, result))
        if begun is None:
            del self._early[call["id"]]
        else:
            self._begun[call["id"]] = begun

    def _answer(self, call: "dict[str, Any]", begun: "ToolCall", result: "dict[str, Any] | None") -> None:
        """Answer a call that is over; called by its thread. `None`: the client wants no answer any more."""
        from gitcoord.faces.mcp.results import all_seen

        with self._changed:
            if self._begun.get(call["id"]) is not begun:  # the engine has been given it, or it was cancelled
                return
            self._withdraw(call["id"])
            if result is not None:
                answer = {"jsonrpc": "2.0", "id": call["id"], "result": {**result, **(self._opening.added(call) or {})}}
                text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
                self._wire.send_line(all_seen(text).encode())

    def _cancel(self, request: int | str, line: bytes) -> None:
        """Cancel a call: the engine hears of neither, or of both. One that has begun runs to its end."""
        with self._changed:
            if request not in self._early:
                self._hand_over(line)
                return
            if begun := self._withdraw(request):
                begun.patience.stop()

    def _withdraw(self, request: int | str) -> "ToolCall | None":
        """Forget a call that the engine need not be given, since its id may be used again; return what has begun."""
        _, line = self._early.pop(request)
        self._owed.discard(request)
        if line in self._waiting:  # it is not, where the engine failed
            self._waiting.remove(line)
        self._changed.notify_all()
        return self._begun.pop(request, None)

    def _load(self) -> None:
        if self._thread.ident is None:
            sys.setswitchinterval(SWITCH_S)
            gc.disable()  # collecting while modules are loaded takes an eighth of the time and finds nothing
            self._thread.start()

    def _serve(self) -> None:
        """Import our own code, then the SDK with the engine, and serve with it; in a thread of its own."""
        try:
            from gitcoord.faces.mcp.server.early_calls import EarlyCalls as OurCalls

            calls = OurCalls(self._tool_set, working_folder(), os.environ)
            with self._changed:
                if self._opened_by:
                    calls.workplace.meet(self._opened_by["method"], self._opened_by["params"])
                self._calls = calls
                for call, _ in [*self._early.values()]:
                    self._begin(call)
                self._changed.wait_for(lambda: not self._early, EARLY_S)
            from gitcoord.faces.mcp.server.engine import Engine as SdkEngine

            SdkEngine(calls, os.environ, self._wire.send_line).run(self._is_up)
        except BaseException as error:  # noqa: BLE001 - whatever it is, every caller that waits gets an answer
            import traceback

            from gitcoord.redaction import redact

            sys.stderr.write(redact("".join(traceback.format_exception(error))))
            with self._changed:
                what = redact(f"{type(error).__name__}: {error}")
                self._failure = f"[bug] The MCP server of gitcoord stopped: {what}. {_WHAT_TO_DO}"
                if self._calls is None:
                    self._early.clear()
                begun = [line for _, line in self._early.values()]
                for line in self._waiting:
                    if line not in begun:
                        self._refuse(line)
                self._waiting.clear()
                self._owed = {*self._early}
                self._changed.notify_all()

    def _is_up(self, engine: "LoadedEngine") -> None:
        from gitcoord.faces.mcp.server import late_modules

        late_modules.load_later()
        gc.enable()
        sys.setswitchinterval(SWITCH_DEFAULT_S)
        with self._changed:
            self._engine = engine
            begun = {self._early[request][1]: call for request, call in self._begun.items()}
            for line in self._waiting:
                engine.deliver(line, begun.pop(line, None))
            self._waiting.clear()
            self._early.clear()
            self._begun.clear()
            self._changed.notify_all()

    def _refuse(self, line: bytes) -> None:
        match _message(line):
            case {"id": int() | str() as request} if request != ANSWERED:
                error = {"code": -32603, "message": self._failure}
                self._wire.send({"jsonrpc": "2.0", "id": request, "error": error})
            case _:
                pass

    def _end(self, loading_s: float, patience_s: float) -> None:
        """Let what was asked be answered, then end the process, whatever threads still do."""
        with self._changed:
            self._changed.wait_for(lambda: self._engine is not None or not self._owed, loading_s)
            engine = self._engine
        if engine is not None:
            engine.end(patience_s)
            self._thread.join(patience_s + CLOSE_S)
        elif self._calls is not None:
            self._calls.workplace.close()
        self._wire.flush(patience_s)
        if self._thread.ident is not None:
            # Everything is closed, and written if anyone reads. The interpreter would take a quarter of a second to
            # tear the engine down, would wait for a call that waits for a network, and may abort under a foreign
            # library's thread.
            sys.stderr.flush()
            os._exit(0)


def _message(line: bytes) -> "dict[str, Any] | None":
    try:
        match json.loads(line):
            case {"jsonrpc": "2.0", "method": str()} as message:
                return message
            case _:
                return None
    except (ValueError, RecursionError):
        return None


def working_folder() -> str:
    """Return where the server was started; the root where that folder is gone."""
    try:
        return os.getcwd()  # noqa: PTH109 - `pathlib` takes 9 ms
    except FileNotFoundError:
        return "/"


def tool_set_of(arguments: "list[str]") -> "ToolSet | None":
    """Return the tool set that the arguments ask for; `None` when they make no sense."""
    match arguments:
        case []:
            wanted = "all"
        case ["--tools", name]:
            wanted = name
        case [word] if word.startswith("--tools="):
            wanted = word.removeprefix("--tools=")
        case _:
            wanted = ""
    return next((name for name in TOOL_SETS if name == wanted), None)


def main(tool_set: "ToolSet") -> int:
    """Serve; return the exit status."""
    Front(Wire.claim(), tool_set, load(path_of(tool_set))).run()
    return 0
