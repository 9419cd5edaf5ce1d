"""Opening a site: as much of it as can be opened, with the reason for each part that cannot.

Nothing is published and no ledger is written; where a remote is named, the store is made that its objects go to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError, unwritable
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.format.refs import Refs
from gitcoord.redaction import redact
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import Transport
from gitcoord.remote.store.store import open_store
from gitcoord.remote.transports.home import HomeTransport
from gitcoord.remote.transports.path_remote import git_dir_of
from gitcoord.service.doctor.site import Site, SitePlace
from gitcoord.service.place.placement import Placement
from gitcoord.service.session.clone_store import moved_away
from gitcoord.service.session.identity import signature_of
from gitcoord.source.checkout.remote_urls import path_of
from gitcoord.source.checkout.repository import Repository, open_repository

HERE = "this clone"


@dataclass(frozen=True, slots=True)
class Doors:
    """What only the composition root knows: clocks, settings, and how a transport is picked."""

    host: Host
    clocks: Callable[[], Clocks]
    placement: Callable[[Repository], Placement]
    transport: Callable[[str, Repository, Refs, Path], Transport]
    interval_s: Callable[[str, Transport, Mapping[str, str]], int]
    time: Callable[[str, Transport, Repository], datetime | None]


def open_site(cwd: Path, env: Mapping[str, str], doors: Doors, *, is_offline: bool) -> Site:
    """Open the repository, the place and the store around a folder."""
    site = Site(cwd, env, doors.host, doors.clocks, is_offline)
    try:
        site.repository = open_repository(cwd, env)
        placement = doors.placement(site.repository)
        site.settings = placement.settings
    except CoordError as error:
        site.trouble = error
        return site
    try:
        site.place = _place(site, site.repository, placement, doors)
    except CoordError as error:
        site.place_trouble = error
    except OSError as error:
        site.place_trouble = unwritable("The store of this clone", error.strerror or error)
    return site


def _place(site: Site, repository: Repository, placement: Placement, doors: Doors) -> SitePlace:
    settings = placement.settings
    where = placement.where(repository, site.env)
    refs, url = Refs(where.namespace), where.url
    if url is None:
        return SitePlace(None, HERE, refs, _home(repository, doors), 0, None, dict)
    transport = doors.transport(url, repository, refs, repository.common_dir)
    path = path_of(url, repository) if transport.name == "local" else None

    def probe() -> Mapping[str, Json]:
        from gitcoord.ledger.archive import write_probe  # not with --offline

        return write_probe.probe(transport, refs, signature_of(settings), doors.host)

    interval_s = doors.interval_s(url, transport, settings)
    git_dir = git_dir_of(path) if path else None
    tell = partial(doors.time, url, transport, repository)
    apart = partial(doors.transport, url, repository, refs)
    return SitePlace(
        url, redact(url), refs, transport, interval_s, git_dir, probe, tell, apart if path is None else None
    )


def _home(repository: Repository, doors: Doors) -> Transport | None:
    store = open_store(repository.common_dir)
    if store is None:
        return None
    if store.remote:
        raise moved_away(store.remote)
    return HomeTransport(store, clocks=doors.clocks())
