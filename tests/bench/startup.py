"""P8 and P12: how long until the first answer, as ratios to `python -c pass` of the same interpreter."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gitcoord.service.steps import step_views
from tests.bench.places import fill, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

RUNS = 10
_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    },
}
_LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}
_CALL = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "get_available_steps", "arguments": {}}}
_READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@measures("P8")
def p8() -> list[Figure]:
    """Cold status; the MCP server until it lists its tools, and until it answers the first call."""
    with repository() as (top, env):
        fill(workspace(top, env, "bench/cli/r"), 3, 20)
        named = {**env, "GITCOORD_AGENT": "bench/cli/r"}
        cases: list[tuple[str, Callable[[], None], float]] = [
            ("cold `gitcoord status`", lambda: _status(top, named), 10),
            ("mcp until initialize and tools/list are answered", lambda: _mcp(top, named, [_LIST]), 2),
            ("mcp until the first tools/call is answered", lambda: _mcp(top, named, [_LIST, _CALL]), 40),
        ]
        return [_ratio(work, call, limit, env) for work, call, limit in cases]


@measures("P12")
def p12() -> list[Figure]:
    """Cold load of a packed store with 10,000 steps (claims come with their ledger)."""
    with repository() as (top, env):
        fill(workspace(top, env, "bench/cli/r"), 1, 10_000)
        store = top / ".git" / "gitcoord" / "store.git"
        subprocess.run(["git", f"--git-dir={store}", "repack", "-adq"], env=env, check=True)
        samples: list[float] = []
        for _ in range(5):
            one = workspace(top, env, "bench/cli/r")
            begin = time.perf_counter()
            assert step_views.get_available_steps(one)["count"] == 10_000
            samples.append((time.perf_counter() - begin) * 1000)
    return [Figure("P12", "cold load of a packed store with 10,000 steps", samples).at_most(250)]


def _ratio(work: str, call: Callable[[], None], limit: float, env: dict[str, str]) -> Figure:
    """Time in turn with `python -c pass`, so that both see the same machine."""
    ratios: list[float] = []
    seconds: list[float] = []
    call()
    for _ in range(RUNS):
        base = _timed(lambda: subprocess.run([sys.executable, "-c", "pass"], env=env, check=True))
        own = _timed(call)
        ratios.append(own / base)
        seconds.append(own * 1000)
    notes: dict[str, object] = {"median_ms": round(sorted(seconds)[len(seconds) // 2], 1)}
    return Figure("P8", work, ratios, "x python -c pass", notes=notes).at_most(limit)


def _timed(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _program() -> str:
    return str(Path(sys.executable).with_name("gitcoord"))


def _status(top: Path, env: dict[str, str]) -> None:
    subprocess.run([_program(), "status"], cwd=top, env=env, check=True, stdout=subprocess.DEVNULL)


def _mcp(top: Path, env: dict[str, str], messages: list[dict[str, object]]) -> None:
    """Start a server, send the messages, wait for every answer, and end it unceremoniously."""
    process = subprocess.Popen(
        [_program(), "mcp"], cwd=top, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for message in (_INITIALIZE, _READY, *messages):
            process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
        missing = {1, *(message["id"] for message in messages)}
        while missing:
            missing.discard(json.loads(process.stdout.readline()).get("id"))
    finally:
        process.kill()
        process.communicate()
