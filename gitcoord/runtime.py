"""The composition root: git's configuration, the environment, the clock and identity become a workspace.

The only module that reads a clock, draws chance, looks at the environment's details or picks a transport.

Settings (git config, any scope; the environment wins):
    gitcoord.remote / GITCOORD_REMOTE     name or URL of the remote; none: see `gitcoord.service.place.placement`
    gitcoord.repo                         this repository's name, where several share one remote
    gitcoord.agent / GITCOORD_AGENT       who works here, `person/tool/worktree`
    gitcoord.namespace                    where the refs are, `refs/coord`
    gitcoord.beatSeconds                  how often this clone beats
    GITCOORD_SESSION                      pins the session's id
"""

import contextlib
import os
import random
import secrets
import time
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import Timeout

from gitcoord.core.documents.doc import Json
from gitcoord.errors import CoordError
from gitcoord.ledger.archive.publish import KEPT, Published
from gitcoord.ledger.clone import clone_id
from gitcoord.ledger.clone.host import Clone, Host
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.refs import Refs, refs_of
from gitcoord.ledger.liveness import heartbeat
from gitcoord.ledger.liveness.clock_offset import ClockOffset
from gitcoord.ledger.liveness.clocks import Watchfulness
from gitcoord.ledger.rewinds.marks import Marks
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.ledger.transactions.transactions import Setting, Transactions
from gitcoord.redaction import redact
from gitcoord.remote.contract import clone_folder
from gitcoord.remote.contract.boot_id import boot_id, machine_id
from gitcoord.remote.contract.protocol import Oid, Transport
from gitcoord.remote.contract.timing import Waiting
from gitcoord.remote.store import store as stores
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.store.store import StoreMode
from gitcoord.remote.transports import place_time
from gitcoord.remote.transports.home import HomeTransport
from gitcoord.remote.transports.local import LocalTransport
from gitcoord.remote.transports.path_remote import git_dir_of, usable_as_local
from gitcoord.service.place import placement as placements
from gitcoord.service.place.follow_remote import (
    Following,
    Stamp,
    files_of,
    make_folder_again,
    moved_notice,
    notices_of,
    stamps_of,
)
from gitcoord.service.place.placement import Placement, Where
from gitcoord.service.session import identity
from gitcoord.service.session.clone_store import Embedded
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.checkout.remote_urls import path_of, url_of
from gitcoord.source.checkout.repository import Repository, open_repository

if TYPE_CHECKING:
    from gitcoord.service.checks.read_only_view import Inspection
    from gitcoord.service.doctor.site import Site

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
ONE_CLONE = "this clone"


def open_workspace(
    cwd: Path,
    env: Mapping[str, str],
    *,
    tool: str,
    session: str | None = None,
    serve: bool = False,
    joins: bool = False,
    host: Host | None = None,
) -> Workspace:
    """Open the workspace around a folder.

    Args:
        cwd: any folder inside a work tree.
        env: the environment of this process.
        tool: the program that the agent uses, such as `claude-code`; part of its name.
        session: the session's id, if the tool has one.
        serve: take the session's lock and live until `close`; otherwise one command at a time.
        joins: started by an agent's tool, be the agent whose session that is.
        host: a machine with another clock; by default this one.

    Raises:
        RepositoryError: there is no usable repository here.
        UsageError: it is unknown who works here.
    """
    repository = open_repository(cwd, env)
    files = files_of(repository, env)
    stamps = stamps_of(files)  # before anything that they say is read
    host = host or make_host()
    placement = _placement(repository, env, host)
    settings = placement.settings
    agent = identity.agent_in(repository.top, settings, env, tool)
    where = placement.where(repository, env)
    place = _place(repository, settings, env, where)
    placements.keep(repository, placement, host.unique)
    clone = _clone(repository, host, identity.signature_of(settings, agent))
    setting = _setting(host, place, repository, settings, clone, env)
    given = session or env.get("GITCOORD_SESSION")
    workspace = Workspace(
        agent=agent,
        session_id=identity.session_of(given, agent, host, serve=serve),
        remote_name=ONE_CLONE if place.url is None else redact(place.url),
        remote_url=place.url,
        code_url=_code_url(place, repository, settings),
        repo=settings.get("gitcoord.repo"),
        repository=repository,
        setting=setting,
        combiner=Combiner(setting.clone.folder, setting.host, Transactions(setting)),
        reader=setting.reader(),
        notices=notices_of(place.published),
        warning=where.warning,
    )
    workspace.place = _following(repository, env, where, files, stamps, host)
    if serve:
        identity.begin(workspace, tool, is_named=bool(given))
    elif joins:
        identity.be_of_session(workspace, env)
    return workspace


