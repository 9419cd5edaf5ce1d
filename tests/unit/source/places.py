"""Repositories to look at, and what a test needs to make history in them."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from gitcoord.source.checkout.repository import Repository, open_repository
from tests.conftest import Git

# What nobody may smuggle in as the name of a commit, a branch or a remote.
HOSTILE = (
    "-x",
    "--upload-pack=touch pwned",
    "--output=pwned",
    "a\0b",
    "HEAD\0",
    "a\nb",
    "\ud800",
    "*",
    "x" * 300_000,
    "",
    "ext::touch pwned",
    "$(touch pwned)",
)
HOSTILE_IDS = ("option", "upload-pack", "output", "nul", "nul-end", "newline", "surrogate", "glob", "long", "empty",
               "helper", "shell")  # fmt: skip


def opened(folder: Path, **env: str) -> Repository:
    return open_repository(folder, {**os.environ, **env})


def commit(git: Git, repo: Path, message: str, **files: str | None) -> str:
    """Commit files by name (`None` removes one; `__` in a keyword is a dot) and return the commit's id."""
    for name, text in files.items():
        path = repo / name.replace("__", ".")
        if text is None:
            path.unlink()
        else:
            path.write_text(text, encoding="utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(repo, "rev-parse", "HEAD")


def commit_file(git: Git, repo: Path, name: bytes | str, text: str = "x\n") -> str:
    """Commit one file of any name."""
    path = os.fsencode(repo) + b"/" + (name if isinstance(name, bytes) else name.encode())
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - a Path cannot hold every name
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - as above
        file.write(text)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "a file")
    return git(repo, "rev-parse", "HEAD")


def commit_bomb(git: Git, repo: Path) -> str:
    """Commit nine small objects that stand for 16 billion files, on top of HEAD, on no branch."""

    def made(entries: Iterable[str]) -> str:
        command, lines = ["git", "mktree"], "".join(f"{entry}\n" for entry in entries)
        done = subprocess.run(command, cwd=repo, input=lines, capture_output=True, encoding="ascii", check=True)
        return done.stdout.strip()

    blob = git(repo, "hash-object", "-w", "--stdin")
    tree = made(f"100644 blob {blob}\tf{number}" for number in range(100))
    for _ in range(7):
        tree = made(f"040000 tree {tree}\td{number}" for number in range(40))
    return git(repo, "commit-tree", tree, "-p", "HEAD", "-m", "16 billion files")


def run_as(user: int, folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program as another user of this machine; only root may."""
    return subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **env},
        user=user,
        group=user,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
