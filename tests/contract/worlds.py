"""One shared remote and any number of clones of it, for every transport and kind of server.

A clone has a store of its own. `World.transport()` makes the transport of a new clone; the tests of the contract
use nothing else, so each of them says the same of every row of `WORLDS`.
"""

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock

from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName, RefUpdate, SwapOutcome, SwapStatus, Transport
from gitcoord.remote.copies.buffered_objects import BufferedObjects
from gitcoord.remote.copies.copied_objects import CopiedObjects
from gitcoord.remote.git.user_config import ConnectionSettings
from gitcoord.remote.ssh.ssh_place import ssh_place
from gitcoord.remote.store.store import StoreMode, ensure_store
from gitcoord.remote.store.write_out import write_out
from gitcoord.remote.transports.gitcli import GitCliTransport
from gitcoord.remote.transports.home import HomeTransport
from gitcoord.remote.transports.local import LocalTransport
from gitcoord.remote.transports.memory import MemoryRemote, MemoryTransport
from gitcoord.remote.transports.smart import SmartTransport
from gitcoord.remote.transports.smarthttp import smart_http
from gitcoord.remote.transports.smartssh import smart_ssh
from tests.servers.fixtures import HTTP_KINDS, KINDS, SSH_KINDS, Remote, Servers

WAITING = Clocks(time.time_ns, time.monotonic, time.sleep, random.Random(1).random)
WORLDS = (
    "memory",
    "memory-unable",
    "home",
    "local-embedded",
    "local-path",
    *(f"gitcli-{kind}" for kind in KINDS),
    *(f"smarthttp-{kind}" for kind in HTTP_KINDS),
    *(f"smartssh-{kind}" for kind in SSH_KINDS),
)
SLOW_WORLDS = ("gitcli-gitolite", "smartssh-gitolite", "gitcli-jgit-git", "gitcli-jgit-http", "smarthttp-jgit-http")
"""gitolite starts Perl for each session; JGit 4.11 rereads its packs for 2.5 s after one was written."""
CLAIMS, CONFIG, STEPS = (RefName(f"refs/coord/{name}") for name in ("claims", "config", "steps/myapp"))


@dataclass
class World:
    """A shared remote. `refs` lists it past every transport."""

    kind: str
    transport: Callable[[], Transport]
    refs: Callable[[], Mapping[RefName, str]]
    remote: Remote | None = None


def within_an_hour() -> Clocks:
    """Return this machine's clocks, at the begin of their hour: another one has another connection by ssh."""
    begun = time.time_ns()
    passed = begun % (3600 * 10**9)
    return WAITING._replace(wall_ns=lambda: time.time_ns() - passed)


