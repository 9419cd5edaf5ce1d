"""Programs that are not ours: the MCP Inspector's command line, and the official conformance scenarios.

They come from the npm registry into a cache beside the temporary folders; without it these tests are skipped, except
where `CI` is set. Node 22 or newer is taken from PATH or from the development requirements.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitcoord.faces.mcp.tools.tool_table import tools_of
from tests.faces.mcp.bridge import bridged
from tests.faces.mcp.process import ROOT, command
from tests.npm import IN_CI, MissingProgramError, install, node

pytestmark = [pytest.mark.external, pytest.mark.torture]

PACKAGES = ("@modelcontextprotocol/inspector@2.12.0", "@modelcontextprotocol/conformance@0.2.0-alpha.12")
INSTALL_S = 600
RUN_S = 120
# The scenarios for a server over stdio; the others want tools of a fixture, or a server that speaks HTTP itself.
LEGACY = (
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "resources-subscribe",
    "resources-unsubscribe",
    "prompts-list",
    "server-session-lifecycle",
)
MODERN = ("tools-list", "resources-list", "prompts-list", "sep-2164-resource-not-found", "caching")
SCENARIOS = [
    *(("2025-06-18", name) for name in LEGACY),
    *(("2025-11-25", name) for name in LEGACY),
    *(("2026-07-28", name) for name in MODERN),
]


@pytest.fixture(scope="module")
def programs() -> Path:
    """Install the programs once; return their folder."""
    folder = Path(tempfile.gettempdir()) / f"gitcoord-test-npm-{os.getuid()}"
    try:
        return install(folder, PACKAGES, INSTALL_S)
    except MissingProgramError as error:
        if IN_CI:
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def run(programs: Path, script: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(node()), str(programs / script), *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_S,
        check=False,
    )


def entry_of(programs: Path, name: str) -> str:
    """Return the script behind a command, because its first line may find another Node."""
    return str((programs / ".bin" / name).resolve().relative_to(programs.resolve()))


def inspect(programs: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = entry_of(programs, "mcp-inspector")
    return run(programs, script, "--cli", "-e", f"PYTHONPATH={ROOT}", *command(), *arguments, cwd=cwd)


@pytest.mark.parametrize("era", ["legacy", "modern", "auto"])
def test_the_inspector_finds_every_schema_portable(programs: Path, repo: Path, era: str) -> None:
    done = inspect(programs, repo, "--protocol-era", era, "--method", "tools/list", "--strict")

    assert done.returncode == 0, done.stderr
    assert {tool["name"] for tool in json.loads(done.stdout)["tools"]} == {*tools_of("all")}


def test_the_inspector_calls_tools_and_sees_errors(programs: Path, repo: Path) -> None:
    call = ("--method", "tools/call", "--format", "json", "--tool-name")

    good = inspect(programs, repo, *call, "list_projects", "--tool-args-json", "{}")
    bad = inspect(programs, repo, *call, "get_project", "--tool-args-json", '{"nam": "x"}')

    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["result"]["structuredContent"] == {"projects": [], "count": 0}
    assert bad.returncode == 5
    assert "Did you mean 'name'?" in bad.stdout


def test_the_inspector_starts_what_init_wrote(programs: Path, repo: Path) -> None:
    place = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["gitcoord", "init", "--tool", "claude", "--yes"], cwd=repo, env={**os.environ, "PATH": place}, check=True
    )
    script = entry_of(programs, "mcp-inspector")

    config = ("--config", ".mcp.json", "--server", "gitcoord", "-e", f"PATH={place}")
    done = run(programs, script, "--cli", *config, "--method", "tools/list", cwd=repo)

    assert done.returncode == 0, done.stderr
    assert {tool["name"] for tool in json.loads(done.stdout)["tools"]} == {*tools_of("work")}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("conformance")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "config", "user.name", "Test Author"], check=True)
    with bridged(folder) as address:
        yield address


@pytest.mark.parametrize(("version", "scenario"), SCENARIOS)
def test_the_conformance_scenario_passes(programs: Path, url: str, tmp_path: Path, version: str, scenario: str) -> None:
    script = entry_of(programs, "conformance")

    done = run(
        programs, script, "server", "--url", url, "--scenario", scenario, "--spec-version", version, cwd=tmp_path
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout + done.stderr
