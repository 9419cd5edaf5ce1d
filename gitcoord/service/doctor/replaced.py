"""What a repair replaces is kept in this clone first, where a person finds it: `replaced/` beside the store.

    a ref that leads to what is all here       <name>.bundle      `git fetch FILE` brings it back
    one of which some part is gone             <name>/            what can be read of it, an object a file

Rules:
  * A repair that replaces something is not carried out where this cannot be written.
  * The name says of which ledger, when, and which tip it was; nothing is ever written over.
  * SEC-4: of what is not whole at most PARTS_MAX objects are kept.

What this file does not know: what is repaired.
"""

import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from gitcoord.errors import CoordError, unwritable
from gitcoord.ledger.format import trees
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid, RefName, RefUpdate
from gitcoord.remote.copies.copied_objects import objects_of
from gitcoord.remote.store.bundle import write_bundle
from gitcoord.remote.store.joined_objects import JoinedObjects
from gitcoord.remote.store.store import StoreMode, open_store
from gitcoord.remote.store.write_out import write_out
from gitcoord.service.doctor.check_run import Backup, Repair
from gitcoord.service.doctor.site import Site

FOLDER = "replaced"
PARTS_MAX = 1000  # objects of a tip that is not whole; most ledgers have fewer documents


def keeper(site: Site, ref: RefName, tip: Oid | None) -> Callable[[], Backup | None] | None:
    """Return what keeps a ref as it is at a tip, for a repair; `None`: there is nothing."""
    return None if tip is None else lambda: _keep(site, ref, tip)


def deletion(site: Site, ref: RefName, tip: Oid, why: str, *, needs_person: bool = False) -> Repair:
    """Return the repair that deletes a ref that is no ledger, while it is at a tip; `why`: what comes of that."""
    do = partial(site.remove, RefUpdate(ref, tip, None))
    return Repair(f"delete {ref}", do, why, keeper(site, ref, tip), needs_person=needs_person)


def _keep(site: Site, ref: RefName, tip: Oid) -> Backup | None:
    """Keep a ref as it is at a tip; `None`: nothing of it can be read here.

    Raises:
        StorageError: it cannot be written.
    """
    place, transport = site.reached()
    below, at = ref.removeprefix(f"{place.refs.namespace}/").replace("/", "."), site.host.now()
    target = site.coordination / FOLDER / f"{below}-{at:%Y%m%dT%H%M%S}-{tip[:12]}-{site.host.draw_id()[:4]}.bundle"
    store = open_store(site.in_repository().common_dir)
    folders = [place.git_dir] if place.git_dir else []
    folders += [store.path] if store else []
    try:
        if store and store.mode is StoreMode.HOME:
            write_out(store.folder, site.clocks())
        target.parent.mkdir(parents=True, exist_ok=True)
        objects = [folder.resolve() / "objects" for folder in folders]
        if write_bundle(objects, ref, tip, target, site.env, transport.objects.object_format):
            name = f"refs/gitcoord-replaced/{ref.removeprefix('refs/')}"
            return Backup(target, shlex.join(["git", "fetch", str(target), f"+{ref}:{name}"]), is_whole=True)
        target.unlink(missing_ok=True)
        parts = target.with_suffix("")
        joined = JoinedObjects(transport.objects, objects_of(store)) if store else transport.objects
        for oid, kind, data in _parts(joined, tip):
            parts.mkdir(exist_ok=True)
            (parts / f"{oid}.{kind.value}").write_bytes(data)
    except OSError as error:
        raise unwritable(str(target.parent), error.strerror or error) from error
    if not parts.is_dir():
        return None
    return Backup(parts, "git hash-object -w --literally -t KIND FILE", is_whole=False)


def _parts(objects: Objects, tip: Oid) -> Iterator[tuple[Oid, ObjectKind, bytes]]:
    """Yield what can be read of a tip: it, its tree, and what is below that."""
    waiting, known = [tip], {tip}
    while waiting and len(known) <= PARTS_MAX:
        oid = waiting.pop()
        with suppress(CoordError, ValueError):  # the last: a tree that is cut off, a commit that names none
            kind, data = objects.read(oid)
            yield oid, kind, data
            below: list[Oid] = []
            if kind is ObjectKind.COMMIT and data.startswith(b"tree "):
                below = [Oid(data.split(b"\n", 1)[0][5:].decode("ascii"))]
            elif kind is ObjectKind.TREE:
                below = trees.children(data, len(oid) // 2)
            waiting += [child for child in below if child not in known]
            known.update(below)
