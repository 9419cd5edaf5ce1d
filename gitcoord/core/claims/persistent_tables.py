"""Persistent tables: values of many rows, of which a change copies few.

To copy a dictionary of 10,000 claims at each claim, and to free the old one, takes a seventh of what the claim takes.

What this file does not know: what the rows are.
"""

import bisect
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from datetime import datetime
from itertools import chain
from math import ceil, isqrt
from typing import TypeVar

LAYER_MIN = 64  # so many changed rows are copied with each change, however few the others are
CHUNK_ROWS = 512

_K = TypeVar("_K")
_V = TypeVar("_V")
Row = tuple[datetime, str]


class PersistentMap(Mapping[_K, _V]):
    """What changed lately, over what has not. In order as a dictionary is: what was replaced comes last."""

    __slots__ = ("_base", "_flat", "_over", "_size")

    def __init__(self, base: dict[_K, _V] | None = None) -> None:
        """Go by a dictionary that no one changes any more."""
        self._base: dict[_K, _V] = base or {}
        self._over: dict[_K, _V | None] = {}
        self._flat: dict[_K, _V] | None = self._base
        self._size = len(self._base)

    def with_changes(self, changes: Mapping[_K, _V | None]) -> "PersistentMap[_K, _V]":
        """Return the map after these values replaced those of the same key; `None`: the key leaves."""
        flat = self._flat  # once: another thread that reads all of it may be about to set it
        changed = PersistentMap[_K, _V](self._base if flat is None else flat)
        over = changed._over
        if flat is None:
            over.update(self._over)
        changed._size = self._size
        for key, new in changes.items():
            changed._size += (new is not None) - (key in self)
            over.pop(key, None)
            if new is not None or key in changed._base:
                over[key] = new
        changed._flat = None
        return changed if len(over) <= LAYER_MIN + isqrt(len(changed._base)) else PersistentMap(changed._whole())

    def _whole(self) -> dict[_K, _V]:
        if self._flat is None:
            over = self._over
            kept = {key: value for key, value in self._base.items() if key not in over}
            self._flat = kept | {key: value for key, value in over.items() if value is not None}
        return self._flat

    def __getitem__(self, key: _K) -> _V:
        found = self._over[key] if key in self._over else self._base[key]
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return self._over[key] is not None if key in self._over else key in self._base  # type: ignore[index]

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[_K]:
        return iter(self._whole())

    def keys(self) -> KeysView[_K]:
        """Return all keys."""
        return self._whole().keys()

    def values(self) -> ValuesView[_V]:
        """Return all values."""
        return self._whole().values()

    def items(self) -> ItemsView[_K, _V]:
        """Return all keys, each with its value."""
        return self._whole().items()


class PersistentOrder:
    """Rows (when, id), soonest first, each once; in chunks, of which a change copies those that it touches."""

    __slots__ = ("_chunks",)

    def __init__(self, chunks: Iterable[tuple[Row, ...]] = ()) -> None:
        """Go by rows that are in order."""
        self._chunks = tuple(chunk for chunk in chunks if chunk)

    def __iter__(self) -> Iterator[Row]:
        return chain.from_iterable(self._chunks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PersistentOrder) and [*self] == [*other]

    __hash__ = None  # type: ignore[assignment]

    def with_changes(self, removed: Iterable[Row], added: Iterable[Row]) -> "PersistentOrder":
        """Return the order after these rows, which are here, left, and those came."""
        starts = [chunk[0] for chunk in self._chunks]
        left: dict[int, list[Row]] = {}
        come: dict[int, list[Row]] = {}
        for rows, by_chunk in ((removed, left), (added, come)):
            for row in rows:
                by_chunk.setdefault(max(bisect.bisect_right(starts, row) - 1, 0), []).append(row)
        chunks: list[tuple[Row, ...]] = []
        for place, chunk in enumerate(self._chunks or ((),)):
            touched = place in left or place in come
            chunks += _split(chunk, left.get(place, ()), come.get(place, ())) if touched else (chunk,)
        return PersistentOrder(chunks)


def _split(chunk: Sequence[Row], left: Iterable[Row], come: Sequence[Row]) -> Iterator[tuple[Row, ...]]:
    """Yield the chunks that one becomes."""
    rows = [*chunk]
    for row in left:
        del rows[bisect.bisect_left(rows, row)]
    if len(come) > CHUNK_ROWS:
        rows = sorted([*rows, *come])
    else:
        for row in come:
            bisect.insort(rows, row)
    size = ceil(len(rows) / ceil(len(rows) / CHUNK_ROWS)) if rows else 1
    return (tuple(rows[start : start + size]) for start in range(0, len(rows), size))
