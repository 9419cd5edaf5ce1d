"""`python -m tests.faces.cli.dashboard.screenshots`: draw docs/images/dashboard-*.png anew, of a demonstration at work.

Nothing in them is made up: real agents, at a moment when steps are done and some are being worked on.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import ViewportSize

from tests.faces.cli.dashboard.browser import PHONE, started, visiting

ROOT = Path(__file__).parents[4]
IMAGES = ROOT / "docs" / "images"
LOOK_MS = 100
SPANS = 6  # of the timeline: some steps are done, others going
DESK = ViewportSize(width=1360, height=1260)


def main() -> None:
    """Start a demonstration with its dashboard, and draw it in both themes and on a phone."""
    words = [sys.executable, "-m", "gitcoord", "demo", "--dashboard"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            words,
            cwd=folder,
            env={**os.environ, "TMPDIR": folder, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as demo,
        started() as browser,
    ):
        url = demo.stderr.readline().split()[1] if demo.stderr else ""
        with visiting(browser, url, reduced_motion="reduce", viewport=DESK) as visit:
            visit.is_live()
            while int(visit.text("#panel-timeline .count")) < SPANS:
                visit.page.wait_for_timeout(LOOK_MS)
            for name, theme, size in (("light", "light", DESK), ("dark", "dark", DESK), ("phone", "light", PHONE)):
                visit.page.set_viewport_size(size)
                visit.page.select_option("#theme", theme)
                visit.page.screenshot(path=IMAGES / f"dashboard-{name}.png")
            visit.wrong.clear()  # the demonstration may be over by now, and its server with it
        demo.terminate()


if __name__ == "__main__":
    main()
