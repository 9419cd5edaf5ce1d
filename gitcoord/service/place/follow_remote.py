"""Following: a session that runs while its clone is configured to coordinate elsewhere goes there with it.

Rules:
  * Before each command the files that say where are looked at; only when one has changed are the settings read. What
    a fetch or push of the default branch brought may be the team's file, which says nothing where a person decided.
  * So is the session's own lock: whose folder was deleted makes it again, or takes its lock in the one that another
    process made meanwhile. In both it is the session that it was, with its fences.
  * So is the clone's store: one that was a copy of a remote's is made again by the process that misses it first.
  * If they name another place, the workspace is opened there; what it held here was published, fences and all.
  * STORE-2: if they still name the store of this clone, but another session of the clone took its ledgers to a remote
    (one that only that session's environment names), nothing is done any more: the person who runs this session has to
    decide.
  * A process that was about to write to the store at that moment is stopped by the store itself; see
    `remote/transports/home`.

What this file does not know: how a place is opened (`gitcoord.runtime`).
"""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.doc import Struct
from gitcoord.errors import ContendedError, CoordError, RepositoryError
from gitcoord.ledger.clone import clone_id, team_place
from gitcoord.remote.contract import clone_folder
from gitcoord.remote.contract.protocol import RefName
from gitcoord.service.place.placement import Where
from gitcoord.service.session.clone_store import moved_away
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.checkout.repository import Repository

if TYPE_CHECKING:
    from gitcoord.ledger.archive.publish import Published


Stamp = tuple[int, int, int] | None


class SettingsFiles(NamedTuple):
    """The files that can say where a clone coordinates, as they were at a moment.

    Attributes:
        named: git's configuration, and the store's own description.
        fetched: what changes when a fetch, or a push, may have brought another file of the team.
        stamps: of both, what changes when a file does; `None` where there is none.
    """

    named: Sequence[str]
    fetched: Sequence[str]
    stamps: Sequence[Stamp]

    @classmethod
    def of(cls, repository: Repository, env: Mapping[str, str]) -> Self:
        """Return those of a repository, as they are now."""
        return cls(_named_files(repository, env), (), ()).now(repository)

    def now(self, repository: Repository) -> Self:
        """Return them as they are now."""
        fetched = _fetched_files(repository)
        return self._replace(fetched=fetched, stamps=[_stamp(file) for file in (*self.named, *fetched)])

    def are_same(self, *, is_set: bool) -> bool:
        """Whether none has changed. `is_set`: a person decided, so what was fetched says nothing."""
        files = self.named if is_set else (*self.named, *self.fetched)
        return all(_stamp(file) == stamp for file, stamp in zip(files, self.stamps, strict=False))


class Following(Struct):
    """Keeps one workspace where its clone coordinates.

    Attributes:
        files: what may say so, as it was when the workspace was opened.
        where: where it was opened.
        wanted: reads the settings again.
        prefer: takes over from them what a person prefers.
        moved_to: the remote that has the ledgers of the clone's store by now, if any.
        reopen: opens the workspace where the settings say.
        kept_here: which ledgers the remote would not take.
        check_format: raises where a newer gitcoord uses the clone by now.
        store_now: which store the clone has now: another one when it was deleted and made again.
        make_store_again: makes it, or says what was lost with it. Under the clone's lock.
        store: the one that the workspace was opened with.
    """

    files: SettingsFiles
    where: Where
    wanted: Callable[[], Where]
    prefer: Callable[[Workspace], None]
    moved_to: Callable[[], str]
    reopen: Callable[[Workspace], None]
    kept_here: Callable[[], Sequence[RefName]]
    check_format: Callable[[], None]
    store_now: Callable[[], tuple[int, int] | None]
    make_store_again: Callable[[str], None]
    store: tuple[int, int] | None

    def follow(self, workspace: Workspace) -> bool:
        """Be where the clone coordinates now; tell whether that was elsewhere before.

        Raises:
            UsageError: its ledgers were taken elsewhere, and the settings of this session do not say where.
            SchemaError: a newer gitcoord uses this clone.
            CoordError: the new place cannot be used.
        """
        is_same = self.files.are_same(is_set=self.where.is_set)
        if is_same and has_its_folder(workspace) and self.store_now() == self.store:
            return False
        from filelock import Timeout

        with workspace.lock:
            files = self.files.now(workspace.repository)  # before anything that they say is read
            self.check_format()
            where = self.wanted()
            workspace.warning = where.warning
            self.prefer(workspace)
            is_lost = not has_its_folder(workspace)
            is_same = where.place == self.where.place
            if is_same and where.url is None:
                remote = self.moved_to()
                if remote:
                    raise moved_away(remote)
            is_cut_off = where.url is not None and self.store_now() != self.store
            is_freed = self.where.is_set and not where.is_set  # from now on it follows the team's file, and keeps that
            has_moved = not is_same or is_lost or is_cut_off or is_freed
            if is_cut_off and not is_lost:
                try:
                    with workspace.combiner.lock():
                        self.make_store_again(where.url or "")
                except Timeout:
                    message = "The store of this clone was deleted, and another process of the clone is at work."
                    raise ContendedError(message, hint="Try again.") from None
            if has_moved:
                self.reopen(workspace)
                self.store = self.store_now()
            self.where = where
            if is_lost:
                note_fences(workspace)
            self.files = files.now(workspace.repository) if is_lost else files
        return has_moved

    def kept(self) -> Sequence[RefName]:
        """Return the ledgers that the remote would not take; they are in the store of this clone."""
        return self.kept_here()