@contextlib.contextmanager
def open_inspection(cwd: Path, env: Mapping[str, str]) -> "Generator[Inspection]":
    """Open the ledgers for reading only, with no agent named for it; see `service.checks.read_only_view`.

    Raises:
        RepositoryError: there is no usable repository here.
        UnreachableError: the remote was not read.
    """
    from gitcoord.service.checks import read_only_view  # only checks need it

    repository = open_repository(cwd, env)
    placement = _placement(repository, env, make_host())
    settings = placement.settings
    where = read_only_view.Sight(placement.where(repository, env).url, refs_of(settings), settings.get("gitcoord.repo"))
    embedded = Embedded(repository.common_dir, make_host(), _waiting)
    with read_only_view.opened(repository, where, embedded, now=_now(), monotonic=time.monotonic) as found:
        yield found


def _following(
    repository: Repository, env: Mapping[str, str], where: Where, files: list[Path], stamps: list[Stamp], host: Host
) -> Following:
    store = stores.ensure_store(repository.common_dir, StoreMode.CACHE)
    return Following(
        files=files,
        stamps=stamps,
        where=where,
        wanted=lambda: _placement(repository, env, host).where(repository, env),
        moved_to=lambda: stores.moved_to(store),
        reopen=lambda workspace: _reopen(workspace, env),
        kept_here=lambda: sorted(HomeTransport(store, waiting=_waiting()).read([KEPT])),
        check_format=lambda: stores.check_format(store.folder),
        store_now=lambda: stores.identity(store),
        make_store_again=lambda url: stores.make_again(store, url),
        store=stores.identity(store),
    )


def _reopen(workspace: Workspace, env: Mapping[str, str]) -> None:
    """Open a workspace that is in use where the settings say now; its session goes on."""
    repository, before = workspace.repository, workspace.setting
    made_again = make_folder_again(workspace, machine_id())
    placement = _placement(repository, env, before.host)
    settings = placement.settings
    place = _place(repository, settings, env, placement.where(repository, env))
    placements.keep(repository, placement, before.host.unique)
    _follow_id(workspace)
    setting = _setting(before.host, place, repository, settings, before.clone, env)
    repo = settings.get("gitcoord.repo")
    is_elsewhere = (workspace.remote_url, before.refs, workspace.repo) != (place.url, place.refs, repo)
    workspace.remote_name = ONE_CLONE if place.url is None else redact(place.url)
    workspace.remote_url = place.url
    workspace.code_url = _code_url(place, repository, settings)
    workspace.repo = repo
    workspace.reader = setting.reader()
    workspace.combiner = Combiner(setting.clone.folder, setting.host, Transactions(setting))
    workspace.setting = setting
    moved = [moved_notice(workspace.remote_name, made_again=made_again)] if made_again or is_elsewhere else []
    workspace.notices += [*moved, *notices_of(place.published)]
    if workspace.session is not None:
        with contextlib.suppress(CoordError):  # the next beat is due soon
            beat_now(setting, workspace.combiner, force=True)


def _follow_id(workspace: Workspace) -> None:
    """Go by the id that is written down; another process of this clone may have found a stranger (`clone_id`)."""
    clone, host = workspace.setting.clone, workspace.setting.host
    drawn = clone_id.load_or_draw(clone.folder, machine_id(), host.draw_id, host.unique, boot=host.boot)
    if drawn != clone.id:
        with contextlib.suppress(Timeout), workspace.combiner.lock():  # else the next beat does it
            clone.rename(clone_id.current(clone.folder) or drawn)


def make_host() -> Host:
    """Return this machine."""
    return Host(
        now=_now,
        monotonic=time.monotonic,
        sleep=time.sleep,
        chance=random.random,
        draw_id=lambda: "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in secrets.token_bytes(16)),
        pid=os.getpid(),
        unique=f"{os.getpid()}-{secrets.token_hex(4)}",
        boot=boot_id(),
    )


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
    transport = _transport(url, repository, refs, env, repository.common_dir)
    found = probe(transport, refs, identity.signature_of(settings), make_host())
    return {"remote": redact(url), "readers": readers_of(url, env).value, **found}


