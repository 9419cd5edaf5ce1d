"""The drawing of a project's steps: each a box with its state, in columns from what comes first to what comes last.

What this file does not know: where boxes are best placed (`core/steps/graph_layers`).
"""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from gitcoord.core.steps.graph_layers import Line, layout
from gitcoord.faces.cli.pages.markup import element
from gitcoord.faces.cli.pages.panel_parts import kind_of, shape
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.fields import text, whole

WIDE, TALL = 184, 38  # of a box, in which 19 bold letters fit on a line
COLUMN, ROW, EDGE = 234, 50, 6
NAME_CHARS, SAID_CHARS = 19, 25


def graph(name: str, steps: Sequence[Result], number: int) -> ET.Element:
    """Return the steps of a project as a drawing; `number`: of the drawing on its page."""
    by_num = {whole(step.get("step_num")): step for step in steps}
    before = {num: step.get("depends_on") for num, step in by_num.items()}
    places = layout({num: [*map(whole, nums)] if isinstance(nums, list) else [] for num, nums in before.items()})
    lines = [_line(line) for line in places.lines]
    boxes = [_box(by_num[num], *place) for num, place in sorted(places.places.items())]
    wide, tall = COLUMN * places.columns - COLUMN + WIDE + 2 * EDGE, ROW * places.rows - ROW + TALL + 2 * EDGE
    ids = (f"graph-{number}-title", f"graph-{number}-said")
    said = f"{len(boxes)} steps in {places.columns} columns, each behind those that it waits for. A table has the same."
    svg = element(
        "svg",
        element("title", f"Steps of {name}", id=ids[0]),
        element("desc", said, id=ids[1]),
        *lines,
        *boxes,
        viewBox=f"0 0 {wide} {tall}",
        width=wide,
        height=tall,
        role="img",
        aria_labelledby=" ".join(ids),
        class_="graph",
    )
    return element("div", svg, class_="drawing", tabindex=0, role="region", aria_label=f"Graph of {name}")


def look_of(step: Result) -> str:
    """Return the state of a step as it is drawn: one whose holder is gone is not at work."""
    return "stale" if step.get("life") == "stale" else text(step.get("state"))


def _line(line: Line) -> ET.Element:
    """Return a line from box to box, straight through the columns between, with an arrow at its end."""
    (column, row), *rest = line.places
    x, y = _spot(column, row)
    drawn = [f"M{x + WIDE} {y:g}"]
    x += WIDE
    for column, row in rest:
        next_x, next_y = _spot(column, row)
        middle = (x + next_x) / 2
        drawn.append(f"C{middle:g} {y:g} {middle:g} {next_y:g} {next_x} {next_y:g}")
        x, y = next_x, next_y
        if (column, row) != rest[-1]:
            x += WIDE
            drawn.append(f"H{x}")
    drawn.append("m-7 -4l7 4l-7 4")
    return element("path", d="".join(drawn), class_="edge", fill="none")


def _spot(column: int, row: float) -> tuple[int, float]:
    return EDGE + COLUMN * column, EDGE + ROW * row + TALL / 2


def _box(step: Result, column: int, row: float) -> ET.Element:
    x, y = _spot(column, row)
    y -= TALL / 2
    look = look_of(step)
    name = f"{whole(step.get('step_num'))} {text(step.get('title'))}"
    hidden = whole(step.get("not_shown"))
    agent = text(step.get("agent"))
    said = f"{look.replace('_', ' ')}{f', {agent}' if agent else ''}{f', after {hidden} more' if hidden else ''}"
    return element(
        "g",
        element("title", f"{name}: {said}"),
        element("rect", x=x, y=f"{y:g}", width=WIDE, height=TALL, rx=5, class_="box"),
        shape(look, transform=f"translate({x + 7} {y + 13:g})"),
        element("text", _short(name, NAME_CHARS), x=x + 25, y=f"{y + 16:g}", class_="name"),
        element("text", _short(said, SAID_CHARS), x=x + 25, y=f"{y + 30:g}", class_="said"),
        class_=f"step {kind_of(look)}",
    )


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
