"""The place where a clone coordinates, and the transport that reaches it. The only module that picks one.

no remote             the store of this clone
a remote on a path    its files and locks, unless something of it needs git
http, https, ssh      this process, unless something of it needs git
any other             the git program
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.rewinds.marks import newest_of_all
from gitcoord.remote.contract.protocol import TellsTime, Transport
from gitcoord.remote.git.user_config import UserConfig
from gitcoord.remote.ssh.ssh_place import ssh_place
from gitcoord.remote.store.store import StoreMode, ensure_store
from gitcoord.remote.transports.local import LocalTransport
from gitcoord.runtime.idle_writer import IdleWriter
from gitcoord.runtime.machine import clocks
from gitcoord.service.place.placement import Clock, Placement, Where, find_placement
from gitcoord.service.session import identity
from gitcoord.service.session.clone_store import Embedded
from gitcoord.source.checkout.repository import Repository

_IDLE_WRITER: Final = IdleWriter(clocks())

if TYPE_CHECKING:  # where git is not needed it is not loaded
    from gitcoord.ledger.archive.publish import Published
    from gitcoord.remote.transports.gitcli import GitCliTransport


def placement_of(repository: Repository, env: Mapping[str, str], host: Host) -> Placement:
    """Return where this clone coordinates, and why."""
    clock = Clock(lambda: host.now().timestamp(), host.unique)
    return find_placement(repository, env, clock, Embedded(repository.common_dir, host, clocks))


class Place(NamedTuple):
    """Where this workspace coordinates. `url` is `None` for the store of this clone."""

    url: str | None
    transport: Transport
    refs: Refs
    published: "Published | None" = None


def place_of(repository: Repository, placement: Placement, env: Mapping[str, str], where: Where, host: Host) -> Place:
    """Return the place that was chosen; what this clone has kept by itself so far is given to it."""
    refs, url = Refs(where.namespace), where.url
    embedded = Embedded(repository.common_dir, host, clocks, _IDLE_WRITER.note, where.repo)
    if url is None:
        return Place(None, embedded.as_place(), refs)
    transport = transport_to(url, repository, refs, env, repository.common_dir, placement.config)
    signature = identity.signature_of(placement.settings, repository)
    return Place(url, transport, refs, embedded.give_to(transport, url, refs, signature))


def transport_to(
    url: str, repository: Repository, refs: Refs, env: Mapping[str, str], folder: Path, config: UserConfig | None = None
) -> Transport:
    """Return what reaches a remote. `folder`: the one of git, whose store has the objects; `config`: if it was read."""
    from gitcoord.remote.transports.path_remote import git_dir_of, usable_as_local
    from gitcoord.source.checkout.remote_urls import path_of

    path = path_of(url, repository)
    if path is not None and usable_as_local(path, env=env, namespace=f"{refs.namespace}/") is None:
        git_dir = git_dir_of(path)
        if git_dir is not None:
            return LocalTransport(git_dir, clocks=clocks(), copy=folder / "gitcoord" / "store.git")
    from gitcoord.remote.copies.buffered_objects import BufferedObjects
    from gitcoord.remote.copies.copied_objects import CopiedObjects

    store = ensure_store(folder, StoreMode.CACHE)  # it may only be tried: no remote is noted
    settings, namespace = (config or repository.config()).connection, f"{refs.namespace}/"
    buffered = BufferedObjects(store.path, clocks().wall_ns)

    def is_new() -> bool:  # who looks apart looks into all that is there
        return folder == repository.common_dir and not newest_of_all(store.folder)

    def by_git(objects: CopiedObjects = buffered) -> "GitCliTransport":
        from gitcoord.remote.transports.gitcli import GitCliTransport

        return GitCliTransport(
            url,
            store_path=store.path,
            objects=objects,
            env=env,
            clocks=clocks(),
            settings=settings.local,
            namespace=namespace,
        )

    if url.lower().startswith(("http://", "https://")):
        from gitcoord.remote.transports.smarthttp import smart_http

        make = partial(smart_http, url)
    elif path is None and (place := ssh_place(url)) is not None:
        from gitcoord.remote.transports.smartssh import smart_ssh

        make = partial(smart_ssh, url, place)
    else:
        return by_git(CopiedObjects(store.path))  # git reads what is on disk
    return make(
        store_path=store.path,
        objects=buffered,
        env=env,
        clocks=clocks(),
        settings=settings,
        namespace=namespace,
        by_git=by_git,
        is_new=is_new,
    )


def clock_of(transport: Transport, path: Path | None) -> Callable[[], datetime | None]:
    """Return what tells the time of a place; `path`: where it is, if on one."""
    if path is not None:
        from gitcoord.remote.transports import place_time
        from gitcoord.remote.transports.path_remote import git_dir_of

        git_dir = git_dir_of(path)
        if git_dir is not None:
            return lambda: place_time.of_folder(git_dir)
    return transport.server_time if isinstance(transport, TellsTime) else lambda: None
