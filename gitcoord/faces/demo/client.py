"""An MCP client of the standard library: JSON-RPC, one message a line, over a server's stdin and stdout.

Small on purpose: an agent of the demonstration calls a handful of tools, one at a time.
"""

import json
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import UnreachableError

PROTOCOL = "2025-06-18"
ANSWER_S = 60.0  # a machine that starts a dozen servers at once has needed ten for the first answer


class ToolFailedError(Exception):
    """A tool answered with an error; the text is for the caller."""


class Client:
    """One server process and the conversation with it."""

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str], log: Path) -> None:
        """Start the server; call `open` before anything else."""
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command, cwd=folder, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        self._answers: queue.Queue[dict[str, Json] | None] = queue.Queue()
        self._last_id = 0
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def open(self, name: str) -> None:
        """Begin the conversation."""
        hello: dict[str, Json] = {
            "protocolVersion": PROTOCOL,
            "capabilities": {},
            "clientInfo": {"name": name, "version": "1"},
        }
        self._request("initialize", hello)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, tool: str, **arguments: Json) -> dict[str, Json]:
        """Call a tool and return its result.

        Raises:
            ToolFailedError: the tool says that the call was a mistake.
            UnreachableError: the server does not answer.
        """
        result = self._request("tools/call", {"name": tool, "arguments": arguments})
        content = result.get("content")
        first = content[0] if isinstance(content, list) and content else None
        text = str(first.get("text")) if isinstance(first, dict) else ""
        if result.get("isError"):
            raise ToolFailedError(text)
        structured = result.get("structuredContent")
        return structured if isinstance(structured, dict) else json.loads(text)

    def read(self, uri: str) -> dict[str, Json]:
        """Read a resource."""
        contents = self._request("resources/read", {"uri": uri}).get("contents")
        first = contents[0] if isinstance(contents, list) and contents else None
        return json.loads(str(first.get("text"))) if isinstance(first, dict) else {}

    def close(self) -> None:
        """End the conversation as agents' tools do, by closing stdin, and wait for the server's end."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join(ANSWER_S)
        if self._process.stdout and not self._reader.is_alive():
            self._process.stdout.close()

    def _request(self, method: str, parameters: dict[str, Json]) -> dict[str, Json]:
        self._last_id += 1
        self._send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": parameters})
        while True:
            try:
                answer = self._answers.get(timeout=ANSWER_S)
            except queue.Empty:
                raise UnreachableError(f"The server did not answer {method} in {ANSWER_S:.0f} s.") from None
            if answer is None:
                raise UnreachableError(f"The server ended before it answered {method}.")
            if answer.get("id") == self._last_id and "method" not in answer:
                error, result = answer.get("error"), answer.get("result")
                if isinstance(error, dict):
                    raise ToolFailedError(str(error.get("message")))
                return result if isinstance(result, dict) else {}

    def _send(self, message: dict[str, Json]) -> None:
        if self._process.stdin is None:
            raise UnreachableError("The server has no input.")
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise UnreachableError("The server ended.") from None

    def _read(self, stream: IO[bytes] | None) -> None:
        for line in stream or ():
            message: Json = json.loads(line)
            if isinstance(message, dict):
                self._answers.put(message)
        self._answers.put(None)
