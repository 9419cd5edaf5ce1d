"""`--peers` over git: agentsync (agentsync-mcp on PyPI), whose claims are a file on a branch that each claim pushes.

It knows one claim an agent, of files and folders, and no steps. A push that another one overtook is repeated five
times. Its server is driven as a client of MCP would: in a process that goes on, and by the function behind the tool.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.claims import claim_one, fill
from tests.bench.peers import coord, install
from tests.bench.peers.install import LeftOutError, environment, left_out
from tests.bench.registry import measures
from tests.bench.remote.http_claims import Line, line
from tests.bench.report import Figure
from tests.servers.delaying_proxy import DelayingProxy

PACKAGE = "agentsync-mcp==0.2.0"
NAME = PACKAGE.replace("-mcp==", " ")
ACTIVE = 400
CLAIMS = 15
CLONES = 16
ANSWER_S = 60.0
ROUND_TRIPS_MS = (0, 50)
_DRIVER = """
import json, os, sys, time
import agentsync_server
print("ready", flush=True)
for line in sys.stdin:
    agent, file = json.loads(line)
    os.environ["AGENTSYNC_AGENT_ID"] = agent
    begin = time.perf_counter()
    answer = json.loads(agentsync_server.claim("bench", [file]))
    print(json.dumps([answer["status"], (time.perf_counter() - begin) * 1000]), flush=True)
"""


class Board:
    """A process of the server, for one clone."""

    def __init__(self, place: Path, clone: Path, env: Mapping[str, str]) -> None:
        """Start it."""
        words = [str(place / "bin" / "python"), "-c", _DRIVER]
        given = {**env, "AGENTSYNC_BOARD_REPO": str(clone)}
        self._process = subprocess.Popen(
            words,
            cwd=clone,
            env=given,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._ask, self._answer = self._process.stdin, self._process.stdout
        if self._answer.readline() != "ready\n":
            raise LeftOutError("its server does not start")

    def send(self, agent: str, file: str) -> None:
        """Ask for a claim."""
        self._ask.write(json.dumps([agent, file]) + "\n")
        self._ask.flush()

    def received(self) -> tuple[str, float]:
        """Return what became of it, and the milliseconds that it took."""
        status, took_ms = json.loads(self._answer.readline() or '["died", 0]')
        return status, took_ms

    def claim(self, agent: str, file: str) -> None:
        """Claim a file.

        Raises:
            LeftOutError: it was not granted.
        """
        self.send(agent, file)
        status, _ = self.received()
        if status != "claimed":
            raise LeftOutError(f"a claim of one clone ended with {status}")

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


@measures("P5+peers", limit_s=300, peers=True)
def p5() -> list[Figure]:
    """A claim at 400 active ones, in turn: ours over git, agentsync's over git, coord's over its own http."""
    return [figure for round_trip_ms in ROUND_TRIPS_MS for figure in in_turn(round_trip_ms, ACTIVE, CLAIMS)]


@measures("P6+peers", limit_s=300, peers=True)
def p6() -> list[Figure]:
    """16 clones, each with a claim of its own at the same moment; ours is P6."""
    with left_out(NAME):
        return [together(CLONES)]
    return []


def in_turn(round_trip_ms: int, active: int, claims: int) -> list[Figure]:
    """Measure at one length of the line."""
    with ExitStack() as stack:
        given = stack.enter_context(line(round_trip_ms))
        fill(given.claimer, active)
        calls: dict[str, Callable[[int], object]] = {"gitcoord": lambda at: claim_one(given.claimer, at)}
        with left_out(NAME):
            place = environment(install.folder() / "agentsync", PACKAGE)
            board = stack.enter_context(_board(place, given, active))
            calls[NAME] = lambda at: board.claim(f"mine{at}", f"mine/file{at}.py")
        for peer in coord.installed(install.folder(), coord.VERSIONS[-1:]):
            service = stack.enter_context(coord.served(peer))
            proxy = DelayingProxy(service.port, round_trip_ms / 1000)
            stack.callback(proxy.stop)
            for at in range(active):
                service.claim(f"r{at}", f"area{at % 50}/part{at // 50}/file{at}.py")
            away = coord.Service(proxy.port, service.token)
            calls[peer.name] = lambda at, away=away: away.claim(f"mine{at % 10}", f"mine/file{at}.py")
        samples: dict[str, list[float]] = {name: [] for name in calls}
        for at in range(claims):
            for name, call in calls.items():
                begin = time.perf_counter()
                call(at)
                samples[name].append((time.perf_counter() - begin) * 1000)
    ours = samples["gitcoord"]
    figures: list[Figure] = []
    for name, theirs in samples.items():
        ratios = sorted(other / own for other, own in zip(theirs, ours, strict=True))
        figure = Figure("P5", f"{name}: a claim at {active} active ones, round trip {round_trip_ms} ms", theirs)
        figure.notes = {"peer": name, "ours_is_faster": round(ratios[len(ratios) // 2], 2)}
        figures.append(figure)
    return figures


def together(clones: int) -> Figure:
    """Let clones claim at once."""
    place = environment(install.folder() / "agentsync", PACKAGE)
    with line(0) as given, ExitStack() as stack:
        boards = [stack.enter_context(_board(place, given, 0))]
        for number in range(1, clones):
            clone = given.top.parent / f"clone-{number}"
            _git(given.top.parent, given.env, "clone", "-q", given.env["GITCOORD_REMOTE"], str(clone))
            boards.append(Board(place, clone, given.env))
            stack.callback(boards[-1].stop)
        for number, board in enumerate(boards):
            board.claim(f"agent{number}", f"first/{number}.py")
        begin = time.perf_counter()
        for number, board in enumerate(boards):
            board.send(f"agent{number}", f"made/{number}.py")
        found = [board.received() for board in boards]
        last_ms = (time.perf_counter() - begin) * 1000
    figure = Figure("P6", f"{NAME}: {clones} clones claim a file each at the same moment", [ms for _, ms in found])
    failed = sum(status != "claimed" for status, _ in found)
    figure.notes = {"peer": NAME, "failed": failed, "last_ms": round(last_ms)}
    return figure


@contextmanager
def _board(place: Path, given: Line, active: int) -> Iterator[Board]:
    """Publish its branch with so many claims of others, and start a server for the first clone."""
    _git(given.top, given.env, "push", "-q", "origin", "HEAD:refs/heads/main", "HEAD:refs/heads/agentsync")
    worktree = given.top / ".git" / "agentsync-wt"
    _git(given.top, given.env, "fetch", "-q", "origin")
    _git(given.top, given.env, "worktree", "add", "-q", "-B", "agentsync", str(worktree), "origin/agentsync")
    (worktree / "claims.json").write_text(
        json.dumps({"claims": {f"r{at}": _claim(at) for at in range(active)}}, indent=2)
    )
    _git(worktree, given.env, "add", "claims.json")
    _git(worktree, given.env, "commit", "-q", "-m", "claims of others")
    _git(worktree, given.env, "push", "-q", "origin", "agentsync")
    board = Board(place, given.top, given.env)
    try:
        yield board
    finally:
        board.stop()


def _claim(at: int) -> dict[str, object]:
    touches = [f"area{at % 50}/part{at // 50}/file{at}.py"]
    state = {"branch": "", "status": "in-progress", "updated_at": "2026-11-29T12:00:00+00:00", "note": None}
    return {"task": f"claim {at}", "touches": touches, "requires": [], "instance": "other", **state}


def _git(cwd: Path, env: Mapping[str, str], *words: str) -> None:
    subprocess.run(["git", *words], cwd=cwd, env={**env}, check=True, capture_output=True)
