"""Which worker of pytest-xdist gets which test, and when.

Rules:
  * Each test goes to the worker that is free first; those of a file of `TOGETHER`, one after the other, to one worker.
  * Races and demonstrations begin first: a test of half a minute that comes last keeps one worker busy and all others
    idle.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadGroupScheduling

TOGETHER = frozenset(
    (
        "tests/faces/demo/test_demo.py",  # several at once would only contend for the processors
        "tests/packaging/test_wheel.py",  # one worker builds and installs the wheel once
    )
)
FIRST = ("tests/faces/demo/", "tests/race/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first; else they stay in the order in which they came."""
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "LoadGroupScheduling | None":
    """Return who distributes the tests, unless another way was asked for.

    xdist's own way names the group at the end of a test's id, which pytest since 9.2 does not let it change.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling  # noqa: PLC0415 - not there where tests run without xdist

    class Distribution(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if file in TOGETHER else nodeid

    return Distribution(config, log)
