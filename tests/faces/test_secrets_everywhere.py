"""Everything of ours runs at once, over http with a password: no secret is anywhere but where the user put it."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from gitcoord.faces.demo.client import Client
from tests.conftest import Git, MakeRepo
from tests.servers.command_lines import spied
from tests.servers.fixtures import Remote, Servers
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.servers.forge import TOKEN, FakeForge, served_forge
from tests.servers.http_backend import PASSWORD, USER
from tests.servers.webhook_receiver import SECRET, Hook, received

BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
PATH = "T0-path-of-the-hook"
SECRETS: Mapping[str, bytes] = {
    "the password": PASSWORD.encode(),
    "the header": BASIC.encode(),
    "the secret of the webhook": SECRET.encode(),
    "the path of the webhook": PATH.encode(),
    "the token of the forge": TOKEN.encode(),
}
_ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+/([^/\s]{32})/")
GITCOORD = (sys.executable, "-m", "gitcoord")
HANG_S = 100.0  # a bound for a hang
BUG = 3
# A program of ours with a fault in it, whose error quotes an address with its password.
BROKEN = """
import os, sys
from gitcoord.faces.entry import main
from gitcoord.service.claims import claims
def broken(*_, **__):
    raise RuntimeError("no answer of " + os.environ["BROKEN_URL"])
claims.list_claims = broken
sys.exit(main())
"""
EDIT = {"hook_event_name": "PreToolUse", "session_id": "s", "tool_name": "Write", "tool_input": {"file_path": "a.py"}}


def found_in(data: bytes, secrets: Mapping[str, bytes] = SECRETS) -> set[str]:
    return {name for name, secret in secrets.items() if secret in data}


def files_with_secrets(folder: Path, secrets: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Return the files below a folder that have one in them; what a hook has started may remove some meanwhile."""
    found: dict[str, set[str]] = {}
    for path in (Path(at, name) for at, _, names in os.walk(folder) for name in names):
        with suppress(FileNotFoundError):
            if path.is_file() and not path.is_symlink():
                found[str(path.relative_to(folder))] = found_in(path.read_bytes(), secrets)
    return {name: secrets for name, secrets in found.items() if secrets}


