"""The workspace: an agent at work in one worktree, opened by its settings and opened again where they say now."""

import contextlib
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from gitcoord.errors import CoordError
from gitcoord.ledger.clone import clone_id
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.kinds.table import LEDGERS, Ledgers
from gitcoord.redaction import redact
from gitcoord.remote.contract.boot_id import machine_id
from gitcoord.remote.store import store
from gitcoord.remote.store.store import StoreMode
from gitcoord.remote.transports.home import HomeTransport
from gitcoord.runtime.equipment import clone_of, code_url_of, setting_of
from gitcoord.runtime.machine import clocks, make_host
from gitcoord.runtime.transport import place_of, placement_of
from gitcoord.service.place.follow_remote import (
    Following,
    SettingsFiles,
    make_folder_again,
    moved_notice,
    notices_of,
)
from gitcoord.service.place.placement import Where, keep_placement
from gitcoord.service.session import identity
from gitcoord.service.session.workspace import Preferences, Workspace
from gitcoord.source.checkout.repository import Repository, is_on, open_repository

ONE_CLONE = "this clone"


def open_workspace(  # noqa: PLR0913 - what a caller may say, by name
    cwd: Path,
    env: Mapping[str, str],
    *,
    tool: str,
    session: str | None = None,
    serve: bool = False,
    joins: bool = False,
    host: Host | None = None,
    ledgers: Ledgers = LEDGERS,
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
        ledgers: the kinds of ledgers that there are.

    Raises:
        RepositoryError: there is no usable repository here.
        UsageError: it is unknown who works here.
    """
    repository = open_repository(cwd, env)
    files = SettingsFiles.of(repository, env)  # before anything that they say is read
    placement = placement_of(repository, env, host := host or make_host())
    settings = placement.settings
    agent = identity.agent_in(repository.top, settings, env, tool)
    where = placement.where(repository, env)
    place = place_of(repository, placement, env, where, host)
    keep_placement(repository, placement, host.unique)
    clone = clone_of(repository, host, identity.signature_of(settings, repository, agent))
    setting = setting_of(host, place, repository, settings, clone, env, ledgers)
    with contextlib.suppress(OSError):  # a disk that cannot be written: who only looks needs no folder
        setting.place_folder.mkdir(parents=True, exist_ok=True)
    given = session or env.get("GITCOORD_SESSION")
    workspace = Workspace(
        agent=agent,
        session_id=identity.session_of(given, agent, host, serve=serve),
        remote_name=ONE_CLONE if place.url is None else redact(place.url),
        remote_url=place.url,
        code_url=code_url_of(place, repository, settings),
        repo=settings.get("gitcoord.repo"),
        repository=repository,
        setting=setting,
        reader=setting.reader(),
        notices=notices_of(place.published),
        warning=where.warning,
        preferences=preferred(settings, env),
    )
    workspace.place = following(repository, env, where, files, host)
    if serve:
        identity.begin(workspace, tool, is_named=bool(given))
    elif joins:
        identity.be_of_session(workspace, env)
    return workspace


def following(
    repository: Repository, env: Mapping[str, str], where: Where, files: SettingsFiles, host: Host
) -> Following:
    from gitcoord.ledger.archive.publish import KEPT

    opened = store.ensure_store(repository.common_dir, StoreMode.CACHE)
    return Following(
        files=files,
        where=where,
        wanted=lambda: placement_of(repository, env, host).where(repository, env),
        prefer=partial(prefer, env=env),
        moved_to=partial(store.moved_to, opened),
        reopen=lambda workspace: _reopen(workspace, env),
        kept_here=lambda: sorted(HomeTransport(opened, clocks=clocks()).read([KEPT])),
        check_format=lambda: store.check_format(opened.folder),
        store_now=partial(store.identity, opened),
        make_store_again=partial(store.make_again, opened),
        store=store.identity(opened),
    )


def preferred(settings: Mapping[str, str], env: Mapping[str, str]) -> Preferences:
    """Return what a person prefers."""
    wakes = is_on(settings, "gitcoord.wake", default=True)
    if settings.get("gitcoord.notify") != "desktop":
        return Preferences(wakes=wakes)
    from gitcoord.remote.git import desktop

    return Preferences(wakes=wakes, show=partial(desktop.show, sys.platform, env))


def prefer(workspace: Workspace, env: Mapping[str, str]) -> None:
    """Take over what a person prefers by now, and who signs here."""
    settings = workspace.repository.settings()
    workspace.preferences = preferred(settings, env)
    workspace.setting.clone.signature = identity.signature_of(settings, workspace.repository, workspace.agent)


def _reopen(workspace: Workspace, env: Mapping[str, str]) -> None:
    """Open a workspace that is in use where the settings say now; its session goes on."""
    from filelock import Timeout

    from gitcoord.ledger.transactions.combiner import Combiner
    from gitcoord.ledger.transactions.send_heartbeat import beat_now
    from gitcoord.ledger.transactions.transactions import Transactions

    repository, before = workspace.repository, workspace.setting
    made_again = make_folder_again(workspace, machine_id())
    placement = placement_of(repository, env, before.host)
    settings = placement.settings
    place = place_of(repository, placement, env, placement.where(repository, env), before.host)
    keep_placement(repository, placement, before.host.unique)
    # Go by the id that is written down; another process of this clone may have found a stranger (`clone_id`).
    clone, host = workspace.setting.clone, workspace.setting.host
    drawn = clone_id.load_or_draw(clone.folder, machine_id(), host.draw_id, host.unique, boot=host.boot)
    if drawn != clone.id:
        with contextlib.suppress(Timeout), workspace.combiner.lock():  # else the next beat does it
            clone.rename(clone_id.current(clone.folder) or drawn)
    setting = setting_of(before.host, place, repository, settings, before.clone, env, before.ledgers)
    repo = settings.get("gitcoord.repo")
    is_elsewhere = (workspace.remote_url, before.refs, workspace.repo) != (place.url, place.refs, repo)
    workspace.remote_name = ONE_CLONE if place.url is None else redact(place.url)
    workspace.remote_url = place.url
    workspace.code_url = code_url_of(place, repository, settings)
    workspace.repo = repo
    workspace.reader = setting.reader()
    workspace.combiner = Combiner(setting.clone.folder, setting.host, Transactions(setting))
    workspace.setting = setting
    moved = [moved_notice(workspace.remote_name, made_again=made_again)] if made_again or is_elsewhere else []
    workspace.notify(*moved, *notices_of(place.published))
    if workspace.session is not None:
        with contextlib.suppress(CoordError):  # the next beat is due soon
            beat_now(setting, workspace.combiner, force=True)
