"""The clients, and a place for each to work in."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.bench.places import repository
from tests.clients.programs import Name, install
from tests.npm import IN_CI, MissingProgramError


@pytest.fixture(scope="session")
def program() -> Callable[[Name], Sequence[str]]:
    """Install a client once; a test of one that cannot be had is skipped, except where `CI` is set."""

    def command(name: Name) -> Sequence[str]:
        try:
            return install(name)
        except MissingProgramError as error:
            if IN_CI:
                pytest.fail(str(error), pytrace=False)
            pytest.skip(str(error))

    return command


@pytest.fixture
def place() -> Iterator[tuple[Path, dict[str, str]]]:
    """Make a repository with one commit, and an environment with a home of its own."""
    with repository() as made:
        yield made
