"""A remote in memory, for tests: the whole contract of a transport, with real git object ids.

Rules:
  * `MemoryRemote` is the shared place; each clone has a `MemoryTransport` with objects of its own.
  * A swap carries to the remote what its new tips need; what is on neither side makes it LOST, as a real
    server says `missing necessary objects`.
  * It can be set to be a worse remote: one that cannot compare checks, or that is not atomic.

What this file does not know: ledgers, documents, files, clocks or processes.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from gitcoord.errors import DocumentError, MissingObjectError
from gitcoord.remote.contract.object_graph import referred_oids
from gitcoord.remote.contract.protocol import (
    ObjectKind,
    Oid,
    RefFault,
    RefName,
    RefUpdate,
    SwapOutcome,
    SwapStatus,
    first_stale,
    is_under,
    lost_at,
    one_at_a_time,
)

OBJECT_BYTES_MAX = 16 * 1024 * 1024  # the contract of `Objects.read`


def object_id(kind: ObjectKind, data: bytes, object_format: str = "sha1") -> Oid:
    """Return the id that git gives to this object."""
    header = f"{kind} {len(data)}\0".encode()
    return Oid(hashlib.new(object_format, header + data).hexdigest())


@dataclass(slots=True)
class MemoryObjects:
    """A dictionary of objects."""

    object_format: str = "sha1"
    contents: dict[Oid, tuple[ObjectKind, bytes]] = field(default_factory=dict[Oid, tuple[ObjectKind, bytes]])

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        """Return the kind and content.

        Raises:
            MissingObjectError: it is not here.
            DocumentError: it is larger than 16 MiB.
        """
        found = self.contents.get(oid)
        if found is None:
            message = f"Object {oid} is not here."
            raise MissingObjectError(message)
        if len(found[1]) > OBJECT_BYTES_MAX:
            message = f"Object {oid} has {len(found[1])} bytes; at most {OBJECT_BYTES_MAX} are read."
            raise DocumentError(message, where=oid)
        return found

    def has(self, oid: Oid) -> bool:
        """Whether the object is here."""
        return oid in self.contents

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        """Store an object and return its id."""
        oid = object_id(kind, data, self.object_format)
        self.contents[oid] = (kind, data)
        return oid


class MemoryRemote:
    """Shared refs and objects. Every access holds `lock`."""

    def __init__(self, object_format: str = "sha1") -> None:
        """Begin without refs."""
        self.lock = Lock()
        self.refs: dict[RefName, Oid] = {}
        self.objects = MemoryObjects(object_format)


class MemoryTransport:
    """One clone's way to a `MemoryRemote`."""

    name = "memory"
    is_far = False
    faults: Sequence[RefFault] = ()

    def __init__(
        self,
        remote: MemoryRemote,
        *,
        sends_checks: bool = True,
        atomic: bool = True,
        objects: MemoryObjects | None = None,
    ) -> None:
        """Give several transports the same `objects` to make them processes of one clone."""
        self.remote = remote
        self.sends_checks = sends_checks
        self.atomic = atomic
        self.objects = objects or MemoryObjects(remote.objects.object_format)

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        """List the refs under `prefixes`."""
        with self.remote.lock:
            return {ref: oid for ref, oid in self.remote.refs.items() if is_under(ref, prefixes)}

    def fetch(self, oids: Iterable[Oid]) -> None:
        """Copy these commits and all they need.

        Raises:
            MissingObjectError: the remote does not have one of them.
        """
        wanted = tuple(oids)
        with self.remote.lock:
            for oid in wanted:
                if not self.remote.objects.has(oid):
                    message = f"The remote no longer has {oid}."
                    raise MissingObjectError(message)
            _copy_reachable(wanted, self.remote.objects, self.objects)

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Compare all, then write all."""
        checks = [update for update in updates if update.is_check]
        writes = [update for update in updates if not update.is_check]
        if len(writes) > 1 and not self.atomic:
            return one_at_a_time()
        if self.sends_checks and self.atomic:
            return self._swap_at_once(updates)
        # What cannot be sent is read: here, as on a real remote, others may write between the two.
        with self.remote.lock:
            stale = first_stale(self.remote.refs, checks)
        if stale is not None:
            return lost_at(stale)
        return self._swap_at_once(writes)

    def _swap_at_once(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        with self.remote.lock:
            stale = first_stale(self.remote.refs, updates)
            if stale is not None:
                return lost_at(stale)
            tips = [update.new for update in updates if update.new is not None]
            if not _copy_reachable(tips, self.objects, self.remote.objects):
                return SwapOutcome(SwapStatus.LOST, "missing necessary objects")
            for update in updates:
                if update.new is None:
                    self.remote.refs.pop(update.ref, None)
                else:
                    self.remote.refs[update.ref] = update.new
        return SwapOutcome(SwapStatus.WON)


def _copy_reachable(tips: Sequence[Oid], source: MemoryObjects, target: MemoryObjects) -> bool:
    """Copy the objects reachable from `tips` and not in `target`; copy nothing and return False where a piece lacks.

    What `target` has is taken to be whole, as every writer goes through here.
    """
    found: dict[Oid, tuple[ObjectKind, bytes]] = {}
    waiting = [oid for oid in tips if oid not in target.contents]
    while waiting:
        oid = waiting.pop()
        if oid in found or oid in target.contents:
            continue
        if oid not in source.contents:
            return False
        found[oid] = kind, data = source.contents[oid]
        waiting.extend(referred_oids(kind, data, source.object_format))
    target.contents.update(found)
    return True
