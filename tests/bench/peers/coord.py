"""`--peers`: what others do, measured in the same run on the same work, in turn with ours.

`coord` (coord-mcp-server on PyPI) is a claim service: HTTP, SQLite, a token. It listens on loopback only, and has a
database of its own.
"""

import http.client
import json
import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import claimers
from tests.bench.claims import claim_one, fill
from tests.bench.peers import install
from tests.bench.peers.install import LeftOutError, environment, left_out
from tests.bench.places import repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

VERSIONS = ("0.27.1", "0.49.0")
ACTIVE = 400
CLAIMS = 60  # of each, in turn: at the end there are 460
FASTER_MIN = 20
RATE_MIN = 30
CROWD_S = 10.0
ROUNDS = 2
START_S = 60.0
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Peer:
    """One version of the service, installed."""

    version: str
    folder: Path

    @property
    def name(self) -> str:
        """Return what the table calls it."""
        return f"coord {self.version}"


def installed(folder: Path, versions: Sequence[str] = VERSIONS) -> list[Peer]:
    """Install what can be installed and is not there yet."""
    found: list[Peer] = []
    for version in versions:
        with left_out(f"coord {version}"):
            found.append(Peer(version, environment(folder / version, f"coord-mcp-server=={version}")))
    return found


@measures("P2+peers", limit_s=300, peers=True)
def p2() -> list[Figure]:
    """One claim of a file at 400 active claims: ours, then each peer's, and `git push` of one commit, in turn."""
    peers = installed(install.folder())
    with ExitStack() as stack:
        top, env = stack.enter_context(repository())
        one = workspace(top, env, "bench/cli/r")
        fill(one, ACTIVE)
        calls: dict[str, Callable[[int], object]] = {"gitcoord": lambda at: claim_one(one, at)}
        for peer in peers:
            with left_out(peer.name):
                claim = stack.enter_context(served(peer)).claim
                for at in range(ACTIVE):
                    claim(f"r{at % 100}", f"area{at % 50}/part{at // 50}/file{at}.py")
                calls[peer.name] = lambda at, claim=claim: claim(f"mine{at % 10}", f"mine/area{at % 50}/file{at}.py")
        calls["git push of one commit to a path"] = _pusher(top, env)
        samples: dict[str, list[float]] = {name: [] for name in calls}
        for at in range(CLAIMS):
            for name, call in calls.items():
                begin = time.perf_counter()
                call(at)
                samples[name].append((time.perf_counter() - begin) * 1000)
    return _compared(samples)


@measures("P3+peers", limit_s=300, peers=True)
def p3() -> list[Figure]:
    """32 processes claim disjoint files: ours and each peer's in turn, twice."""
    peers = installed(install.folder())
    mine: list[float] = []
    figures: dict[str, Figure] = {}
    rates: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(ROUNDS):
        with repository() as (top, env):
            own = claimers.ours(top, env, claimers.PROCESSES, claimers.EACH)
        mine.append(float(str(own.notes["claims_per_second"])))
        for peer in peers:
            with left_out(peer.name), served(peer) as service:
                found = crowd_of(peer, service, claimers.PROCESSES, CROWD_S)
                known = figures.setdefault(peer.name, found)
                known.samples += found.samples if known is not found else []
                rates[peer.name].append(float(str(found.notes["claims_per_second"])))
                known.notes["failures"] = [*_listed(known.notes["failures"]), found.notes["failed"]]
    for name, figure in figures.items():
        ratio = _middle(mine) / max(_middle(rates[name]), 0.01)
        figure.notes |= {"claims_per_second": rates[name], "ours_per_second": mine, "ours_times": round(ratio, 1)}
        figure.must(f"ours >= {RATE_MIN} times its rate", ratio >= RATE_MIN)
    return list(figures.values())


def crowd_of(peer: Peer, service: "Service", processes: int, seconds: float) -> Figure:
    """Let processes claim from one service for some seconds."""
    took_s, rows = claimers.crowd(processes, _claimer, (service.port, service.token, seconds))
    latencies = [ms for row in rows for ms in row["ms"]]
    failures = sum(row["failures"] for row in rows)
    work = f"{peer.name}: {processes} processes claim for {seconds:.0f} s (latency of a claim)"
    figure = Figure("P3", work, latencies)
    rate = (len(latencies) - failures) / took_s
    figure.notes = {"peer": peer.name, "claims_per_second": round(rate, 2), "failed": failures, "failures": []}
    return figure


