"""The composition root: git's configuration, the environment, the clock and identity become a workspace.

The only module that reads a clock, draws chance, looks at the environment's details or picks a transport.

Settings (git config, any scope; the environment wins):
    gitcoord.remote / GITCOORD_REMOTE     name or URL of the remote; none: the store of this clone
    gitcoord.repo                         this repository's name, where several share one remote
    gitcoord.agent / GITCOORD_AGENT       who works here, `person/tool/worktree`
    gitcoord.namespace                    where the refs are, `refs/coord`
    gitcoord.beatSeconds                  how often this clone beats
    GITCOORD_SESSION                      pins the session's id
"""

import os
import platform
import random
import re
import secrets
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from gitcoord.core.doc import Json
from gitcoord.core.names import shown
from gitcoord.errors import ContendedError, InvalidError, RepositoryError, UsageError
from gitcoord.ledger import beats, clone_id
from gitcoord.ledger.combining import Combiner
from gitcoord.ledger.commits import Signature
from gitcoord.ledger.host import Clone, Host
from gitcoord.ledger.probing import probe
from gitcoord.ledger.publishing import Published, publish
from gitcoord.ledger.reader import Reader
from gitcoord.ledger.refs import DEFAULT_NAMESPACE, Refs
from gitcoord.ledger.sessions import Sessions
from gitcoord.ledger.transaction import Setting, Transactions
from gitcoord.ledger.watchfulness import Watchfulness
from gitcoord.remote import store as stores
from gitcoord.remote.git_process import redact_url
from gitcoord.remote.gitcli import GitCliTransport
from gitcoord.remote.home import HomeTransport
from gitcoord.remote.local import LocalTransport
from gitcoord.remote.path_remote import git_dir_of, usable_as_local
from gitcoord.remote.protocol import Oid, Transport
from gitcoord.remote.pygit_objects import PygitObjects
from gitcoord.remote.store import StoreMode
from gitcoord.remote.user_config import connection_settings
from gitcoord.remote.waiting import Waiting
from gitcoord.service import identity
from gitcoord.service.workspace import Workspace
from gitcoord.source.repository import Repository, open_repository

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
ONE_CLONE = "this clone"
LOCK_S = 15.0  # one network timeout: as long as another process may hold the clone's lock
_SCP_LIKE = re.compile(r"[^/\\]+:(?!\\)")
_NEAR = re.compile(r"(?:^|@|//)(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/]|$)")


def open_workspace(
    cwd: Path, env: Mapping[str, str], *, tool: str, session: str | None = None, serve: bool = False
) -> Workspace:
    """Open the workspace around a folder.

    Args:
        cwd: any folder inside a work tree.
        env: the environment of this process.
        tool: the program that the agent uses, such as `claude-code`; part of its name.
        session: the session's id, if the tool has one.
        serve: take the session's lock and live until `close`; otherwise one command at a time.

    Raises:
        RepositoryError: there is no usable repository here.
        UsageError: nobody knows who works here.
    """
    repository = open_repository(cwd, env)
    settings = repository.settings()
    named = env.get("GITCOORD_AGENT") or settings.get("gitcoord.agent")
    agent = identity.agent_of(named, settings.get("user.name", ""), tool, repository.top.name)
    place = _place(repository, settings, env)
    host = make_host()
    signature = _signature(settings, agent)
    setting = _setting(host, place, repository, settings, signature, env)
    workspace = Workspace(
        agent=agent,
        session_id=identity.session_of(session or env.get("GITCOORD_SESSION"), agent, host, serve=serve),
        remote_name=ONE_CLONE if place.url is None else redact_url(place.url),
        remote_url=place.url,
        code_url=_code_url(place, repository, settings),
        repo=settings.get("gitcoord.repo"),
        repository=repository,
        setting=setting,
        combiner=Combiner(setting.clone.folder, host, Transactions(setting)),
        reader=Reader(setting.transport, setting.refs),
    )
    if place.published is not None:
        workspace.notices.append(_published_notice(place.published))
    if serve:
        identity.begin(workspace, tool)
    return workspace


