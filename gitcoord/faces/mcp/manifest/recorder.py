"""Records a manifest: opens a conversation of each protocol version with the engine, and keeps the answers."""

import json
import queue
import threading
from collections.abc import Mapping
from typing import cast

from gitcoord import __version__
from gitcoord.core.documents.json_text import Json
from gitcoord.faces.mcp.manifest import CALL, LISTS, MODERN_VERSION
from gitcoord.faces.mcp.server.early_calls import EarlyCalls
from gitcoord.faces.mcp.server.engine import Engine
from gitcoord.faces.mcp.tools.tool import ToolSet

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", MODERN_VERSION)
# Answered without a workspace.
_WRONG_CALL: dict[str, Json] = {"name": "claim_files", "arguments": {"no such argument": 0}}
_RESULT_OF_A_CALL = {"content", "structuredContent", "isError"}
_CLIENT: dict[str, Json] = {"name": "manifest", "version": __version__}
_ANSWER_S = 30  # a bound for a hang; answers take milliseconds


def methods_of(version: str) -> tuple[str, ...]:
    """Return the requests that open a conversation of this version, the first one first."""
    return ("server/discover", *LISTS) if version == MODERN_VERSION else ("initialize", "ping", *LISTS)


def request_of(version: str, method: str) -> dict[str, Json]:
    """Return a request as a client sends it."""
    params: dict[str, Json] = {}
    if version == MODERN_VERSION:
        prefix = "io.modelcontextprotocol/"
        meta: dict[str, Json] = {
            f"{prefix}protocolVersion": version,
            f"{prefix}clientInfo": _CLIENT,
            f"{prefix}clientCapabilities": {},
        }
        params = {"_meta": meta}
    elif method == "initialize":
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": _CLIENT}
    if method == CALL:
        params |= _WRONG_CALL
    return {"jsonrpc": "2.0", "id": method, "method": method, "params": params}


def engine_answers(tool_set: ToolSet, version: str) -> dict[str, Json]:
    """Return what the engine answers to each of the requests, and to a call of a tool."""
    lines: queue.Queue[bytes] = queue.Queue()
    up: queue.Queue[Engine] = queue.Queue()
    # The root is no repository, and nothing of this needs one.
    engine = Engine(EarlyCalls(tool_set, "/", {}), {}, lines.put)
    thread = threading.Thread(target=engine.run, args=(up.put,), daemon=True)
    thread.start()
    up.get(timeout=_ANSWER_S)
    answers: dict[str, Json] = {}
    for method in (*methods_of(version), CALL):
        engine.deliver(json.dumps(request_of(version, method)).encode())
        answers[method] = json.loads(lines.get(timeout=_ANSWER_S))["result"]
    engine.end(0)
    thread.join(_ANSWER_S)
    return answers


def record(tool_set: ToolSet) -> dict[str, Json]:
    """Return a manifest; equal answers are kept once."""
    results: list[Json] = []
    answers: dict[str, Json] = {}
    calls: dict[str, Json] = {}
    for version in VERSIONS:
        places: dict[str, Json] = {}
        found = engine_answers(tool_set, version)
        called = cast("dict[str, Json]", found.pop(CALL))
        calls[version] = {name: value for name, value in called.items() if name not in _RESULT_OF_A_CALL}
        for method, result in found.items():
            if result not in results:
                results.append(result)
            places[method] = results.index(result)
        answers[version] = places
    return {"gitcoord": __version__, "answers": answers, "calls": calls, "results": results}


def text_of(manifest: Mapping[str, Json]) -> str:
    """Return the manifest as it is stored: a line for each result, so that a difference can be read."""
    results = manifest["results"]
    lines = [json.dumps(result, ensure_ascii=False) for result in results] if isinstance(results, list) else []
    head = json.dumps({name: manifest[name] for name in ("gitcoord", "answers", "calls")})
    return f'{head[:-1]}, "results": [\n' + ",\n".join(lines) + "\n]}\n"
