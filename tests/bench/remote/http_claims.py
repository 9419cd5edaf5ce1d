"""P5: a claim, and a step with a path, over smart HTTP in a running process, beside a push, at three round trips."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.doc import replace
from gitcoord.ledger.clone.host import Host
from gitcoord.remote.contract.protocol import ObjectKind, RefName, RefUpdate, SwapStatus, Transport
from gitcoord.runtime import make_host
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step
from tests.bench.places import as_agent, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure
from tests.servers.delaying_proxy import DelayingProxy
from tests.servers.http_backend import HttpBackend

ROUND_TRIPS_MS = (0, 50, 150)
JUDGED_MS = 50
RUNS = 15
WARM_UP = 2
RATIO = 0.45  # of a push
STEP = "claim_step with a path"
FIRST = "claim that another clone's write overtakes for the first time"
AFTER = "claim after another clone's write"
LINES = {"push": "git push", FIRST: "overtaken for the first time", AFTER: "after another clone's write"}
# POST, a read, POST, where a read is a listing and a fetch of what is new. For 10 s after a loss a clone reads first,
# and has no POST that is lost; on a long line that time ends among the runs, and one of them is overtaken anew.
REQUESTS_MAX = 4
QUIET_S = 11.0  # between two calls of an agent: after that a clone no longer goes by what it just did, or lost
SINCE_S = 3.0  # what was written so long ago is no race: who lost to that pushes again


class Line(NamedTuple):
    """A remote behind a proxy, and who works with it."""

    proxy: DelayingProxy
    top: Path
    env: dict[str, str]
    claimer: Workspace
    other: Workspace
    passing: "Passing"
    shared: Callable[[], dict[str, str]] = dict
    http: HttpBackend | None = None

    def push_env(self) -> dict[str, str]:
        """Return the environment of a user's own push, with what makes it share a connection."""
        return {**self.env, **self.shared()}

    def rest(self) -> None:
        """Let the claimer have done nothing for a while, but look, as a server of its clone does every 15 s."""
        self.passing.passed_s += QUIET_S
        self.claimer.listed()


class Passing:
    """Time that passes for both clones of a line without anyone waiting for it."""

    def __init__(self) -> None:
        """Begin with the machine's clock."""
        real = make_host()
        self.passed_s = 0.0
        self.host: Host = replace(
            real,
            now=lambda: real.now() + timedelta(seconds=self.passed_s),
            monotonic=lambda: real.monotonic() + self.passed_s,
        )


@measures("P5")
def p5() -> list[Figure]:
    """Measure a swap, a claim, a step, and claims after another clone's write, each beside a push over that line."""
    figures: list[Figure] = []
    for round_trip_ms in ROUND_TRIPS_MS:
        with line(round_trip_ms) as given:
            found = measured(given, round_trip_ms, RUNS)
        for figure in judged(found, RATIO) if round_trip_ms == JUDGED_MS else ():
            figure.must("one request", figure.notes["requests"] == 1)
        few_requests(found)
        figures += found
    return figures


@contextmanager
def line(round_trip_ms: int) -> Iterator[Line]:
    """Serve a repository over a line of that length; two clones have it as their remote."""
    home = Path(tempfile.mkdtemp(prefix="gitcoord-bench-http-"))
    server = HttpBackend(home)
    proxy = DelayingProxy(server.port, round_trip_ms / 1000)
    bare = server.root / "open" / "r.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    for key, value in (("http.receivepack", "true"), ("gc.auto", "0")):
        subprocess.run(["git", f"--git-dir={bare}", "config", key, value], check=True)
    url = f"http://127.0.0.1:{proxy.port}/open/r.git"
    try:
        with repository() as (top, env), repository() as (elsewhere, other_env):
            here = {"no_proxy": "127.0.0.1", "GITCOORD_REMOTE": url}
            subprocess.run(["git", "remote", "add", "origin", url], cwd=top, env=env, check=True)
            passing, mine = Passing(), {**env, **here}
            other = workspace(elsewhere, {**other_env, **here}, "other/cli/r", passing.host)
            claimer = workspace(top, mine, "bench/cli/r", passing.host)
            yield Line(proxy, top, mine, claimer, other, passing, http=server)
    finally:
        proxy.stop()
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def measured(given: Line, round_trip_ms: int, runs: int, way: str = "http") -> list[Figure]:
    """Measure in turn, so that what else the machine does harms each alike; the first figure is of a push."""
    took: dict[str, list[float]] = {name: [] for name in ("push", "swap", "claim", STEP, FIRST, AFTER)}
    asked: dict[str, list[tuple[int, int]]] = {name: [] for name in took}
    # Others' writes come last: where they write often, a clone looks before it writes.
    # A push stands between the others: over ssh a session is begun ahead when the one before has ended.
    turns = [(turn, name) for turn in range(WARM_UP + runs) for name in ("swap", "push", "claim", "push", STEP)]
    turns += [(turn, name) for name in (FIRST, AFTER) for turn in range(WARM_UP + runs)]
    create_project(
        given.claimer,
        name="bench",
        base_commit="HEAD",
        steps=[
            {"step_num": num, "title": f"step {num}", "paths": [f"steps/{num}.py"]}
            for num in range(1, WARM_UP + runs + 1)
        ],
    )
    for count, (turn, name) in enumerate(turns):
        call = _prepared(given, name, count)
        requests, size_bytes = given.proxy.requests, given.proxy.size_bytes
        begin = time.perf_counter()
        call()
        if turn >= WARM_UP:
            took[name].append((time.perf_counter() - begin) * 1000)
            asked[name].append((given.proxy.requests - requests, given.proxy.size_bytes - size_bytes))
    where = f"{'' if way == 'http' else f'{way}, '}round trip {round_trip_ms} ms"
    figures = [Figure("P5", f"{name}, {where}", took[name], notes=notes_of(asked[name])) for name in took]
    pushes = figures[0].at(0.5)
    for name, figure in zip(took, figures, strict=True):
        figure.over(f"the round trip of {way} in ms", round_trip_ms, LINES.get(name, name))
    for figure in figures[1:]:
        figure.notes["of a push"] = round(figure.at(0.5) / pushes, 2)
    return figures


