"""Reading: git over what others committed, within bounds.

Rules:
  * SEC-4: a branch of nine small objects can stand for billions of files, and a commit can have a message of any size.
    Whatever is asked of history ends within these bounds and its time. What was cut, or git had no memory for, is a
    failure as any other: the result is unknown, and never nothing.

What this file does not know: what is asked, and why.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from gitcoord.remote.git.git_process import Bounds, Completed, run_git

OUTPUT_BYTES: Final = 128 * 1024 * 1024  # two million names of files; as text and a list they take us four times that
MEMORY_BYTES: Final = 1024 * 1024 * 1024  # a commit that adds 1,000,000 files takes git 290 MB; packs are mapped
OBJECT_BYTES: Final = (
    256 * 1024 * 1024
)  # one allocation of git's, on any system: an index of 1,500,000 files needs that


def read_git(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float, given: bytes | None = None
) -> Completed:
    """Run git within the bounds of this file.

    Raises:
        RepositoryError: git cannot be started.
    """
    limited = {**env, "GIT_ALLOC_LIMIT": str(OBJECT_BYTES)}
    bounds = Bounds(OUTPUT_BYTES, MEMORY_BYTES)
    return run_git(arguments, cwd=cwd, env=limited, timeout_s=timeout_s, input=given, bounds=bounds)
