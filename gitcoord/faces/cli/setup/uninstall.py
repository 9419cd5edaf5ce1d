"""`gitcoord uninstall`: what `init` wrote is taken back, and what was there before is there again.

Rules:
  * A file that no one touched since gets back its very bytes; elsewhere only what is ours is taken out.
  * Settings get back the value that they had, if they still have ours; one that had a password in it was not kept, and
    the setting goes. Without the record all of this clone's go.
  * The ledgers stay: what was coordinated is other people's record, too. With --everything this clone's own folder goes
    as well, and with --remote what is at the remote, after a person said yes, and never under a live session.
  * What is deleted so is named, with where it is, by a dry run as by the run; what cannot be deleted is named with the
    reason, and the rest goes.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import amount
from gitcoord.errors import CoordError, RefusedError
from gitcoord.faces.cli.screens import change_list
from gitcoord.faces.cli.setup import config
from gitcoord.faces.cli.setup.init import PROGRAM
from gitcoord.faces.cli.terminal import show, world
from gitcoord.faces.cli.terminal.calls import opened
from gitcoord.faces.cli.terminal.fields import strings
from gitcoord.faces.cli.terminal.options import AsJson, Yes, confirm, examples
from gitcoord.faces.cli.wiring.change import Action, Change, write
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.redaction import redact
from gitcoord.remote.store.store import StoreMode, open_store
from gitcoord.source.checkout.repository import Repository, open_repository

if TYPE_CHECKING:
    from gitcoord.faces.cli.wiring.record import Record

EVERYTHING = "gitcoord uninstall --everything"
EXAMPLES = ("gitcoord uninstall", "gitcoord uninstall --dry-run", f"{EVERYTHING} --remote")
OURS = ("gitcoord.remote", "gitcoord.repo", PROGRAM)


@dataclass(frozen=True, slots=True)
class _Deleted:
    """What is deleted, or would be, beside what `init` wrote.

    Attributes:
        refs: those of coordination, below `below`, `at` the remote's URL; `left`: those that stay there.
        folders, files: of this clone: its store, and how its worktrees are called.
    """

    refs: list[str] = field(default_factory=list[str])
    below: str = ""
    at: str = ""
    left: list[str] = field(default_factory=list[str])
    folders: list[str] = field(default_factory=list[str])
    files: list[str] = field(default_factory=list[str])


def register(root: typer.Typer) -> None:
    """Add this command."""
    root.command("uninstall", epilog=examples(*EXAMPLES))(uninstall)


def uninstall(
    *,
    everything: Annotated[
        bool, typer.Option("--everything", help="Also what was coordinated within this clone: leave no trace in it.")
    ] = False,
    remote: Annotated[
        bool, typer.Option("--remote", help="With --everything, also what is at the remote, for everyone.")
    ] = False,
    server: Annotated[
        Path | None, typer.Option("--server", metavar="PATH", help="Only: what `init --server` wrote there.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Take back what `init` wrote here, and restore what was there.

    Files, git's hooks and settings of this clone. Steps, claims and their history stay where they are, unless
    --everything says otherwise.
    """
    from gitcoord.faces.cli.wiring import git_hooks, wire
    from gitcoord.faces.cli.wiring.record import load_record

    if server is not None:
        from gitcoord.faces.cli.setup.server import carry_out

        return carry_out(server, {PROGRAM: None}, dry_run=dry_run, as_json=as_json)
    repository = open_repository(world.folder(), world.environment())
    if remote and not everything:
        raise typer.BadParameter("it goes with --everything", param_hint="--remote")
    store = repository.common_dir / "gitcoord"
    if everything and not dry_run:
        _ask(repository, with_remote=remote, yes=yes)
    deleted = _Deleted() if not remote else _listed(repository) if dry_run else _delete()
    if everything:
        folders = [str(store)] if store.is_dir() else []
        deleted = replace(deleted, folders=folders, files=snapshot_files.name_files(str(repository.common_dir)))
    record = load_record(repository.common_dir)
    planned = wire.remove(repository.top, world.environment(), record)
    changes = [*(file.change for file in planned), *git_hooks.remove(git_hooks.find(repository))]
    settings = _settings(repository, record)
    restored = {
        change.path
        for change in changes
        if change.before and change.after and record.before(change.path, change.before)
    }
    if not dry_run:
        folders = _folders(record, changes, {file.change.path for file in planned})
        changes = [write(change) for change in changes]
        _remove_empty(repository, folders | {".husky/gitcoord"})
        for name, value in settings.items():
            config.write(repository, config.find(name), value or "")
        _forget(repository, record)
        if everything:
            deleted, stayed = _removed(deleted, repository.top)
            changes += stayed
    return _report(repository, changes, settings, restored, deleted, as_json=as_json, dry_run=dry_run)


