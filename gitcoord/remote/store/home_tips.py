"""The last tips of each home ref, appended to a file, from which a damaged ref is repaired.

    home-tips    "<oid> <ref>" for each write of a home ref; `-` for a deletion

What this file does not know: refs as they are now, the journal.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, oid

TIPS_KEPT: Final = 20  # design: enough to go back before a damage that is noticed within a few minutes of work
TIPS_BYTES_MAX: Final = 256 * 1024  # about 2,500 writes; then only the last TIPS_KEPT of each ref are kept


def record_home_tips(folder: Path, updates: Sequence[RefUpdate]) -> None:
    """Note what was written to home refs. Under the clone's lock, or that of who writes out."""
    path = folder / "home-tips"
    lines = "".join(f"{update.new or '-'} {update.ref}\n" for update in updates if not update.is_check)
    with path.open("ab") as file:
        if file.tell() > TIPS_BYTES_MAX:
            kept = {ref: tips for ref, tips in home_tips(folder).items() if tips[-1] is not None}
            text = "".join(f"{tip or '-'} {ref}\n" for ref, tips in kept.items() for tip in tips)
            write_whole(folder / "home-tips", text)
            with path.open("ab") as compacted:
                _append(compacted.fileno(), lines)
        else:
            _append(file.fileno(), lines)


def home_tips(folder: Path) -> dict[RefName, list[Oid | None]]:
    """Return the last tips of each home ref, newest last; None is a deletion. Damaged lines are skipped."""
    path = folder / "home-tips"
    tips: dict[RefName, list[Oid | None]] = {}
    lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
    for line in lines:
        tip, _, ref = line.partition(" ")
        try:
            noted = None if tip == "-" else oid(tip)
        except ValueError:
            continue
        if ref:
            tips[RefName(ref)] = [*tips.get(RefName(ref), []), noted][-TIPS_KEPT:]
    return tips


def _append(handle: int, lines: str) -> None:
    # A line that a crash tore off must not swallow the next one, so each write begins on a line of its own.
    os.write(handle, f"\n{lines}".encode())


def write_whole(path: Path, text: str) -> None:
    """Write a file so that after a crash it is the old one or the new one."""
    handle, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
