"""Which worker of pytest-xdist gets which test, and when.

Rules:
  * Each test goes to the worker that is free first; those that share what takes long to make, all to one worker.
  * Tests of half a minute begin first: one that comes last keeps one worker busy and all others idle.
  * Three workers for two processors: many tests wait, for a remote that does not answer or for another process.
"""

import gc
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadGroupScheduling

TOGETHER = frozenset(
    (
        "tests/faces/cli/dashboard/test_in_chromium.py",  # one browser
        "tests/faces/demo/test_demo.py",  # several at once would only contend for the processors
        "tests/faces/mcp/test_external.py",  # its programs are installed once
        "tests/packaging/test_wheel.py",  # one worker builds and installs the wheel once
    )
)
# Together, too, but only those of one value of their parameter: an environment with the wheel and its libraries.
TOGETHER_BY_PARAMETER = frozenset(("tests/packaging/test_libraries.py",))
FIRST = (
    "tests/faces/cli/dashboard/test_in_chromium.py",
    "tests/faces/demo/",
    "tests/faces/mcp/test_external.py",
    "tests/faces/mcp/test_remote_away.py",
    "tests/faults/",
    "tests/packaging/test_libraries.py",
    "tests/packaging/release/test_sbom.py",
    "tests/packaging/test_wheel.py",
    "tests/race/",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers `-n auto` stands for."""
    affinity = getattr(os, "sched_getaffinity", None)  # what this process may use, where the system tells
    processors = len(affinity(0)) if affinity else os.cpu_count() or 1
    return processors + (processors + 1) // 2


def pytest_collection_finish() -> None:
    """Have the garbage collector pass over what was collected, which stays: it took an eighth of a worker's time."""
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first; else they stay in the order in which they came."""
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "LoadGroupScheduling | None":
    """Return who distributes the tests, unless another way was asked for.

    xdist's own way names the group at the end of a test's id, which pytest since 9.2 does not let it change; and it
    begins with the largest groups, not with the longest tests.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling  # noqa: PLC0415 - not there where tests run without xdist

    class Distribution(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return Distribution(config, log)


def group_of(nodeid: str) -> str:
    """Return the name of what is given to one worker with this test."""
    file, _, name = nodeid.partition("::")
    if file in TOGETHER_BY_PARAMETER:
        return f"{file}[{name.partition('[')[2]}"
    return file if file in TOGETHER else nodeid