def _removed(planned: _Deleted, top: Path) -> tuple[_Deleted, list[Change]]:
    """Remove folders and files of this clone; return what is gone, and what stayed, each with the reason."""
    stayed: dict[str, str] = {}
    for folder in planned.folders:
        shutil.rmtree(folder, ignore_errors=True)  # all that goes
        try:
            shutil.rmtree(folder)  # what is left says why
        except FileNotFoundError:
            continue
        except OSError as error:
            stayed[folder] = f"not all of it could be removed: {error.strerror or error}"
    for name in planned.files:
        try:
            Path(name).unlink(missing_ok=True)
        except OSError as error:
            stayed[name] = f"it could not be removed: {error.strerror}"
    folders, files = ([path for path in paths if path not in stayed] for paths in (planned.folders, planned.files))
    left = [Change(top, path, Action.SKIPPED, why=why) for path, why in stayed.items()]
    return replace(planned, folders=folders, files=files), left


def _report(
    repository: Repository,
    changes: list[Change],
    settings: dict[str, str | None],
    restored: set[str],
    deleted: _Deleted,
    *,
    as_json: bool,
    dry_run: bool,
) -> int:
    if as_json:
        gone: dict[str, Json] = {"refs": [*deleted.refs], "at": deleted.at or None}
        gone |= {"folders": [*deleted.folders], "files": [*deleted.files]}
        rows, values = change_list.rows(changes), change_list.values(settings)
        show.json_object({"changes": rows, "settings": values, "deleted": gone, "dry_run": dry_run})
        return change_list.status(changes)
    is_more = _tell_deleted(deleted, "remove" if dry_run else "removed")
    if dry_run:
        change_list.preview(changes, settings, is_more=is_more)
    else:
        _tell(repository, changes, settings, restored, is_more=is_more)
    change_list.complain(changes, dry_run=dry_run)
    for ref in deleted.left:
        show.aside("note", f"{ref} tells the other clones what was deleted; later: git push <remote> --delete {ref}")
    return change_list.status(changes)


def _ask(repository: Repository, *, with_remote: bool, yes: bool) -> None:
    """Ask whether what was coordinated may be deleted.

    Raises:
        RefusedError: a session of this clone lives.
    """
    agents = sorted(Sessions(repository.common_dir / "gitcoord", "uninstall").live_agents())
    if agents:
        message = f"{agents[0]} is at work in this clone."
        raise RefusedError(message, hint="End its session first; then run this again.")
    where = "in this clone and at its remote, for everyone" if with_remote else "in this clone"
    confirm(f"Delete what was coordinated {where}, with its history?", yes=yes)


def _delete() -> _Deleted:
    """Delete the refs at the remote; where there is none, the refs go with this clone's folder."""
    from gitcoord.service.team import deletion

    with opened() as workspace:
        done = deletion.delete_everything(workspace)
        if workspace.remote_url is None:
            return _Deleted()
        below = workspace.setting.refs.namespace
        return _Deleted(strings(done.get("deleted")), below, workspace.remote_name, strings(done.get("left")))


