"""Worlds of faults, and the servers that they use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import AddWorktree, MakeRepo
from tests.faults.world import Worlds
from tests.servers.fixtures import Servers
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest


@pytest.fixture
def worlds(tmp_path: Path, make_repo: MakeRepo, add_worktree: AddWorktree, servers: Servers) -> Iterator[Worlds]:
    made = Worlds(tmp_path, make_repo, add_worktree, servers)
    yield made
    made.close()
