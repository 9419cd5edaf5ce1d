"""The drawing of a timeline: a lane for each agent, and in it a bar for each step that it had.

Rules:
  * Bars of one lane that overlap stand below each other.
  * How a bar ends is a shape and a word in its tooltip, beside its colour. One that goes on reaches the edge.

What this file does not know: whose history it is.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

from gitcoord.core.documents.json_text import Json, parse_time
from gitcoord.faces.cli.pages.markup import element
from gitcoord.faces.cli.pages.panel_parts import kind_of, shape
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.fields import minute, records, text

WIDE, NAMES, EDGE, TOP = 1100, 190, 18, 22
ROW, BAR, GAP = 20, 14, 8
LEAST = 3  # of a bar: what took a second is seen, too
TICKS_MAX = 8
NAME_CHARS = 28
_STEPS_S = (1, 5, 15, 60, 300, 900, 3600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600)


class _Axis:
    """Where a moment is, from left to right."""

    def __init__(self, begin: datetime, end: datetime) -> None:
        self.begin, self.end = begin, max(end, begin + timedelta(seconds=1))

    def at(self, moment: datetime) -> float:
        share = (moment - self.begin) / (self.end - self.begin)
        return NAMES + (WIDE - NAMES - EDGE) * min(1.0, max(0.0, share))

    def ticks(self) -> list[datetime]:
        whole_s = (self.end - self.begin).total_seconds()
        step_s = next((size for size in _STEPS_S if whole_s / size <= TICKS_MAX), _STEPS_S[-1] * 2)
        first = -(-self.begin.timestamp() // step_s) * step_s
        every = (first + step_s * number for number in range(TICKS_MAX + 1))
        return [datetime.fromtimestamp(second, self.begin.tzinfo) for second in every if second <= self.end.timestamp()]


def gantt(lanes: Sequence[Result], begin: Json, end: Json) -> ET.Element | None:
    """Return the lanes of agents as a drawing; `None`: the ends of the axis are no moments."""
    ends = [moment for moment in map(_moment, (begin, end)) if moment is not None]
    if len(ends) != 2:  # noqa: PLR2004 - begin and end
        return None
    axis, y = _Axis(*ends), TOP
    drawn: list[ET.Element] = []
    for lane in lanes:
        bars, rows = _bars(records(lane.get("spans")), axis, y)
        name = text(lane.get("agent"))
        short = name if len(name) <= NAME_CHARS else f"…{name[1 - NAME_CHARS :]}"
        drawn.append(element("text", element("title", name), short, x=0, y=y + 11, class_="lane"))
        drawn += bars
        y += rows * ROW + GAP
        drawn.append(element("line", x1=0, x2=WIDE, y1=y - GAP / 2, y2=y - GAP / 2, class_="grid"))
    grid: list[ET.Element] = []
    is_short = (axis.end - axis.begin) < timedelta(days=2)
    for tick in axis.ticks():
        x = f"{axis.at(tick):.1f}"
        grid.append(element("line", x1=x, x2=x, y1=TOP - 6, y2=y, class_="grid"))
        said = (
            f"{tick:%H:%M:%S}"
            if (axis.end - axis.begin) < timedelta(minutes=5)
            else f"{tick:%H:%M}"
            if is_short
            else f"{tick:%m-%d}"
        )
        anchor = "end" if axis.at(tick) > WIDE - NAMES / 4 else "middle"
        grid.append(element("text", said, x=x, y=12, text_anchor=anchor, class_="tick"))
    said = f"{len(lanes)} agents from {minute(begin)} to {minute(end)}. A table has the same."
    svg = element(
        "svg",
        element("title", "Who had which step from when to when", id="gantt-title"),
        element("desc", said, id="gantt-said"),
        *grid,
        *drawn,
        viewBox=f"0 0 {WIDE} {y}",
        width=WIDE,
        height=y,
        role="img",
        aria_labelledby="gantt-title gantt-said",
        class_="gantt",
    )
    return element("div", svg, class_="drawing", tabindex=0, role="region", aria_label="Timeline")


def _bars(spans: Sequence[Result], axis: _Axis, top: int) -> tuple[list[ET.Element], int]:
    """Return the bars of a lane, each in the first row that has room, and how many rows that takes."""
    drawn: list[ET.Element] = []
    rows: list[float] = []
    for span in spans:
        begin, end = _moment(span.get("begin")), _moment(span.get("end"))
        left, right = axis.at(begin or axis.begin), axis.at(end or axis.end)
        right = max(right, left + LEAST)
        row = next((index for index, taken in enumerate(rows) if taken <= left), len(rows))
        rows[row : row + 1] = [right + BAR]  # its shape stands behind it
        drawn.append(_bar(span, left, right, top + row * ROW))
    return drawn, max(1, len(rows))


def _bar(span: Result, left: float, right: float, y: int) -> ET.Element:
    how, name = text(span.get("how")), text(span.get("step_id"))
    began = minute(span.get("begin")) or "before what was read"
    ended = minute(span.get("end")) or "now"
    title = f"{name} {text(span.get('title'))}: {how}, from {began} to {ended}"
    num = name.rpartition("/")[2]
    room = right - left > 8 * len(num) + 4
    said = [element("text", num, x=f"{left + 4:.1f}", y=y + 11, class_="num")] if room else []
    return element(
        "g",
        element("title", title),
        element("rect", x=f"{left:.1f}", y=y, width=f"{right - left:.1f}", height=BAR, rx=2, class_="bar"),
        *said,
        shape(how, transform=f"translate({right + 1:.1f} {y + 1})"),
        class_=f"span {kind_of(how)}",
    )


def _moment(value: Json) -> datetime | None:
    try:
        return parse_time(text(value))
    except ValueError:
        return None
