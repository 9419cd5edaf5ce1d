"""The objects of a clone's copy: what was left out of a history is brought once it is looked for.

    has, read ──not here──> the parent of a boundary? ──no──> not here
                                   │ yes
                                   └──> git brings all that was left out ──> here

Rules:
  * Who walks a history finds all of it, as in a clone that began with all of it. So nothing is decided by what was left
    out: it costs a question to the remote, once, and of that the caller knows nothing.
  * SAFE-9: what cannot be brought now is not passed over as the end of a history: `UnreachableError` says what is
    lacking. What a remote that answers does not have any more is not here, as an archive that went.
  * Of several threads and processes of a clone one brings it, and the others wait. After a try in vain there is none
    for AGAIN_S, nor after waiting in vain for another process: a walk of each ledger would wait for the same.
  * A caller with a bound on what it asks of remotes (`asking_until`) keeps it.
  * Who must not ask the remote takes `here`, and learns by `why_left_out` what is not.

What this file does not know: ledgers, and how the rest comes.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf
from typing import Final

from gitcoord.errors import CoordError, MissingObjectError, StorageError, UnreachableError
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.deadline import asked_for, bounded
from gitcoord.remote.contract.object_graph import parents_in
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid
from gitcoord.remote.copies.boundaries import WAIT_S, Boundaries
from gitcoord.remote.copies.copied_objects import CopiedObjects
from gitcoord.remote.http.unfamiliar import UnfamiliarError

AGAIN_S: Final = 60.0
_HINT: Final = "Try again when the remote can be reached."


class WholeHistory:
    """The objects of one store, with what was left out of it."""

    def __init__(
        self, objects: CopiedObjects, boundaries: Boundaries, clocks: Clocks, bring: Callable[[Oid], None]
    ) -> None:
        """`bring`: brings all that was left out, with a commit of it; CoordError says that it does not come now."""
        self._objects = objects
        self.boundaries = boundaries
        self._clocks = clocks
        self._bring = bring
        self._parents: dict[Oid, list[Oid]] = {}  # of the boundaries that are here
        self._failure: CoordError | None = None
        self._failed_at = -inf

    def here(self) -> Objects:
        """Return what is here, for who asks the remote for nothing more."""
        return self._objects

    def leaves_out(self) -> bool:
        """Whether anything is not here that was left out; see `LeavesOut`."""
        behind = self._behind()
        return bool(behind) and not all(map(self._objects.has, behind - self.boundaries.gone()))

    @property
    def object_format(self) -> str:
        """See `Objects`."""
        return self._objects.object_format

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        """Store an object; see `Objects`."""
        return self._objects.write(kind, data)

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        """Return the kind and content of an object; see `CopiedObjects.read`.

        Raises:
            UnreachableError: it was left out, and the remote does not give it now.
        """
        try:
            return self._objects.read(oid)
        except MissingObjectError:
            if not self._is_brought(oid):
                raise
        return self._objects.read(oid)

    def has(self, oid: Oid) -> bool:
        """Whether the object is here and whole, or is now; see `read` for what it raises."""
        return self._objects.has(oid) or self._is_brought(oid)

    def _is_brought(self, oid: Oid) -> bool:
        """Bring what was left out if this is the first of it; tell whether it is here then."""
        if not self._is_left_out(oid):
            return False
        if self._is_due() and (left_s := asked_for(WAIT_S)) is not None:
            try:
                with self.boundaries.lock(bounded(left_s)):
                    # Another thread or process may have been at it.
                    if not self._objects.has(oid) and self._is_left_out(oid) and self._is_due():
                        self._try(oid)
            except UnfamiliarError as error:
                self._failure, self._failed_at = error, self._clocks.monotonic()
        lacking = self.why_left_out(oid)
        if lacking is not None:
            raise lacking
        return self._objects.has(oid)

    def _is_due(self) -> bool:
        return self._clocks.monotonic() - self._failed_at >= AGAIN_S

    def why_left_out(self, oid: Oid) -> UnreachableError | None:
        """Return why an object is not here that was left out and may come yet; see `LeavesOut`."""
        if not self._is_left_out(oid) or self._objects.has(oid):
            return None
        why = str(self._failure or "the remote was not asked for it").rstrip(".")
        text = f"The history before commit {oid[:12]} was left out of this clone, and was not brought now: {why}."
        return UnreachableError(text, hint=_HINT)

    def _try(self, oid: Oid) -> None:
        try:
            self.boundaries.tidy(self._objects)
            self._bring(oid)
        except CoordError as error:
            self._failure, self._failed_at = error, self._clocks.monotonic()
            self._objects.reopen()
            return
        self._objects.reopen()
        if not self._objects.has(oid):
            self.boundaries.note_gone(oid)
        with suppress(UnfamiliarError, StorageError):  # the next one that brings does it
            self.boundaries.tidy(self._objects)

    def complete(self, boundaries: Iterable[Oid]) -> frozenset[Oid]:
        """Bring what is behind these, as far as it comes now; return those that stay boundaries all the same."""
        wanted = frozenset(boundaries)
        with suppress(UnreachableError):
            for oid in sorted({parent for boundary in wanted for parent in self._parents_of(boundary)}):
                self.has(oid)
        self.boundaries.tidy_soon(self._objects)
        return wanted & self.boundaries.read()

    def _is_left_out(self, oid: Oid) -> bool:
        """Whether it is the first that was left out of a history, and the remote may have it."""
        return oid in self._behind() and oid not in self.boundaries.gone()

    def _behind(self) -> set[Oid]:
        """Return the parents of the boundaries."""
        return {oid for boundary in self.boundaries.read() for oid in self._parents_of(boundary)}

    def _parents_of(self, boundary: Oid) -> list[Oid]:
        if boundary not in self._parents:
            with suppress(CoordError):  # another process notes it before it comes; or it never did, or went
                self._parents[boundary] = parents_in(self._objects.read(boundary)[1])
        return self._parents.get(boundary, [])
