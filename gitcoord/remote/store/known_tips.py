"""Commits of a remote that are in the clone's store with all they need: kept as refs, so that no gc takes them.

    refs/http/<key>/claims      where the remote's refs/coord/claims was when it was last brought

Rules:
  * A commit is noted only once all of it is here. So a fetch may say that we have it, as long as it can be read: what
    a power cut took of it is not here any more. Where it took another part, all that is noted is forgotten once
    what was asked for has come whole; what else is listed counts for nothing then, until another process looks.
  * What is not whole and what the remote cannot give whole either is asked for hourly at most, by all processes.
  * Nothing is decided by these refs; one that cannot be written is brought again.

What this file does not know: how objects come, and what they are.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitcoord.errors import CoordError, MissingObjectError, StorageError, UnreachableError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.git.git_failure import shown
from gitcoord.remote.git.git_process import run_git
from gitcoord.remote.store.buffered_objects import BufferedObjects
from gitcoord.remote.store.files_refs import FilesRefs
from gitcoord.remote.store.pygit_objects import libgit2_errors, open_repository

REFETCH_S: Final = 3600.0
_INDEX_S: Final = 60.0  # git takes 1 s for 60 MB
_REFETCHES: Final = "refetches.json"  # when which commit was asked for anew, in seconds since 1970


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
        now_ns: Callable[[], int],
    ) -> None:
        """Read nothing yet. `shown_url` tells remotes apart; `env` is that of git's commands."""
        self.objects = objects
        self.namespace = namespace
        self._store = store
        self._env = env
        self._own = f"refs/http/{hashlib.sha256(shown_url.encode()).hexdigest()[:12]}/"
        self._refs = FilesRefs(store, now_ns=now_ns)
        self._now_ns = now_ns
        self._here: set[Oid] = set()
        self._doubtful: set[Oid] = set()

    def known(self) -> frozenset[Oid]:
        """Return the commits that are here with all they need, as far as the commit itself tells."""
        return frozenset(filter(self._is_here, self._refs.read([self._own]).values()))

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
        """Bring a commit anew, hourly at most, and note it as what a listing has it for; return whether it came.

        Raises:
            UnreachableError: the remote does not answer.
        """
        from gitcoord.remote.store.home_tips import write_whole  # seldom needed

        now_s = self._now_ns() / 1e9
        recent = {oid: at for oid, at in self._refetches().items() if abs(now_s - at) < REFETCH_S}
        if tip in recent:
            return False
        error: CoordError | None = None
        try:
            bring()
        except UnreachableError:
            raise
        except StorageError:  # of this machine, which may have room the next time
            return False
        except CoordError as caught:
            error = caught
        with suppress(OSError):
            write_whole(self._store.parent / _REFETCHES, json.dumps({**recent, tip: now_s}))
        if error is None:
            self._doubtful.discard(tip)
            self.note({ref: oid for ref, oid in listed.items() if oid == tip}, is_all=False)
        return error is None

    def _refetches(self) -> dict[Oid, float]:
        with suppress(OSError, ValueError, TypeError, AttributeError):  # it is not there, or torn
            found = json.loads((self._store.parent / _REFETCHES).read_bytes())
            return {Oid(oid): float(at) for oid, at in found.items()}
        return {}

    def note(self, listed: Mapping[RefName, Oid], *, is_all: bool) -> None:
        """Note what was brought of a listing. `is_all`: of the whole namespace, so what is not in it is gone."""
        before = self._refs.read([self._own])
        if any(map(self.objects.is_buffered, listed.values())):  # the disk had no room when the swap was won
            with suppress(StorageError):
                self.objects.flush()
        ours = {ref: oid for ref, oid in listed.items() if ref.startswith(self.namespace)}
        kept = {oid for oid in ours.values() if oid not in self._doubtful and self._is_here(oid)}
        wanted = {
            RefName(self._own + ref.removeprefix(self.namespace)): oid for ref, oid in ours.items() if oid in kept
        }
        gone = before.keys() - wanted.keys() if is_all else ()
        self._change(gone, {ref: oid for ref, oid in wanted.items() if before.get(ref) != oid})

    def _change(self, gone: Collection[RefName], new: Mapping[RefName, Oid]) -> None:
        if not gone and not new:
            return
        with suppress(*libgit2_errors()):
            references = open_repository(self._store).references
            for ref in gone:
                with suppress(*libgit2_errors()):  # another process was faster
                    references.delete(ref)
            for ref, oid in new.items():
                with suppress(*libgit2_errors()):
                    references.create(ref, oid, force=True)

    def index(self, pack: bytes, *, has_bases: bool) -> None:
        """Keep a pack as it came. `has_bases`: it may have deltas of what is here.

        Raises:
            MissingObjectError: git does not take it, and it may have.
            StorageError: git does not take it, or it cannot be written.
        """
        words = [f"--git-dir={self._store}", "index-pack", "--stdin", "--fix-thin"]
        done = run_git(words, cwd=self._store, env=self._env, timeout_s=_INDEX_S, input=pack)
        if done.rc != 0:
            if has_bases:
                raise MissingObjectError(f"What the remote sent does not fit what is here: {shown(done.errors)}.")
            hint = "Make room on the disk, or try again."
            raise StorageError(f"What the remote sent was not kept: {shown(done.errors)}.", hint=hint)
