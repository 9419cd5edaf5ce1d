"""A password in the URL of the remote, wherever it was configured, is where the user put it and nowhere else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Git
from tests.faces.cli.conftest import Run
from tests.servers.command_lines import spied
from tests.servers.fixtures import Servers
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.servers.http_backend import PASSWORD, USER

pytestmark = pytest.mark.rule("SEC-2")


def with_password(url: str) -> str:
    return url.replace("://", f"://{USER}:{PASSWORD}@")


def of_server(url: str) -> str:
    return url.rpartition("/")[0] + "/"


Setting = Callable[[str], tuple[tuple[str, str], ...]]
"""The URL of the remote -> what git is configured with."""

SPELLINGS: dict[str, Setting] = {
    "in the URL of a remote": lambda url: (
        ("remote.origin.url", with_password(url)),
        ("gitcoord.remote", "origin"),
    ),
    "in the URL for pushing": lambda url: (
        ("remote.origin.url", url),
        ("remote.origin.pushurl", with_password(url)),
        ("gitcoord.remote", "origin"),
    ),
    "in our setting": lambda url: (("gitcoord.remote", with_password(url)),),
    "in a rule for the server": lambda url: (
        (f"url.{with_password(of_server(url))}.insteadOf", of_server(url)),
        ("remote.origin.url", url),
        ("gitcoord.remote", "origin"),
    ),
    "in a rule for the whole URL": lambda url: (
        (f"url.{with_password(url)}.insteadOf", url),
        ("remote.origin.url", url),
        ("gitcoord.remote", "origin"),
    ),
    "in a rule for pushing": lambda url: (
        (f"url.{with_password(url)}.pushInsteadOf", url),
        ("remote.origin.url", url),
        ("gitcoord.remote", "origin"),
    ),
    "in a rule for our setting": lambda url: (
        (f"url.{with_password(of_server(url))}.insteadOf", "work:"),
        ("gitcoord.remote", f"work:{url.rpartition('/')[2]}"),
    ),
    "in a rule of both kinds for our setting": lambda url: (
        (f"url.{with_password(of_server(url))}.insteadOf", of_server(url)),
        (f"url.{with_password(url)}.pushInsteadOf", url),
        ("gitcoord.remote", url),
    ),
}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which every command line of git stands from now on."""
    for name, value in spied(tmp_path / "bin", tmp_path / "log").items():
        monkeypatch.setenv(name, value)
    return tmp_path / "log"


