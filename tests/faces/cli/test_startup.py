"""What agents call often loads little, and starts git little."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Git, MakeRepo
from tests.faces.cli.conftest import ROOT, Run
from tests.faces.mcp.process import environment
from tests.git_calls import GitCalls
from tests.servers.fixtures import Servers

HEAVY = (
    "mcp",
    "mcp_types",
    "pydantic",
    "rich",
    "ruamel",
    "textual",
    "tomlkit",
    "anyio",
    "prometheus_client",
    "opentelemetry",
    "google",
)
# What only writing needs, ours too; and what takes long for what little of it would be used.
WRITING = (
    "pygit2",
    "ssl",
    "filelock",
    "gitcoord.ledger.transactions.combiner",
    "gitcoord.ledger.transactions.transactions",
    "gitcoord.ledger.transactions.plan",
    "gitcoord.core.claims.claim_table",
    "gitcoord.core.steps.step_table",
    "gitcoord.service.claims.requested_items",
)
LIBRARIES = ("pygit2", "ssl", "filelock", "asyncio", "difflib", "email", "http", "logging", "tarfile")
SLOW = ("asyncio", "dataclasses", "difflib", "email", "http", "inspect", "logging", "tarfile", "typing_extensions")
TELL = (
    "print(*sorted({name if name.startswith('gitcoord.') else name.partition('.')[0] for name in sys.modules}), "
    "file=sys.stderr)"
)


COMMAND = "import sys; from gitcoord.faces.entry import main; status = main()"
# As a server does, without typer, which loads pydantic for what has to be converted.
SERVICES = """
import os, sys; from pathlib import Path; from gitcoord.runtime import workspace as runtime
from gitcoord.service.claims import claims; from gitcoord.service.steps import step_work; status = 0
workspace = runtime.open_workspace(Path(), os.environ, tool="cli")
claims.claim_files(workspace, patterns=["a/new.md"]); step_work.claim_step(workspace)
"""


def loaded_by(cwd: Path, *words: str, code: str = COMMAND) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{TELL}; sys.exit(status)", *words],
        cwd=cwd,
        # Measuring coverage loads what no command does.
        env={**{name: value for name, value in os.environ.items() if "COVERAGE" not in name}, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "words", [("status",), ("status", "--json"), ("status", "--line", "--exit-code")], ids=" ".join
)
def test_status_loads_neither_the_parser_nor_anything_heavy(repo: Path, run: Run, words: tuple[str, ...]) -> None:
    assert run("claim", "add", "a/new.md", "--description", "why").status == 0

    assert loaded_by(repo, *words) & {*HEAVY, *LIBRARIES, "typer", "click"} == set()


def test_status_of_what_no_one_claimed_loads_nothing_that_only_writing_needs(repo: Path, run: Run) -> None:
    assert run("claim", "add", "a/new.md", "--description", "why").status == 0
    assert run("claim", "release").status == 0

    assert loaded_by(repo, "status") & {*HEAVY, *WRITING, *SLOW} == set()


@pytest.mark.parametrize(
    "words",
    [
        ("claim", "add", "a/new.md", "--description", "why"),
        ("claim", "check", "a/new.md", "--json"),
        ("claim", "release"),
        ("step", "claim", "--project", "none"),
        ("step", "list"),
        ("request", "list"),
    ],
    ids=" ".join,
)
def test_what_agents_call_loads_nothing_heavy_whatever_comes_of_it(repo: Path, words: tuple[str, ...]) -> None:
    """Typer would load pydantic to read a text as a text: see `faces/cli/terminal/parameters`."""
    loaded = loaded_by(repo, *words, code=f"{COMMAND}; status = 0")

    assert "typer" in loaded
    assert loaded & {*HEAVY, "pydantic_core", "asyncio", "http"} == set()


def test_the_version_loads_no_command(repo: Path) -> None:
    assert loaded_by(repo, "--version") & {*HEAVY, "pydantic_core", "pygit2", "filelock"} == set()


def test_rules_that_count_are_read_without_what_checks_them(repo: Path, run: Run) -> None:
    (repo / "owners.yaml").write_text("modules: {a: {paths: a/**, owners: [ann]}}\n", encoding="utf-8")
    assert [run("owners", "import", "owners.yaml").status, run("policy", "set", "strict_read", "true").status] == [0, 0]

    loaded = loaded_by(repo, code=SERVICES)

    assert "ruamel" in loaded
    assert loaded & {"pydantic", "pydantic_core"} == set()
    assert loaded_by(repo, "status") & {*HEAVY, "typer"} == set()


PLACE = ["rev-parse", "config"]


class Counted:
    """A clone whose commands are counted."""

    def __init__(self, repo: Path) -> None:
        self._repo = repo
        self._calls = GitCalls(repo.with_name("calls"), environment({"GITCOORD_AGENT": "ann/cli/one"}))

    def asks(self, *words: str) -> list[str]:
        """Run a command; return what it asked git."""
        self._calls.taken()
        command = [sys.executable, "-P", "-m", "gitcoord", *words]
        subprocess.run(command, cwd=self._repo, env=self._calls.env, check=True, capture_output=True, timeout=60)
        return self._calls.taken()


@pytest.fixture
def counted(make_repo: MakeRepo, git: Git) -> Counted:
    repo = make_repo("one")
    (repo / "a.py").write_text("x = 1\n", "utf-8")
    (repo / "b.py").write_text("x = 1\n", "utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "files")
    return Counted(repo)


def test_commands_of_a_clone_with_a_server_read_its_settings_once(
    counted: Counted, servers: Servers, git: Git, tmp_path: Path
) -> None:
    repo = tmp_path / "one"
    git(repo, "remote", "add", "origin", servers.remote("http").url)
    git(repo, "config", "gitcoord.remote", "origin")
    counted.asks("claim", "add", "a.py")  # what is asked of a new remote

    assert counted.asks("status") == PLACE
    assert counted.asks("claim", "add", "b.py") == [*PLACE, "config", "ls-files"]
    assert counted.asks("claim", "release") == [*PLACE, "for-each-ref", "config"]


def test_commands_of_a_clone_by_itself_ask_for_no_remote(counted: Counted) -> None:
    counted.asks("claim", "add", "a.py")

    assert counted.asks("status") == PLACE
    assert counted.asks("claim", "add", "b.py") == [*PLACE, "config", "ls-files"]
