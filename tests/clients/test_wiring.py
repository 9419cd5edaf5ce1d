"""Claude Code and Codex, as they are, read what `init` wrote for them, and Claude Code takes our plugin."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gitcoord import assets
from gitcoord.faces.cli.wiring import wire
from gitcoord.faces.cli.wiring.tools import Tool
from tests.clients.programs import INSTALL_S, Name

pytestmark = [pytest.mark.external, pytest.mark.torture, pytest.mark.timeout(2 * INSTALL_S)]

ASK_S = 60
Place = tuple[Path, dict[str, str]]
Install = Callable[[Name], Sequence[str]]


def ask(command: Sequence[str], place: Place) -> str:
    top, env = place
    path = os.environ["PATH"]
    done = subprocess.run(
        command,
        cwd=top,
        env={"PATH": path, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=ASK_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_claude_code_finds_the_server_of_the_project(program: Install, place: Place) -> None:
    top, _ = place
    wire.carry_out(wire.install(top, {}, (Tool.CLAUDE,), (), has_hooks=True), None)

    assert "gitcoord: gitcoord mcp --tools work" in ask((*program("claude"), "mcp", "list"), place)


def test_codex_finds_the_server_of_a_trusted_project(program: Install, place: Place) -> None:
    top, env = place
    wire.carry_out(wire.install(top, {}, (Tool.CODEX,), (), has_hooks=True), None)
    settings = Path(env["HOME"]) / ".codex" / "config.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(f'[projects."{top.resolve()}"]\ntrust_level = "trusted"\n')

    server = json.loads(ask((*program("codex"), "mcp", "get", "gitcoord", "--json"), place))

    assert server["enabled"] is True
    assert server["transport"]["args"] == ["mcp", "--tools", "work"]
    assert (server["startup_timeout_sec"], server["tool_timeout_sec"]) == (20, 120)


def test_the_plugin_is_valid_and_can_be_installed(program: Install, place: Place, tmp_path: Path) -> None:
    plugin = tmp_path / "claude-plugin"
    shutil.copytree(assets.templates() / "claude-plugin", plugin)

    valid = ask((*program("claude"), "plugin", "validate", str(plugin)), place)
    ask((*program("claude"), "plugin", "marketplace", "add", str(plugin)), place)
    ask((*program("claude"), "plugin", "install", "gitcoord@gitcoord"), place)

    assert "Validation passed" in valid
    assert "gitcoord@gitcoord" in ask((*program("claude"), "plugin", "list"), place)
