"""What the tests of the checks share: real repositories, agents at work, and one check of a folder by its id."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from gitcoord.faces.cli.setup import wiring_checks
from gitcoord.runtime import examine_here
from gitcoord.service.doctor import all_checks, machine
from gitcoord.service.doctor.check_run import Finding, examine
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import ann as ann  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import repo as repo  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import shared as shared  # noqa: PLC0414 - a fixture, exported to pytest


class Look(Protocol):
    """Carry out the check of that id in a folder."""

    def __call__(
        self,
        name: str,
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        offline: bool = False,
        starts_any: bool = False,
    ) -> Finding: ...


@pytest.fixture
def look() -> Look:
    def call(
        name: str,
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        offline: bool = False,
        starts_any: bool = False,
    ) -> Finding:
        site = examine_here(folder, {**os.environ, **(env or {})}, offline=offline)
        checks = [
            *machine.checks(site.folder, site.env),
            *all_checks.of_repository(site),
            *wiring_checks.checks(site, starts_any=starts_any),
            *all_checks.of_place(site),
        ]
        check = next(one for one in checks if one.id == name)
        return examine(check, site.host.monotonic)

    return call
