"""A dashboard that runs is asked for all that it serves, as a browser asks; and what must not be in a page."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from http.client import HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.hostile.crafts import TAG

PARTS = ("", "page.css", "page.js", "live")
INTERRUPTED = 130
UNANSWERED = "what was asked of the dashboard had no answer"


def shown_by(process: "subprocess.Popen[bytes]", out: Path, hang_s: float) -> str:
    """Return what a dashboard answers, as text, and interrupt it; it may have ended by itself before."""
    deadline = time.monotonic() + hang_s
    said = ""
    while process.poll() is None and not said.endswith("\n"):
        if time.monotonic() > deadline:
            raise subprocess.TimeoutExpired(process.args, hang_s)
        time.sleep(0.01)  # a poll of another process, bounded
        said = out.read_text(encoding="utf-8")
    url = said.strip()
    texts = [_answer(f"{url}{part}", hang_s) for part in PARTS] if url.startswith("http://127.0.0.1:") else []
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    return "\n".join(texts)


def _answer(url: str, hang_s: float) -> str:
    try:
        with urlopen(url, timeout=hang_s) as answer:  # noqa: S310 - of this machine
            return "\n".join(_news(answer)) if url.endswith("/live") else answer.read().decode()
    except HTTPError as error:
        return f"{UNANSWERED}, {error.code}: {error.read().decode()}"


def _news(stream: HTTPResponse) -> Iterator[str]:
    """Yield what a page hears until its first look is over: the panels, and of when they are."""
    for line in stream:
        name, _, text = line.decode().strip().partition(": ")
        if name == "data":
            value = json.loads(text)
            yield from map(str, value.values()) if isinstance(value, dict) else [str(value)]
            if isinstance(value, dict) and "trouble" in value:
                return


class _Tags(HTMLParser):
    """Finds what a text of others made of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a tag that is none of ours, and of what would be run."""
        self.found += [tag] if tag == TAG else []
        self.found += [name for name, _ in attrs if name.startswith("on")]


def markup_of_others(page: str) -> list[str]:
    """Return the tags and attributes in a page that are none of ours."""
    tags = _Tags()
    tags.feed(page)
    return tags.found
