"""Repositories whose git runs our hooks, and pushes whose words and outcome a test can look at."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from tests.faces.mcp.process import environment
from tests.unit.service.world import Result, seen

GIT_S = 150  # a bound for a hang


@dataclass(frozen=True)
class Done:
    """What git did: its exit status, and what it and its hooks said."""

    status: int
    said: str

    @property
    def ours(self) -> list[str]:
        """Return the lines of our hook."""
        return [line for line in self.said.splitlines() if line.startswith("gitcoord")]


def hooked(repo: Path, *names: str) -> None:
    """Let git run our hooks in a clone, as the shims do."""
    where = subprocess.run(["git", "rev-parse", "--git-common-dir"], cwd=repo, capture_output=True, check=True)
    folder = (repo / where.stdout.decode().strip()).resolve() / "hooks"
    folder.mkdir(exist_ok=True)
    for name in names:
        shim = folder / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m gitcoord hook {name} "$@"\n', "utf-8")
        shim.chmod(0o755)


def run(cwd: Path, *words: str, **env: str) -> Done:
    """Run git with hooks that can import this checkout; it may fail."""
    done = subprocess.run(
        ["git", *words],
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=GIT_S,
        check=False,
    )
    return Done(done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace"))


def commit(cwd: Path, *paths: str, text: str = "changed\n", message: str = "work") -> str:
    """Write files and commit them without hooks; return the commit."""
    for path in paths:
        file = cwd / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    for words in (("add", "--all"), ("commit", "--quiet", "--no-verify", "--allow-empty", "-m", message)):
        done = run(cwd, "-c", "core.hooksPath=/dev/null", *words)
        assert done.status == 0, done.said
    return run(cwd, "rev-parse", "HEAD").said.strip()


def claimed(workspace: Workspace, *patterns: str, **more: object) -> Result:
    """Claim patterns; return the claim."""
    got = seen(claim_files(workspace, patterns=patterns or None, **more))  # pyright: ignore[reportArgumentType]
    assert got["granted"], got
    return got["claim"]
