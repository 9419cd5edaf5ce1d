"""The store of a clone: as the place to coordinate, on its way to a remote, and back.

Rules:
  * It is the place to coordinate until a process names a remote. From then on its description says which one, and
    a process that names none is refused: it would begin a second truth beside the remote's (STORE-2).
  * Only a person turns it back, with `gitcoord init --remote .`; what is at the remote stays there.
  * A journal whose locks may not hold for this process is not touched (`remote/store/store_locks`).
  * SEC-8: a clone that does not sign publishes nothing where the team asks for signatures, or did as it last saw.
  * It is a cache, which may be deleted, only when nothing is left in it.

What this file does not know: how settings are read, and how a remote is reached.
"""

import contextlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitcoord.errors import ContendedError, CoordError, StorageError, UsageError, unwritable
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.leader.lead_time import LEAD_S
from gitcoord.ledger.rewinds.marks import forget_home
from gitcoord.redaction import redact
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.deadline import asking_until, until
from gitcoord.remote.contract.protocol import Oid, Transport
from gitcoord.remote.store.store import (
    Store,
    StoreMode,
    begin_journal,
    end_journal,
    ensure_store,
    open_store,
    set_mode,
)
from gitcoord.remote.store.store_locks import is_marked, locks_error, locks_hold, mark
from gitcoord.remote.store.write_out import is_behind
from gitcoord.remote.transports.home import HomeTransport

if TYPE_CHECKING:
    from gitcoord.ledger.archive.publish import Published


