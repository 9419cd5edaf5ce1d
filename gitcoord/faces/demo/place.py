"""The place: a throw-away folder with a remote, two clones of two people, and a linked worktree for each agent.

    <folder>/remote.git           the remote, unless another one was named
    <folder>/ann, <folder>/bob    clones
    <folder>/ann-1, bob-2, …      worktrees, one an agent
    <folder>/logs                 what the servers wrote to stderr

On a remote that was named, everything is below a prefix of its own, the ledgers too, and is removed at the end: the
claims there are those of the agent that works there.
"""

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gitcoord.core.documents.names import shown
from gitcoord.errors import UnreachableError
from gitcoord.faces.demo.git import GitFailedError, git
from gitcoord.faces.demo.plan import CART, CART_TEXT, FILES, start_text

PEOPLE = ("ann", "bob")
# Variables of a surrounding agent's session or of a setting: the agents here are other agents, elsewhere.
_FOREIGN = re.compile(r"(?:GITCOORD|CLAUDE|CODEX|GEMINI|OPENCODE|CURSOR)_.*|CLAUDECODE|AI_AGENT|AGENT|OPENCODE")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one agent works: its name, its person's clone, its worktree."""

    agent: str
    person: str
    worktree: Path


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one demonstration. `prefix` begins every branch; `project` is the project's name."""

    folder: Path
    env: Mapping[str, str]
    remote: str
    is_own_remote: bool
    project: str
    base: str
    desks: tuple[Desk, ...]

    @property
    def prefix(self) -> str:
        """Return what every branch begins with."""
        return self.project

    @property
    def people(self) -> tuple[str, ...]:
        """Return whose clones are worked in."""
        return tuple(dict.fromkeys(desk.person for desk in self.desks))

    @property
    def ledger(self) -> str:
        """Return the ref of the project's ledger on the remote."""
        return f"{self.namespace}/steps/{self.project}"

    @property
    def claims(self) -> str:
        """Return the ref of the claims on the remote."""
        return f"{self.namespace}/claims"

    @property
    def namespace(self) -> str:
        """Return below what the ledgers are."""
        return _namespace(None if self.is_own_remote else self.project)

    @property
    def cart_branch(self) -> str:
        """Return the branch of the file that two agents want."""
        return f"{self.prefix}/cart"

    def clone(self, person: str) -> Path:
        """Return a person's clone."""
        return self.folder / person


def set_up_place(folder: Path, env: Mapping[str, str], *, remote: str | None, name: str, agents: int) -> Place:
    """Make everything that the agents need.

    Raises:
        UnreachableError: the remote that was named cannot be cloned or pushed to.
        GitFailedError: git failed on this machine.
    """
    clean = {key: value for key, value in env.items() if not _FOREIGN.fullmatch(key)}
    (folder / "logs").mkdir()
    url = remote or str(folder / "remote.git")
    if remote is None:
        git(folder, clean, "init", "--quiet", "--bare", "--", url)
    try:
        for person in PEOPLE:
            _clone(folder, clean, url, person, _namespace(name if remote else None))
        base = _found(folder / PEOPLE[0], clean, name)
        git(folder / PEOPLE[1], clean, "fetch", "--quiet", "origin", f"refs/heads/{name}/base")
    except GitFailedError as error:
        if remote is None:
            raise
        raise UnreachableError(f"{shown(url)} cannot be used: {error}", hint="Name a remote you may push to.") from None
    desks: list[Desk] = []
    for number in range(1, agents + 1):
        # The first two share a clone, so that one can take over what the other leaves.
        person = PEOPLE[0] if number <= 2 else PEOPLE[number % 2]  # noqa: PLR2004 - as the sentence above says
        worktree = folder / f"{person}-{number}"
        git(folder / person, clean, "worktree", "add", "--quiet", "--detach", "--", str(worktree), base)
        desks.append(Desk(f"{person}/demo/{worktree.name}", person, worktree))
    return Place(folder, clean, url, remote is None, name, base, tuple(desks))


def remove_place(place: Place) -> None:
    """Take everything away, on a remote that was named too."""
    if not place.is_own_remote:
        clone = place.clone(PEOPLE[0])
        with suppress(GitFailedError):  # what is left there is named like a demonstration, and harmless
            listed = git(clone, place.env, "ls-remote", "origin", f"refs/heads/{place.prefix}/*")
            refs = [line.split("\t")[1] for line in listed.splitlines()]
            if refs:
                git(clone, place.env, "push", "--quiet", "origin", *(f":{ref}" for ref in refs))
    shutil.rmtree(place.folder, ignore_errors=True)


def _namespace(prefix: str | None) -> str:
    return f"refs/heads/{prefix}/coord" if prefix else "refs/coord"


def _clone(folder: Path, env: Mapping[str, str], url: str, person: str, namespace: str) -> None:
    git(folder, env, "clone", "--quiet", "--no-checkout", "--", url, str(folder / person))
    settings = {
        "user.name": person.capitalize(),
        "user.email": f"{person}@example.invalid",
        "commit.gpgSign": "false",
        "gitcoord.remote": "origin",
        "gitcoord.namespace": namespace,
        "gc.auto": "0",
    }
    for key, value in settings.items():
        git(folder / person, env, "config", "--local", key, value)


def _found(clone: Path, env: Mapping[str, str], prefix: str) -> str:
    """Make the base commit and push it."""
    git(clone, env, "switch", "--quiet", "--orphan", f"{prefix}/base")
    for name in FILES:
        (clone / name).write_text(start_text(), encoding="utf-8")
    (clone / CART).write_text(CART_TEXT, encoding="utf-8")
    git(clone, env, "add", "--", *FILES, CART)
    git(clone, env, "commit", "--quiet", "--message", "An empty shop")
    git(clone, env, "push", "--quiet", "origin", f"HEAD:refs/heads/{prefix}/base")
    return git(clone, env, "rev-parse", "HEAD")
