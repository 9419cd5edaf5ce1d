"""A real Chromium for tests: the system's own, driven by Playwright, without anything of this machine's user.

A page that is visited tells of everything that went wrong in it: what it could not load, what its policy forbade, what
its script threw, a dialog that opened, and whom else it asked.
"""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, ViewportSize, sync_playwright

from tests.npm import IN_CI

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",  # CI runs as root, where Chromium has none
    "--disable-dev-shm-usage",  # a small one, as containers have, ends its pages
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS = 60_000  # a bound for a hang
DESK, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
_TOLD = (
    "document.addEventListener('securitypolicyviolation', (e) => console.error(`forbidden: ${e.violatedDirective}`))"
)


@contextmanager
def started() -> Generator[Browser]:
    """Start a browser with a profile of its own, for as long as the block runs."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        if IN_CI:
            pytest.fail("Chromium is missing; .ci/run installs it")
        pytest.skip("no Chromium is here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, env=dict(os.environ))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """One page, in a context of its own, and all that went wrong in it."""

    page: Page
    allowed: str
    wrong: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        page = self.page
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(f"thrown: {error}"))
        page.on("dialog", self._opened)
        page.on("request", lambda request: self._asked(request.url))
        page.add_init_script(_TOLD)

    def _opened(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _asked(self, url: str) -> None:
        if not url.startswith((self.allowed, "data:")):
            self.wrong.append(f"asked: {url}")

    def shows(self, selector: str) -> None:
        """Wait until something is to be seen."""
        self.page.wait_for_selector(selector)

    def is_live(self) -> None:
        """Wait until the page is connected."""
        self.shows('#condition[data-state="live"]')

    def hears(self, word: str) -> None:
        """Wait until a screen reader is told of something."""
        self.page.wait_for_selector(f"#said:has-text('{word}')", state="attached")

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def finds(self, script: str) -> Any:  # noqa: ANN401 - what a script returns
        return self.page.evaluate(script)


@contextmanager
def visiting(browser: Browser, url: str, **options: Any) -> Generator[Visit]:  # noqa: ANN401 - Playwright's own
    """Visit an address; nothing may have gone wrong by the end that the test does not take out of `wrong`."""
    context = browser.new_context(**{"viewport": DESK, "reduced_motion": "no-preference", **options})
    visit = Visit(context.new_page(), url)
    visit.page.goto(url)
    try:
        yield visit
        assert visit.wrong == []
    finally:
        context.close()
