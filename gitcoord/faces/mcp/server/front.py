"""The front of the MCP server: answers the opening of a conversation at once, while the engine loads.

An agent's tool waits a second or two for its servers and then sends its first request without the tools of those that
have not answered; loading the engine takes about as long. So the front answers what the manifest holds:

    initialize · server/discover · ping · tools/list · resources/list · resources/templates/list · prompts/list

Rules:
  * It is a cache of the engine's answers. What it is not sure of, it leaves to the engine: a version, a parameter or an
    order of messages that the manifest does not cover.
  * The engine is given the same opening request, so that both know the same conversation; that answer is dropped.
  * Every other message waits for the engine in the order in which it came; once the engine is up, it gets all of them.
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

    class LoadedEngine(Protocol):
        """What the front knows of the engine."""

        def deliver(self, line: bytes) -> None:
            """Take a message."""
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
# From closing the session to the end of the process; its lock ends with the process in any case.
CLOSE_S = 2.0
# The default of 5 ms would let the import of the engine delay each answer that much, several times.
SWITCH_S = 0.0005
SWITCH_DEFAULT_S = 0.005
_DISCOVER = "server/discover"
_HANDSHAKE_ONLY = {"code": -32601, "message": "Method not found: a channel needs the handshake era."}


class Front:
    """One conversation: reads, answers, and hands the rest to the engine."""

    def __init__(self, wire: Wire, tool_set: "ToolSet", manifest: Manifest | None) -> None:
        self._wire = wire
        self._tool_set: ToolSet = tool_set
        self._opening = Opening(manifest)
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []
        self._asked = False  # whether a request waits that only the engine answers
        self._engine: LoadedEngine | None = None
        self._failure = ""
        self._settled = threading.Event()  # the engine is up, or never will be
        self._thread = threading.Thread(target=self._serve, name="engine", daemon=True)

    def run(self) -> None:
        """Serve until the input ends or a signal comes."""
        for line in self._wire.lines(self._load):
            self._take(line)
        if self._wire.interrupted:
            self._end(0, PATIENCE_AT_SIGNAL_S)
        else:
            self._end(LOADING_S, PATIENCE_AT_END_S if self._settled.is_set() else LOADING_S)

    def _take(self, line: bytes) -> None:
        message = None if self._settled.is_set() else _request(line)
        if message is None:
            self._hand_over(line)
            return
        opens = not self._opening.begun
        has_channel = opens and channel.is_open(os.environ, message.get("params"))
        if has_channel and message["method"] == _DISCOVER:
            self._wire.send({"jsonrpc": "2.0", "id": message["id"], "error": _HANDSHAKE_ONLY})
            return
        result = self._opening.answer(message)
        if result is None:
            self._asked = True
            self._hand_over(line)
            self._load()
            return
        self._wire.send(
            {"jsonrpc": "2.0", "id": message["id"], "result": channel.declared(result) if has_channel else result}
        )
        if opens:
            self._hand_over(json.dumps({**message, "id": ANSWERED}).encode())
        if message["method"] == "tools/list":
            self._load()

    def _hand_over(self, line: bytes) -> None:
        with self._lock:
            if self._failure:
                self._refuse(line)
            elif self._engine is None:
                self._waiting.append(line)
            else:
                self._engine.deliver(line)

    def _load(self) -> None:
        if self._thread.ident is None:
            sys.setswitchinterval(SWITCH_S)
            gc.disable()  # collecting while modules are loaded takes an eighth of the time and finds nothing
            self._thread.start()

    def _serve(self) -> None:
        """Import the engine and serve with it; in a thread of its own."""
        try:
            from gitcoord.faces.mcp.server.engine import Engine as SdkEngine

            SdkEngine(self._tool_set, working_folder(), os.environ, self._wire.send_line).run(self._is_up)
        except BaseException as error:  # noqa: BLE001 - whatever it is, every caller that waits gets an answer
            import traceback

            from gitcoord.redaction import redact

            sys.stderr.write(redact("".join(traceback.format_exception(error))))
            with self._lock:
                what = redact(f"{type(error).__name__}: {error}")
                self._failure = f"[bug] The MCP server of gitcoord stopped: {what}. Restart it"
                for line in self._waiting:
                    self._refuse(line)
                self._waiting.clear()
                self._settled.set()

    def _is_up(self, engine: "LoadedEngine") -> None:
        gc.enable()
        sys.setswitchinterval(SWITCH_DEFAULT_S)
        with self._lock:
            self._engine = engine
            for line in self._waiting:
                engine.deliver(line)
            self._waiting.clear()
            self._settled.set()

    def _refuse(self, line: bytes) -> None:
        message = _request(line)
        if message is not None and message["id"] != ANSWERED:
            error = {"code": -32603, "message": self._failure}
            self._wire.send({"jsonrpc": "2.0", "id": message["id"], "error": error})

    def _end(self, loading_s: float, patience_s: float) -> None:
        """Let the engine finish, if it was asked anything; then end the process, whatever threads still do."""
        if self._asked:
            self._settled.wait(loading_s)
        engine = self._engine
        if engine is not None:
            engine.end(patience_s)
            self._thread.join(patience_s + CLOSE_S)
        if self._thread.ident is not None:
            # Everything is written and closed. The interpreter would take a quarter of a second to tear the engine
            # down, would wait for a call that waits for a network, and may abort under a foreign library's thread.
            sys.stderr.flush()
            os._exit(0)


def _request(line: bytes) -> "dict[str, Any] | None":
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match message:
        case {"jsonrpc": "2.0", "method": str(), "id": int() | str() as request} if not isinstance(request, bool):
            return message
        case _:
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