def make_folder_again(workspace: Workspace, machine: str) -> bool:
    """Make the clone's folder that of this session again, if it was deleted; return whether it was.

    Another process may have made one since, under an id that it drew. Then the clone has its own id again, because
    that is the one that others know; what was taken under the drawn one is this clone's, too.

    Raises:
        RepositoryError: the repository is no longer where it was.
        StorageError: the disk cannot be written.
        ContendedError: another process holds the clone's lock, or has this session by now.
    """
    clone, folder = workspace.setting.clone, workspace.setting.clone.folder
    if has_its_folder(workspace) and (folder / "clone.json").exists():
        return False
    if not folder.parent.is_dir():
        message = f"The repository {str(folder.parent)!r} is not there any more."
        raise RepositoryError(message, hint="Put it back, or restart this session where it is now.")
    from filelock import Timeout

    host = workspace.setting.host
    clone_folder.make(folder)
    try:
        with workspace.combiner.lock():  # nothing is on its way under the id that was drawn
            clone_id.restore(folder, machine, clone.ids, host.unique, boot=host.boot, given_up=clone.earlier)
            clone.others = clone_id.others(folder)
            if workspace.session is not None:
                workspace.session.let_go()
                workspace.session = workspace.setting.sessions.open(workspace.session.beat)
    except Timeout:
        message = "The folder of this clone was deleted, and another process is at work in the new one."
        hint = "Try again; if another server has this session by now, restart this one."
        raise ContendedError(message, hint=hint) from None
    return True


def has_its_folder(workspace: Workspace) -> bool:
    """Whether the folder is the one that this session holds its lock in."""
    return workspace.session is None or workspace.session.is_here()


def note_fences(workspace: Workspace) -> None:
    """Keep the fences of this session again, as the ledgers have them: they were in the folder that was deleted."""
    reader, clones = workspace.reader, workspace.setting.clone.ids
    with workspace.lock, contextlib.suppress(CoordError):  # what is missing can be claimed again: the fence is dropped
        for state in reader.projects(reader.list_refs()):
            for step in state.content.held_steps() if state.content else ():
                if step.session_id == workspace.session_id and step.clone in clones:
                    workspace.fences.keep(step.id, step.fence, step.branch, step.agent_id)


def moved_notice(remote_name: str, *, made_again: bool = False) -> CallerNotice:
    """Tell an agent that its session followed, or that its clone's folder was deleted and nothing is lost."""
    if made_again:
        text = f"This clone's folder for coordination was deleted; this session goes on in a new one ({remote_name})."
        return CallerNotice.of("folder_made_again", text)
    text = f"This clone is now configured to coordinate through {remote_name}."
    return CallerNotice.of("remote_changed", text)


def notices_of(published: "Published | None") -> list[CallerNotice]:
    """Tell an agent what was published, if anything was."""
    if published is None:
        return []
    count, names = len(published.published), ", ".join(ref.rsplit("/", 1)[1] for ref in published.kept)
    text = f"{count} {'ledger of this clone is' if count == 1 else 'ledgers of this clone are'} now on the remote."
    if names:
        text += f" The remote already has {names}: those stay in this clone's store, under refs/kept."
    return [CallerNotice.of("published", text)]


def _named_files(repository: Repository, env: Mapping[str, str]) -> list[str]:
    """Return the files that can say where a clone coordinates. Those that git's configuration includes are not here."""
    home = Path(env.get("HOME", "/"))
    user = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
    pointer = repository.top / ".git"  # a file in a linked worktree
    text = pointer.read_text("utf-8", "surrogateescape") if pointer.is_file() else ""
    git_dir = repository.top / text.removeprefix("gitdir: ").rstrip("\n") if text else repository.common_dir
    files = [
        repository.common_dir / "gitcoord" / "store.json",
        repository.common_dir / "gitcoord" / team_place.FILE,
        repository.common_dir / "config",
        repository.common_dir / "config.worktree",
        git_dir / "config.worktree",
        home / ".gitconfig",
        user / "git" / "config",
    ]
    return [*dict.fromkeys(map(str, files))]  # a main worktree has its settings in the common folder


def _fetched_files(repository: Repository) -> list[str]:
    """Return the files that change when origin's default branch does; all of its branches where that is not known."""
    common = repository.common_dir
    refs = common / "refs" / "remotes" / "origin"
    try:
        head = (refs / "HEAD").read_text("utf-8", "replace").removeprefix("ref:").strip()
    except OSError:
        return [str(refs), str(common / "packed-refs"), str(common / "reftable" / "tables.list")]
    return [str(refs / "HEAD"), str(common / head), str(common / "packed-refs")]


def _stamp(file: str) -> Stamp:
    try:
        status = os.stat(file)  # noqa: PTH116 - some ten files, twice a claim: a `Path` takes as long again
    except (OSError, ValueError):  # no file can have that name: a damaged HEAD has any text
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
