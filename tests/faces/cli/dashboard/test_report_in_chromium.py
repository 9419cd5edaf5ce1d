"""The page of `gitcoord metrics --report` in a real Chromium: it can be read by everyone, and asks no one."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from gitcoord.service.session.workspace import Workspace
from tests.faces.cli.conftest import Run
from tests.faces.cli.dashboard.browser import PHONE, visiting


@pytest.fixture
def report(run: Run, team: Workspace, tmp_path: Path) -> Path:
    """The report of a busy team."""
    file = tmp_path / "report.html"
    assert run("metrics", "--report", str(file), cwd=Path(team.repository.top)).status == 0
    return file


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_can_be_used_without_eyes_and_read_by_weak_ones(chromium: Browser, report: Path, scheme: str) -> None:
    found: list[str] = []
    with visiting(chromium, report.as_uri(), color_scheme=scheme) as visit:
        for size in (None, PHONE):
            if size:
                visit.page.set_viewport_size(size)
            found += [
                f"{rule['id']}: {node['html']}"
                for rule in Axe().run(visit.page).response["violations"]
                for node in rule["nodes"]
            ]
        width = visit.finds("[document.documentElement.scrollWidth, window.innerWidth]")

    assert found == []
    assert width[0] <= width[1]  # nothing is beside the screen of a phone


def test_a_report_has_no_script_and_shows_what_the_team_did(chromium: Browser, report: Path) -> None:
    with visiting(chromium, report.as_uri(), java_script_enabled=False) as visit:
        shown = visit.text("main, body")
        assert "shop" in shown
        assert visit.page.locator("script").count() == 0
