"""`gitcoord init`: set up a repository: where to coordinate, and the agents' tools.

Rules:
  * It can be run twice: what is there already is left as it is.
  * Only what is ours is written; a file that cannot be read, or that leads elsewhere, is left alone and named.
  * A remote is tried, by really swapping a ref there, before it becomes the setting.
  * `--remote .` is this clone alone: the one way back from a remote, whose ledgers stay where they are.
  * Where nobody could tell whose work it is, that is said, because every command after this one would be refused.
  * Nobody is asked anything without a terminal: files are written, a remote only if one was named or with --yes.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

import typer

from gitcoord.core.doc import Json
from gitcoord.errors import CoordError
from gitcoord.faces.cli import config, show, world
from gitcoord.faces.cli.options import AsJson, examples
from gitcoord.faces.cli.wiring.change import Action, Change, diff, write
from gitcoord.source.repository import Repository, open_repository

INCOMPLETE = 1  # something was left untouched, or is missing, that a person has to look at
HERE = "."  # the store of this clone


class Tool(StrEnum):
    """The agents' tools that can be wired."""

    CLAUDE = "claude"
    CODEX = "codex"
    ALL = "all"
    NONE = "none"


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = (
        "gitcoord init",
        "gitcoord init --dry-run",
        "gitcoord init --remote origin --tool claude --yes",
        "gitcoord init --remote https://example.com/team/coordination.git --repo myapp",
        "gitcoord init --remote .",
    )
    root.command("init", epilog=examples(*lines))(init)


@dataclass(frozen=True, slots=True)
class _Settings:
    """What goes to git's configuration. `missing`: what it lacks for anybody to work here."""

    remote: str | None
    repo: str | None
    probed: Mapping[str, Json]
    missing: CoordError | None = None


def init(
    *,
    tool: Annotated[Tool | None, typer.Option("--tool", help="The tool to wire; those in use if left out.")] = None,
    remote: Annotated[
        str | None,
        typer.Option("--remote", metavar="NAME|URL", help="Coordinate through this remote (`.`: within this clone)."),
    ] = None,
    repo: Annotated[
        str | None,
        typer.Option("--repo", metavar="NAME", help="This repository's name, where several share one remote."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; use origin if it can be pushed to.")] = False,
    as_json: AsJson = False,
) -> int:
    """Set up this repository and its agents' tools.

    What each tool reads is merged into what is there. A remote that is named is tried, then it is the one
    to coordinate through.
    """
    from gitcoord.faces.cli.wiring import tools

    repository = open_repository(world.folder(), world.environment())
    asks = not (yes or dry_run or as_json) and sys.stdin.isatty() and sys.stdout.isatty()
    settings = _Settings(remote, repo, {}) if dry_run else _settings(repository, remote, repo, yes=yes, asks=asks)
    settings = replace(settings, missing=_missing())
    wanted = tools.detect(repository.top, world.environment()) if tool is None else tools.named(tool.value)
    changes = tools.plan(repository.top, world.environment(), wanted)
    if asks and any(change.is_needed for change in changes):
        _list(changes)
        if not typer.confirm("Write these?", default=True):
            show.line("Nothing was written.")
            return 0
    if dry_run:
        return _would(repository, changes, settings, as_json=as_json)
    _configure(repository, settings)
    done = [write(repository.top, change) for change in changes]
    return _report(repository, done, settings, as_json=as_json)


def _settings(repository: Repository, remote: str | None, repo: str | None, *, yes: bool, asks: bool) -> _Settings:
    """Check what was given and try the remote; what is wrong with either is an error before anything is written."""
    if repo is not None:
        config.find("repo").check(repo)
    if remote is not None:
        return _Settings(remote, repo, {} if remote == HERE else _probe(remote))
    if repository.text("config", "--get", "gitcoord.remote") or repository.remote_url("origin") is None:
        return _Settings(None, repo, {})
    if not yes and not (
        asks and typer.confirm("Coordinate with other clones through the remote 'origin'?", default=True)
    ):
        return _Settings(None, repo, {})
    try:
        return _Settings("origin", repo, _probe("origin"))
    except CoordError as error:
        show.aside("note", f"origin cannot be used ({error}), so this stays within this clone.")
        return _Settings(None, repo, {})


def _probe(remote: str) -> Mapping[str, Json]:
    from gitcoord import runtime

    config.find("remote").check(remote)
    return runtime.probe_remote(world.folder(), world.environment(), remote)


def _missing() -> CoordError | None:
    from gitcoord import runtime

    try:
        runtime.agent_here(world.folder(), world.environment(), tool="cli")
    except CoordError as error:
        return error
    return None


def _configure(repository: Repository, settings: _Settings) -> None:
    if settings.remote == HERE:
        from gitcoord import runtime

        runtime.coordinate_here(world.folder(), world.environment())
    for name, value in (("remote", settings.remote), ("repo", settings.repo)):
        if value:
            config.write(repository, config.find(name), value)


def _would(repository: Repository, changes: list[Change], settings: _Settings, *, as_json: bool) -> int:
    if as_json:
        return _report(repository, changes, settings, as_json=True, dry_run=True)
    for change in changes:
        show.verbatim(diff(change))
    for name, value in (("remote", settings.remote), ("repo", settings.repo)):
        if value:
            show.line(f"git config gitcoord.{name} {value}")
    if not any(change.is_needed for change in changes) and not (settings.remote or settings.repo):
        show.line("Nothing would change.")
    return _complain(changes, settings)


def _report(
    repository: Repository, changes: list[Change], settings: _Settings, *, as_json: bool, dry_run: bool = False
) -> int:
    remote = settings.remote or repository.text("config", "--get", "gitcoord.remote")
    remote = None if remote == HERE else remote
    if as_json:
        rows: list[Json] = [{"path": one.path, "action": one.action.value, "why": one.why} for one in changes]
        sharing = dict(settings.probed) or None
        lacks: Json = (
            {"message": str(settings.missing), "next_step": settings.missing.hint} if settings.missing else None
        )
        shared: dict[str, Json] = {"remote": remote, "repo": settings.repo, "probe": sharing}
        show.json_object({"changes": rows, **shared, "missing": lacks, "dry_run": dry_run})
        return _status(changes, settings)
    _list(changes)
    if settings.probed:
        transport = settings.probed.get("transport")
        show.line(f"coordinating through {settings.probed.get('remote')} (it took a test; transport: {transport})")
    elif remote:
        show.line(f"coordinating through {remote}, as set before")
    else:
        name = "origin" if repository.remote_url("origin") else "URL"
        show.line(f"coordinating within this clone and its worktrees; for more: gitcoord init --remote {name}")
    if any(change.action in (Action.CREATED, Action.CHANGED) for change in changes):
        show.aside(
            "next", "commit these files, so that every worktree and colleague has them; then restart your agents"
        )
    return _complain(changes, settings)


def _list(changes: list[Change]) -> None:
    for change in changes:
        if change.action is not Action.SKIPPED:
            show.line(f"{change.action.value:<10} {change.path}" + (f"  ({change.why})" if change.why else ""))


def _complain(changes: list[Change], settings: _Settings) -> int:
    for change in changes:
        if change.action is Action.SKIPPED:
            show.aside("skipped", f"{change.path}: {change.why}")
    if settings.missing is not None:
        show.aside("missing", f"{settings.missing} {settings.missing.hint}")
    return _status(changes, settings)


def _status(changes: list[Change], settings: _Settings) -> int:
    is_whole = settings.missing is None and all(change.action is not Action.SKIPPED for change in changes)
    return 0 if is_whole else INCOMPLETE
