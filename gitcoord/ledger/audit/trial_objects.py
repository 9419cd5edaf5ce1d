"""Objects for a trial: what would be written is only named, by the id that git would give it.

What this file does not know: what is tried.
"""

import hashlib

from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid


class TrialObjects:
    """Reads what is there, and writes nothing."""

    def __init__(self, objects: Objects) -> None:
        """Read through to these."""
        self._objects = objects
        self.object_format = objects.object_format

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        """Return an object that is there."""
        return self._objects.read(oid)

    def has(self, oid: Oid) -> bool:
        """Whether it is there."""
        return self._objects.has(oid)

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        """Return the id that the object would have."""
        found = hashlib.new(self.object_format, f"{kind} {len(data)}\0".encode(), usedforsecurity=False)
        found.update(data)
        return Oid(found.hexdigest())
