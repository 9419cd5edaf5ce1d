"""What of the pages is written from the code: `docs/cli/`, `docs/mcp-reference.md`, a table of `docs/guarantees.md`."""

from collections.abc import Mapping
from pathlib import Path

from tests.reference import command_pages, promises, tool_page

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = DOCS / "cli"
TOOLS = DOCS / "mcp-reference.md"


def files() -> Mapping[Path, str]:
    """Return every page that is written from the code."""
    pages = {COMMANDS / name: text for name, text in command_pages.texts().items()}
    return {TOOLS: tool_page.text(), promises.PAGE: promises.page(), **pages}


def stale() -> list[str]:
    """Return the pages that are not what the code says, or that it has no more."""
    made = files()
    kept = {path: path.read_text("utf-8") for path in [TOOLS, promises.PAGE, *COMMANDS.glob("*.md")] if path.exists()}
    return sorted(str(path.relative_to(DOCS)) for path in {*made, *kept} if made.get(path) != kept.get(path))


def write() -> None:
    """Write all, and remove what is there no more."""
    made = files()
    for path in {*COMMANDS.glob("*.md")} - made.keys():
        path.unlink()
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
