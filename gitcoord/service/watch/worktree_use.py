"""Whether a worktree is in use, by what is on this machine: no remote is asked, and nothing is written.

    session       its lock is held, a hook of it ran a moment ago, or it said good-bye and may be resumed
    step, claim   this clone holds it for an agent of that worktree, by what is here of the ledgers
    changes, commit, operation    what would be lost with the folder (`source/history/unsaved`)
    locked        by `git worktree lock`

Rules:
  * What cannot be read is an error, and never counts as "free".
  * Documents name a worktree as it is called (`snapshot_files`); people, and sessions of older versions, by its folder:
    two of one clone whose folders have the same name count for each other. One that git has forgotten counts by all
    names that begin with its folder's. A step of which no worktree is known counts for each of its clone.
  * A worktree that others lie in counts with them; the main one, which has the repository, with all of the clone.
  * A holder that is gone keeps a worktree in use until its step is recovered and its claims have ended, by the rules.

What this file does not know: who asks, and what for.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.party import LEVELS, agent_level
from gitcoord.errors import InvalidError, RepositoryError, StorageError
from gitcoord.ledger.clone import clone_id, lock_holder, snapshot_files, team_place
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.ledger.hook_view import held_here, view
from gitcoord.ledger.hook_view.glance import Clocks, Glance, Where
from gitcoord.remote.store.plain_store import PlainStore
from gitcoord.remote.transports.path_remote import git_dir_of, usable_as_local
from gitcoord.service.place.placement import Placement
from gitcoord.service.session.holder_liveness import ENDED
from gitcoord.source.checkout.remote_urls import path_of
from gitcoord.source.checkout.repository import Repository, open_repository
from gitcoord.source.history import unlanded, unsaved

PATHS_SHOWN = 20
UNKNOWN = "unknown"
Row = dict[str, Json]


def in_use(path: str, cwd: Path, env: Mapping[str, str], host: Host) -> dict[str, Json]:
    """Return whether the worktree at a path is in use, and by what.

    A folder within a worktree stands for it. A path at which nothing is stands for the worktree that was there.

    Raises:
        InvalidError: no path is given.
        RepositoryError: it is in no worktree, or git cannot say.
        StorageError: what gitcoord keeps of the clone cannot be read.
        CoordError: so are the ledgers.
    """
    if not path.strip() or "\0" in path:
        raise InvalidError("The path of a worktree is needed.", hint="For example: gitcoord worktree in-use ../wt")
    folder = Path(os.path.realpath(cwd / path))
    is_there = folder.exists()
    found = [open_repository(folder, env)] if is_there else _around_missing(folder, cwd, env)
    looks = [_Look.at(repository, folder, host) for repository in found]
    try:
        rows = [row for look in looks for row in look.uses()]
    except OSError as error:
        raise StorageError(f"{shown(str(error.filename), 200)} cannot be read: {error.strerror}.") from error
    ages = [look.glance.age_s for look in looks if look.is_clone and look.glance.age_s is not None]
    return {
        "in_use": bool(rows),
        "path": str(folder),
        "worktree": str(found[0].top) if is_there else None,
        "used_by": [*rows],
        "count": len(rows),
        **({"age_s": round(max(ages))} if ages else {}),
    }


def _around_missing(folder: Path, cwd: Path, env: Mapping[str, str]) -> list[Repository]:
    """Return the repositories that a worktree may have been of: the one around its place, and the caller's."""
    near = next(parent for parent in folder.parents if parent.is_dir())
    around = [place for place in (near, cwd) if snapshot_files.places(str(place)) is not None]
    if not around:
        message = f"{shown(str(folder), 200)} is not there, and no repository is around it or here."
        raise RepositoryError(message, hint="Ask from within the repository that it was a worktree of.")
    found = [open_repository(place, env) for place in around]
    return [*{repository.common_dir: repository for repository in found}.values()]