def make_host() -> Host:
    """Return this machine."""
    return Host(
        now=_now,
        monotonic=time.monotonic,
        sleep=time.sleep,
        chance=random.random,
        draw_id=lambda: "".join(secrets.choice(_ALPHABET) for _ in range(16)),
        pid=os.getpid(),
        boot=_boot(),
        is_process_alive=_is_process_alive,
    )


def probe_remote(cwd: Path, env: Mapping[str, str], remote: str) -> dict[str, Json]:
    """Try a remote; see `gitcoord.ledger.probing`.

    Raises:
        CoordError: the remote cannot be reached, or does not allow what is needed; the sentence says which.
    """
    repository = open_repository(cwd, env)
    settings = repository.settings()
    url = _url_of(remote, repository)
    refs = _refs(settings)
    found = probe(_transport(url, repository, refs, env), refs, _signature(settings, "gitcoord"), make_host())
    return {"remote": redact_url(url), **found}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where this workspace coordinates. `url` is `None` for the store of this clone."""

    url: str | None
    transport: Transport
    refs: Refs
    published: Published | None = None


def _place(repository: Repository, settings: Mapping[str, str], env: Mapping[str, str]) -> _Place:
    refs = _refs(settings)
    remote = env.get("GITCOORD_REMOTE") or settings.get("gitcoord.remote")
    if not remote or remote == ".":
        store = stores.ensure_store(repository.common_dir, StoreMode.HOME)
        if store.mode is StoreMode.CACHE:
            store = stores.set_mode(store, StoreMode.HOME)
        return _Place(None, _home(store), refs)
    url = _url_of(remote, repository)
    store = stores.ensure_store(repository.common_dir, StoreMode.CACHE, remote=url)
    transport = _transport(url, repository, refs, env)
    # A session that began before the remote was named may have written to the store since.
    if store.mode is StoreMode.HOME or HomeTransport(store, waiting=_waiting()).read(refs.everything):
        return _Place(url, transport, refs, _publish(store, transport, refs, settings, url))
    return _Place(url, transport, refs)


def _home(store: stores.Store) -> HomeTransport:
    """Return the embedded store, whole: after a power cut the journal is replayed first."""
    home = HomeTransport(store, waiting=_waiting())
    boot = _boot()
    if not home.is_whole(boot):
        with _locked(store):
            if not home.is_whole(boot):
                home.replay(boot)
    return home


@contextmanager
def _locked(store: stores.Store) -> Generator[None]:
    """Hold the clone's lock."""
    path = store.folder / "lock"
    try:
        with FileLock(path, timeout=LOCK_S):
            yield
    except Timeout:
        message = "Another process of this clone holds the lock; nothing was changed."
        raise ContendedError(message, hint="Try again.") from None
    except OSError as error:
        message = f"The store {str(store.folder)!r} cannot be written: {error.strerror}."
        raise RepositoryError(message, hint="Make room on the disk, or make the folder writable.") from error


def _publish(
    store: stores.Store, remote: Transport, refs: Refs, settings: Mapping[str, str], url: str
) -> Published | None:
    home = _home(store)
    signature = _signature(settings, "gitcoord")
    with _locked(store):
        done = publish(home, remote, refs, signature, _now())
        if not done.kept:
            stores.set_mode(store, StoreMode.CACHE, remote=url)
    return done if done.published or done.kept else None


def _transport(url: str, repository: Repository, refs: Refs, env: Mapping[str, str]) -> Transport:
    path = _path_of(url, repository)
    if path is not None and usable_as_local(path, env=env, namespace=f"{refs.namespace}/") is None:
        git_dir = git_dir_of(path)
        if git_dir is not None:
            return LocalTransport(git_dir, waiting=_waiting())
    store = stores.ensure_store(repository.common_dir, StoreMode.CACHE, remote=url)
    return GitCliTransport(
        url,
        store_path=store.path,
        objects=PygitObjects(store.path),
        env=env,
        waiting=_waiting(),
        settings=connection_settings(repository.top, env),
        namespace=f"{refs.namespace}/",
    )


