"""Clones whose git runs our real shims, with a program that writes down each time that it is started."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gitcoord import assets
from gitcoord.ledger.clone import snapshot_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.watch.snapshot import Snapshot
from tests.conftest import Clone, Git, MakeRepo
from tests.faces.hooks.pushers import Done, claimed, run
from tests.servers.git_daemon import GitDaemon
from tests.unit.service.world import Agents, project

NAMES = ("pre-commit", "prepare-commit-msg", "post-checkout", "post-merge")
_PROGRAM = """\
#!/bin/sh
echo "$*" >>"$GITCOORD_CALLS"
test -z "$GITCOORD_PATIENT" || exec "{python}" -P -c '
import sys
from gitcoord.faces.entry import main
from gitcoord.faces.hooks.git import pre_commit
pre_commit.LOOK_S = 60.0
sys.exit(main())' "$@"
exec "{python}" -P -m gitcoord "$@"
"""


@dataclass(frozen=True)
class Shimmed:
    """A clone. `folder`: of the program and of what it wrote down."""

    repo: Path
    folder: Path

    def git(self, *words: str, cwd: Path | None = None, is_patient: bool = False, **env: str) -> Done:
        """Run git with our hooks; how often they started something is counted from here.

        `is_patient`: the commit's hook gives a server the time that it takes on a busy machine.
        """
        self._log.unlink(missing_ok=True)
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        return run(
            cwd or self.repo, *words, PATH=path, GITCOORD_CALLS=str(self._log), GITCOORD_PATIENT="1" * is_patient, **env
        )

    @property
    def started(self) -> list[str]:
        """Return the hooks for which Python was started."""
        return [line.split()[1] for line in self._log.read_text().splitlines()] if self._log.exists() else []

    @property
    def _log(self) -> Path:
        return self.folder / "calls"


def shimmed(repo: Path) -> Shimmed:
    """Install the shims where git looks for them."""
    words = ["git", "rev-parse", "--path-format=absolute", "--git-path", "hooks"]
    where = subprocess.run(words, cwd=repo, capture_output=True, check=True, text=True)
    hooks = Path(where.stdout.strip())
    hooks.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        shutil.copy(assets.hooks() / name, hooks / name)
    folder = repo.with_name(f"{repo.name} program")
    folder.mkdir()
    program = folder / "gitcoord"
    program.write_text(_PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    return Shimmed(repo, folder)


def loaded(done: Done) -> set[str]:
    """Return the modules that hooks loaded, where git was run with PYTHONPROFILEIMPORTTIME."""
    return {line.rpartition("|")[2].strip() for line in done.said.splitlines() if line.startswith("import time:")}


def write_snapshot(workspace: Workspace) -> None:
    """Let what hooks read be as the ledgers are now."""
    listed = workspace.listed()
    Snapshot(workspace).write(workspace.register(listed), listed)


def change(cwd: Path, path: str, text: str = "new\n") -> None:
    (cwd / path).parent.mkdir(parents=True, exist_ok=True)
    (cwd / path).write_text(text, "utf-8")


def holds(agents: Agents, repo: Path) -> Workspace:
    """Let a session of a worktree hold the step app/1, whose branch is feat/1."""
    ann = agents(repo, f"ann/claude-code/{repo.name}", serve=True, session="s-ann")
    project(ann)
    assert claim_step(ann, project="app")["step"]
    return ann


@pytest.fixture
def alone(make_repo: MakeRepo) -> Shimmed:
    """A clone with a store of its own."""
    repo = make_repo("alone")
    change(repo, "src/a.py")
    change(repo, "src/b.py")
    clone = shimmed(repo)
    assert clone.git("add", "--all").status == 0
    assert clone.git("commit", "--quiet", "--message", "files").status == 0
    return clone


@dataclass(frozen=True)
class Afar:
    """A clone whose team coordinates through a server."""

    clone: Shimmed
    ann: Workspace
    daemon: GitDaemon
    url: str

    def falls_silent(self) -> socket.socket:
        """Let the server take connections and answer none."""
        self.daemon.stop()
        silent = socket.create_server(("127.0.0.1", urlsplit(self.url).port or 0))
        silent.setblocking(False)  # so that one who asks whether anybody came does not wait
        return silent

    def age_snapshot(self, seconds: float) -> None:
        me = self.clone.repo / ".git" / "gitcoord" / snapshot_files.SNAPSHOT / snapshot_files.ME
        at = time.time() - seconds
        os.utime(me, (at, at))


@pytest.fixture
def afar(tmp_path: Path, alone: Shimmed, agents: Agents, clone: Clone, git: Git) -> Iterator[Afar]:
    daemon = GitDaemon(tmp_path / "daemon")
    git(tmp_path, "clone", "--quiet", "--bare", str(alone.repo), str(daemon.root / "team.git"))
    url = daemon.url("team.git")
    git(alone.repo, "config", "gitcoord.remote", url)
    two = clone(daemon.root / "team.git", "two")
    git(two, "config", "gitcoord.remote", url)
    claimed(agents(two, "bob/cli/two"), "src/a.py")
    ann = agents(alone.repo, "ann/claude-code/alone", serve=True, session="s-ann")
    write_snapshot(ann)
    yield Afar(alone, ann, daemon, url)
    with suppress(ProcessLookupError):  # it fell silent
        daemon.stop()


def was_asked(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True
