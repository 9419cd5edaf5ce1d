"""Where to coordinate, as `init` finds out: what was named, what was set before, or what a person says.

Rules:
  * SEC-5: where the team's file (`.gitcoord/config` of the default branch) names a remote, `init` goes there: it is how
    a clone that holds something elsewhere moves. Where there is no such file, `init` proposes one.
  * A remote is tried, by really swapping a ref there, before it becomes the setting.
  * `.` is this clone alone: the one way back from a remote, whose ledgers stay where they are.
  * No question is asked without a terminal: then a remote is only used if one was named, or with --yes.
  * SEC-6: a person who shares through a remote that everyone can read is asked whether texts are to stay out of it.
  * Where origin looks like a fork of upstream, upstream is proposed to a person; --yes alone never writes there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import typer

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.faces.cli.setup import config
from gitcoord.faces.cli.setup.config import HERE
from gitcoord.faces.cli.terminal import show, world
from gitcoord.source.checkout import team_file
from gitcoord.source.checkout.repository import Repository

REMOTE = "gitcoord.remote"
ORIGIN, UPSTREAM = "origin", "upstream"


@dataclass(frozen=True, slots=True)
class Sharing:
    """What goes to git's configuration, and what the remote said when it was tried.

    `follows`: what the team's file says, where that is where this clone coordinates from now on.
    """

    remote: str | None = None
    repo: str | None = None
    probed: Mapping[str, Json] = field(default_factory=dict["str", "Json"])
    follows: Mapping[str, str] = field(default_factory=dict["str", "str"])

    @property
    def settings(self) -> dict[str, str]:
        """The settings that are to be written."""
        values = {"gitcoord.remote": None if self.follows else self.remote, "gitcoord.repo": self.repo}
        return {name: value for name, value in values.items() if value}


def decide(repository: Repository, remote: str | None, repo: str | None, *, yes: bool, asks: bool) -> Sharing:
    """Check what was given and try the remote; what is wrong with either is an error before anything is written."""
    if repo is not None:
        config.find("repo").check(repo)
    if remote is not None:
        return Sharing(remote, repo, {} if remote == HERE else _probe(remote))
    if is_set(repository):
        return Sharing(None, repo)
    from gitcoord import runtime

    team = runtime.placement_here(world.folder(), world.environment()).proposed
    if team:
        return Sharing(team[REMOTE], repo, _probe(team[REMOTE], team), team)
    chosen = _chosen(repository, yes=yes, asks=asks)
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


def proposal(repository: Repository, where: Sharing) -> dict[str, str]:
    """Return what the team's file is to say, by its keys; nothing where this clone alone is concerned."""
    remote = where.remote or is_set(repository)
    named = team_file.proposable(remote, repository) if remote and remote != HERE and not where.follows else None
    if named is None:
        return {}
    settings = repository.settings()
    repo = where.repo or settings.get("gitcoord.repo")
    values = {"remote": named, "namespace": settings.get("gitcoord.namespace"), "repo": repo}
    return {key: value for key, value in values.items() if value}


def is_fork(repository: Repository) -> bool:
    """Whether origin looks like a fork of upstream: both are there, of one name at two places."""
    urls = [repository.remote_url(name) for name in (ORIGIN, UPSTREAM)]
    if urls[0] is None or urls[1] is None or urls[0] == urls[1]:
        return False
    names = {url.rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2] for url in urls if url}
    return len(names) == 1


def publish() -> tuple[str, ...]:
    """Take what this clone's store holds to the remote; return what is to be said of it.

    Raises:
        CoordError: the remote did not take it; nothing is lost.
    """
    from gitcoord.faces.cli.terminal.calls import opened

    with opened() as workspace:
        return tuple(notice.message for notice in workspace.notices if notice.notice == "published")


def offer_private(probed: Mapping[str, Json]) -> None:
    """Ask whether texts are to be kept out of a remote that everyone can read, unless the team does so already."""
    from gitcoord.faces.cli.terminal.calls import opened
    from gitcoord.remote.transports.readers import Readers
    from gitcoord.service.team import policy

    if probed.get("readers") != Readers.EVERYBODY:
        return
    with opened() as workspace:
        if policy.is_private(workspace):
            return
        question = (
            "Keep titles, descriptions, reasons and notes out of it, for the whole team (policy texts = private)?"
        )
        if typer.confirm(question, default=False):
            policy.set_policy(workspace, name="texts", value="private")


def _chosen(repository: Repository, *, yes: bool, asks: bool) -> str | None:
    if repository.remote_url(ORIGIN) is None:
        return None
    fork = is_fork(repository)
    if asks and fork:
        show.line("origin looks like a fork of upstream. Clones that work together have to name the same remote.")
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


def _probe(remote: str, team: Mapping[str, str] | None = None) -> Mapping[str, Json]:
    from gitcoord import runtime

    config.find("remote").check(remote)
    return runtime.probe_remote(world.folder(), world.environment(), remote, team)