def examine_here(cwd: Path, env: Mapping[str, str], *, offline: bool = False) -> "Site":
    """Return what `doctor` looks at: as much as can be opened, with nothing published and no ledger written."""
    from gitcoord.service.doctor.open_site import Doors, open_site

    doors = Doors(
        host=make_host(),
        waiting=_waiting,
        placement=lambda repository: _placement(repository, env, make_host()),
        transport=lambda url, repository, refs, folder: _transport(url, repository, refs, env, folder),
        interval_s=lambda url, transport, settings: _interval(_Place(url, transport, Refs()), settings, env),
        time=lambda url, transport, repository: place_time.teller(transport, path_of(url, repository))(),
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
    return Embedded(repository.common_dir, make_host(), _waiting).turn_back()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where this workspace coordinates. `url` is `None` for the store of this clone."""

    url: str | None
    transport: Transport
    refs: Refs
    published: Published | None = None


def placement_here(cwd: Path, env: Mapping[str, str]) -> Placement:
    """Return where the clone around a folder coordinates, and why; nothing is opened."""
    return _placement(open_repository(cwd, env), env, make_host())


def follow_team(cwd: Path, env: Mapping[str, str], settings: Mapping[str, str]) -> None:
    """Coordinate from now on as the team's file says, whatever was held elsewhere."""
    repository = open_repository(cwd, env)
    placements.keep(repository, Placement(settings, follows=settings), make_host().unique)


def _placement(repository: Repository, env: Mapping[str, str], host: Host) -> Placement:
    clock = placements.Clock(lambda: host.now().timestamp(), host.unique)
    return placements.find(repository, env, clock, Embedded(repository.common_dir, host, _waiting))


def _place(repository: Repository, settings: Mapping[str, str], env: Mapping[str, str], where: Where) -> _Place:
    refs, url = Refs(where.namespace), where.url
    embedded = Embedded(repository.common_dir, make_host(), _waiting)
    if url is None:
        return _Place(None, embedded.as_place(), refs)
    transport = _transport(url, repository, refs, env, repository.common_dir)
    return _Place(url, transport, refs, embedded.give_to(transport, url, refs, identity.signature_of(settings)))


def _transport(url: str, repository: Repository, refs: Refs, env: Mapping[str, str], folder: Path) -> Transport:
    path = path_of(url, repository)
    if path is not None and usable_as_local(path, env=env, namespace=f"{refs.namespace}/") is None:
        git_dir = git_dir_of(path)
        if git_dir is not None:
            return LocalTransport(git_dir, waiting=_waiting(), copy=folder / "gitcoord" / "store.git")
    from gitcoord.remote.git.user_config import connection_settings
    from gitcoord.remote.transports.gitcli import (
        GitCliTransport,
    )  # half of the clones never need it, and each command starts cold

    store = stores.ensure_store(folder, StoreMode.CACHE)  # it may only be tried: no remote is noted
    return GitCliTransport(
        url,
        store_path=store.path,
        objects=PygitObjects(store.path),
        env=env,
        waiting=_waiting(),
        settings=connection_settings(repository.top, env),
        namespace=f"{refs.namespace}/",
    )


def _clone(repository: Repository, host: Host, signature: Signature) -> Clone:
    folder = repository.common_dir / "gitcoord"
    clone_folder.close(folder)
    drawn = clone_id.load_or_draw(folder, machine_id(), host.draw_id, host.unique, boot=host.boot)
    return Clone(drawn, folder, signature, others=clone_id.others(folder), earlier=clone_id.earlier(folder))


def _setting(
    host: Host,
    place: _Place,
    repository: Repository,
    settings: Mapping[str, str],
    clone: Clone,
    env: Mapping[str, str],
) -> Setting:
    folder = clone.folder
    sessions = Sessions(folder, host.unique)
    code_url = _code_url(place, repository, settings)

    def branch_look(branches: Collection[str], *, here: bool) -> Mapping[str, tuple[Oid, datetime]]:
        if here:
            return {branch: tip for branch in branches if (tip := repository.local_tip(branch))}
        return repository.branch_tips(branches, code_url) if code_url else {}

    interval_s = _interval(place, settings, env)
    refs, url = place.refs, place.url or ""
    marks = Marks(folder, url, refs.namespace, settings.get("gitcoord.repo"))
    seen = partial(marks.newest, refs.namespace) if url else dict
    beating = heartbeat.Beats(host, clone, refs, sessions, interval_s, place=url, seen=seen)
    path = path_of(url, repository) if url else None
    watchful = Watchfulness(host, interval_s, folder / "clocks.json")
    return Setting(
        host=host,
        clone=clone,
        transport=place.transport,
        refs=place.refs,
        sessions=sessions,
        beats=beating,
        branch_look=branch_look,
        watchfulness=watchful,
        clock_offset=ClockOffset(host, watchful, place_time.teller(place.transport, path)),
        repo=settings.get("gitcoord.repo"),
    )


def _code_url(place: _Place, repository: Repository, settings: Mapping[str, str]) -> str | None:
    """Return where the work is pushed to: the remote of coordination, or `origin` where that one is apart."""
    if place.url is None or "gitcoord.repo" not in settings:
        return place.url
    return repository.remote_url("origin") or None


def _interval(place: _Place, settings: Mapping[str, str], env: Mapping[str, str]) -> int:
    wanted = env.get("GITCOORD_BEAT_SECONDS") or settings.get("gitcoord.beatseconds", "")
    return heartbeat.interval_of(place.url, place.transport.name, wanted)


def _waiting() -> Waiting:
    return Waiting(wall_ns=time.time_ns, monotonic=time.monotonic, sleep=time.sleep, jitter=random.random)


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
