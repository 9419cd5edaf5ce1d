"""Which tests go to one worker together: those that share what takes long to make, and no others."""

from pathlib import Path

import pytest

from tests.distribution import FIRST, TOGETHER, TOGETHER_BY_PARAMETER, group_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("place", sorted({*FIRST, *TOGETHER, *TOGETHER_BY_PARAMETER}))
def test_what_is_named_is_there(place: str) -> None:
    assert (ROOT / place).exists()


def test_tests_are_together_that_share_a_file_or_a_value() -> None:
    libraries, alone = "tests/packaging/test_libraries.py", "tests/unit/core/test_board.py::test_a[3.11-newest]"
    ids = [
        "tests/packaging/test_wheel.py::test_a",
        "tests/packaging/test_wheel.py::test_b[1]",
        f"{libraries}::TestEach::test_a[3.11-newest]",
        f"{libraries}::TestEach::test_b[3.11-newest]",
        f"{libraries}::TestEach::test_b[3.11-lowest]",
        alone,
    ]

    assert [group_of(nodeid) for nodeid in ids] == [
        "tests/packaging/test_wheel.py",
        "tests/packaging/test_wheel.py",
        f"{libraries}[3.11-newest]",
        f"{libraries}[3.11-newest]",
        f"{libraries}[3.11-lowest]",
        alone,
    ]
