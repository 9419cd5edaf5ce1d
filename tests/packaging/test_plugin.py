"""The plugin of Claude Code says what `init` writes, so that the two cannot drift apart."""

import json
from pathlib import Path
from typing import Any

import pytest

import gitcoord
from gitcoord import assets
from gitcoord.faces.cli.wiring import recipes
from gitcoord.faces.cli.wiring.tools import Tool

PLUGIN = assets.templates() / "claude-plugin"
FILES = {
    ".claude-plugin/marketplace.json",
    ".claude-plugin/plugin.json",
    ".mcp.json",
    "README.md",
    "hooks/hooks.json",
    "skills/coordinate/SKILL.md",
}


def load(path: str) -> Any:  # noqa: ANN401 - what is in it is what the tests are about
    return json.loads((PLUGIN / path).read_text(encoding="utf-8"))


def wired(tmp_path: Path, path: str) -> Any:  # noqa: ANN401 - as above
    place = recipes.Place(tmp_path, {}, ("gitcoord", "mcp", "--tools", "work"))
    (file,) = (file for file in recipes.files_of(Tool.CLAUDE, place) if file.path == path)
    return json.loads(file.put(None).text or "")


def test_it_is_whole() -> None:
    assert {path.relative_to(PLUGIN).as_posix() for path in PLUGIN.rglob("*") if path.is_file()} == FILES


def test_its_version_is_the_program_s() -> None:
    manifest = load(".claude-plugin/plugin.json")

    assert manifest["version"] == gitcoord.__version__
    assert [one["name"] for one in load(".claude-plugin/marketplace.json")["plugins"]] == [manifest["name"]]


def test_its_server_and_hooks_are_those_that_init_writes(tmp_path: Path) -> None:
    assert load(".mcp.json") == wired(tmp_path, ".mcp.json")
    assert load("hooks/hooks.json")["hooks"] == wired(tmp_path, ".claude/settings.json")["hooks"]


def test_its_skill_says_what_agents_are_told_everywhere() -> None:
    _, head, body = (PLUGIN / "skills/coordinate/SKILL.md").read_text(encoding="utf-8").split("---\n", 2)

    assert body.strip() == (assets.templates() / "AGENTS.md").read_text(encoding="utf-8").strip()
    assert head.startswith("name: coordinate\ndescription: ")


@pytest.mark.parametrize("name", ["ci/github.yml", "ci/gitlab.yml", "owners.yaml"])
def test_templates_in_yaml_can_be_read(name: str) -> None:
    from ruamel.yaml import YAML  # noqa: PLC0415 - its import takes longer than the other tests of this file

    text = (assets.templates() / name).read_text(encoding="utf-8")

    assert isinstance(YAML(typ="safe").load(text), dict)
    assert name == "owners.yaml" or "gitcoord verify" in text
