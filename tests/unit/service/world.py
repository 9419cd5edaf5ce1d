"""Agents at work: real workspaces over real repositories, plans to work on, and time that a test can move.

ann = agents(repo, "ann/cli/wt")             one command at a time
bob = agents(clone, tool="claude", serve=True)   a session that lives until the test ends
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pygit2
import pytest
from pygit2.enums import FileMode

from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.liveness.clock_offset import ClockOffset
from gitcoord.ledger.liveness.clocks import Watchfulness
from gitcoord.ledger.liveness.heartbeat import Beats
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.store.write_out import write_out
from gitcoord.runtime import make_host, open_workspace
from gitcoord.runtime.machine import clocks
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import create_project
from tests.conftest import Clone, Git, MakeBare, MakeRepo, Prepared

Result = dict[str, Any]
"""A result of a use case, for looking into without asking for types."""


@dataclass
class Agents:
    """Opens workspaces, and ends them when the test does."""

    open: list[Workspace] = field(default_factory=list[Workspace])

    def __call__(
        self,
        cwd: Path,
        name: str | None = None,
        *,
        tool: str = "cli",
        session: str | None = None,
        serve: bool = False,
        env: Mapping[str, str] | None = None,
        host: Host | None = None,
        **more: str,
    ) -> Workspace:
        given = {**({"GITCOORD_AGENT": name} if name else {}), **(env or {}), **more}
        workspace = open_workspace(cwd, {**os.environ, **given}, tool=tool, session=session, serve=serve, host=host)
        self.open.append(workspace)
        return workspace


@pytest.fixture
def agents() -> Iterator[Agents]:
    made = Agents()
    yield made
    for workspace in made.open:
        workspace.close()


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo()


@pytest.fixture
def ann(agents: Agents, repo: Path) -> Workspace:
    """An agent on the embedded store."""
    return agents(repo, "ann/cli/wt")


@dataclass(frozen=True)
class Shared:
    """A remote on a path, and two clones that coordinate through it."""

    remote: Path
    one: Path
    two: Path


@pytest.fixture
def shared(
    tmp_path: Path, prepared: Prepared, make_repo: MakeRepo, make_bare: MakeBare, clone: Clone, git: Git
) -> Shared:
    def make(folder: Path) -> None:
        remote, one = make_bare(folder / "remote.git"), make_repo(folder / "one")
        git(one, "remote", "add", "origin", str(remote))
        git(one, "push", "--quiet", "--set-upstream", "origin", "main")
        two = clone(remote, folder / "two")
        for repo in (one, two):
            git(repo, "config", "gitcoord.remote", "origin")

    prepared.copy("shared", tmp_path, make)
    return Shared(tmp_path / "remote.git", tmp_path / "one", tmp_path / "two")


@dataclass
class Apart:
    """Clones of one hub whose clocks differ, and one time that passes for all of them.

    bob = apart("bob", minutes=-5, serve=True)      a clone and an agent in it; its clock is five minutes slow
    apart.wait(minutes=10)                           for everyone

    `passed` is how much time has passed beside the real one; `tells_time`: whether the hub says what time it is.
    `url`: where the clones reach the hub, if not on its path.
    """

    hub: Path
    clone: Clone
    git: Git
    agents: Agents
    passed: timedelta = timedelta()
    tells_time: bool = True
    url: str | None = None

    def __call__(
        self, name: str, *, serve: bool = False, days: float = 0, hours: float = 0, minutes: float = 0
    ) -> Workspace:
        """Open a workspace of an agent in a clone of its name; its clock is ahead by so much."""
        folder = self.hub.parent / name
        if not folder.exists():
            self.git(self.clone(self.hub, name), "config", "gitcoord.remote", "origin")
            self.git(folder, "config", "remote.origin.url", self.url or str(self.hub))
        host = self.host(timedelta(days=days, hours=hours, minutes=minutes))
        workspace = self.agents(folder, f"{name}/cli/wt", serve=serve, host=host)
        setting = workspace.setting
        place_time = moved_on(setting.clock_offset.place_time, lambda: self.passed)
        offset = ClockOffset(setting.host, setting.watchfulness, place_time if self.tells_time else lambda: None)
        workspace.setting = replace(setting, clock_offset=offset)
        workspace.combiner = Combiner(setting.clone.folder, setting.host, Transactions(workspace.setting))
        return workspace

    def host(self, off: timedelta) -> Host:
        """Return this machine with a clock that is off."""
        real = make_host()
        return replace(
            real,
            now=lambda: real.now() + off + self.passed,
            monotonic=lambda: real.monotonic() + self.passed.total_seconds(),
        )

    def wait(self, **delta: float) -> None:
        """Let time pass for everyone."""
        self.passed += timedelta(**delta)


@pytest.fixture
def apart(make_repo: MakeRepo, make_bare: MakeBare, clone: Clone, git: Git, agents: Agents) -> Apart:
    hub, first = make_bare("hub.git"), make_repo("first")
    git(first, "push", "--quiet", str(hub), "main")
    return Apart(hub, clone, git, agents)


def seen(result: Mapping[str, Json]) -> Result:
    """Look into a result without asking for types."""
    return dict(result)


def plan(*steps: Sequence[int], **fields: Json) -> list[dict[str, Json]]:
    """Return definitions: one step for each list of dependencies, `plan((), (1,))`; each with its own branch."""
    return [
        {"step_num": num, "title": f"Part {num}", "branch": f"feat/{num}", "depends_on": [*depends_on], **fields}
        for num, depends_on in enumerate(steps, start=1)
    ]


def project(workspace: Workspace, *steps: Sequence[int], name: str = "app", **fields: Json) -> Result:
    """Create a project on HEAD."""
    return create_project(workspace, name=name, base_commit="HEAD", steps=plan(*(steps or [()]), **fields))


def tips(workspace: Workspace) -> dict[str, str]:
    """Return every ref where the workspace coordinates, heartbeats left out: what a refusal must not move."""
    refs = workspace.setting.refs
    listed = workspace.setting.transport.read(refs.everything)
    return {ref: tip for ref, tip in listed.items() if refs.clone_of(ref) is None}


def later(workspace: Workspace, **delta: float) -> Workspace:
    """Let time pass for a workspace: from now on its clocks are ahead."""
    setting, passed = workspace.setting, timedelta(**delta)
    real = setting.host
    host = replace(real, now=lambda: real.now() + passed, monotonic=lambda: real.monotonic() + passed.total_seconds())
    interval_s = setting.beats.interval_s
    watchful = Watchfulness(host, interval_s, setting.watchfulness.file)
    workspace.setting = replace(
        setting,
        host=host,
        beats=Beats(host, setting.clone, setting.refs, setting.sessions, interval_s, place=setting.beats.place),
        watchfulness=watchful,
        clock_offset=ClockOffset(host, watchful, moved_on(setting.clock_offset.place_time, lambda: passed)),
    )
    workspace.combiner = Combiner(setting.clone.folder, host, Transactions(workspace.setting))
    return workspace


def stopped(workspace: Workspace) -> Workspace:
    """Stop the clocks of a workspace: only `later` moves them from now on."""
    host = workspace.setting.host
    now, monotonic = host.now(), host.monotonic()
    workspace.setting = replace(workspace.setting, host=replace(host, now=lambda: now, monotonic=lambda: monotonic))
    return later(workspace, seconds=0)


def moved_on(
    place_time: Callable[[], datetime | None], passed: Callable[[], timedelta]
) -> Callable[[], datetime | None]:
    """Let the time that has passed have passed where the refs are kept, too."""

    def tell() -> datetime | None:
        told = place_time()
        return None if told is None else told + passed()

    return tell


def crash(workspace: Workspace) -> None:
    """End a session as the kernel does when its process dies: the lock is free, and nobody said good-bye."""
    assert workspace.session is not None
    workspace.session._lock.release()
    workspace.session = None


def commit_on(git: Git, repo: Path, branch: str, start: str = "main", **files: str) -> str:
    """Commit files on a new branch, and return the commit's id."""
    git(repo, "switch", "--quiet", "--create", branch, start)
    for name, text in files.items():
        (repo / name).write_text(text, encoding="utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", f"work on {branch}")
    return git(repo, "rev-parse", "HEAD")