def objects_of(git_dir: Path) -> bytes:
    """Return all objects of a repository, unpacked."""
    words = ["git", f"--git-dir={git_dir}", "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(words, capture_output=True, check=True, timeout=HANG_S).stdout


@contextmanager
def processes_watched(mark: str) -> Iterator[set[bytes]]:
    """Look again and again at the processes that have a text in their environment; yield the command lines seen."""
    seen: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    if mark.encode() in (folder / "environ").read_bytes():
                        seen.add((folder / "cmdline").read_bytes())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


class Everything:
    """All that runs for long, and a command line; `said`: what any of it said."""

    def __init__(self, repo: Path, env: Mapping[str, str], logs: Path) -> None:
        self._repo, self._env, self._logs = repo, dict(env), logs
        self._running = [
            self._started("watch", "--jsonl"),
            self._started("dashboard"),
            self._started("relay", "--url-env", "HOOK_URL", "--secret-env", "HOOK_SECRET"),
        ]
        self._server = Client([*GITCOORD, "mcp"], repo, self._env, logs / "mcp.err")
        self._server.open("test")
        self.said = ""

    def _started(self, *words: str) -> subprocess.Popen[bytes]:
        with (self._logs / f"{words[0]}.log").open("wb") as log:
            return subprocess.Popen(
                [*GITCOORD, *words], cwd=self._repo, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def run(self, *words: str, given: str = "", program: tuple[str, ...] = GITCOORD) -> int:
        done = subprocess.run(
            [*program, *words],
            cwd=self._repo,
            env=self._env,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=HANG_S,
        )
        self.said += done.stdout + done.stderr
        return done.returncode

    def look_at_dashboard(self) -> bytes:
        """Ask the dashboard for its page, once it says where that is; return the token of its address."""
        deadline = time.monotonic() + HANG_S
        while not (found := _ADDRESS.search((self._logs / "dashboard.log").read_bytes())):
            assert time.monotonic() < deadline, "the dashboard does not start"
            time.sleep(0.01)  # a poll of another process, bounded
        with urlopen(found[0].decode(), timeout=HANG_S) as page:  # noqa: S310 - of this machine
            self.said += page.read().decode()
        return found[1]

    def call(self, tool: str, **arguments: object) -> None:
        self.said += json.dumps(self._server.call(tool, **arguments))  # pyright: ignore[reportArgumentType]

    def end(self) -> None:
        self._server.close()
        assert [process.args for process in self._running if process.poll() is not None] == []
        for process in self._running:
            process.send_signal(signal.SIGINT)
            process.wait(HANG_S)


def configured(repo: Path, remote: Remote, how: str, home: Path, git: Git) -> set[str]:
    """Give git the password in one of the ways that users have; return the files where it may stand."""
    git(repo, "remote", "add", "origin", remote.url)
    git(repo, "config", "gitcoord.remote", "origin")
    if how == "header":
        git(repo, "config", "--global", "http.extraHeader", f"Authorization: Basic {BASIC}")
        return {".gitconfig"}
    (home / "passwords").write_text(remote.url.replace("://", f"://{USER}:{PASSWORD}@") + "\n")
    git(repo, "config", "--global", "credential.helper", f"store --file={home / 'passwords'}")
    return {"passwords"}


@pytest.fixture
def receivers() -> Iterator[tuple[Hook, FakeForge]]:
    """Who gets webhooks, and who comments on pull requests."""
    with received() as hook, served_forge() as forge:
        yield hook, forge


def test_a_secret_on_a_command_line_is_seen(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "input()", SECRET]
    with (
        processes_watched(str(tmp_path)) as shown,
        subprocess.Popen(words, env={**os.environ, "TMPDIR": str(tmp_path)}, stdin=subprocess.PIPE) as process,
    ):
        deadline = time.monotonic() + HANG_S
        while not found_in(b"\n".join(shown)) and time.monotonic() < deadline:
            time.sleep(0.01)  # a poll of another thread, bounded
        process.communicate(b"\n")

    assert found_in(b"\n".join(shown)) == {"the secret of the webhook"}


@pytest.mark.timeout(600)
@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize("how", ["helper", pytest.param("header", marks=pytest.mark.torture)])
def test_no_secret_is_anywhere_while_all_of_it_runs(
    make_repo: MakeRepo,
    servers: Servers,
    hermetic: Path,
    git: Git,
    receivers: tuple[Hook, FakeForge],
    tmp_path: Path,
    how: str,
) -> None:
    """The environment of a process is its user's own, and is not looked at: some of the secrets come from there."""
    hook, forge = receivers
    remote = servers.remote("http-auth")
    repo, logs, temporary = make_repo("work"), tmp_path / "logs", tmp_path / "temporary"
    logs.mkdir()
    temporary.mkdir()
    allowed = configured(repo, remote, how, hermetic, git)
    env = {
        **os.environ,
        **spied(tmp_path / "bin", logs / "git-commands"),
        "TMPDIR": str(temporary),
        "HOOK_URL": f"{hook.url}/{PATH}",
        "HOOK_SECRET": SECRET,
        "GITHUB_API_URL": forge.url,
        "GITHUB_REPOSITORY": "ann/shop",
        "GITHUB_TOKEN": TOKEN,
        "BROKEN_URL": remote.url.replace("://", f"://{USER}:{PASSWORD}@"),
    }

    with processes_watched(str(temporary)) as shown:
        everything = Everything(repo, env, logs)
        statuses = {
            "init": everything.run("init", "--yes", "--tool", "claude"),
            "push": everything.run("push", "-q", "origin", "HEAD:refs/heads/main", program=("git",)),
        }
        everything.call("claim_files", patterns=["src/a.py"], description="work")
        everything.call("create_project", name="app", base_commit="HEAD", steps=[{"step_num": 1, "title": "x"}])
        everything.call("claim_step", project="app")
        for words in (("claim", "add", "b.py", "--json"), ("sync", "--json"), ("status", "--json"), ("log", "--json")):
            statuses[words[0]] = everything.run(*words)
        everything.run("doctor", "--json")
        relay = ("relay", "--url-env", "HOOK_URL", "--secret-env", "HOOK_SECRET", "--name", "other", "--once")
        statuses["relay"] = everything.run(*relay)  # what happens from here on is delivered
        everything.run("claim", "add", "d.py")
        statuses["relay"] |= everything.run(*relay)
        forge.propose(7, head=git(repo, "rev-parse", "HEAD"), branch="main")
        everything.run("relay", "pull-requests", "--once")
        statuses["hook"] = everything.run("hook", "edit", given=json.dumps(EDIT))
        (repo / "c.py").write_text("c = 1\n")
        git(repo, "add", "c.py")
        statuses["commit"] = everything.run("commit", "-q", "-m", "c", program=("git",))
        everything.run("push", "-q", "origin", "HEAD:refs/heads/feature", program=("git",))
        for words in (("audit", "--json"), ("metrics", "--json"), ("land", "--json")):
            statuses[words[0]] = everything.run(*words)
        token = everything.look_at_dashboard()
        everything.run("dashboard", "--export", str(logs / "page.html"))
        broken = everything.run("claim", "list", program=(sys.executable, "-c", BROKEN))
        everything.run("claim", "list", "--remote", "x", "--json")  # a mistake
        statuses["gc"] = everything.run("gc", "--json")
        everything.end()

    assert statuses == dict.fromkeys(statuses, 0), everything.said[-3000:]
    assert "refs/coord/claims" in remote.refs()
    assert hook.posts
    assert forge.asked
    assert broken == BUG
    assert [*temporary.glob("gitcoord-bug-*.txt")]
    secrets = {**SECRETS, "the token of the dashboard": token}
    assert found_in(b"\n".join(shown), secrets) == set()
    assert found_in(everything.said.encode(), secrets) == set()
    for git_dir in (remote.git_dir, repo / ".git/gitcoord/store.git", repo / ".git"):
        assert found_in(objects_of(git_dir), secrets) == set()
    here = {"the token of the dashboard"}  # in the file of its owner, and where the command itself prints it
    assert files_with_secrets(repo, secrets) == {".git/gitcoord/dashboard.json": here}
    assert files_with_secrets(logs, secrets) == {"dashboard.log": here}
    assert files_with_secrets(temporary, secrets) == {}
    assert {*files_with_secrets(hermetic, secrets)} == allowed
