"""P1: claim_step in a running process, embedded store."""

import time

from gitcoord.service.steps import step_work
from tests.bench.places import as_agent, fill, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

CLAIMS = 500
SIZES = (100, 1_000, 10_000)
WARM_UP = 20


@measures("P1")
def run() -> list[Figure]:
    """Measure with 100 projects of 100 steps, and with one project of 10,000; of smaller ones for the plot."""
    figures = [_measure("100 projects of 100 steps", 100, 100)]
    sizes = {size: _measure(f"one project of {size:,} steps", 1, size) for size in SIZES}
    figures += [figure.over("steps", size, "claim_step") for size, figure in sizes.items()]
    for figure in (figures[0], figures[-1]):
        figure.at_most(2).at_most(10, 0.99)
    return figures


def _measure(work: str, count: int, size: int) -> Figure:
    with repository() as (top, env):
        one = workspace(top, env, "bench/cli/r")
        fill(one, count, size)
        samples: list[float] = []
        for at in range(min(WARM_UP + CLAIMS, count * size)):
            as_agent(one, f"bench/cli/r{at}")
            begin = time.perf_counter()
            result = step_work.claim_step(one)
            samples.append((time.perf_counter() - begin) * 1000)
            assert result["step"], result
        return Figure("P1", f"claim_step, {work}", samples[WARM_UP:])
