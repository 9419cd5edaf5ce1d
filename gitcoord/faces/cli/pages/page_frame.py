"""The frame of the dashboard: the page around the panels, live or as one file.

Rules:
  * Style and script are two files of ours. A live page names them; in a file they are part of it, and its policy allows
    these alone, by their hashes.
  * Without the script the page is whole; what only the script makes work is not shown then.
  * Names and addresses of others are text, which `markup` escapes.

What this file does not know: what the panels show, where the page goes.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree as ET

from gitcoord import __version__
from gitcoord.faces.cli.pages import page_bar
from gitcoord.faces.cli.pages.live_panels import Condition, Fragment, Picture
from gitcoord.faces.cli.pages.markup import element
from gitcoord.faces.cli.pages.panels import PANELS, Panel

_STATIC = Path(__file__).parent / "static"
_HOLE = "<!--panels-->"  # no text of others is this: they are escaped
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cg fill='none' "
    "stroke='%233b82f6' stroke-width='2'%3E%3Ccircle cx='4' cy='3.5' r='2'/%3E%3Ccircle cx='4' cy='12.5' r='2'/%3E"
    "%3Ccircle cx='12' cy='6' r='2'/%3E%3Cpath d='M4 5.5v5M4 10c0-2 6-1 7.5-2.5'/%3E%3C/g%3E%3C/svg%3E"
)


class Frame:
    """The page around the panels of one place."""

    def __init__(self, name: str, remote: str, days: int) -> None:
        """Show these; `name`: of the repository."""
        self._name, self._remote, self._days = name, remote, days

    @cached_property
    def style(self) -> str:
        """The page's style."""
        return (_STATIC / "page.css").read_text("utf-8")

    @cached_property
    def script(self) -> str:
        """The page's script."""
        return (_STATIC / "page.js").read_text("utf-8")

    @cached_property
    def version(self) -> str:
        """Differs where a page that is open has to be loaded again to understand the server."""
        return sha256(f"{__version__} {self.style} {self.script} {self._days}".encode()).hexdigest()[:16]

    def page(self, picture: Picture) -> bytes:
        """Return the live page."""
        linked = [
            element("link", rel="stylesheet", href="page.css"),
            element("script", src="page.js"),
        ]
        return self._filled(linked, picture.panels, picture.condition, is_live=True)

    def file(self, panels: Mapping[str, Fragment], condition: Condition) -> bytes:
        """Return the page as one file, as of one moment."""
        policy = (
            f"default-src 'none'; script-src 'sha256-{_hash(self.script)}'; style-src 'sha256-{_hash(self.style)}'; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        )
        parts = ET.Element("style"), ET.Element("script")
        parts[0].text, parts[1].text = self.style, self.script  # not `plain`: they are ours, and their hashes of this
        meta = element("meta", http_equiv="Content-Security-Policy", content=policy)
        return self._filled([meta, *parts], panels, condition, is_live=False)

    def _filled(
        self, parts: list[ET.Element], panels: Mapping[str, Fragment], condition: Condition, *, is_live: bool
    ) -> bytes:
        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="referrer", content="no-referrer"),
            element("meta", name="color-scheme", content="light dark"),
            element("title", f"{self._name} - gitcoord"),
            element("link", rel="icon", href=_ICON),
            *parts,
        )
        main = element("main", id="panels", tabindex="-1")
        main.append(ET.Comment("panels"))
        links = [element("a", panel.title, element("b"), href=f"#panel-{panel.name}") for panel in PANELS]
        said = " ".join(filter(None, (condition.trouble, condition.hint)))
        days = f"Timeline and metrics are of the last {self._days} days (UTC)."
        body = element(
            "body",
            element("a", "Skip to the panels", href="#panels", class_="skip"),
            page_bar.bar(self._name, self._remote, condition.at, is_live=is_live),
            element("nav", *links, aria_label="Panels"),
            element("p", said, id="trouble", **({} if said else {"hidden": "hidden"})),
            main,
            element("footer", f"gitcoord {__version__}. This page only shows; it changes nothing. {days}"),
            element("p", id="said", class_="unseen", aria_live="polite"),
            page_bar.keys(),
        )
        page = element("html", head, body, lang="en", data_live="yes" if is_live else "no", data_version=self.version)
        before, _, after = ET.tostring(page, encoding="unicode", method="html").partition(_HOLE)
        shown = (panels[panel.name].html if panel.name in panels else _empty(panel) for panel in PANELS)
        filled = "\n".join((f"<!doctype html>\n{before}", *shown, f"{after}\n"))
        return filled.encode("utf-8", "backslashreplace")


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _empty(panel: Panel) -> str:
    """Return a panel that was not looked at yet."""
    heading = element("h2", panel.title, id=f"title-{panel.name}")
    section = element("section", heading, element("p", "Reading the ledgers.", class_="nothing"), class_="panel")
    for name, value in {
        "id": f"panel-{panel.name}",
        "data-panel": panel.name,
        "aria-labelledby": f"title-{panel.name}",
    }.items():
        section.set(name, value)
    return ET.tostring(section, encoding="unicode", method="html")
