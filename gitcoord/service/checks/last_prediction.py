"""The last prediction of a clone, for who looks at the clone later and has no time to merge anything.

    predicted.json    when, and each pair that would conflict: its branches, their tips, some of the paths

Rules:
  * A prediction about one branch replaces what was known of that branch, one about all of them everything.
  * A pair is current as long as neither branch has moved; of uncommitted changes nothing later is known.

What this file does not know: how conflicts are predicted.
"""

import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitcoord.core.documents.doc import time_text
from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.ledger.clone import files

if TYPE_CHECKING:
    from gitcoord.source.checkout.repository import Repository


FILE = "predicted.json"
PAIRS_MAX, PATHS_MAX = 50, 5


class PredictedPair(NamedTuple):
    """A pair of branches that would conflict. `paths`: some of where; none where it is only symbols."""

    branches: tuple[str, str]
    tips: tuple[str, str]
    paths: tuple[str, ...]
    at: datetime


def note(folder: Path, pairs: Iterable[PredictedPair], branch: str | None, now: datetime, unique: str) -> None:
    """Keep what was predicted; `branch`: only about that one."""
    before = [pair for pair in noted(folder) if branch is not None and branch not in pair.branches]
    rows: list[Json] = [
        {
            "branches": [*pair.branches],
            "tips": [*pair.tips],
            "paths": [*pair.paths[:PATHS_MAX]],
            "at": time_text(pair.at),
        }
        for pair in [*pairs, *before][:PAIRS_MAX]
    ]
    with contextlib.suppress(CoordError):  # it is only for who looks
        files.write_json(folder / FILE, {"at": time_text(now), "pairs": rows}, unique)


def noted(folder: Path) -> list[PredictedPair]:
    """Return what was predicted last; what is no such row is passed over."""
    rows = files.read_json(folder / FILE).get("pairs")
    pairs = (_read(row) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
    return [pair for pair in pairs if pair is not None]


def current(repository: "Repository", pairs: Iterable[PredictedPair]) -> list[PredictedPair]:
    """Return the pairs of which no branch has moved, as far as this clone knows."""
    pairs = [*pairs]
    if not pairs:
        return []
    names = {name for pair in pairs for name in pair.branches}
    patterns = [pattern for name in sorted(names) for pattern in (f"refs/heads/{name}", f"refs/remotes/*/{name}")]
    listed = repository.text("for-each-ref", "--format=%(objectname) %(refname)", "--", *patterns) or ""
    known: dict[str, set[str]] = {}
    for line in listed.splitlines():
        tip, _, ref = line.partition(" ")
        known.setdefault(ref.split("/", 2 if ref.startswith("refs/heads/") else 3)[-1], set()).add(tip)
    return [
        pair
        for pair in pairs
        if all(tip in known.get(name, {tip}) for name, tip in zip(pair.branches, pair.tips, strict=True))
    ]


def _read(row: Mapping[str, Json]) -> PredictedPair | None:
    branches, tips, paths = (_texts(row.get(name)) for name in ("branches", "tips", "paths"))
    at = files.time_in(row, "at")
    if at is None or not len(branches) == len(tips) == 2:  # noqa: PLR2004 - a pair
        return None
    return PredictedPair((branches[0], branches[1]), (tips[0], tips[1]), tuple(paths), at)


def _texts(value: Json) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
