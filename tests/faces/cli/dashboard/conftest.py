"""Dashboards over real ledgers, asked over a real port, and a browser that shows them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from gitcoord.service.session.workspace import Workspace
from tests.faces.cli.dashboard.browser import started
from tests.faces.cli.dashboard.serving import Served, serving
from tests.unit.service.dashboard.busy_team import busy
from tests.unit.service.world import Agents
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import ann as ann  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import shared as shared  # noqa: PLC0414 - a fixture, exported to pytest


@pytest.fixture
def served(ann: Workspace) -> Iterator[Served]:
    """The dashboard of a clone's own store."""
    with serving(ann) as found:
        yield found


@pytest.fixture
def team(ann: Workspace, agents: Agents, repo: Path) -> Workspace:
    """One of a team that does a bit of everything, so that no panel is empty."""
    busy(ann, agents(repo, "bob/cli/wt"))
    return ann


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started() as browser:
        yield browser
