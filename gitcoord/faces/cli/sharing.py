"""Where to coordinate, as `init` finds out: what was named, what was set before, or what a person says.

Rules:
  * A remote is tried, by really swapping a ref there, before it becomes the setting.
  * `.` is this clone alone: the one way back from a remote, whose ledgers stay where they are.
  * Nobody is asked anything without a terminal: then a remote is only used if one was named, or with --yes.
  * Where origin looks like a fork of upstream, upstream is proposed to a person; --yes alone never writes there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import typer

from gitcoord.core.doc import Json
from gitcoord.errors import CoordError
from gitcoord.faces.cli import config, show, world
from gitcoord.source.repository import Repository

HERE = "."  # the store of this clone
ORIGIN, UPSTREAM = "origin", "upstream"


@dataclass(frozen=True, slots=True)
class Sharing:
    """What goes to git's configuration, and what the remote said when it was tried."""

    remote: str | None = None
    repo: str | None = None
    probed: Mapping[str, Json] = field(default_factory=dict["str", "Json"])

    @property
    def settings(self) -> dict[str, str]:
        """The settings that are to be written."""
        values = {"gitcoord.remote": self.remote, "gitcoord.repo": self.repo}
        return {name: value for name, value in values.items() if value}


def decide(repository: Repository, remote: str | None, repo: str | None, *, yes: bool, asks: bool) -> Sharing:
    """Check what was given and try the remote; what is wrong with either is an error before anything is written."""
    if repo is not None:
        config.find("repo").check(repo)
    if remote is not None:
        return Sharing(remote, repo, {} if remote == HERE else _probe(remote))
    chosen = None if is_set(repository) else _chosen(repository, yes=yes, asks=asks)
    if chosen is None:
        return Sharing(None, repo)
    try:
        return Sharing(chosen, repo, _probe(chosen))
    except CoordError as error:
        show.aside("note", f"{chosen} cannot be used ({error}), so this stays within this clone.")
        return Sharing(None, repo)


def is_set(repository: Repository) -> str | None:
    """Return the remote that was set before."""
    return repository.text("config", "--get", "gitcoord.remote")


def is_fork(repository: Repository) -> bool:
    """Whether origin looks like a fork of upstream: both are there, of one name at two places."""
    urls = [repository.remote_url(name) for name in (ORIGIN, UPSTREAM)]
    if urls[0] is None or urls[1] is None or urls[0] == urls[1]:
        return False
    names = {url.rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2] for url in urls if url}
    return len(names) == 1


def _chosen(repository: Repository, *, yes: bool, asks: bool) -> str | None:
    if repository.remote_url(ORIGIN) is None:
        return None
    fork = is_fork(repository)
    if asks and fork:
        show.line("origin looks like a fork of upstream. Who works together has to name the same remote.")
        answer = typer.prompt("Coordinate through upstream, origin, or . (this clone alone)?", default=UPSTREAM)
        return None if answer == HERE else str(answer)
    if asks:
        return (
            ORIGIN
            if typer.confirm(f"Coordinate with other clones through the remote '{ORIGIN}'?", default=True)
            else None
        )
    if fork:
        show.aside("note", "origin looks like a fork of upstream; with its others: gitcoord init --remote upstream")
    return ORIGIN if yes else None


def _probe(remote: str) -> Mapping[str, Json]:
    from gitcoord import runtime

    config.find("remote").check(remote)
    return runtime.probe_remote(world.folder(), world.environment(), remote)