def judged(figures: list[Figure], ratio: float) -> list[Figure]:
    """Say what a swap and a claim must reach beside the push, and return them."""
    push, *others = figures
    lone = [figure for figure in others if not figure.work.startswith((FIRST, AFTER))]
    return [figure.must(f"p50 <= {ratio} of a push", figure.at(0.5) <= ratio * push.at(0.5)) for figure in lone]


def few_requests(figures: list[Figure]) -> None:
    """Say how many requests a claim may take that another clone has overtaken, in each of its runs."""
    for figure in figures:
        if figure.work.startswith((FIRST, AFTER)):
            most = figure.notes["at most"]
            is_met = isinstance(most, int) and most <= REQUESTS_MAX
            first = "POST, " if figure.work.startswith(FIRST) else "POST once in 10 s, "
            figure.must(f"{first}listing and fetch, POST: most <= {REQUESTS_MAX} requests", is_met)


def notes_of(asked: list[tuple[int, int]]) -> dict[str, object]:
    """Return requests and bytes, both ways: in the middle, and requests at most."""
    requests, sizes = (sorted(column) for column in zip(*asked, strict=True))
    return {"requests": requests[len(asked) // 2], "at most": requests[-1], "bytes": sizes[len(asked) // 2]}


def _claim(claimer: Workspace, name: str) -> None:
    as_agent(claimer, f"bench/cli/{name}")
    result = claim_files(claimer, patterns=[f"made/{name}.py"])
    assert result["granted"], result


def _prepared(given: Line, name: str, count: int) -> Callable[[], object]:
    """Do what has to be there before something is measured, and return that."""
    if name == "push":
        _commit(given, count)
        words = ["git", "push", "-q", "origin", "HEAD:main"]
        return lambda: subprocess.run(words, cwd=given.top, env=given.push_env(), check=True)
    if name == "swap":
        return partial(_won, given.claimer.setting.transport, _swap(given.claimer, count))
    if name != AFTER:
        given.rest()
    if name in {FIRST, AFTER}:
        _claim(given.other, f"{count}-other")
    if name == FIRST:
        given.passing.passed_s += SINCE_S
    return partial(_claim_step if name == STEP else _claim, given.claimer, f"{count}")


def _won(transport: Transport, swap: RefUpdate) -> None:
    assert transport.swap([swap]).status is SwapStatus.WON


def _claim_step(claimer: Workspace, name: str) -> None:
    as_agent(claimer, f"bench/cli/{name}")
    result = claim_step(claimer)
    assert result["step"], result


def _swap(claimer: Workspace, turn: int) -> RefUpdate:
    """Prepare a swap of a commit that is new, as small as one can be."""
    transport, ref = claimer.setting.transport, RefName("refs/coord/probe/bench")
    old = transport.read([ref]).get(ref)
    blob = transport.objects.write(ObjectKind.BLOB, f"{turn} {os.getpid()}\n".encode())
    tree = transport.objects.write(ObjectKind.TREE, b"100644 doc.json\0" + bytes.fromhex(blob))
    who = "bench <bench@localhost> 1700000000 +0000"
    parent = f"parent {old}\n" if old else ""
    data = f"tree {tree}\n{parent}author {who}\ncommitter {who}\n\nbench\n"
    return RefUpdate(ref, old, transport.objects.write(ObjectKind.COMMIT, data.encode()))


def _commit(given: Line, turn: int) -> None:
    (given.top / "lib" / "part0" / "file0.py").write_text(f"value = {turn} in a row\n")
    words = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "-q", "-a", "-m", str(turn)]
    subprocess.run(words, cwd=given.top, env=given.env, check=True)
