"""What is looked at without an agent: the ledgers for checks, the clone for `doctor`, a remote before it is chosen."""

import contextlib
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gitcoord.core.documents.json_text import Json
from gitcoord.ledger.format.refs import Refs, refs_of
from gitcoord.redaction import redact
from gitcoord.runtime.equipment import interval_of
from gitcoord.runtime.machine import clocks, make_host
from gitcoord.runtime.transport import Place, clock_of, placement_of, transport_to
from gitcoord.service.place.placement import Placement, keep_placement
from gitcoord.service.session import identity
from gitcoord.service.session.clone_store import Embedded
from gitcoord.source.checkout.remote_urls import path_of, url_of
from gitcoord.source.checkout.repository import open_repository

if TYPE_CHECKING:
    from gitcoord.service.checks.read_only_view import Inspection
    from gitcoord.service.doctor.site import Site


@contextlib.contextmanager
def open_inspection(cwd: Path, env: Mapping[str, str]) -> "Generator[Inspection]":
    """Open the ledgers for reading only, with no agent named for it; see `service.checks.read_only_view`.

    Raises:
        RepositoryError: there is no usable repository here.
        UnreachableError: the remote was not read.
    """
    from gitcoord.service.checks import read_only_view  # only checks need it

    repository, host = open_repository(cwd, env), make_host()
    placement = placement_of(repository, env, host)
    settings = placement.settings
    where = read_only_view.ReadTarget(
        placement.where(repository, env).url, refs_of(settings), settings.get("gitcoord.repo")
    )
    embedded = Embedded(repository.common_dir, host, clocks)
    with read_only_view.opened(repository, where, embedded, now=host.now(), monotonic=host.monotonic) as found:
        yield found


def probe_remote(
    cwd: Path, env: Mapping[str, str], remote: str, team: Mapping[str, str] | None = None
) -> dict[str, Json]:
    """Try a remote; see `gitcoord.ledger.archive.write_probe`. `team`: what the team's file says beside its name.

    Raises:
        CoordError: the remote cannot be reached, or does not allow what is needed; the sentence says which.
    """
    from gitcoord.ledger.archive.write_probe import probe
    from gitcoord.remote.transports.readers import readers_of

    repository = open_repository(cwd, env)
    settings = {**(team or {}), **repository.settings()}
    url = url_of(remote, repository, may_be_path=not team)
    refs = refs_of(settings)
    transport = transport_to(url, repository, refs, env, repository.common_dir)
    found = probe(transport, refs, identity.signature_of(settings), make_host())
    return {"remote": redact(url), "readers": readers_of(url, env).value, **found}


def examine_here(cwd: Path, env: Mapping[str, str], *, offline: bool = False) -> "Site":
    """Return what `doctor` looks at: as much as can be opened, with nothing published and no ledger written."""
    from gitcoord.service.doctor.open_site import Doors, open_site

    host = make_host()
    doors = Doors(
        host=host,
        clocks=clocks,
        placement=lambda repository: placement_of(repository, env, host),
        transport=lambda url, repository, refs, folder: transport_to(url, repository, refs, env, folder),
        interval_s=lambda url, transport, settings: interval_of(Place(url, transport, Refs()), settings, env),
        time=lambda url, transport, repository: clock_of(transport, path_of(url, repository))(),
    )
    return open_site(cwd, env, doors, is_offline=offline)


def agent_here(cwd: Path, env: Mapping[str, str], *, tool: str) -> str:
    """Return under which name an agent of this tool works here.

    Raises:
        UsageError: it is unknown who works here.
    """
    repository = open_repository(cwd, env)
    return identity.agent_in(repository.top, repository.settings(), env, tool)


def coordinate_here(cwd: Path, env: Mapping[str, str]) -> str:
    """Make the store of this clone the place to coordinate again; return the remote that was it until now.

    Raises:
        CoordError: the disk cannot be written, or another process holds the clone's lock for too long.
    """
    repository = open_repository(cwd, env)
    return Embedded(repository.common_dir, make_host(), clocks).turn_back()


def placement_here(cwd: Path, env: Mapping[str, str]) -> Placement:
    """Return where the clone around a folder coordinates, and why; nothing is opened."""
    return placement_of(open_repository(cwd, env), env, make_host())


def follow_team(cwd: Path, env: Mapping[str, str], settings: Mapping[str, str]) -> None:
    """Coordinate from now on as the team's file says, whatever was held elsewhere."""
    repository = open_repository(cwd, env)
    keep_placement(repository, Placement(settings, follows=settings), make_host().unique)
