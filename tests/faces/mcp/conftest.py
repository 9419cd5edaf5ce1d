"""Servers and clients of MCP for tests."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from tests.conftest import MakeRepo
from tests.faces.mcp.process import ServerProcess
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest


class Serve(Protocol):
    """Start a server in a folder; it is stopped after the test."""

    def __call__(
        self, cwd: Path, *arguments: str, env: dict[str, str] | None = None, program: Sequence[str] = ()
    ) -> ServerProcess: ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[ServerProcess] = []

    def start(
        cwd: Path, *arguments: str, env: dict[str, str] | None = None, program: Sequence[str] = ()
    ) -> ServerProcess:
        started.append(ServerProcess(cwd, *arguments, env=env, program=program))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
