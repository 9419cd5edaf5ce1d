"""Parts of panels: a panel itself, what has a state, a moment, a table with what it has no room for.

Rules:
  * A state is a word, a shape and a class, never colour alone.
  * What depends on the moment of showing is within `time` elements, whose classes say how to say it anew: `ago`, or
    `left` until then.

What this file does not know: which panels there are.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from xml.etree import ElementTree as ET

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.pages.markup import Node, element, table
from gitcoord.faces.cli.terminal.fields import ago, left, minute, text

ROWS_MAX = 100  # of a table: more is for a command, which is named below it


class _Look(NamedTuple):
    """How a state looks: its kind, which is its class, and its shape in a square of 12."""

    kind: str
    path: str


_DOT = "M6 2a4 4 0 1 0 .01 0z"
_RING = "M6 1.5a4.5 4.5 0 1 0 .01 0zM6 3.5a2.5 2.5 0 1 1 -.01 0z"
_HALF = "M6 1.5a4.5 4.5 0 1 0 .01 0zM6 3.2v5.6a2.8 2.8 0 0 0 0-5.6z"
_PLAY = "M3 1.5l7.5 4.5l-7.5 4.5z"
_TICK = "M1.2 6.2l1.6-1.6l2.2 2.2l4.4-4.6l1.6 1.6l-6 6.2z"
_CROSS = "M2.9 1.5l3.1 3.1l3.1-3.1l1.4 1.4l-3.1 3.1l3.1 3.1l-1.4 1.4l-3.1-3.1l-3.1 3.1l-1.4-1.4l3.1-3.1l-3.1-3.1z"
_DASH = "M1.5 5h9v2h-9z"
_WARN = "M6 .8l5.4 10.2h-10.8zM5.3 4.4v3.4h1.4v-3.4zM5.3 8.5v1.4h1.4v-1.4z"
_SQUARE = "M2 2h8v8h-8zM3.6 3.6v4.8h4.8v-4.8z"
_LOOKS: Mapping[str, _Look] = {
    "available": _Look("ready", _RING),
    "waiting": _Look("idle", _SQUARE),
    "not_started": _Look("idle", _SQUARE),
    "claimed": _Look("work", _HALF),
    "in_progress": _Look("work", _PLAY),
    "going": _Look("work", _PLAY),
    "completed": _Look("good", _TICK),
    "delivered": _Look("good", _TICK),
    "skipped": _Look("idle", _DASH),
    "failed": _Look("bad", _CROSS),
    "exhausted": _Look("bad", _CROSS),
    "aborted": _Look("bad", _CROSS),
    "active": _Look("work", _PLAY),
    "live": _Look("good", _DOT),
    "quiet": _Look("warn", _HALF),
    "stale": _Look("bad", _WARN),
    "over": _Look("bad", _WARN),
    "ended": _Look("idle", _DASH),
    "high": _Look("bad", _WARN),
    "medium": _Look("warn", _HALF),
    "low": _Look("idle", _RING),
    "recovered": _Look("warn", _WARN),
    "left": _Look("warn", _DASH),
    "pending": _Look("warn", _HALF),
}
_OTHER = _Look("idle", _RING)


def kind_of(state: str) -> str:
    """Return the class of a state: `ready`, `work`, `good`, `warn`, `bad` or `idle`."""
    return _LOOKS.get(state, _OTHER).kind


def shape(state: str, **attributes: object) -> ET.Element:
    """Return the shape of a state, within a drawing."""
    return element("path", d=_LOOKS.get(state, _OTHER).path, fill_rule="evenodd", class_="shape", **attributes)


def badge(state: Json, word: str = "") -> ET.Element:
    """Return a state as a shape and a word."""
    known = text(state)
    drawn = element("svg", shape(known), viewBox="0 0 12 12", width=12, height=12, aria_hidden="true", class_="glyph")
    return element("span", drawn, f" {word or known.replace('_', ' ')}", class_=f"state {kind_of(known)}")


def moment(value: Json, now: datetime) -> Node:
    """Return how long ago something was."""
    said = ago(value, now)
    return _time(value, f"{said} ago", "ago") if said else ""


def remaining(value: Json, now: datetime) -> Node:
    """Return how long it is until something."""
    said = left(value, now)
    return _time(value, said, "left") if said else ""


def _time(value: Json, said: str, class_: str) -> ET.Element:
    return element("time", said, datetime=text(value), title=minute(value), class_=class_)


def code(value: str) -> ET.Element:
    """Return a name, a path or a command as it is written."""
    return element("code", value)


def codes(values: Sequence[str], most: int = 3) -> Node:
    """Return the first of several, and how many more there are, with all of them as a tooltip."""
    if not values:
        return ""
    more = f" and {len(values) - most} more" if len(values) > most else ""
    parts: list[Node] = []
    for value in values[:most]:
        parts += [", ", code(value)] if parts else [code(value)]
    return element("span", *parts, more, title=", ".join(values))


def nothing(sentence: str) -> ET.Element:
    """Say that a panel has nothing to show."""
    return element("p", sentence, class_="nothing")


def note(sentence: str) -> ET.Element:
    """Say what is left out, or what one has to know."""
    return element("p", sentence, class_="note", role="note")


def details(title: str, content: Iterable[Node]) -> ET.Element:
    """Return what is closed at first."""
    return element("details", element("summary", title), *content, class_="more")


def cut_note(facts: Mapping[str, Json]) -> list[Node]:
    """Say from when on the history is complete, if that is not all of the days."""
    cut = facts.get("complete_since")
    return [note(f"Complete since {minute(cut)} only: older history was not read.")] if cut else []


def listing(
    titles: Sequence[str],
    rows: Iterable[Iterable[Node]],
    count: int,
    rest: str,
    caption: str = "",
    most: int = ROWS_MAX,
) -> list[Node]:
    """Return a table of the first of so many rows. `rest`: the command that shows all of them."""
    drawn: list[Node] = [table(titles, itertools.islice(rows, most), caption)]
    if count > most:
        drawn.append(note(f"The first {most} of {count}; all: {rest}"))
    return drawn


def tiles(counts: Sequence[tuple[str, int | str]]) -> ET.Element:
    """Return numbers with what they count."""
    return element(
        "ul", *(element("li", element("b", f"{count}"), f" {name}") for name, count in counts), class_="tiles"
    )
