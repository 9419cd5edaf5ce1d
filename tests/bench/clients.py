"""P8c: our tools in the first request of real clients; the samples are the times until that request.

Each client twice: on the machine as it is, and with two programs a processor that never pause: how long a client waits
for its servers does not grow with the load, what our server needs does.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gitcoord.faces.mcp.tools.tool_table import tools_of
from tests.bench.places import repository
from tests.bench.registry import measures
from tests.bench.report import Figure
from tests.clients.driving import run, wire
from tests.clients.endpoint import Say
from tests.clients.programs import PROGRAMS, Name, find
from tests.npm import MissingProgramError

RUNS = 10
NAMES: tuple[Name, ...] = ("claude", "codex")  # those that do not wait for their servers


@measures("P8c", limit_s=600)
def p8c() -> list[Figure]:
    """Start each client ten times, each time in a repository of its own."""
    try:
        programs = {name: find(name) for name in NAMES}
    except MissingProgramError as error:
        print(f"P8c is left out: {error}")
        return []
    figures = [_measure(name, programs[name], "") for name in NAMES]
    with _busy():
        figures += [_measure(name, programs[name], ", busy machine") for name in NAMES]
    return figures


def _measure(name: Name, program: Sequence[str], circumstances: str) -> Figure:
    expected = tools_of("work").keys()
    samples: list[float] = []
    complete = 0
    for _ in range(RUNS):
        with repository() as (top, env):
            wire(name, top, env)
            done = run(name, program, [Say()], top, env)
        samples.append(done.first_s * 1000)
        complete += done.shown_tools == expected
    work = f"first request of {PROGRAMS[name].title} {PROGRAMS[name].version}{circumstances}"
    figure = Figure("P8c", work, samples, notes={"work": work, "all_tools": f"{complete} of {RUNS}"})
    return figure.must(f"all tools in {RUNS} of {RUNS}", complete == RUNS)


@contextmanager
def _busy() -> Iterator[None]:
    """Keep every processor busy with two programs."""
    count = 2 * (os.cpu_count() or 1)
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()
