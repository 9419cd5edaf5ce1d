"""Held branches: on which branches steps are held here, as files that a shell finds by the branch that it is on.

    held/<branch, with `@` for `/`>~<checksum>    {"branch", "step", "fence", "session", "agent", "worktree"}
    held/~<checksum>                              of a step that names no branch: it may be any

    claim_step ──> fences/<session>/… and held/…          git commit ──> no file of its branch: nothing is started
    the step ends, is lost or handed back ──> both go                 ──> one or more: the trailers are in it

Rules:
  * A file is there before who took the step is answered, and goes with the fence of that session
    (`service/session/fences`). It is small and written at once: who finds nothing in it was not answered yet.
  * No name of a branch has `~`. Some have `@`, so a name here may be that of two branches: the file says of which.
  * Hooks read this: standard library only, as in `snapshot_files`.

What this file does not know: who writes these files, whether a step is still held; the ledgers say.
"""

import os
import zlib

from gitcoord.ledger.clone import snapshot_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitcoord.ledger.clone.snapshot_files import Row

HELD = "held"  # the hooks at the top of this repository name it


def file_of(folder: str, row: "Row") -> str:
    """Return the file that says of a session that it holds a step. `folder`: what gitcoord keeps of this clone."""
    holder = f"{row.get('session')} {str(row.get('step')).lower()}"
    return f"{folder}/{HELD}/{_spelled(str(row.get('branch')))}~{zlib.crc32(holder.encode()):08x}"


def on_branch(folder: str, branch: str) -> "Iterator[Row]":
    """Yield the steps that are held on a branch, the newest fence first. `branch`: empty for those that name none."""
    start = f"{_spelled(branch)}~"
    names = [name for name in _names(folder) if name.startswith(start)]
    rows = [snapshot_files.load(f"{folder}/{HELD}/{name}") for name in names]
    yield from sorted((row for row in rows if row.get("branch") == branch), key=fence_of, reverse=True)


def is_any(folder: str) -> bool:
    """Whether anything is held on any branch."""
    return bool(_names(folder))


def _spelled(branch: str) -> str:
    return branch.replace("/", "@")


def fence_of(row: "Row") -> int:
    fence = row.get("fence")
    return fence if isinstance(fence, int) else 0


def _names(folder: str) -> "list[str]":
    try:
        return sorted(os.listdir(f"{folder}/{HELD}"))
    except OSError:
        return []
