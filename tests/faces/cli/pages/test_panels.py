"""The panels of the dashboard: what they show, and that what others wrote is text and nothing else."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from gitcoord.core.documents.json_text import Json
from gitcoord.core.relay.relay import Attempt, Relay
from gitcoord.faces.cli.pages.history_panels import events as events_panel
from gitcoord.faces.cli.pages.panels import PANELS
from gitcoord.faces.cli.pages.people_panels import agents as agents_panel
from gitcoord.service.dashboard.dashboard import panels
from gitcoord.service.relay import relays
from gitcoord.service.session.workspace import Workspace
from tests.unit.service.dashboard.busy_team import busy
from tests.unit.service.world import Agents

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOSTILE = "</td></style><script>alert(1)</script><img src=//x onerror=alert(2)>\"'\x1b[31m\x00\u202e\ud800&amp;"
_WORDS = re.compile(r"[a-z_]+|\d{4}-\d\d-\d\d.*")  # states, and moments


class Page(HTMLParser):
    """What a browser finds: elements with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def html(facts: dict[str, Json], now: datetime = NOW) -> str:
    return "".join(ET.tostring(panel.of(facts, now), encoding="unicode", method="html") for panel in PANELS)


def changed(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {name: changed(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [changed(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


_MADE: dict[str, dict[str, Json]] = {}  # a team at work takes a second to make, and no test changes its facts


@pytest.fixture
def facts(request: pytest.FixtureRequest) -> dict[str, Json]:
    if "busy" not in _MADE:
        ann: Workspace = request.getfixturevalue("ann")
        agents: Agents = request.getfixturevalue("agents")
        busy(ann, agents(request.getfixturevalue("repo"), "bob/cli/wt"))
        _MADE["busy"] = panels(ann)
    return _MADE["busy"]


def test_every_panel_shows_its_facts(facts: dict[str, Json]) -> None:
    page = Page(html(facts))

    ids = [attributes.get("id") for tag, attributes in page.elements if tag == "section"]
    assert ids == [f"panel-{panel.name}" for panel in PANELS]
    for text in ("shop/2", "the docs", "docs/x.md", "ann/cli/wt", "Part 3", "step_recovered"):
        assert text in page.text, text


def test_text_of_others_is_text_and_nothing_else(facts: dict[str, Json]) -> None:
    hostile = changed(facts, lambda text: text if _WORDS.fullmatch(text) else HOSTILE)

    page, plain = Page(html(hostile)), Page(html(facts))

    assert {tag for tag, _ in page.elements} == {tag for tag, _ in plain.elements}
    assert {name for _, given in page.elements for name in given} == {
        name for _, given in plain.elements for name in given
    }
    assert "<script>alert(1)</script>" in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html(hostile))


def test_of_much_that_needs_attention_the_first_is_unfolded_and_the_rest_is_counted() -> None:
    rows: list[Json] = [{"kind": "step_stale", "severity": "medium", "about": f"app/{num}"} for num in range(150)]
    panel = next(panel for panel in PANELS if panel.name == "attention").of({"attention": {"rows": rows}}, NOW)

    lists = [[*found.iter("li")] for found in panel.iter("ul")]

    assert [len(items) for items in lists] == [20, 80]
    assert [found.text for found in panel.iter("summary")] == ["80 more"]
    assert "The first 100 of 150" in "".join(panel.itertext())


def test_deliveries_are_shown_with_their_last_attempts() -> None:
    attempt = Attempt(id="d1", event="step_failed", at=NOW, number=2, result="exhausted", answer=HOSTILE)
    relay = Relay(name="webhooks", receiver="https://example.com", recent=(attempt,), delivered=41, failed=3)
    shown: dict[str, Json] = {"relays": [relays.stats_of(relay)], "tails": [relays.tail_of(relay, 20)]}

    page = Page(html({"deliveries": shown}))

    for said in ("webhooks", "https://example.com", "41", "step_failed", "exhausted", "<script>alert(1)</script>"):
        assert said in page.text, said


def test_nothing_needs_a_script_or_a_style_of_its_own(facts: dict[str, Json]) -> None:
    found = Page(html(facts)).elements

    assert not [tag for tag, _ in found if tag in {"script", "style", "link", "img", "iframe", "a", "form"}]
    assert not [name for _, given in found for name in given if name == "style" or name.startswith("on")]


def test_facts_that_are_not_what_they_should_be_show_nothing_rather_than_an_error(facts: dict[str, Json]) -> None:
    for wrong in (None, 7, "x", [], {}, [None, 7, "x", {}]):
        emptied: dict[str, Json] = {
            name: dict.fromkeys(value, wrong) for name, value in facts.items() if isinstance(value, dict)
        }
        assert len(Page(html(emptied)).elements) > len(PANELS)


def test_a_team_that_has_nothing_is_told_so() -> None:
    page = Page(html({}))

    assert "Nothing needs attention." in page.text
    assert "There is no project." in page.text


def test_equal_facts_differ_only_in_the_texts_of_moments(facts: dict[str, Json]) -> None:
    def without_moments(text: str) -> str:
        return re.sub(r"(<time[^>]*>)[^<]*", r"\1", text)

    now, later = html(facts), html(facts, NOW + timedelta(hours=5))

    assert now != later
    assert without_moments(now) == without_moments(later)


def test_a_state_is_a_word_and_a_shape_and_a_class(facts: dict[str, Json]) -> None:
    states = [
        node for panel in PANELS for node in panel.of(facts, NOW).iter("span") if "state" in node.get("class", "")
    ]

    assert states
    for node in states:
        assert node.get("class") in {f"state {kind}" for kind in ("ready", "work", "good", "warn", "bad", "idle")}
        assert len(list(node.iter("path"))) == 1
        assert "".join(node.itertext()).strip()


def test_agents_are_counted_in_the_words_of_their_rows() -> None:
    found = [("unknown", "cli-1"), ("live", "s-1"), ("unknown", "s-2"), ("unknown", "cli-2")]

    summary = agents_panel({"rows": [{"life": life, "session": session} for life, session in found]}, NOW)[0][0]

    assert isinstance(summary, ET.Element)
    assert ["".join(node.itertext()) for node in summary] == ["1 live", "2 at a shell", "1 no heartbeat"]


def test_an_event_says_what_it_is_about() -> None:
    found: list[Json] = [
        {"event": "project_created", "project": "shop"},
        {"event": "step_claimed", "project": "shop", "step": "shop/2"},
        {"event": "claim_granted", "project": "shop", "patterns": ["a.py", "b.py"]},
    ]

    table = events_panel({"events": found}, NOW)[0][0]

    assert isinstance(table, ET.Element)
    shown = ET.tostring(table, encoding="unicode", method="html")
    assert re.findall(r'data-label="what"><span title="(.*?)">', shown) == ["shop", "shop/2", "a.py, b.py"]


def test_a_drawing_has_a_title_a_description_and_a_table_beside_it(facts: dict[str, Json]) -> None:
    for name, class_ in (("projects", "graph"), ("timeline", "gantt")):
        panel = next(panel for panel in PANELS if panel.name == name).of(facts, NOW)
        drawings = [node for node in panel.iter("svg") if node.get("class") == class_]
        assert drawings
        for drawing in drawings:
            said = [drawing.find(f"*[@id='{id_}']") for id_ in drawing.get("aria-labelledby", "").split()]
            assert [node.tag for node in said if node is not None and node.text] == ["title", "desc"]
        assert len([node for node in panel.iter("details") if node.find("summary") is not None]) == len(drawings)


def test_each_step_is_drawn_once_with_its_state_in_words(facts: dict[str, Json]) -> None:
    panel = next(panel for panel in PANELS if panel.name == "projects").of(facts, NOW)
    shop = next(node for node in panel.iter("svg") if node[0].text == "Steps of shop")

    titles = [node[0].text for node in shop.iter("g")]

    assert titles == [
        "1 Part 1: completed",
        "2 Part 2: claimed, bob/cli/wt",
        "3 Part 3: waiting",
        "4 Part 4: waiting",
        "5 Part 5: claimed, ann/cli/wt",
    ]
    assert len([node for node in shop.iter("path") if node.get("class") == "edge"]) == 3
