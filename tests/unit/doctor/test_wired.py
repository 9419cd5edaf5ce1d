"""What `init` wrote, as it is found later: hooks that are missing or old, servers that really start or do not."""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitcoord import __version__
from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.app import main
from gitcoord.service.doctor.check_run import Status
from tests.conftest import Git
from tests.unit.doctor.conftest import Look

ROOT = Path(__file__).parents[3]
BARE = "/usr/bin:/bin"


@pytest.fixture
def wired_repo(repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.chdir(repo)
    assert main(["init", "--tool", "claude", "--tool", "codex", "--tool", "opencode", "--yes"]) == 0
    capsys.readouterr()
    return repo


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """The program `gitcoord` on a PATH of its own, that no login has."""
    return _program(tmp_path / "bin", f'PYTHONPATH="{ROOT}" exec "{sys.executable}" -P -m gitcoord "$@"')


def _program(folder: Path, text: str, name: str = "gitcoord") -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{BARE}"}


def _login(home: Path, env: dict[str, str]) -> dict[str, str]:
    """Let a login shell of this home have that PATH, and this process have none but the bare one."""
    (home / ".profile").write_text(f"PATH='{env['PATH']}'\n")
    return {"PATH": BARE, "SHELL": "/bin/sh"}


def test_hooks_that_are_there_and_current_are_well(look: Look, wired_repo: Path, installed: dict[str, str]) -> None:
    found = look("hooks", wired_repo, env=installed)

    assert (found.status, found.facts["folder"]) == (Status.OK, ".git/hooks")


def test_without_hooks_a_push_is_not_checked(look: Look, repo: Path) -> None:
    found = look("hooks", repo)

    assert (found.status, found.hint) == (Status.WARN, "gitcoord init")


def test_hooks_that_are_missing_old_or_cannot_run_are_named(
    look: Look, wired_repo: Path, installed: dict[str, str]
) -> None:
    hooks = wired_repo / ".git" / "hooks"
    (hooks / "post-merge").unlink()
    old = hooks / "pre-commit"
    old.write_text(re.sub(r"(# gitcoord:hook pre-commit) \d+", r"\1 0", old.read_text()))
    (hooks / "pre-push").chmod(0o644)

    found = look("hooks", wired_repo, env=installed)

    assert found.status is Status.WARN
    assert found.facts["missing"] == ["post-merge"]
    assert found.facts["older"] == ["pre-commit"]
    assert "git does not run pre-push" in found.text
    assert "chmod +x" in found.hint


def test_hooks_that_find_no_program_check_nothing(look: Look, wired_repo: Path, git: Git) -> None:
    git(wired_repo, "config", "gitcoord.program", "/nowhere/gitcoord")

    found = look("hooks", wired_repo, env={"PATH": BARE})

    assert (found.status, "nor at /nowhere/gitcoord" in found.text) == (Status.FAIL, True)


def test_hooks_of_another_repository_are_told(look: Look, repo: Path, git: Git, tmp_path: Path) -> None:
    git(repo, "config", "core.hooksPath", str(tmp_path / "everybody"))

    found = look("hooks", repo)

    assert (found.status, "not this repository's" in found.text) == (Status.WARN, True)


def test_the_server_is_really_started_as_a_login_would(
    look: Look, wired_repo: Path, installed: dict[str, str], hermetic: Path
) -> None:
    found = look("mcp", wired_repo, env=_login(hermetic, installed))

    assert (found.status, "starts with the PATH of a login and answers" in found.text) == (Status.OK, True)
    rows: Json = found.facts["tools"]
    assert isinstance(rows, list)
    assert len(rows) == 3
    assert not list((wired_repo / ".git").glob("gitcoord/sessions/*"))


def test_one_that_only_this_terminal_finds_is_a_warning(
    look: Look, wired_repo: Path, installed: dict[str, str]
) -> None:
    found = look("mcp", wired_repo, env={**installed, "SHELL": "/bin/false"})

    assert (found.status, "of this terminal only" in found.text) == (Status.WARN, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "does not start: gitcoord is not found"),
        ("echo no module >&2; exit 3", "does not start: it ended with status 3: no module"),
        ("read line; echo hello", "does not start: it ended with status 0"),
        ('read line; echo \'{"jsonrpc":"2.0","id":1,"result":{"serverInfo":{"name":"other"}}}\'', "is no gitcoord"),
        (
            'read line; echo \'{"id":1,"result":{"serverInfo":{"name":"gitcoord","version":"0.0.1"}}}\'',
            f"is gitcoord '0.0.1', and this is {__version__}",
        ),
    ],
    ids=["missing", "broken", "silent", "another", "older"],
)
def test_a_server_that_does_not_answer_as_ours_is_named(
    look: Look, wired_repo: Path, tmp_path: Path, text: str | None, words: str
) -> None:
    env = {"PATH": BARE} if text is None else _program(tmp_path / "bin", text)

    found = look("mcp", wired_repo, env=env)

    assert found.status in (Status.FAIL, Status.WARN)
    assert words in found.text
    assert found.text.startswith("claude, codex, opencode: `gitcoord mcp --tools work` ")
    assert found.hint


