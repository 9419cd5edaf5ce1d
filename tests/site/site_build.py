"""The documentation as a site: `make docs`.

Pages are plain Markdown that hosts show as it is, so nothing in them is of the generator. The site has the folders of
the checkout, with `README.md` as its first page, so that each relative link leads there, too. The generator, pinned
with hashes, runs in an environment of its own.

Rules:
  * A link that leads nowhere is an error: to a page or to a heading, in the text and in what is built.
  * A page loads nothing from outside: no font, script or picture.
"""

import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.packaging.programs import ROOT, USERS, environment, run

TOOLS = ROOT / "tests" / "site" / "requirements.txt"
SETTINGS = ROOT / "docs" / "zensical.toml"
OUTSIDE = ("README.md", "gitcoord/DESIGN.md", "hooks/README.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md")
BUILD_S = 120  # A bound for a hang: it takes two seconds.
_HIDDEN = re.compile(rb"(\]\((?:\.\./)*)\.(?=github/)")  # see `_place`
_COLOUR = re.compile("\x1b\\[[0-9;]*m")
_LOADED = frozenset({"script", "img", "iframe", "source", "video", "audio", "link", "embed", "object", "use"})
_ADDRESSES = frozenset({"href", "src", "data", "xlink:href"})
_STYLED = re.compile(r"""(?:url\(|@import )["']?((?:https?:)?//[^"')]+)""")  # a font, or another sheet
_MERMAID = "https://unpkg.com/mermaid"  # from which the theme fetches a program once a page has such a diagram


def pages() -> dict[str, Path]:
    """Return the files that the site is made of, by their places in it."""
    paths = [*(ROOT / name for name in OUTSIDE), *(path for path in (ROOT / "docs").rglob("*") if path.is_file())]
    return {_place(path.relative_to(ROOT).as_posix()): path for path in paths if path != SETTINGS}


def _place(name: str) -> str:
    return name.removeprefix(".")  # the generator does not look into a folder whose name begins with a dot


def listed() -> list[str]:
    """Return the pages that the navigation lists."""
    return [*_listed(tomllib.loads(SETTINGS.read_text("utf-8"))["project"]["nav"])]


def _listed(entries: Any) -> Iterator[str]:  # noqa: ANN401 - as TOML has it: texts, lists and tables of one entry
    if isinstance(entries, str):
        yield entries
    else:
        for entry in entries.values() if isinstance(entries, dict) else entries:
            yield from _listed(entry)


def build(out: Path) -> Path:
    """Build the site into a folder, and check it; return its first page.

    Raises:
        AssertionError: the generator found something wrong, or a link of the site leads nowhere.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        tools = environment(work / "tools", "--require-hashes", "--requirement", TOOLS)
        for place, path in pages().items():
            target = work / "pages" / place
            target.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_bytes()
            target.write_bytes(_HIDDEN.sub(rb"\1", text) if path.suffix == ".md" else text)
        shutil.copy(SETTINGS, work)
        try:
            run(tools / "zensical", "build", "--strict", cwd=work, env=USERS, timeout_s=BUILD_S)
        except AssertionError as error:
            raise AssertionError(_COLOUR.sub("", str(error)).partition("Traceback")[0]) from None
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(work / "site", out)
    wrong = [*problems(out)]
    assert wrong == [], "\n".join(wrong)
    return out / "index.html"


class _Page(HTMLParser):
    """What a page refers to, and what can be referred to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        addresses = [values[name] for name in _ADDRESSES & values.keys()]
        is_loaded = tag in _LOADED and values.get("rel") not in {"canonical", "prev", "next", "alternate"}
        (self.loaded if is_loaded else self.links).extend(addresses)
        self.loaded += [_MERMAID] * ("mermaid" in values.get("class", "").split())


def problems(site: Path) -> Iterator[str]:
    """Yield what is wrong with a built site: links that lead nowhere, and what a page loads from elsewhere."""
    for path in site.rglob("*.css"):
        found = _STYLED.findall(path.read_text("utf-8"))
        yield from (f"{path.relative_to(site)} loads {address}" for address in found)
    read = {path: _Page(path.read_text("utf-8")) for path in site.rglob("*.html")}
    for path, page in read.items():
        name = path.relative_to(site)
        yield from (f"{name} loads {address}" for address in page.loaded if _is_outside(address))
        for address in (*page.links, *page.loaded):
            if not _is_outside(address) and not _leads_somewhere(address, path, site, read):
                yield f"{name} links to {address}"


def _is_outside(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.scheme or parts.netloc)


def _leads_somewhere(address: str, path: Path, site: Path, read: dict[Path, _Page]) -> bool:
    parts = urlsplit(address)
    start = site if parts.path.startswith("/") else path.parent
    target = (start / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
    target = target / "index.html" if target.is_dir() else target
    anchors = read[target].anchors if target in read else {unquote(parts.fragment)}
    return target.exists() and unquote(parts.fragment) in anchors
