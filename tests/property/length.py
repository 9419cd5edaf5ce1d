"""How long the machines run.

CI draws the same examples each time, so that a failure is the change's: a fifth of them there. What finds new ones is a
developer's run, which draws others each time, and `make torture-slice`, which CI runs with a fresh seed.
"""

import os

EXAMPLES = int(os.environ.get("TORTURE_EXAMPLES", "3000"))  # histories of each machine; ten minutes of two cores
_SHARE = 5 if os.environ.get("CI") and "TORTURE_EXAMPLES" not in os.environ else 1


def examples(count: int) -> int:
    """Return how many examples are drawn here of so many."""
    return count // _SHARE