@pytest.mark.rule("SEC-2")
def test_what_an_entry_s_environment_holds_is_never_shown(
    look: Look, wired_repo: Path, installed: dict[str, str]
) -> None:
    entry = {"command": "gitcoord", "args": ["mcp"], "env": {"TOKEN": "hunter2", **installed}}
    (wired_repo / ".mcp.json").write_text(json.dumps({"mcpServers": {"gitcoord": entry}}))

    found = look("mcp", wired_repo, env={"PATH": BARE}, starts_any=True)

    assert "hunter2" not in repr(found)
    rows: Json = found.facts["tools"]
    assert isinstance(rows, list)
    assert {"tool": "claude", "path": ".mcp.json", "status": "ok"} in rows


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "claude: .mcp.json: "),
        ('{"mcpServers": {"gitcoord": {}}}', "its entry gitcoord has no command"),
        ('{"mcpServers": {"gitcoord": []}}', "its entry gitcoord is not an object"),
        ('{"mcpServers": {"gitcoord": {"command": "gitcoord", "disabled": true}}}', "is switched off"),
    ],
)
def test_a_configuration_that_is_broken_is_named_with_its_file(
    look: Look, wired_repo: Path, installed: dict[str, str], text: str, words: str
) -> None:
    (wired_repo / ".mcp.json").write_text(text)

    found = look("mcp", wired_repo, env=installed)

    assert (found.status, words in found.text) == (Status.FAIL, True)
    assert "Correct that file" in found.hint


def test_what_would_look_for_a_package_is_not_started_offline(look: Look, repo: Path, tmp_path: Path) -> None:
    marker = tmp_path / "started"
    env = _program(tmp_path / "bin", f"touch {marker}", "uvx")
    _name(repo, {"command": "uvx", "args": ["--from", f"gitcoord=={__version__}", "gitcoord", *ARGUMENTS]})

    found = look("mcp", repo, env=env, offline=True)

    assert (found.status, marker.exists()) == (Status.OK, False)


ARGUMENTS = ["mcp", "--tools", "work"]


def _name(repo: Path, server: Mapping[str, object]) -> None:
    """Let the checkout name a server, as a stranger's branch may."""
    (repo / ".mcp.json").write_text(json.dumps({"mcpServers": {"gitcoord": server}}))


def _traps(repo: Path) -> dict[str, Mapping[str, object]]:
    """Return entries that would run something of the checkout: each writes the file `ran`."""
    run = f"#!/bin/sh\ntouch '{repo}/ran'\n"
    (repo / "bin").mkdir()
    for path in (repo / "run.sh", repo / "bin" / "gitcoord"):
        path.write_text(run)
        path.chmod(0o755)
    (repo / "sitecustomize.py").write_text(f"open({str(repo / 'ran')!r}, 'w')\n")
    return {
        "a shell": {"command": "/bin/sh", "args": ["-c", f"touch '{repo}/ran'; exec gitcoord mcp --tools work"]},
        "its own PATH": {"command": "gitcoord", "args": ARGUMENTS, "env": {"PATH": f"{repo}/bin:{BARE}"}},
        "Python's path": {"command": "gitcoord", "args": ARGUMENTS, "env": {"PYTHONPATH": str(repo)}},
        "a script": {"command": "./run.sh", "args": ["mcp"]},
        "an older pin": {"command": "uvx", "args": ["--from", "gitcoord==0.0.1", "gitcoord", *ARGUMENTS]},
    }


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("trap", ["a shell", "its own PATH", "Python's path", "a script", "an older pin"])
def test_nothing_runs_because_a_checkout_names_it(
    look: Look, repo: Path, installed: dict[str, str], trap: str, offline: bool
) -> None:
    _name(repo, _traps(repo)[trap])

    found = look("mcp", repo, env={**installed, "SHELL": "/bin/false"}, offline=offline)

    assert (found.status, (repo / "ran").exists()) == (Status.WARN, False)
    assert "touch" not in repr(found)


@pytest.mark.rule("SEC-4")
def test_a_relative_folder_of_path_is_the_checkout_s(look: Look, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _traps(repo)
    monkeypatch.chdir(repo)
    _name(repo, {"command": "gitcoord", "args": ARGUMENTS})

    found = look("mcp", repo, env={"PATH": f"bin::.{os.pathsep}{BARE}", "SHELL": "/bin/false"})

    assert (found.status, (repo / "ran").exists()) == (Status.FAIL, False)


def test_a_person_can_have_every_entry_started(look: Look, repo: Path, installed: dict[str, str]) -> None:
    _name(repo, _traps(repo)["a shell"])

    look("mcp", repo, env=installed, starts_any=True)

    assert (repo / "ran").exists()


@pytest.mark.rule("SEC-4")
def test_codex_s_file_is_no_other(look: Look, repo: Path, installed: dict[str, str]) -> None:
    _traps(repo)
    (repo / ".codex").mkdir()
    (repo / ".codex" / "config.toml").write_text('[mcp_servers.gitcoord]\ncommand = "./run.sh"\nargs = ["mcp"]\n')

    found = look("mcp", repo, env=installed)

    assert (found.status, (repo / "ran").exists()) == (Status.WARN, False)
    assert ".codex/config.toml" in found.text
