"""A real `gitcoord mcp` process, spoken to line by line, as a client does."""

import itertools
import json
import os
import queue
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any

from gitcoord.faces.mcp.results import all_seen
from tests import fork_server
from tests.schemas.checks import faults, result_of_tool

ROOT = Path(__file__).parents[3]
ANSWER_S = 150  # a bound for a hang on a machine that is busy with other tests
META = "io.modelcontextprotocol/"
Message = dict[str, Any]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gitcoord", "mcp", *arguments]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment, in which this checkout can be imported."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}


def handshake(version: str = "2025-06-18", client: str = "test-client", **more: object) -> Message:
    info = {"name": client, "version": "1"}
    return {"protocolVersion": version, "capabilities": {}, "clientInfo": info, **more}


def envelope(client: str = "test-client") -> Message:
    info = {"name": client, "version": "1"}
    return {f"{META}protocolVersion": "2026-07-28", f"{META}clientInfo": info, f"{META}clientCapabilities": {}}


class ServerProcess:
    """A server; what it sends is kept until it is asked for.

    Its engine is there when it starts, unless it is another `program`: `command()` is one that loads it, as a client's.
    """

    def __init__(
        self, cwd: Path, *arguments: str, env: Mapping[str, str] | None = None, program: Sequence[str] = ()
    ) -> None:
        begin = subprocess.Popen if program else fork_server.start
        self._process = begin(
            program or command(*arguments), cwd=cwd, env=environment(env), stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._ids = itertools.count(1)
        self.others: list[Message] = []
        self.errors = b""
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._read, self._read_errors)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        self.errors = self._process.stderr.read()

    def send(self, message: Message) -> None:
        self.send_line(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def send_line(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def receive(self) -> Message:
        """Return the next message; fails where the output ends or something else than protocol comes."""
        line = self._lines.get(timeout=ANSWER_S)
        assert line, f"the server ended: {self.errors.decode()}"
        message: Message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        assert all_seen(line.decode()) == line.decode(), "what others wrote reaches the client as it is (SEC-1)"
        return message

    def receive_until(self, wanted: Callable[[Message], bool]) -> Message:
        for kept in self.others:
            if wanted(kept):
                self.others.remove(kept)
                return kept
        while not wanted(message := self.receive()):
            self.others.append(message)
        return message

    def request(self, method: str, params: Message | None = None, *, request_id: str | int | None = None) -> Message:
        """Send a request; return the answer to it."""
        sent = next(self._ids) if request_id is None else request_id
        self.send({"id": sent, "method": method, **({} if params is None else {"params": params})})
        return self.receive_until(lambda message: message.get("id") == sent)

    def initialize(self, version: str = "2025-06-18", client: str = "test-client") -> Message:
        answer = self.request("initialize", handshake(version, client))
        self.send({"method": "notifications/initialized"})
        return answer["result"]

    def call(self, tool: str, **arguments: object) -> Message:
        """Call a tool; return the structured result, which is as the schema of its command says."""
        answer = self.request("tools/call", {"name": tool, "arguments": arguments})
        assert "structuredContent" in answer.get("result", {}), answer
        result = answer["result"]["structuredContent"]
        assert faults(result_of_tool(tool), result, is_closed=True) == []
        return result

    def error(self, tool: str, **arguments: object) -> str:
        """Call a tool in vain; return the text."""
        result = self.request("tools/call", {"name": tool, "arguments": arguments})["result"]
        assert result["isError"] is True
        assert "structuredContent" not in result
        (content,) = result["content"]
        return content["text"]

    def end(self) -> int:
        """Close the input; return the exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self.wait()

    def signal(self, number: signal.Signals) -> int:
        """Send a signal; return the exit status."""
        self._process.send_signal(number)
        return self.wait()

    def fill_the_disk(self) -> None:
        """Let no file of the server's grow from now on, which is what it sees of a full disk."""
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def make_room(self) -> None:
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def wait(self) -> int:
        status = self._process.wait(timeout=ANSWER_S)
        for thread in self._threads:
            thread.join(ANSWER_S)
        return status

    def rest(self) -> list[bytes]:
        """Return what was written and not asked for, after the end."""
        return list(iter(lambda: self._lines.get(timeout=ANSWER_S), b""))

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