@dataclass
class Worlds:
    """Makes worlds below a folder."""

    folder: Path
    servers: Servers | None = None
    count: int = field(default=0)
    hour: Clocks = field(default_factory=within_an_hour)

    def make(self, kind: str) -> World:
        if kind.startswith("memory"):
            return _memory_world(kind)
        if kind == "home":
            return self._home()
        if kind == "local-embedded":
            return self._embedded()
        if kind == "local-path":
            return self._local_path()
        way, _, server = kind.partition("-")
        remote = self._remote(server)
        make = {"gitcli": self.gitcli, "smarthttp": self.smarthttp, "smartssh": self.smartssh}[way]
        return World(kind, lambda: make(remote), remote.refs, remote)

    def gitcli(
        self,
        remote: Remote,
        *,
        timeout_s: float = 60,
        env: Mapping[str, str] | None = None,
        folder: Path | None = None,
        clocks: Clocks = WAITING,
    ) -> GitCliTransport:
        store = ensure_store(folder or self.new_folder(), StoreMode.CACHE, remote=remote.url)
        return GitCliTransport(
            remote.url,
            store_path=store.path,
            objects=CopiedObjects(store.path),
            env={**os.environ, **remote.env, **(env or {})},
            clocks=clocks,
            settings=remote.settings,
            timeout_s=timeout_s,
        )

    def smarthttp(
        self,
        remote: Remote,
        *,
        timeout_s: float = 60,
        env: Mapping[str, str] | None = None,
        folder: Path | None = None,
        clocks: Clocks = WAITING,
    ) -> SmartTransport:
        """Return the transport of a new clone, or of the one in `folder`."""
        store = ensure_store(folder or self.new_folder(), StoreMode.CACHE, remote=remote.url)
        environment = {**os.environ, **remote.env, **(env or {})}
        return smart_http(
            remote.url,
            store_path=store.path,
            objects=BufferedObjects(store.path, clocks.wall_ns),
            env=environment,
            clocks=clocks,
            settings=ConnectionSettings(remote.settings, remote.settings),
            by_git=lambda: self.gitcli(remote, timeout_s=timeout_s, env=env, folder=store.folder.parent, clocks=clocks),
            timeout_s=timeout_s,
        )

    def smartssh(
        self,
        remote: Remote,
        *,
        timeout_s: float = 60,
        env: Mapping[str, str] | None = None,
        folder: Path | None = None,
        clocks: Clocks | None = None,
    ) -> SmartTransport:
        """Return the transport of a new clone, or of the one in `folder`."""
        clocks = clocks or self.hour
        store = ensure_store(folder or self.new_folder(), StoreMode.CACHE, remote=remote.url)
        place = ssh_place(remote.url)
        assert place is not None
        return smart_ssh(
            remote.url,
            place,
            store_path=store.path,
            objects=BufferedObjects(store.path, clocks.wall_ns),
            env={**os.environ, **remote.env, **(env or {})},
            clocks=clocks,
            settings=ConnectionSettings(remote.settings, ()),
            by_git=lambda: self.gitcli(remote, timeout_s=timeout_s, env=env, folder=store.folder.parent, clocks=clocks),
            timeout_s=timeout_s,
        )

    def _remote(self, kind: str) -> Remote:
        assert self.servers is not None
        return self.servers.remote(kind)

    def new_folder(self) -> Path:
        self.count += 1
        return self.folder / f"clone-{self.count}"

    def _home(self) -> World:
        # Many processes of one clone, whose journal is the truth; plain git reads what was written out.
        store = ensure_store(self.new_folder(), StoreMode.HOME)
        remote = Remote("home", str(store.path), store.path)

        def refs() -> Mapping[RefName, str]:
            assert write_out(store.folder, WAITING)
            return remote.refs()

        return World("home", lambda: HomeTransport(store, clocks=WAITING), refs, remote)

    def _embedded(self) -> World:
        # Many processes of one clone: they share the store.
        store = ensure_store(self.new_folder(), StoreMode.HOME)
        remote = Remote("embedded", str(store.path), store.path)
        return World(
            "local-embedded", lambda: Embedded(store.path, clocks=WAITING, own_store=True), remote.refs, remote
        )

    def _local_path(self) -> World:
        remote = self._remote("path")
        return World("local-path", lambda: local(remote.git_dir), remote.refs, remote)


class Embedded(LocalTransport):
    """Swaps under the clone's lock, as every process of a clone does in its own store."""

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        with FileLock(self._git_dir.with_name("lock")):
            return super().swap(updates)


def local(path: Path, *, own_store: bool = False) -> LocalTransport:
    return LocalTransport(path, clocks=WAITING, own_store=own_store)


def _memory_world(kind: str) -> World:
    shared = MemoryRemote()
    able = kind == "memory"
    return World(kind, lambda: MemoryTransport(shared, sends_checks=able, atomic=able), lambda: dict(shared.refs))


@pytest.fixture
def worlds(tmp_path: Path, servers: Servers) -> Worlds:
    return Worlds(tmp_path, servers)


def commit(transport: Transport, text: str, parent: Oid | None = None) -> Oid:
    """Write a commit whose tree holds one document with this text."""
    objects = transport.objects
    blob = objects.write(ObjectKind.BLOB, f"{text}\n".encode())
    tree = objects.write(ObjectKind.TREE, b"100644 doc.json\0" + bytes.fromhex(blob))
    who = "Test Author <author@example.invalid> 1700000000 +0000"
    parents = f"parent {parent}\n" if parent else ""
    data = f"tree {tree}\n{parents}author {who}\ncommitter {who}\n\n{text}\n"
    return objects.write(ObjectKind.COMMIT, data.encode())


def put(transport: Transport, ref: RefName, old: Oid | None, new: Oid | None) -> SwapOutcome:
    return transport.swap([RefUpdate(ref, old, new)])


def put_all(transport: Transport, *updates: RefUpdate) -> None:
    """Write several refs: together, or one after another where the remote takes one at a time."""
    if transport.swap(updates).status is not SwapStatus.WON:
        assert not transport.atomic
        for update in updates:
            won(transport.swap([update]))


def won(outcome: SwapOutcome) -> bool:
    assert outcome.status is SwapStatus.WON, outcome
    return True
