"""Compaction: what the clone's store holds becomes one pack, and what nothing names any more goes.

Rules:
  * Only what no ref names goes, and only GRACE after it was written: longer than any swap is on its way, and shorter
    than a day, so that what a daily run finds unnamed is dropped and not unpacked first.
  * Writers go on meanwhile. One that finds an object here does not write it again, and that may be one that goes just
    then; so who compacts looks afterwards (`lacking`) for what was named meanwhile and is not here.
  * Refs are left as they are.

What this file does not know: which commits are to be kept; `store.keep_from_gc` makes a ref for each.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from gitcoord.errors import StorageError
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.git.git_failure import shown
from gitcoord.remote.git.git_process import Completed, clean_env, run_git

GRACE: Final = "12.hours.ago"
LOOSE_MAX: Final = 20_000  # objects that are files of their own: what 2,000 claims leave
PACKS_MAX: Final = 50  # as git has it: each fetch that brings much adds one, and each read may look into all
_TIMEOUT_S: Final = 3600.0  # two cores pack 60,000 commits of a ledger of 1,000 claims in half a minute
_COUNT_S: Final = 30.0


class StoreSize(NamedTuple):
    """How large a store is: objects that are files, packs, and the bytes of both."""

    loose: int
    packs: int
    size_bytes: int

    @property
    def is_large(self) -> bool:
        """Whether compacting it is worth a person's while."""
        return self.loose > LOOSE_MAX or self.packs > PACKS_MAX


def size_of(store: Path, env: Mapping[str, str]) -> StoreSize:
    """Measure a store.

    Raises:
        StorageError: git cannot.
    """
    done = _checked(_git(store, env, ["count-objects", "-v"], _COUNT_S))
    counts = dict(line.split(": ", 1) for line in done.stdout.decode().splitlines() if ": " in line)
    kib = sum(int(counts.get(name, 0)) for name in ("size", "size-pack", "size-garbage"))
    return StoreSize(int(counts.get("count", 0)), int(counts.get("packs", 0)), kib * 1024)


def compact(store: Path, env: Mapping[str, str]) -> None:
    """Pack what refs name, and remove the rest after its grace.

    Raises:
        StorageError: git cannot; nothing is lost, and what was not packed stays as it was.
    """
    repack = ["repack", "-q", "-d", "-l", "-A", f"--unpack-unreachable={GRACE}"]
    _checked(_git(store, env, repack, _TIMEOUT_S))
    _checked(_git(store, env, ["prune", f"--expire={GRACE}"], _TIMEOUT_S))


def lacking(store: Path, env: Mapping[str, str], before: Iterable[Oid]) -> list[str]:
    """Return the objects that refs have come to need since they named the commits of `before`, and that are not here.

    Raises:
        StorageError: git cannot say.
    """
    known = "".join(f"^{tip}\n" for tip in before)
    words = ["rev-list", "--objects", "--missing=print", "--all", "--ignore-missing", "--stdin"]
    done = _checked(_git(store, env, words, _TIMEOUT_S, known.encode()))
    return [line[1:] for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith("?")]


def _git(store: Path, env: Mapping[str, str], words: list[str], timeout_s: float, given: bytes = b"") -> Completed:
    return run_git([f"--git-dir={store}", *words], cwd=store, env=clean_env(env), timeout_s=timeout_s, input=given)


def _checked(done: Completed) -> Completed:
    if done.timed_out or done.rc != 0:
        why = "it took too long" if done.timed_out else shown(done.errors)
        raise StorageError(f"The store was not compacted: {why}.", hint="Nothing is lost; make room, and try again.")
    return done
