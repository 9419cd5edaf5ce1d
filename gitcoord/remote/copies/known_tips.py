"""Commits of a remote that are in the clone's store with all they need: kept as refs, so that no gc takes them.

    refs/http/<key>/claims      where the remote's refs/coord/claims was when it was last brought

Rules:
  * A commit is noted only once all of it is here. So a fetch may say that we have it, as long as it can be read: what
    a power cut took of it is not here any more. Where it took another part, all that is noted is forgotten once
    what was asked for has come whole; what else is listed counts for nothing then, until another process looks.
  * Nothing is decided by these refs; one that cannot be written is brought again.
  * Of what a clone brings first it may have the tips alone: what they came from is left out (`boundaries`), and brought
    where it is looked for (`whole_history`). Later all that is new is brought, so what a clone has seen is here.
  * SAFE-9: no ledger gets a second boundary above its first one, for what is between them would be missed by who looks
    whether one commit came from another. Of two processes that begin at once the later one brings all above the first.

What this file does not know: how objects come, and what they are.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

from gitcoord.errors import MissingObjectError, StorageError
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.object_graph import parents_in
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName
from gitcoord.remote.copies.boundaries import Boundaries, key_of
from gitcoord.remote.copies.buffered_objects import BufferedObjects
from gitcoord.remote.copies.copied_objects import INDEX_S
from gitcoord.remote.copies.refetch_log import RefetchLog
from gitcoord.remote.git.git_failure import shown
from gitcoord.remote.git.git_process import run_git
from gitcoord.remote.http.fetch import Brought, Wanted
from gitcoord.remote.http.pack_reader import OBJECTS_MAX, Packed, count_of, objects_in
from gitcoord.remote.store.files_refs import FilesRefs
from gitcoord.remote.store.pygit_objects import libgit2_errors, open_repository


class KnownTips:
    """What is here of one remote's namespace. `objects`: those of the store."""

    def __init__(
        self,
        store: Path,
        *,
        objects: BufferedObjects,
        namespace: str,
        shown_url: str,
        env: Mapping[str, str],
        clocks: Clocks,
        is_new: Callable[[], bool] = lambda: True,
    ) -> None:
        """Read nothing yet.

        Args:
            store: the clone's bare repository.
            objects: its objects.
            namespace: what is coordinated in, ending in `/`.
            shown_url: tells remotes apart.
            env: that of git's commands.
            clocks: what time it is.
            is_new: whether the clone has seen nothing of any remote yet.
        """
        self.objects = objects
        self.namespace = namespace
        self._store = store
        self._env = env
        self._own = f"refs/http/{key_of(shown_url)}/"
        self._refs = FilesRefs(store, now_ns=clocks.wall_ns)
        self._refetches = RefetchLog(store, clocks.wall_ns)
        self._is_new = is_new
        self.boundaries = Boundaries(store, clocks, shown_url)
        self._here: set[Oid] = set()
        self._doubtful: set[Oid] = set()

    def known(self, first: Iterable[RefName] = ()) -> list[Oid]:
        """Return the commits that are here with all they need, as far as the commit itself tells.

        `first`: the refs whose commits come first, for the wire has room for so many.
        """
        tips = self._refs.read([self._own])
        own = [RefName(self._own + ref.removeprefix(self.namespace)) for ref in first]
        ordered = (tips[ref] for ref in dict.fromkeys([*own, *sorted(tips)]) if ref in tips)
        return list(filter(self._is_here, dict.fromkeys(ordered)))

    def _is_here(self, oid: Oid) -> bool:
        if oid not in self._here and self.objects.has(oid) and not self.objects.is_buffered(oid):
            self._here.add(oid)
        return oid in self._here

    def forget(self, doubtful: Collection[Oid]) -> None:
        """Note that nothing of the remote is known to be here, nor is in this process of these commits."""
        self._doubtful.update(doubtful)
        self._here.clear()
        self._change(self._refs.read([self._own]), {})

    def refetch(self, tip: Oid, listed: Mapping[RefName, Oid], bring: Callable[[], None]) -> bool:
        """Bring a commit anew (`RefetchLog`), and note it as what a listing has it for; return whether it came.

        Raises:
            UnreachableError: the remote does not answer.
            UnfamiliarError: only git may know how it is brought.
        """
        if not self._refetches.bring(tip, bring):
            return False
        self._doubtful.discard(tip)
        self.note({ref: oid for ref, oid in listed.items() if oid == tip}, is_all=False)
        return True

    def note(self, listed: Mapping[RefName, Oid], *, is_all: bool) -> None:
        """Note what was brought of a listing. `is_all`: of the whole namespace, so what is not in it is gone."""
        before = self._refs.read([self._own])
        if any(map(self.objects.is_buffered, listed.values())):  # the disk had no room when the swap was won
            with suppress(StorageError):
                self.objects.flush()
        wanted = {
            RefName(self._own + ref.removeprefix(self.namespace)): oid
            for ref, oid in listed.items()
            if ref.startswith(self.namespace) and oid not in self._doubtful and self._is_here(oid)
        }
        gone = before.keys() - wanted.keys() if is_all else ()
        self._change(gone, {ref: oid for ref, oid in wanted.items() if before.get(ref) != oid})
        self._here &= {*wanted.values(), *before.values()}

    def _change(self, gone: Collection[RefName], new: Mapping[RefName, Oid]) -> None:
        if not gone and not new:
            return
        with suppress(*libgit2_errors()):
            references = open_repository(self._store).references
            for ref in gone:
                with suppress(*libgit2_errors()):  # another process was faster
                    references.delete(ref)
            for ref, oid in new.items() if self.objects.indexes_again(self._env) else ():
                with suppress(*libgit2_errors()):
                    references.create(ref, oid, force=True)

    def wanted(self, oids: Sequence[Oid], haves: Collection[Oid]) -> Wanted:
        """Return the question for commits: for their tips alone, where this clone has nothing of a remote yet.

        Under `refs/heads/` heartbeats are chained, and each look goes down one: there all is brought.
        """
        is_first = not haves and not self.namespace.startswith("refs/heads/") and self._has_seen_nothing()
        return Wanted(oids, haves, self.boundaries.read(), tips_only=is_first)

    def _has_seen_nothing(self) -> bool:
        return self._is_new() and not self._refs.read([self._own])

    def bring(self, oids: Sequence[Oid], haves: Collection[Oid], pack_of: Callable[[Wanted], Brought]) -> None:
        """Ask a remote for commits, and keep what comes; see `_put` for what it raises. `pack_of`: asks it."""
        wanted = self.wanted(oids, haves)
        brought = pack_of(wanted)
        if not haves:  # only now, as the remote has answered
            self.objects.set_aside_damaged(self._env)
        if not self._put(wanted, brought):
            wanted = Wanted(oids, haves, self.boundaries.read())
            self._put(wanted, pack_of(wanted))

    def _put(self, wanted: Wanted, brought: Brought) -> bool:
        """Keep what came, after a note of what was left out of it; return whether it was: else all is asked for.

        Raises:
            MissingObjectError: git does not take it, and what it builds on may be damaged.
            StorageError: it cannot be written.
            UnfamiliarError: it is no pack, or only git can note what was left out.
        """
        pack, is_large = brought.pack, count_of(brought.pack) > OBJECTS_MAX
        made = None if is_large else objects_in(pack, self.objects.read)
        cut = self._cut(wanted.oids, {*brought.boundaries}, made) if wanted.tips_only else set[Oid]()
        if cut is None:
            return False
        with self.boundaries.lock() if cut else nullcontext():
            if cut:
                self.boundaries.tidy(self.objects)
                if self.boundaries.read() or not self._has_seen_nothing():  # another process was faster
                    return False
                self.boundaries.add(cut)
            if made is None:
                self._index(pack, has_bases=bool(wanted.haves))
            else:
                self.objects.put(made)
        return True

    def _cut(self, tips: Sequence[Oid], said: set[Oid], made: Sequence[Packed] | None) -> set[Oid] | None:
        """Return which commits came without their parents; `None`: others did, too, as far as is known.

        Args:
            tips: what was asked for.
            said: of which the server says so; of first commits, too [git 2.39].
            made: what came; `None`: a large pack, which is kept unread.
        """
        if made is None:
            return {*tips} if said.issuperset(tips) else None
        parents = {each.oid: parents_in(each.data) for each in made if each.kind is ObjectKind.COMMIT}
        cut = {oid for oid in said & parents.keys() if parents[oid]}
        needed = {each for oid in parents.keys() - cut for each in parents[oid]}
        return cut if all(each in parents or self.objects.has(each) for each in needed) else None

    def _index(self, pack: bytes, *, has_bases: bool) -> None:
        """Keep a pack as it came. `has_bases`: it may have deltas of what is here.

        Raises:
            MissingObjectError: git does not take it, and it may have.
            StorageError: git does not take it, or it cannot be written.
        """
        words = [f"--git-dir={self._store}", "index-pack", "--stdin", "--fix-thin"]
        done = run_git(words, cwd=self._store, env=self._env, timeout_s=INDEX_S, input=pack)
        if done.rc != 0:
            if has_bases:
                raise MissingObjectError(f"What the remote sent does not fit what is here: {shown(done.errors)}.")
            hint = "Make room on the disk, or try again."
            raise StorageError(f"What the remote sent was not kept: {shown(done.errors)}.", hint=hint)
