"""`gitcoord dashboard --export FILE.html`: all panels as one page, to keep with a build or to publish.

What this file does not know: how a page looks, where it goes.
"""

from collections.abc import Mapping
from datetime import datetime

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.pages.markup import document, element
from gitcoord.faces.cli.pages.panels import PANELS
from gitcoord.faces.cli.terminal.fields import minute, record, text


def export(facts: Mapping[str, Json], now: datetime, style: str) -> bytes:
    """Return the facts of all panels as a page of HTML with this style; every time in it is as of now."""
    place = record(facts.get("place"))
    title = f"gitcoord: {text(place.get('repo')) or text(place.get('remote'))}"
    made = f"As of {minute(now.isoformat())}; this page does not change. Times are counted from then."
    heading = element("header", element("h1", title), element("p", made))
    return document(title, style, heading, element("main", *(panel.of(facts, now) for panel in PANELS)))
