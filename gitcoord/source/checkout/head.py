"""The branch that a worktree has checked out, as git's own file says it.

Rules:
  * The file is read each time: git replaces it whole, and a process for each question would be a third of a claim.
  * What is not plainly a branch or a commit there (a link, the stand-in of the reftable format) is git's to answer.

What this file does not know: which names are branches of ours, claims.
"""

import re
from contextlib import suppress

from gitcoord.source.checkout.repository import Repository

_BYTES_MAX = 4096  # git refuses longer names of refs
_PLAIN = re.compile(r"ref: refs/heads/(?!\.invalid$)(.+)")
_DETACHED = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Head:
    """Knows which branch one worktree is on. Threads may share it."""

    def __init__(self, repository: Repository) -> None:
        """Ask nothing yet."""
        self.repository = repository
        self._file = repository.git_dir / "HEAD"

    def branch(self) -> str | None:
        """Return the branch, also one without a commit yet; `None`: a commit is checked out."""
        text = ""
        with suppress(OSError):
            if not self._file.is_symlink():
                with self._file.open("rb") as file:
                    text = file.read(_BYTES_MAX).decode("utf-8", "replace").removesuffix("\n")
        plain = _PLAIN.fullmatch(text)
        if plain is not None:
            return plain[1]
        if _DETACHED.fullmatch(text):
            return None
        name = self.repository.text("symbolic-ref", "--quiet", "HEAD")
        return name.removeprefix("refs/heads/") if name else None
