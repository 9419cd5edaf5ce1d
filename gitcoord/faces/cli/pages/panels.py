"""Panels: the parts of the dashboard, in the order in which they stand.

    facts of `service/dashboard` ──render──> <section class="panel" id="panel-NAME"> a heading, and what is to be seen

Rules:
  * A panel is rendered on the server, of facts alone: equal facts give equal markup, but for texts of `time` elements.
  * There is no script in a panel and no `style` attribute: a page may forbid both.

Classes, for who styles a page:

  section.panel#panel-NAME > h2 > span.count    a panel; how many it shows
  p.nothing, p.note                             nothing is there; what is left out
  span.state.KIND > svg.glyph > path.shape      a state: ready, work, good, warn, bad, idle; path.shape takes its fill
  time.ago, time.left                           a moment: `12 min ago`, `3 h`; `over` once it is past
  div.wide > table, td.n, td.t                  a table that scrolls sideways; numbers, texts
  ul.tiles > li > b                             numbers with what they count
  div.charts > figure > figcaption > span.key   charts by day (`day_chart`): .l0, .l1 fill of layers, .grid lines
  ul.rows > li.KIND                             what needs attention: strong, p.do > code
  code, button.copy[data-copy]                  a command, and what copies it
  details.more > summary                        what is closed at first
  div.drawing > svg.graph                       g.step.KIND > rect.box, path.shape, text.name, text.said; path.edge
  div.drawing > svg.gantt                       text.lane, line.grid, text.tick; g.span.KIND > rect.bar, path.shape
  table.heat td.h0 … td.h4                      a heat map: 0 is none

What this file does not know: how a page is served, and what makes it follow.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple
from xml.etree import ElementTree as ET

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.pages import claim_panels, history_panels, people_panels, project_panels
from gitcoord.faces.cli.pages.markup import Node, element
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.fields import record

Drawn = tuple[list[Node], int | None]
"""What a panel shows below its heading, and how many there are, if it counts something."""


class Panel(NamedTuple):
    """One panel. `key`: of its facts in what `service/dashboard` returns."""

    name: str
    title: str
    key: str
    draw: Callable[[Result, datetime], Drawn]

    def render(self, facts: Result, now: datetime) -> ET.Element:
        """Return the markup of a panel, of its own facts."""
        content, count = self.draw(facts, now)
        shown = [] if count is None else [" ", element("span", f"{count}", class_="count")]
        heading = element("h2", self.title, *shown, id=f"title-{self.name}")
        return element(
            "section", heading, *content, id=f"panel-{self.name}", class_="panel", aria_labelledby=f"title-{self.name}"
        )

    def of(self, facts: Mapping[str, Json], now: datetime) -> ET.Element:
        """Return the markup of a panel, of the facts of all panels."""
        return self.render(record(facts.get(self.key)), now)


PANELS: tuple[Panel, ...] = (
    Panel("attention", "Needs attention", "attention", people_panels.attention),
    Panel("agents", "Agents", "agents", people_panels.agents),
    Panel("projects", "Projects", "projects", project_panels.projects),
    Panel("timeline", "Timeline of steps", "timeline", project_panels.timeline),
    Panel("claims", "Claims", "claims", claim_panels.claims),
    Panel("waiting", "Waiting line", "waiting", claim_panels.waiting),
    Panel("requests", "Release requests", "requests", claim_panels.requests),
    Panel("hot-files", "Hot files", "hot_files", claim_panels.hot_files),
    Panel("heat-map", "Automatic resolutions", "heat_map", history_panels.heat_map),
    Panel("metrics", "Metrics", "metrics", history_panels.metrics),
    Panel("events", "Events", "events", history_panels.events),
    Panel("deliveries", "Webhook deliveries", "deliveries", history_panels.deliveries),
)
