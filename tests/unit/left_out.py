"""A store from which commits were left out, until the remote gives them: the objects that a clone of tips has."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from gitcoord.errors import MissingObjectError, UnreachableError
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid
from gitcoord.remote.copies.boundaries import Boundaries
from gitcoord.remote.copies.copied_objects import CopiedObjects
from gitcoord.remote.copies.whole_history import WholeHistory
from gitcoord.runtime.machine import clocks


@dataclass
class LeftOut:
    """Some of the objects of a store are not here.

    Attributes:
        is_away: whether the remote does not answer.
        asked: what `note` said each time that the remote was asked.
        now: the seconds of the clock.
    """

    inner: Objects
    lacking: set[Oid]
    note: Callable[[], bool] = bool
    is_away: bool = False
    asked: list[bool] = field(default_factory=list[bool])
    now: float = 1_000.0

    def objects(self, folder: Path, boundaries: Iterable[Oid]) -> WholeHistory:
        """Return what production reads them by. `folder`: has the file that names the boundaries."""
        (folder / "shallow").write_text("".join(f"{oid}\n" for oid in boundaries))
        ticking = clocks()._replace(monotonic=lambda: self.now)
        return WholeHistory(cast("CopiedObjects", self), Boundaries(folder, ticking, ""), ticking, self.bring)

    def bring(self, _: Oid) -> None:
        """Be asked for what was left out."""
        self.asked.append(self.note())
        if self.is_away:
            raise UnreachableError("A test.")
        self.lacking.clear()

    def has(self, oid: Oid) -> bool:
        """See `Objects`."""
        return oid not in self.lacking and self.inner.has(oid)

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        """See `Objects`."""
        if oid in self.lacking:
            raise MissingObjectError("A test.")
        return self.inner.read(oid)

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        """See `Objects`."""
        return self.inner.write(kind, data)

    @property
    def object_format(self) -> str:
        """See `Objects`."""
        return self.inner.object_format

    def reopen(self) -> None:
        """See `CopiedObjects`."""
