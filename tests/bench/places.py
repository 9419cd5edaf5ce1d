"""Throw-away repositories with projects in them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitcoord.ledger.clone.host import Host
from gitcoord.runtime import open_workspace
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import projects

FILES = 300


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which only the bench's own git configuration counts."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


@contextmanager
def repository() -> Iterator[tuple[Path, dict[str, str]]]:
    """Make a repository with one commit of 300 files; removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="gitcoord-bench-"))
    env = environment(home)
    (home / ".gitconfig").write_text("[user]\n name = bench\n email = bench@localhost\n[init]\n defaultBranch = main\n")
    top = home / "repository"
    try:
        subprocess.run(["git", "init", "-q", str(top)], env=env, check=True)
        for at in range(FILES):
            file = top / f"lib/part{at // 20}/file{at}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"value = {at}\n")
        subprocess.run(["git", "add", "."], cwd=top, env=env, check=True)
        subprocess.run(["git", "commit", "-q", "-m", "first"], cwd=top, env=env, check=True)
        yield top, env
    finally:
        shutil.rmtree(home, ignore_errors=True)


def workspace(top: Path, env: dict[str, str], agent: str, host: Host | None = None) -> Workspace:
    """Open a workspace for an agent that has a session without a lock. `host`: with a clock that a bench moves."""
    return open_workspace(top, {**env, "GITCOORD_AGENT": agent}, tool="bench", host=host)


def fill(one: Workspace, count: int, steps: int, *, chained: bool = False) -> None:
    """Create projects `p000` … with steps; `chained`: each waits for the one ten before it."""
    for at in range(count):
        plan = [
            {"step_num": num, "title": f"step {num}", "depends_on": [num - 10] if chained and num > 10 else []}
            for num in range(1, steps + 1)
        ]
        projects.create_project(one, name=f"p{at:03d}", base_commit="HEAD", steps=plan)


def as_agent(one: Workspace, name: str) -> None:
    """Let the workspace act for another agent: a process of the bench stands for many."""
    one.agent = name
    one.session_id = f"cli-{name.replace('/', '-')}"
