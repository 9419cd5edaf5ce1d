"""Git's own locks of refs, and writing under them: in the files ref storage of one git directory, without git.

    <git dir>/refs/coord/claims.lock    made by the process that writes `claims`, by one of all
    <git dir>/packed-refs.lock          the same for `packed-refs`, to remove a ref from it

Rules:
  * A ref's new content is written to another file and renamed over it; only who has its lock does so.
  * A lock is given up by its owner. That of a swap of ours which died is taken over by its guard (`swap_guards`).
  * What cannot be done shows by the system's error number, never by the words of a message.
  * No reflog is written: `path_remote` leaves a repository that keeps one of our refs to git.

See gitrepository-layout(5), and git's lockfile.h: a lock is made with O_EXCL, and renamed or removed at the end.

What this file does not know: what is compared before a write.
"""

import os
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from gitcoord.remote.store.swap_guards import Guard, GuardHeldError, SwapGuards

PACKED: Final = "packed-refs"
PACKED_LOCK: Final = f"{PACKED}.lock"
_TRIES: Final = 3  # git removes empty folders while it packs; meeting that twice in a row was never seen


class LockBusyError(Exception):
    """The lock file at `path` is taken; by a swap of process `pid`, where that is known."""

    def __init__(self, path: str, *, is_guarded: bool = False, pid: int | None = None) -> None:
        """Keep what is known of the owner."""
        super().__init__(path)
        self.path = path
        self.is_guarded = is_guarded
        self.pid = pid


class RefLock:
    """The lock of one ref, or of `packed-refs`, taken."""

    def __init__(self, git_dir: str, name: str, guard: Guard | None) -> None:
        """Take it.

        Raises:
            LockBusyError: another process has it.
            OSError: it can never be taken: a name too long, a file where a folder should be, no right, no room.
        """
        self.target = f"{git_dir}/{name}"
        self.path = f"{self.target}.lock"
        # As git does, the lock itself becomes the ref; not of `packed-refs`, which a swap writes once a deletion.
        self._draft = f"{self.target}.new.lock" if name == PACKED else self.path
        self._take(git_dir, guard)
        self._is_ours = True

    def _take(self, git_dir: str, guard: Guard | None) -> None:
        for _ in range(_TRIES):
            try:
                if guard and guard.link(self.path):
                    self._draft = guard.draft
                else:
                    os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            except FileExistsError:
                if not (guard and guard.made(self.path)):
                    break
                self._draft = guard.draft
            except FileNotFoundError:
                if not os.path.isdir(f"{git_dir}/refs"):  # there is no repository any more; do not begin one
                    raise
                with suppress(FileExistsError):
                    os.makedirs(os.path.dirname(self.path))
                continue
            return
        raise LockBusyError(self.path)

    def write(self, content: bytes, *, flush: bool) -> None:
        """Put the ref's new content in its place."""
        handle = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
        try:
            while content:
                content = content[os.write(handle, content) :]
            if flush:
                os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.rename(self._draft, self.target)
        except IsADirectoryError:  # of refs that were there once, as `a/b` was before `a`
            for folder, _, _ in os.walk(self.target, topdown=False):
                os.rmdir(folder)
            os.rename(self._draft, self.target)
        self._is_ours = self._draft != self.path
        if flush:
            _flush_folder(os.path.dirname(self.target))

    def remove(self, *, flush: bool) -> None:
        """Remove the loose ref, if there is one."""
        with suppress(FileNotFoundError):
            os.unlink(self.target)
            if flush:
                _flush_folder(os.path.dirname(self.target))

    def give_up(self) -> None:
        """Let others take it, unless it became the ref."""
        if self._is_ours:
            with suppress(OSError):
                os.unlink(self.path)


def _flush_folder(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def lock_refs(git_dir: str, names: Iterable[str], guards: SwapGuards | None) -> Generator[dict[str, RefLock]]:
    """Take the locks of refs, in the order of names, so that two swaps cannot wait for each other.

    Raises:
        LockBusyError: one of them is taken; none is kept.
        OSError: one of them can never be taken; none is kept.
    """
    with ExitStack() as held:
        found = {name: guards.path_of(name) for name in sorted(names)} if guards else dict.fromkeys(sorted(names), "")
        by_path: dict[str, Guard | None] = {"": None}
        for name, path in sorted(found.items(), key=lambda item: item[1]):
            if guards and path not in by_path:
                try:
                    by_path[path] = held.enter_context(guards.held(path))
                except GuardHeldError as error:
                    raise LockBusyError(f"{git_dir}/{name}.lock", is_guarded=True, pid=error.pid) from None
        locks: dict[str, RefLock] = {}
        for name, path in found.items():
            locks[name] = RefLock(git_dir, name, by_path[path])
            held.callback(locks[name].give_up)
        yield locks