@dataclass(frozen=True, slots=True)
class Service:
    """A service that listens."""

    port: int
    token: str

    def claim(self, who: str, file: str) -> None:
        """Claim a file, in a connection of its own as its clients do.

        Raises:
            OSError: it did not answer, or did not grant it.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_S)
        wish = {"engineer": who, "session_id": f"s-{who}", "branch": "main", "description": "bench"}
        body = json.dumps({**wish, "claims": [{"type": "file", "pattern": file}]})
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request("POST", "/claims", body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()
        if answer.status != http.client.OK or not json.loads(text).get("claim_ids"):
            raise OSError(f"{answer.status}: {text[:300]}")


@contextmanager
def served(peer: Peer) -> Iterator[Service]:
    """Run the service with an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="served-", dir=peer.folder))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        service = Service(free.getsockname()[1], secrets.token_hex(16))
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    settings = {"HOST": "127.0.0.1", "PORT": str(service.port), "AUTH_TOKEN": service.token, "LOG_LEVEL": "error"}
    settings["DATABASE_PATH"] = str(folder / "coord.db")
    env = {**kept, "HOME": str(folder), **{f"COORD_{name}": value for name, value in settings.items()}}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(peer.folder / "bin" / "coord-api")], cwd=folder, env=env, stdout=log, stderr=log
        )
    try:
        _wait_until_healthy(process, service.port, folder / "log")
        yield service
    finally:
        process.kill()
        process.wait()


def _wait_until_healthy(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == http.client.OK:
                return
        time.sleep(0.1)
    raise LeftOutError(f"it does not start: {log.read_text(errors='replace')[-300:]}")


def _claimer(k: int, start: Callable[[], object], port: int, token: str, seconds: float) -> dict[str, Any]:
    service, latencies, failures, at = Service(port, token), list[float](), 0, 0
    start()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.perf_counter()
        try:
            service.claim(f"w{k}a{at % claimers.AGENTS}", f"src/area{k}/part{at}/file.py")
        except OSError:
            failures += 1
        latencies.append((time.perf_counter() - begin) * 1000)
        at += 1
    return {"ms": latencies, "failures": failures}


def _pusher(top: Path, env: dict[str, str]) -> Callable[[int], None]:
    """Return what pushes one commit to a bare repository beside; the commits are made before."""
    remote = top.parent / "pushed.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], env=env, check=True)
    commits: list[str] = []
    for at in range(CLAIMS):
        parent = ["-p", commits[-1]] if commits else []
        made = ["git", "commit-tree", *parent, "-m", f"commit {at}", "HEAD^{tree}"]
        commits.append(
            subprocess.run(made, cwd=top, env=env, check=True, capture_output=True, text=True).stdout.strip()
        )

    def push(at: int) -> None:
        words = ["git", "push", "-q", str(remote), f"{commits[at]}:refs/heads/main"]
        subprocess.run(words, cwd=top, env=env, check=True, capture_output=True)

    return push


def _compared(samples: dict[str, list[float]]) -> list[Figure]:
    """Make figures of what was measured in turn; the ratio is the median of the pairs'."""
    own = samples["gitcoord"]
    figures = [Figure("P2", f"claim of a file at {ACTIVE} active claims, in turn with others", own)]
    for name, theirs in samples.items():
        if name == "gitcoord":
            continue
        ratio = _middle([other / mine for other, mine in zip(theirs, own, strict=True)])
        figure = Figure(
            "P2", f"{name}, in turn with ours", theirs, notes={"peer": name, "ours_is_faster": round(ratio, 1)}
        )
        if name.startswith("coord"):
            figure.must(f"ours <= 1/{FASTER_MIN} of it", ratio >= FASTER_MIN)
        figures.append(figure)
    return figures


def _middle(values: Sequence[float]) -> float:
    ranked = sorted(values)
    return ranked[len(ranked) // 2] if ranked else 0.0


def _listed(value: object) -> list[Any]:
    return [*value] if isinstance(value, list) else []