def holders_below(folder: Path) -> list[str]:
    """Return the files that have the password in them."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [str(path.relative_to(folder)) for path in files if PASSWORD.encode() in path.read_bytes()]


@pytest.mark.parametrize("is_global", [False, True], ids=["repository", "user"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_command_line_no_output_and_no_file_has_it(
    run: Run, repo: Path, servers: Servers, git: Git, log: Path, spelling: str, is_global: bool
) -> None:
    remote = servers.remote("http-auth")
    for key, value in SPELLINGS[spelling](remote.url):
        where = ["--global"] if is_global and not key.startswith("remote.") else []
        git(repo, "config", *where, key, value)
    log.unlink()

    done = [run("claim", "add", "src/a.py", "--json"), run("status"), run("doctor", "--json")]

    assert done[0].status == 0, done[0]
    lines = log.read_text()
    assert " credential fill" in lines
    assert PASSWORD not in lines
    assert PASSWORD not in "".join(one.out + one.err for one in done)
    assert set(holders_below(repo / ".git")) <= {"config"}
    assert "refs/coord/claims" in remote.refs()


@pytest.mark.parametrize("words", [("--json",), ()], ids=["json", "text"])
@pytest.mark.parametrize("command", [("status",), ("claim", "add", "a")], ids=" ".join)
def test_a_password_that_git_cannot_read_is_refused_and_not_shown(
    run: Run, repo: Path, git: Git, log: Path, command: tuple[str, ...], words: tuple[str, ...]
) -> None:
    git(repo, "config", "gitcoord.remote", "https://ann:x/s3cret@host.invalid/r.git")
    log.unlink()

    done = run(*command, *words)

    assert done.status == 2
    assert "git cannot read the password in 'https://***@host.invalid/r.git'." in done.out + done.err
    assert "s3cret" not in done.out + done.err + log.read_text()


def test_a_remote_with_a_password_is_set_without_a_copy_of_it(
    run: Run, repo: Path, servers: Servers, git: Git, log: Path
) -> None:
    url = with_password(servers.remote("http-auth").url)
    shown = url.replace(f"{USER}:{PASSWORD}", "***")
    before = (repo / ".git/config").read_bytes()

    first = run("init", "--remote", url, "--no-hooks", "--tool", "claude", "--json")
    again = run("init", "--remote", url, "--no-hooks", "--tool", "claude")

    assert first.status == 0, first
    assert first.json["settings"]["gitcoord.remote"] == first.json["remote"] == shown
    assert any("credential helper" in hint for hint in first.json["hints"])
    assert "note: The password in this URL stands in .git/config" in again.err
    assert git(repo, "config", "--get-all", "gitcoord.remote") == url
    assert set(holders_below(repo)) == {".git/config"}

    done = [run("config", "list"), run("config", "get", "remote", "--json"), run("uninstall", "--json")]

    assert done[1].json["value"] == shown
    assert done[2].json["settings"] == {"gitcoord.remote": None}
    assert (repo / ".git/config").read_bytes() == before
    assert PASSWORD not in log.read_text() + "".join(one.out + one.err for one in (first, again, *done))


def test_a_preview_has_no_password(run: Run, repo: Path) -> None:
    done = run("init", "--remote", with_password("https://host.invalid/r.git"), "--dry-run")

    assert "git config gitcoord.remote https://***@host.invalid/r.git" in done.out
    assert PASSWORD not in done.out + done.err
    assert holders_below(repo) == []


def test_a_value_with_a_password_goes_where_git_would_put_it(run: Run, repo: Path, git: Git, log: Path) -> None:
    git(repo, "config", "extensions.worktreeConfig", "true")
    urls = {scope: with_password(f"https://{scope}.invalid/r.git") for scope in ("user", "clone", "worktree")}

    done = [run("config", "set", "remote", url, "--scope", scope, "--json") for scope, url in urls.items()]

    flags = {"user": "--global", "clone": "--local", "worktree": "--worktree"}
    assert {scope: git(repo, "config", flag, "--get-all", "gitcoord.remote") for scope, flag in flags.items()} == urls
    assert [one.json["value"] for one in done] == [f"https://***@{scope}.invalid/r.git" for scope in urls]
    assert PASSWORD not in log.read_text() + "".join(one.out + one.err for one in done)


def test_a_copy_that_an_earlier_version_kept_goes(run: Run, repo: Path, git: Git) -> None:
    url, older = with_password("https://host.invalid/r.git"), with_password("https://older.invalid/r.git")
    git(repo, "config", "gitcoord.remote", url)
    record = repo / ".git" / "gitcoord" / "wiring.json"
    record.parent.mkdir()
    record.write_text(json.dumps({"format": 1, "files": {}, "settings": {"gitcoord.remote": [older, url]}}))

    run("init", "--no-hooks", "--tool", "claude", "--yes")

    assert set(holders_below(repo)) == {".git/config"}
    assert "gitcoord.remote" in json.loads(record.read_text())["settings"]
    assert run("uninstall", "--json").json["settings"] == {"gitcoord.remote": None}


def test_a_setting_that_was_changed_since_stays(run: Run, repo: Path, git: Git) -> None:
    record = repo / ".git" / "gitcoord" / "wiring.json"
    record.parent.mkdir()
    written = with_password("https://host.invalid/r.git")
    record.write_text(json.dumps({"format": 1, "files": {}, "settings": {"gitcoord.remote": [None, written]}}))
    git(repo, "config", "gitcoord.remote", with_password("https://other.invalid/r.git"))

    assert run("uninstall", "--json").json["settings"] == {}