class Embedded(NamedTuple):
    """The store of the clone of one common git directory.

    Attributes:
        clocks: how its transport waits.
        later: sees to it that the repository of a store follows its journal.
        repo: which repository it is, where several share one remote.
    """

    common_dir: Path
    host: Host
    clocks: Callable[[], Clocks]
    later: Callable[[Path], None] | None = None
    repo: str | None = None

    def as_place(self) -> HomeTransport:
        """Return it as the place to coordinate, whole.

        Raises:
            UsageError: a remote has what was coordinated here.
            StorageError: the disk cannot be written.
            StoreDamagedError: it is damaged, or was deleted.
        """
        store = ensure_store(self.common_dir, StoreMode.HOME)
        if store.remote:
            raise moved_away(store.remote)
        if store.mode is StoreMode.CACHE:  # a remote was tried, and never used
            with self._locked(store):
                store = ensure_store(self.common_dir, StoreMode.HOME)
                if store.remote:
                    raise moved_away(store.remote)
                store = set_mode(store, StoreMode.HOME)
        home = self._whole(self._settled(store), is_place=True)
        if self.later is not None and is_behind(store.folder):  # a process was killed before it wrote that out
            self.later(store.folder)
        return home

    def _settled(self, store: Store) -> Store:
        """Return the store as it is to be here: with its journal as the truth, where that may be.

        One of an older version waits until no session lives: such a session would read and write loose refs.

        Raises:
            StorageError: it has a journal, whose locks may not hold for this process.
        """
        if not locks_hold(store.folder):
            mark(store.folder)
            return _checked(ensure_store(self.common_dir, StoreMode.HOME))
        may_be = store.is_journaled or not Sessions(store.folder, self.host.unique).has_live()
        wanted = may_be and not is_marked(store.folder)
        if wanted == store.is_journaled:
            return store
        with self._locked(store):
            store = ensure_store(self.common_dir, StoreMode.HOME)
            if wanted == store.is_journaled or store.remote:
                return store
            home = HomeTransport(store, clocks=self.clocks())
            if not home.is_whole(self.host.boot):
                home.replay(self.host.boot)
            if wanted:
                store = begin_journal(store, self.host.boot, self.clocks().wall_ns())
            is_over = not wanted or is_marked(store.folder)  # what was marked meanwhile may not have seen the journal
            return end_journal(store) if is_over and home.write_out() else store

    def give_to(self, remote: Transport, url: str, refs: Refs, signature: Signature) -> "Published | None":
        """Note that the clone coordinates through a remote, which gets what was coordinated here.

        Raises:
            AuthorError: this clone does not sign, and the policy asks for it; this is the place still.
            UnreachableError, DeniedError: the remote could not take it; nothing is lost, and this is the place still.
            StorageError: the disk cannot be written.
        """
        store = ensure_store(self.common_dir, StoreMode.CACHE, remote=url)
        if self._has_to_publish(store, refs):
            return self._publish(store, remote, url, refs, signature)
        if store.mode is StoreMode.CACHE and store.remote != redact(url):
            is_known = bool(store.remote)  # that it is elsewhere is known, if not where: no caller waits for that
            with contextlib.ExitStack() as stack:
                if is_known:
                    stack.enter_context(contextlib.suppress(CoordError))
                stack.enter_context(self._locked(store, 0 if is_known else LEAD_S))
                set_mode(store, StoreMode.CACHE, remote=url)
        return None

    def holds_elsewhere(self, url: str, refs: Refs) -> bool:
        """Whether the clone has claims or steps in its store, or coordinated through another remote than this."""
        store = open_store(self.common_dir)
        if store is None or store.remote:
            return store is not None and store.remote != redact(url)
        if store.mode is not StoreMode.HOME:
            return False
        home = HomeTransport(store, clocks=self.clocks())
        tips = home.read(refs.everything)
        return any(refs.is_steps(ref) for ref in tips) or _has_claims(home, tips.get(refs.claims))

    def turn_back(self) -> str:
        """Make it the place to coordinate again; return the remote that was it until now."""
        store = open_store(self.common_dir)
        if store is not None and store.is_journaled and not locks_hold(store.folder):
            store = self._end_here(store)
        if store is None or (store.mode is StoreMode.HOME and not store.remote):
            return ""
        with self._locked(store):
            HomeTransport(store, clocks=self.clocks()).write_out()
            forget_home(store.folder, self.host.unique)
            set_mode(store, StoreMode.HOME)
        return store.remote

    def _end_here(self, store: Store) -> Store:
        """End a journal whose locks may not hold, as a person says that no other machine uses the clone."""
        mark(store.folder)
        with self._locked(store):
            HomeTransport(store, clocks=self.clocks()).replay(self.host.boot)
            if is_behind(store.folder):
                raise ContendedError("Git holds a lock in the store; nothing was changed.", hint="Try again.")
            return end_journal(store)

    def _has_to_publish(self, store: Store, refs: Refs) -> bool:
        """Whether it has ledgers, or does not say rightly whether it has.

        A version of ours from before sessions followed a change of the remote may have left some.
        """
        from gitcoord.ledger.archive.publish import KEPT

        home = HomeTransport(store, clocks=self.clocks())
        if home.read(refs.everything) or (store.mode is StoreMode.HOME and not store.remote):
            return True
        return (store.mode is StoreMode.HOME) is not bool(home.read([KEPT]))

    def _publish(
        self, store: Store, remote: Transport, url: str, refs: Refs, signature: Signature
    ) -> "Published | None":
        from gitcoord.ledger.archive.publish import KEPT, publish

        home = self._whole(_checked(store), is_place=False)
        with self._locked(store):
            end = self.host.monotonic() + LEAD_S
            try:
                # Also where a read is the first to come: a push is not cut off because of a mere look.
                with asking_until(None), until(lambda: end - self.host.monotonic()):
                    if any(refs.clone_of(ref) is None for ref in home.read(refs.everything)):
                        self._check_signed(home, remote, url, refs, signature)
                    done = publish(home, remote, refs, signature, self.host.now())
            except StorageError:  # the remote has taken some that are here still
                with contextlib.suppress(StorageError):
                    set_mode(store, StoreMode.HOME, remote=url)
                raise
            left = home.read([*refs.everything, KEPT])
            if not home.write_out():
                raise StorageError(f"The journal in {str(store.folder)!r} cannot be written out.", hint="Try again.")
            set_mode(store, StoreMode.HOME if left else StoreMode.CACHE, remote=url)
        return done if done.published or done.kept else None

    def _check_signed(self, home: HomeTransport, remote: Transport, url: str, refs: Refs, signature: Signature) -> None:
        """Look whether the policy of the team, or where that has none of the store, takes what this clone publishes.

        Raises:
            AuthorError: it asks for signatures, and this clone does not sign.
        """
        from gitcoord.ledger.readers.reader import Reader
        from gitcoord.ledger.rewinds.lookback import Lookback
        from gitcoord.ledger.transactions.author_rule import check_signed

        lookback = Lookback.of_place(self.common_dir / "gitcoord", url, refs, self.repo, remote.objects)
        lookback.begin()
        listed = remote.read([refs.config])
        reader = Reader(remote, refs, seen=lookback.marks.tips)
        reader.prefetch(listed)
        policies = lookback.author_policies(reader, listed, self.host.now())
        if not listed:
            policies += (Reader(home, refs).policy(refs.config, home.read([refs.config])),)
        for policy in policies:
            check_signed(policy, signature)

    def _whole(self, store: Store, *, is_place: bool) -> HomeTransport:
        """Return its transport; after a power cut the journal is replayed first."""
        home = HomeTransport(store, clocks=self.clocks(), is_place=is_place, later=self.later)
        if not home.is_whole(self.host.boot):
            with self._locked(store):
                if not home.is_whole(self.host.boot):
                    home.replay(self.host.boot)
        return home

    @contextmanager
    def _locked(self, store: Store, timeout_s: float = LEAD_S) -> Generator[None]:
        """Hold the clone's lock."""
        from filelock import FileLock, Timeout

        path = store.folder / "lock"
        try:
            with FileLock(path, timeout=timeout_s):
                yield
        except Timeout:
            message = "Another process of this clone holds the lock; nothing was changed."
            raise ContendedError(message, hint="Try again.") from None
        except OSError as error:
            raise unwritable(f"The store {str(store.folder)!r}", error.strerror or error) from error


def _checked(store: Store) -> Store:
    """Return a store again that this process may write to.

    Raises:
        StorageError: it has a journal, whose locks may not hold for this process.
    """
    if store.is_journaled and not locks_hold(store.folder):
        raise locks_error(store.folder)
    return store


def _has_claims(home: HomeTransport, tip: Oid | None) -> bool:
    """Whether any agent holds, or waits for, anything."""
    if tip is None:
        return False
    folders = trees.load(home.objects, commits.read(home.objects, tip).tree).folders
    return any(name in folders for name in ("claims", "queue"))


def moved_away(remote: str) -> UsageError:
    """Return the error of a process that does not name the remote that its clone coordinates through."""
    message = f"What was coordinated in this clone is at {remote} now; this session does not know that remote."
    hint = "Restart it with that remote: git config gitcoord.remote <name or URL>. Nothing was changed. "
    hint += "To coordinate within this clone alone from now on: gitcoord init --remote ."
    return UsageError(message, hint=hint)