def _listed(repository: Repository) -> _Deleted:
    """Return the refs at the remote, which is only read."""
    from gitcoord import runtime

    folder, environment = world.folder(), world.environment()
    url = runtime.placement_here(folder, environment).where(repository, environment).url
    if url is None:
        return _Deleted()
    with runtime.open_inspection(folder, environment) as inspection:
        return _Deleted(sorted(inspection.listed), inspection.refs.namespace, redact(url))


def _tell_deleted(deleted: _Deleted, word: str) -> bool:
    """Name what is deleted beside what `init` wrote; return whether anything is."""
    if deleted.refs:
        show.line(f"{word:<10} {amount(len(deleted.refs), 'ref')} below {deleted.below} at {deleted.at}, for everyone")
    for path in (*deleted.folders, *deleted.files):
        show.line(f"{word:<10} {path}")
    return bool(deleted.refs or deleted.folders or deleted.files)


def _settings(repository: Repository, record: "Record") -> dict[str, str | None]:
    """Return the settings to change, each with the value that it gets back; `None` unsets it."""
    from gitcoord.faces.cli.wiring.record import kept

    values: dict[str, str | None] = {}
    for name in OURS:
        present = repository.text("config", "--local", "--get", name)
        if present is None:
            continue
        before, written = record.settings.get(name, (None, kept(present)))
        if kept(present) == written and present != before:
            values[name] = before
    return values


def _folders(record: "Record", changes: list[Change], tracked: set[str]) -> set[str]:
    """Return the folders that were made for files that go; git made those of the ones that came with a clone."""
    folders: set[str] = set()
    for change in changes:
        if change.before and change.after is None:
            before = record.before(change.path, change.before)
            if before is not None:
                folders.update(before.folders)
            elif change.path in tracked:
                folders.update(str(parent) for parent in PurePosixPath(change.path).parents if parent.name)
    return folders


def _remove_empty(repository: Repository, folders: set[str]) -> None:
    for folder in sorted(folders, key=len, reverse=True):
        with suppress(OSError):  # another program has put something into it
            (repository.top / folder).rmdir()


def _forget(repository: Repository, record: "Record") -> None:
    """End kept connections; forget what was restored, but what other worktrees may still need."""
    from gitcoord.remote.ssh import shared_connection
    from gitcoord.runtime.machine import clocks

    shared_connection.end_all(repository.common_dir / "gitcoord", world.environment(), clocks().monotonic)
    record.settings.clear()
    listed = repository.text("worktree", "list", "--porcelain") or ""
    if sum(line.startswith("worktree ") for line in listed.split("\n")) < 2:  # noqa: PLR2004 - this one, and another
        record.files.clear()
    with suppress(OSError):
        record.save()
        record.path.parent.rmdir()  # which fails where there is more in it


def _tell(
    repository: Repository,
    changes: list[Change],
    settings: Mapping[str, str | None],
    restored: set[str],
    *,
    is_more: bool,
) -> None:
    change_list.tell(changes, restored=restored)
    for name, value in settings.items():
        show.line(f"{'restored' if value else 'removed':<10} git config {name}")
    if not changes and not settings and not is_more:
        show.line("Nothing of gitcoord is here.")
    if (repository.common_dir / "gitcoord" / "store.git").is_dir():
        show.aside("note", _kept(repository))


def _kept(repository: Repository) -> str:
    """Say where what was coordinated is, and what deletes what is here of it."""
    store, found = repository.common_dir / "gitcoord", None
    with suppress(CoordError):  # of a damaged one nothing says that it is a copy
        found = open_store(repository.common_dir)
    if found is not None and found.mode is StoreMode.CACHE:
        return f"what was coordinated stays at the remote; `{EVERYTHING}` deletes the copy in {store}"
    return f"what was coordinated is kept in {store}; `{EVERYTHING}` deletes it"
