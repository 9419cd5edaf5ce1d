"""A command or a hook that a signal ends: it says so, and leaves no git process behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Git, MakeRepo

BOUND_S = 150.0  # nothing here waits that long but on a machine that is very busy


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(BOUND_S)
        yield server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=str)
@pytest.mark.parametrize(
    ("words", "said"), [(["verify"], "error: Interrupted. [interrupted]"), (["hook", "pre-push", "origin"], "")]
)
def test_a_signal_ends_the_git_processes_too_and_is_what_the_process_ends_by(
    make_repo: MakeRepo, git: Git, silent: socket.socket, words: list[str], said: str, number: signal.Signals
) -> None:
    repo = make_repo()
    git(repo, "config", "gitcoord.remote", f"git://127.0.0.1:{silent.getsockname()[1]}/hub.git")
    (repo / ".git" / "gitcoord").mkdir()
    process = start(repo, words, git(repo, "rev-parse", "HEAD"))
    connection, _ = silent.accept()  # the git process waits for an answer now
    with connection:
        connection.settimeout(BOUND_S)

        process.send_signal(number)

        _, errors = process.communicate(timeout=BOUND_S)
        assert process.returncode == -number
        assert errors.decode().strip() == said
        while connection.recv(4096):  # what git asked; then its end
            pass


def start(repo: Path, words: list[str], head: str) -> "subprocess.Popen[bytes]":
    """Start gitcoord in a repository; a hook gets what git says of a push of main."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gitcoord", *words],
        cwd=repo,
        env=dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(f"refs/heads/main {head} refs/heads/main {'0' * 40}\n".encode())
    process.stdin.close()
    process.stdin = None
    return process