def _url_of(remote: str, repository: Repository) -> str:
    if remote.startswith("-") or "\n" in remote or "\0" in remote:
        raise InvalidError(f"{shown(remote)} cannot be a remote.", hint="Give the name of a remote, or a URL.")
    url = repository.remote_url(remote)
    if url:
        path = _path_of(url, repository)
        return url if path is None or Path(url).is_absolute() else str(path.resolve())
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", remote) or _SCP_LIKE.match(remote) or Path(remote).is_absolute():
        return remote
    if (repository.top / remote).is_dir():
        return str((repository.top / remote).resolve())
    hint = "See `git remote -v`; name one of those, or give a URL: git config gitcoord.remote origin"
    raise InvalidError(f"{shown(remote)} is neither a remote of this repository nor a URL.", hint=hint)


def _path_of(url: str, repository: Repository) -> Path | None:
    if url.startswith("file://"):
        return None  # git takes it as a path of this machine too, but whoever writes file:// wants git's transport
    if "://" in url or (_SCP_LIKE.match(url) and not Path(url).exists()):
        return None
    return repository.top / url


def _refs(settings: Mapping[str, str]) -> Refs:
    namespace = settings.get("gitcoord.namespace", DEFAULT_NAMESPACE).rstrip("/")
    prefix = re.fullmatch(r"refs/(?:heads/([A-Za-z0-9_][A-Za-z0-9._-]*)/)?coord", namespace)
    if prefix and ".." not in namespace and not (prefix[1] or "").lower().endswith((".", ".lock")):
        return Refs(namespace)
    raise UsageError(f"gitcoord.namespace is {shown(namespace)}.", hint="Use refs/coord or refs/heads/<prefix>/coord.")


def _setting(
    host: Host,
    place: _Place,
    repository: Repository,
    settings: Mapping[str, str],
    signature: Signature,
    env: Mapping[str, str],
) -> Setting:
    folder = repository.common_dir / "gitcoord"
    drawn = clone_id.load_or_draw(folder, _machine(), host.draw_id, str(host.pid))
    clone = Clone(drawn, folder, signature)
    sessions = Sessions(folder, str(host.pid))
    code_url = _code_url(place, repository, settings)

    def branch_look(branch: str, *, here: bool) -> tuple[Oid, datetime] | None:
        if here:
            return repository.local_tip(branch)
        return repository.branch_tip(branch, code_url) if code_url else None

    beating = beats.Beats(host, clone, place.refs, sessions, _interval(place, settings, env))
    return Setting(
        host=host,
        clone=clone,
        transport=place.transport,
        refs=place.refs,
        sessions=sessions,
        beats=beating,
        branch_look=branch_look,
        watchfulness=Watchfulness(host, beating.interval_s),
    )


def _code_url(place: _Place, repository: Repository, settings: Mapping[str, str]) -> str | None:
    """Return where the work is pushed to: the remote of coordination, or `origin` where that one is apart."""
    if place.url is None or "gitcoord.repo" not in settings:
        return place.url
    return repository.remote_url("origin") or None


def _interval(place: _Place, settings: Mapping[str, str], env: Mapping[str, str]) -> int:
    wanted = env.get("GITCOORD_BEAT_SECONDS") or settings.get("gitcoord.beatseconds", "")
    if wanted.isascii() and wanted.isdigit():
        return min(max(int(wanted), 5), 600)
    far = place.url is not None and place.transport.name == "gitcli" and not _NEAR.search(place.url)
    return beats.INTERVAL_FAR_S if far else beats.INTERVAL_NEAR_S


def _signature(settings: Mapping[str, str], fallback: str) -> Signature:
    return Signature(settings.get("user.name") or fallback, settings.get("user.email") or "gitcoord@localhost")


def _published_notice(published: Published) -> dict[str, Json]:
    names = ", ".join(ref.rsplit("/", 1)[1] for ref in published.kept)
    text = f"{len(published.published)} ledgers of this clone are now on the remote."
    if names:
        text += f" The remote already has {names}: those stay in this clone's store, under refs/kept."
    return {"notice": "published", "message": text}


def _waiting() -> Waiting:
    return Waiting(wall_ns=time.time_ns, monotonic=time.monotonic, sleep=time.sleep, jitter=random.random)


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _machine() -> str:
    return _read_line("/etc/machine-id") or platform.node()


def _boot() -> str:
    return _read_line("/proc/sys/kernel/random/boot_id")


def _read_line(path: str) -> str:
    try:
        return Path(path).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _is_process_alive(pid: int) -> bool:
    if sys.platform == "win32" or pid <= 0:
        return True  # os.kill would end the process there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
