"""Each tool has a page, and the page names every file that `init` writes for it."""

import re
from pathlib import Path

import pytest

from gitcoord.faces.cli.wiring import recipes, tools
from gitcoord.faces.cli.wiring.tools import Tool

FOLDER = Path(__file__).parents[2] / "docs" / "integrations"
PAGES = {tool: f"{tool.value}.md" for tool in tools.EVERY} | {Tool.CLAUDE: "claude-code.md"}


@pytest.mark.docs
@pytest.mark.parametrize("tool", tools.EVERY)
def test_a_tool_s_page_names_its_files_its_check_and_its_undoing(tool: Tool, tmp_path: Path) -> None:
    page = (FOLDER / PAGES[tool]).read_text(encoding="utf-8")

    for file in recipes.files_of(tool, recipes.Place(tmp_path, {}, ("gitcoord", "mcp"))):
        assert f"`{file.path}`" in page
    for words in ("**Still to do**", "Checked ", "November 2026", "**Undo**: `gitcoord uninstall`"):
        assert words in page


@pytest.mark.docs
def test_every_page_can_be_reached() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")

    linked = set(re.findall(r"\]\(([a-z-]+\.md)\)", index))

    assert linked == {path.name for path in FOLDER.glob("*.md")} - {"README.md"}
