"""P8 and P12: how long until the first answer, as ratios to `python -c pass` of the same interpreter."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from gitcoord.service.steps import step_views
from tests.bench import claims
from tests.bench.installed import on_path, programs
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
    """Cold commands; the MCP server until it lists its tools, and until it answers the first call."""
    with programs() as folder:
        return measured(folder, RUNS)


def measured(folder: Path, runs: int) -> list[Figure]:
    """Start each so many times, in turn with Python. `folder`: of the installed programs."""
    with repository() as (top, env):
        fill(workspace(top, env, "bench/cli/r"), 3, 20)
        cold = _Cold(folder, top, env)
        cases: list[tuple[str, Callable[[], None], float | None]] = [
            ("cold `gitcoord status`", lambda: cold.run("status"), 10),
            (
                "cold `gitcoord claim add` of a file",
                lambda: cold.run("claim", "add", cold.file()),
                None,
            ),
            ("cold `gitcoord step claim`", lambda: cold.run("step", "claim"), None),
            ("mcp until initialize and tools/list are answered", lambda: cold.serve([_LIST]), 2),
            ("mcp until the first tools/call is answered", lambda: cold.serve([_LIST, _CALL]), 40),
        ]
        figures: list[Figure] = []
        for work, call, limit in cases:
            figure = _ratio(work, call, folder / "python", env, runs)
            figures.append(figure if limit is None else figure.at_most(limit))
        return figures


@measures("P12")
def p12() -> list[Figure]:
    """Cold load of a packed store with 10,000 steps and 1,000 claims: a new process's first look at both ledgers."""
    return [loaded(10_000, 1_000)]


def loaded(steps: int, active: int) -> Figure:
    """Load what so many steps and claims are in, each time by a workspace that has read nothing yet."""
    with repository() as (top, env):
        filled = workspace(top, env, "bench/cli/r")
        fill(filled, 1, steps)
        claims.fill(filled, active)
        store = top / ".git" / "gitcoord" / "store.git"
        subprocess.run(["git", f"--git-dir={store}", "repack", "-adq"], env=env, check=True)
        samples: list[float] = []
        for _ in range(5):
            one = workspace(top, env, "bench/cli/r")
            begin = time.perf_counter()
            found = step_views.get_available_steps(one)["count"], len(one.register().claims)
            samples.append((time.perf_counter() - begin) * 1000)
            assert found == (steps, active), found
    return Figure("P12", f"cold load of a packed store with {steps:,} steps and {active:,} claims", samples).at_most(
        250
    )


def _ratio(work: str, call: Callable[[], None], python: Path, env: dict[str, str], runs: int) -> Figure:
    """Time in turn with `python -c pass`, so that both see the same machine."""
    ratios: list[float] = []
    seconds: list[float] = []
    call()
    for _ in range(runs):
        base = _timed(lambda: subprocess.run([python, "-c", "pass"], env=env, check=True))
        own = _timed(call)
        ratios.append(own / base)
        seconds.append(own * 1000)
    notes: dict[str, object] = {"median_ms": round(sorted(seconds)[len(seconds) // 2], 1)}
    return Figure("P8", work, ratios, "x python -c pass", notes=notes)


def _timed(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


class _Cold:
    """The installed program in a repository, each time as another agent."""

    def __init__(self, folder: Path, top: Path, env: dict[str, str]) -> None:
        self._program, self._top, self._env = folder / "gitcoord", top, on_path(env, folder)
        self.count = 0

    def run(self, *words: str) -> None:
        """Run a command."""
        subprocess.run([self._program, *words], cwd=self._top, env=self._next(), check=True, capture_output=True)

    def file(self) -> str:
        """Return a file of the repository that was not named yet."""
        return f"lib/part{self.count // 20}/file{self.count}.py"

    def serve(self, messages: list[dict[str, object]]) -> None:
        """Start a server, send the messages, wait for every answer, and end it unceremoniously."""
        process = subprocess.Popen(
            [self._program, "mcp"],
            cwd=self._top,
            env=self._next(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
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

    def _next(self) -> dict[str, str]:
        self.count += 1
        return {**self._env, "GITCOORD_AGENT": f"bench/cli/r{self.count}"}