def command_in(next_step: str) -> str:
    """Return the command that a next step says to run; an empty one where it says none."""
    found = re.search(r"`(.+?)`(?=[.,; ]|$)", next_step)
    return found[1] if found else ""


def run_as_printed(next_step: str, cwd: Path) -> Path:
    """Run what a next step says in a shell, from a folder of the user's; return the folder where that ends."""
    script = f"{command_in(next_step) or 'true'} && pwd"
    done = subprocess.run(["sh", "-c", script], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{script}\n{done.stderr}"
    return Path(done.stdout.splitlines()[-1])


def loosened(repo: Path) -> Path:
    """Return it with each object in a file of its own, so that one of them can be damaged."""
    store = store_of(repo)
    for pack in (store / "objects" / "pack").glob("*.pack"):
        aside = pack.rename(store / pack.name)
        for suffix in (".idx", ".keep", ".rev"):
            pack.with_suffix(suffix).unlink(missing_ok=True)
        command = ["git", f"--git-dir={store}", "unpack-objects", "-q"]
        subprocess.run(command, input=aside.read_bytes(), check=True, timeout=60)
        aside.unlink()
    return store


def store_of(repo: Path) -> Path:
    """Return the store of a clone as plain git reads it: with all that its journal has."""
    folder = repo / ".git" / "gitcoord"
    assert write_out(folder, clocks())
    return folder / "store.git"


def write_ref(git_dir: Path, ref: str, files: dict[str, str], message: str = "by a stranger") -> str:
    """Let a stranger push a commit with these files as the tip of a ref."""
    repository = pygit2.Repository(str(git_dir))
    index = pygit2.Index()
    for path, text in files.items():
        index.add(pygit2.IndexEntry(path, repository.create_blob(text.encode()), FileMode.BLOB))
    who = pygit2.Signature("Stranger", "stranger@example.invalid", 1_790_000_000)
    parents = [repository.references[ref].target] if ref in repository.references else []
    tip = str(repository.create_commit(None, who, who, message, index.write_tree(repository), parents))
    repository.references.create(ref, tip, force=True)
    return tip


def damage(repo: Path, project: str) -> None:
    """Put something that is no ledger where a project of the embedded store is."""
    write_ref(store_of(repo), f"refs/coord/steps/{project}", {"project.json": "{"})


def says(error: CoordError) -> tuple[int, str, bool]:
    """Return what a face makes of an error, after checking that it can be shown: a sentence, and what to do."""
    text = str(error)
    assert text.endswith((".", "…"))
    assert text.isprintable()
    assert len(text) + len(error.hint) < 1000
    return error.exit_status, error.code, bool(error.hint)