@dataclass(frozen=True)
class _Look:
    """One look at the worktree of a repository.

    Attributes:
        affected: what git says of the worktrees that are asked about, those that lie in it included.
        names: what documents call them.
        every: what documents call all worktrees of the clone.
        forgotten: how the names begin of one that is gone and that git does not know any more.
    """

    repository: Repository
    host: Host
    affected: Sequence[dict[str, str]]
    names: Collection[str]
    every: Collection[str]
    forgotten: str | None

    @classmethod
    def at(cls, repository: Repository, folder: Path, host: Host) -> "_Look":
        """Find out which worktrees are meant."""
        known = [*unlanded.worktrees(repository)]
        top = Path(os.path.realpath(repository.top)) if folder.exists() else folder
        _, git_dir = (folder.exists() and snapshot_files.git_dir_around(str(top))) or ("", "")
        is_main = bool(git_dir) and os.path.realpath(git_dir) == os.path.realpath(repository.common_dir)
        below = [row for row in known if is_main or Path(os.path.realpath(row["worktree"])).is_relative_to(top)]
        named = snapshot_files.linked_folders(str(repository.common_dir))

        def called(path: str) -> str:
            return named.get(os.path.realpath(path)) or snapshot_files.worktree_name(path)

        folders = [str(top), *(row["worktree"] for row in below)]
        every = {called(row["worktree"]) for row in known}
        names = {name for path in folders for name in (called(path), Path(path).name)}
        # Git may have numbered one that it has forgotten.
        forgotten = None if folder.exists() or str(top) in named else agent_level(top.name)
        return cls(repository, host, below, names, every | names, forgotten)

    @property
    def folder(self) -> Path:
        """What gitcoord keeps of the clone."""
        return self.repository.common_dir / "gitcoord"

    def is_meant(self, name: str) -> bool:
        """Whether a name may be that of the worktree that is asked about, or of one in it."""
        if name in self.every or self.forgotten is None:
            return name in self.names
        return agent_level(name).startswith(self.forgotten)

    @cached_property
    def is_clone(self) -> bool:
        """Whether gitcoord was ever used in it."""
        return self.folder.exists()

    @cached_property
    def sessions(self) -> Sessions:
        """The sessions of the clone."""
        return Sessions(self.folder, self.host.unique)

    @cached_property
    def glance(self) -> Glance:
        """What is here of the ledgers."""
        repository, env = self.repository, self.repository.env
        settings = repository.settings()
        followed = {} if team_place.is_set(settings, env) else team_place.load(self.folder)
        place = Placement({**followed, **settings}, followed).where(repository, env)
        where = Where(self.folder, place.url, place.namespace, repository.top, env, place.repo)
        clocks = Clocks(lambda: self.host.now().timestamp(), self.host.monotonic, self.host.sleep)
        path = path_of(place.url, repository) if place.url else None
        namespace = f"{place.namespace}/"
        if path is None or usable_as_local(path, env=env, namespace=namespace) is not None:
            return view.known(where, clocks)
        tips = PlainStore(git_dir_of(path) or path, env).tips([f"{namespace}claims", f"{namespace}steps/"])
        return Glance(
            where, clocks, clocks.monotonic(), namespace, {**tips}, has_steps=True
        )  # as every command reads it

    def uses(self) -> Iterator[Row]:
        """Yield what uses them."""
        if self.is_clone:
            yield from self.live_sessions()
            clones = {clone_id.current(self.folder) or "", *clone_id.others(self.folder)}
            clones |= {*clone_id.earlier(self.folder)} - {""}
            yield from self.held_steps(clones)
            yield from self.held_claims(clones)
        for worktree in self.affected:
            yield from _unsaved(self.repository, worktree)

    def live_sessions(self) -> Iterator[Row]:
        """Yield the sessions that live or may be resumed there; one whose file cannot be read may be anywhere."""
        for beat, state, name in self.sessions.at_work(self.host.now()):
            if beat is not None and beat.worktree and not self.is_meant(beat.worktree):
                continue
            ended = state.closed_at if not state.locked else None
            holder = lock_holder.holder_of(self.folder / "sessions" / f"{name}.lock") if state.locked else None
            process: Row = {"process": {"pid": holder.pid, "command": shown(holder.command)}} if holder else {}
            yield {
                "kind": "session",
                "session": name,
                "agents": [*beat.agents] if beat else [],
                "tool": beat.tool if beat else None,
                "worktree": beat.worktree if beat else None,
                "life": ENDED if ended else "live",
                **({"closed_at": time_text(ended)} if ended else {}),
                **({"called_at": time_text(state.called_at)} if state.called_at else {}),
                **process,
            }

    def held_steps(self, clones: Collection[str]) -> Iterator[Row]:
        """Yield the steps of agents there. `clones`: the ids of this one."""
        for held in held_here.steps_held(self.glance, self.folder, clones):
            step = held.step
            session = step.session_id if step else held.session
            agent = (step.agent_id if step else None) or ""
            place = self._place_of(session, agent, step.worktree if step else None)
            if place is not None and not self.is_meant(place):
                continue
            yield {
                "kind": "step",
                "step_id": held.id,
                "agent": agent or None,
                "session": session,
                "fence": step.fence if step else None,
                "worktree": place,
                "life": self._life(session),
                "next_step": sentence("If its holder is gone: ", Call.of("recover_step", step_id=held.id), "."),
            }

    def held_claims(self, clones: Collection[str]) -> Iterator[Row]:
        """Yield the claims of agents there, without those of steps."""
        now = self.host.now()
        for claim in held_here.claims_held(self.glance, clones):
            place = self._place_of(claim.session, claim.agent, None)
            if claim.expires_at > now and claim.step is None and place is not None and self.is_meant(place):
                items = claim.items[:PATHS_SHOWN]
                symbols: Row = {item.pattern: [*item.symbols] for item in items if item.symbols}
                yield {
                    "kind": "claim",
                    "claim_id": claim.id,
                    "agent": claim.agent,
                    "session": claim.session,
                    "worktree": place,
                    "items": [item.pattern for item in items],
                    **({"symbols": symbols} if symbols else {}),
                    "expires_at": time_text(claim.expires_at),
                    "life": self._life(claim.session),
                }

    def _place_of(self, session: str | None, agent: str, said: str | None) -> str | None:
        """Return what documents call the worktree of a holder: what it said, its session's, or what its name says.

        What it said may be a path from where it was, which means nothing here: of that the last part counts.
        """
        folder = Path(os.path.normpath(said)).name if said else ""
        if folder not in {"", os.pardir}:
            return folder
        beat = self.sessions.known(session) if session else None
        if beat is not None and beat.worktree:
            return beat.worktree
        level = next(iter(agent.split("/")[LEVELS - 1 :]), "")
        named = next((name for name in sorted(self.every) if agent_level(name) == level), None)
        return level if named is None and self.forgotten and level.startswith(self.forgotten) else named

    def _life(self, session: str | None) -> str:
        """Say whether a session of this clone lives, by its lock; of one without a lock that is not known here."""
        state = self.sessions.state(session)
        if state.locked is None:
            return UNKNOWN
        return "live" if state.locked else ENDED if state.closed_at else "over"


def _unsaved(repository: Repository, worktree: dict[str, str]) -> Iterator[Row]:
    """Yield what would be lost with a worktree."""
    place = {"worktree": worktree["worktree"]}
    if "locked" in worktree:
        yield {"kind": "locked", **place, "reason": worktree["locked"] or None}
    if "prunable" in worktree or not os.path.lexists(worktree["worktree"]):
        return  # nothing is there that could be lost
    found = unsaved.unsaved_in(unlanded.seen_from(repository, worktree))
    if found.paths:
        yield {"kind": "changes", **place, "paths": [*found.paths[:PATHS_SHOWN]], "count": len(found.paths)}
    if found.commit:
        yield {"kind": "commit", **place, "commit": found.commit}
    if found.operation:
        yield {"kind": "operation", **place, "operation": found.operation}
