"""The bar of the dashboard: what it is of, how it stands, and what a person can do with the page.

What this file does not know: what the page shows.
"""

from datetime import datetime
from xml.etree import ElementTree as ET

from gitcoord.core.documents.json_text import time_text
from gitcoord.faces.cli.pages.markup import element

_KEYS = (("j, k", "next or previous panel"), ("/", "filter"), ("p", "pause"), ("t", "theme"), ("?", "this list"))


def bar(name: str, remote: str, at: datetime, *, is_live: bool) -> ET.Element:
    """Return the bar at the top. `at`: the moment that the page shows."""
    moment = element("time", f"{at:%Y-%m-%d %H:%M:%S} UTC", datetime=time_text(at))
    condition = element(
        "p",
        element("i", aria_hidden="true"),
        element("span", "As of ", moment, id="condition-text"),
        id="condition",
        data_state="waiting" if is_live else "kept",
    )
    themes = [element("option", word.capitalize(), value=word) for word in ("auto", "light", "dark")]
    pause = element(
        "button", element("span", "Pause", id="pause-text"), id="pause", type="button", aria_pressed="false"
    )
    tools = element(
        "div",
        element("label", "Filter rows", for_="filter", class_="unseen"),
        element("input", id="filter", type="search", placeholder="Filter rows", autocomplete="off", spellcheck="false"),
        element("output", id="matches", for_="filter"),
        *([pause] if is_live else []),
        element("label", "Theme", for_="theme", class_="unseen"),
        element("select", *themes, id="theme"),
        element("button", "Keys", id="help", type="button", aria_haspopup="dialog"),
        class_="tools",
    )
    return element(
        "header", element("h1", element("b", name), " ", element("span", remote)), condition, tools, class_="top"
    )


def keys() -> ET.Element:
    """Return the list of keys, which is closed at first."""
    rows = [node for names, text in _KEYS for node in (element("dt", names), element("dd", text))]
    switch = element("label", element("input", id="single-keys", type="checkbox"), " Use these keys")
    close = element("form", element("button", "Close", value="close"), method="dialog")
    title = element("h2", "Keys", id="keys-title")
    return element(
        "dialog", title, element("dl", *rows), element("p", switch), close, id="keys", aria_labelledby="keys-title"
    )
