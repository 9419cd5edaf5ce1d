"""Random plans and boards, and slow ways to compute what the rules compute fast. Shares no code with them."""

from collections.abc import Mapping

from hypothesis import strategies as st

from gitcoord.core.steps.step import Step, StepStatus
from tests.unit.core.play import step

SCOPES = (None, "api", "ui")


@st.composite
def plans(draw: st.DrawFn, steps_max: int = 7) -> dict[int, Step]:
    """Draw steps without a cycle: each depends on steps that come before it in a random order of numbers."""
    nums = draw(st.lists(st.integers(1, 40), min_size=1, max_size=steps_max, unique=True))
    out: dict[int, Step] = {}
    for at, num in enumerate(nums):
        depends_on = draw(st.lists(st.sampled_from(nums[:at]), max_size=3)) if at else []
        out[num] = step(
            num,
            depends_on=tuple(depends_on),
            priority=draw(st.integers(-2, 2)),
            scope=draw(st.sampled_from(SCOPES)),
        )
    return out


def chains_from(steps: Mapping[int, Step], num: int) -> list[list[int]]:
    """List every chain of steps that begins at a step: each of the next waits for the one before."""
    nexts = [one for one in steps if num in steps[one].depends_on]
    return [[num], *([num, *rest] for one in nexts for rest in chains_from(steps, one))]


def longest_chain(steps: Mapping[int, Step], num: int) -> int:
    """Count the steps of the longest chain from a step on that no skipped step interrupts."""
    if steps[num].status is StepStatus.SKIPPED:
        return 0
    whole = [chain for chain in chains_from(steps, num) if all(steps[one].status != "skipped" for one in chain)]
    return max(len(chain) for chain in whole)


def free(steps: Mapping[int, Step]) -> list[int]:
    """List the steps that can be taken, in the order in which they are given out."""
    found = [
        num
        for num, one in steps.items()
        if one.status == "not_started" and all(steps[dep].status in ("completed", "skipped") for dep in one.depends_on)
    ]
    return sorted(found, key=lambda num: (-steps[num].priority, -longest_chain(steps, num), num))
