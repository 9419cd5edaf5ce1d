"""`gitcoord metrics --report FILE.html`: one page that shows the numbers, and runs nothing."""

import hashlib
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.activity import series
from gitcoord.core.activity.occurrence import Occurrence
from gitcoord.core.activity.totals import totals
from gitcoord.faces.cli.pages.report_page import ROWS_MAX, page
from tests.faces.cli.conftest import Run

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOSTILE = "</td></style><script>alert(1)</script><img src=//x onerror=alert(2)>\"'\x1b[31m\x00\u202e\ud800&amp;"


class Page(HTMLParser):
    """What a browser finds: elements with their attributes, and texts of cells by row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._is_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
        self._is_cell = tag in {"td", "th"}

    def handle_endtag(self, tag: str) -> None:
        self._is_cell = self._is_cell and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._is_cell:
            self.rows[-1][-1] += data


def made(occurrences: list[Occurrence], days: int = 7, **more: Any) -> str:  # noqa: ANN401 - any field of a result
    since = (NOW - timedelta(days=days - 1)).replace(hour=0).isoformat()
    both = {"auto_resolutions": series.automatic(occurrences), "hotspots": series.refused(occurrences)}
    activity: dict[str, Any] = {**totals(occurrences), **both, "days": days, "since": since, "complete_since": None}
    return page({"activity": {**activity, **more}, "projects": []}, NOW).decode()


def test_a_hostile_name_is_text_and_nothing_else() -> None:
    text = made(
        [
            Occurrence(NOW, "step_completed", HOSTILE),
            Occurrence(NOW, "claim_refused", HOSTILE, "u", 1, HOSTILE, "", HOSTILE, (HOSTILE,)),
            Occurrence(NOW, "auto_narrow", HOSTILE, repo=HOSTILE),
        ]
    )
    plain = made([Occurrence(NOW, "step_completed", "ann")])

    found = Page(text)

    allowed = {tag for tag, _ in Page(plain).elements}
    assert {tag for tag, _ in found.elements} == allowed
    assert allowed & {"script", "img", "link", "iframe", "object", "form", "a"} == set()
    assert sum(any(cell.startswith("</td></style><script>alert(1)") for cell in row) for row in found.rows) == 4
    assert not set("\x1b\x00\u202e") & set(text)


def test_nothing_is_loaded_or_run() -> None:
    text = made([])

    elements = Page(text).elements
    policy = next(given["content"] for tag, given in elements if given.get("http-equiv") == "Content-Security-Policy")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert {name for _, given in elements for name in given} & {"src", "href", "style", "srcset"} == set()
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_each_day_has_its_bars_and_its_numbers() -> None:
    some = [
        Occurrence(NOW - timedelta(days=ago), "step_completed", "ann", "1", times) for ago, times in ((0, 2), (3, 5))
    ]

    text = made(some)

    assert ["2026-11-26", "5", "0", "0", "0", "0", "0"] in Page(text).rows
    assert "<title>2026-11-29: completed 2</title>" in text
    heights = {given["height"] for tag, given in Page(text).elements if tag == "rect"}
    assert heights == {"116.0", "46.4"}
    assert 'aria-label="Throughput: completed 7"' in text


def test_a_long_table_says_what_it_leaves_out() -> None:
    text = made([Occurrence(NOW, "step_completed", f"ann/{number}") for number in range(ROWS_MAX + 1)])

    assert f"the first {ROWS_MAX} of {ROWS_MAX + 1}" in text


def test_a_history_that_was_cut_is_said() -> None:
    text = made([], complete_since="2026-11-27T10:00:00.000Z")

    assert "Complete since 2026-11-27 10:00 UTC only" in text
    assert "Complete since" not in made([])


def test_a_report_is_written_and_has_the_numbers_of_the_json(run: Run, repo: Path, project: str) -> None:
    run("step", "claim")
    run("step", "complete", "1")
    run("claim", "add", "a.py")
    run("claim", "add", "a.py", "--as", "tests")

    done = run("metrics", "--report", "out.html", "--days", "3")

    rows = Page((repo / "out.html").read_text("utf-8")).rows
    found = run("metrics", "--days", "3", "--json").json
    sums, agent = found["activity"]["totals"], found["agents"][0]["agent"]
    assert (done.status, done.err) == (0, "")
    assert done.out == f"written: {repo / 'out.html'}\n"
    assert ["app", "active", "2", "0", "0", "1", "0", "0"] in rows
    assert [agent, "1", "0", "0", f"{sums['claim_granted']}", "0", "0"] in rows
    assert ["a.py", "-", "1"] in rows


def test_json_says_where_the_report_is(run: Run, repo: Path) -> None:
    found = run("metrics", "--report", "out.html", "--json").json

    assert (found["report"], found["days"], found["complete_since"]) == (str(repo / "out.html"), 30, None)


@pytest.mark.parametrize("name", ["no/such/folder.html", "a\0b.html", ""])
def test_a_report_that_cannot_be_written_is_a_usage_error(run: Run, name: str) -> None:
    done = run("metrics", "--report", name)

    assert done.status == 2
    assert "cannot be written" in done.err
