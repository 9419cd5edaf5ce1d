"""Markup: elements of a page of HTML with drawings in it, and what a browser needs to know of it.

Rules:
  * Text of others becomes text of an element or an attribute, which the library escapes; it loses what a terminal acts
    on, too: control characters, and marks that change the direction of text.
  * A page is one file: no script, nothing from elsewhere. Its policy says so to the browser, and allows its own style
    alone, by the hash.

What this file does not know: what a page shows.
"""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from xml.etree import ElementTree as ET

from gitcoord.faces.cli.terminal import show

Node = ET.Element | str


def element(tag: str, *children: Node, **attributes: object) -> ET.Element:
    """Return an element; `class_` and `stroke_width` are spelled `class` and `stroke-width`."""
    given = {name.rstrip("_").replace("_", "-"): show.plain(str(value)) for name, value in attributes.items()}
    made = ET.Element(tag, given)
    for child in children:
        if not isinstance(child, str):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + show.plain(child)
        else:
            made.text = (made.text or "") + show.plain(child)
    return made


def table(titles: Iterable[str], rows: Iterable[Iterable[Node]], caption: str) -> ET.Element:
    """Return a table; `caption`: what is said above it, if anything. A cell knows its title, for narrow screens."""
    names = [*titles]
    head = element("tr", *(element("th", name, scope="col") for name in names))
    body = [element("tr", *map(_cell, row, names)) for row in rows]
    whole = element(
        "table", *([element("caption", caption)] if caption else []), element("thead", head), element("tbody", *body)
    )
    return element("div", whole, class_="wide")


def _cell(cell: Node, name: str) -> ET.Element:
    is_number = isinstance(cell, str) and cell.replace(".", "").isdecimal()
    return element("td", cell, class_="n" if is_number else "t", data_label=name)


def document(title: str, style: str, *content: Node) -> bytes:
    """Return a page as the bytes of its file."""
    allowed = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    sheet = ET.Element("style")
    sheet.text = style  # not `plain`: it is ours, and its hash is of these bytes
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        sheet,
    )
    page = element("html", head, element("body", *content), lang="en")
    return b"<!doctype html>\n" + ET.tostring(page, encoding="utf-8", method="html") + b"\n"
