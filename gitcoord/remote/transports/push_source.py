"""The repository that git pushes from: all that the pushed commits came from is in it, and it names no boundary.

    no boundary in the store ─────────────────────────────> the store
    none that the pushed commits come from ───────────────> a folder that lends the objects
    some ──brought from the remote──> none any more ──────> the same
              └──do not come──> a remote helper? ──no─────> the store
                                       └──yes─────────────> nothing is sent

Rules:
  * git names the boundaries of a store with each push, of other histories too. A server of another make fails at that
    (dulwich's, 1.2); git's take it, and compare.
  * A remote helper may take a boundary for a first commit, and would put that in place of the whole.

What this file does not know: refs, and what becomes of a push.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from gitcoord.errors import UnreachableError
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.copies.whole_history import WholeHistory
from gitcoord.remote.git.git_process import run_git
from gitcoord.remote.store.joined_objects import lent

_HINT: Final = "Set the remote that this clone had before, run `gitcoord log` there, then set this one again."


class LeftOutError(UnreachableError):
    """What is to be sent came from what was left out of this clone, and that does not come now."""


class PushSource(NamedTuple):
    """That of one store. `env`: of git's commands; `is_by_helper`: see `named_url`; `timeout_s`: of each command."""

    store: Path
    history: WholeHistory
    env: Mapping[str, str]
    is_by_helper: bool
    timeout_s: float

    @contextmanager
    def of(self, tips: Sequence[Oid]) -> Generator[Path]:
        """Give the git directory to push these from; nothing is read where only refs are deleted.

        Raises:
            LeftOutError: what they came from does not come, and a remote helper would pack what is here.
        """
        boundaries = self.history.boundaries
        named = boundaries.read()
        left_out = self.history.complete(named & self._roots(tips)) if named and tips else frozenset[Oid]()
        if left_out and self.is_by_helper:
            message = f"The history before commit {min(left_out)[:12]} was left out of this clone; nothing was sent."
            raise LeftOutError(message, hint=_HINT)
        if left_out or not boundaries.read():
            yield self.store
            return
        with lent(self.store / "objects") as git_dir:
            yield git_dir

    def _roots(self, tips: Sequence[Oid]) -> frozenset[Oid]:
        """Return where histories begin in this store; nothing where git cannot say, and then does not push either."""
        words = [f"--git-dir={self.store}", "rev-list", "--max-parents=0", "--stdin"]
        given = "".join(f"{tip}\n" for tip in tips).encode()
        done = run_git(words, cwd=self.store, env=self.env, timeout_s=self.timeout_s, input=given)
        return frozenset(map(Oid, done.stdout.decode().split()))
