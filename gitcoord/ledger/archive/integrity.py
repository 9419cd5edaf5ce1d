"""Soundness: whether the last commits of a ledger are what writers of ours make.

Rules:
  * Each commit can be read, and its tree, and every document of the tip lies where it belongs; what was damaged and is
    gone since is no fault any more.
  * The sequence number and the fences of steps only grow; no claim has a fence that was not given yet.
  * Where history was cut off the look ends, and nothing is said of what is not here.

What this file does not know: whether a commit's tree is what its commands give; that takes a replay.
"""

from collections.abc import Iterator
from typing import NamedTuple

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.register import RegisterDoc, check_texts
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step
from gitcoord.errors import BugError, DocumentError, MissingObjectError
from gitcoord.ledger.format import claims_layout, commits, steps_layout, trees
from gitcoord.ledger.format.meta import META, Meta
from gitcoord.ledger.format.trees import Folder
from gitcoord.remote.contract.protocol import Objects, Oid

COMMITS_MAX = 100
_Known = Meta | Project | Step | RegisterDoc


class Fault(NamedTuple):
    """What is wrong with a commit, as the end of a sentence that begins with it."""

    commit: Oid
    what: str


def faults(objects: Objects, tip: Oid, count_max: int = COMMITS_MAX) -> Iterator[Fault]:
    """Yield the faults of the last commits of a ledger, newest first; damage that hides the rest ends it."""
    at: Oid | None = tip
    newer: tuple[Oid, Folder] | None = None
    latest = trees.EMPTY
    for number in range(count_max + 1):
        if at is None or (number and not objects.has(at)):
            break
        try:
            commit = commits.read(objects, at)
            folder = trees.load(objects, commit.tree, newer[1] if newer else None)
        except (DocumentError, MissingObjectError) as error:
            yield Fault(at, f"cannot be read: {error}")
            return
        if newer is not None:
            yield from _step(objects, newer[0], folder, newer[1], latest)
        newer, at = (commit_id := at, folder), commits.before(objects, commit)
        if number == 0:
            latest = folder
            for path, oid in trees.changes(trees.EMPTY, folder):
                why = _doc(objects, path, oid)[1] if oid else ""
                if why:
                    yield Fault(commit_id, why)


def check_whole(objects: Objects, tip: Oid) -> None:
    """Read everything at a tip.

    Raises:
        DocumentError, MissingObjectError: a part of it is not here, or is not what it should be.
    """
    folder = trees.load(objects, commits.read(objects, tip).tree)
    for _, oid in trees.changes(trees.EMPTY, folder):
        if oid is not None:
            objects.read(oid)


def _step(objects: Objects, commit: Oid, before: Folder, after: Folder, latest: Folder) -> Iterator[Fault]:
    """Yield the faults of one change; of a document only while the latest tree has it."""
    old, new = _meta(objects, before), _meta(objects, after)
    if old and new and new.seq < old.seq:
        yield Fault(commit, f"lowers the sequence number from {old.seq} to {new.seq}")
    for path, oid in trees.changes(before, after):
        if oid is None:
            continue
        doc, why = _doc(objects, path, oid)
        if why and latest.file(path) == oid:
            yield Fault(commit, why)
        previous = before.file(path)
        known = _doc(objects, path, previous)[0] if previous and isinstance(doc, Step) else None
        if isinstance(doc, Step) and isinstance(known, Step) and doc.fence < known.fence:
            yield Fault(commit, f"lowers the fence of step {doc.id} from {known.fence} to {doc.fence}")
        if isinstance(doc, Claim) and new and doc.fence > new.seq:
            yield Fault(commit, f"has claim {doc.id} with fence {doc.fence}, but only {new.seq} were given out")


def _meta(objects: Objects, folder: Folder) -> Meta | None:
    oid = folder.file(META)
    doc = _doc(objects, META, oid)[0] if oid else None
    return doc if isinstance(doc, Meta) else None


def _doc(objects: Objects, path: str, oid: Oid) -> tuple[_Known | None, str]:
    """Return the document at a path, or what is wrong with it; neither for a path that is not known here."""
    if path == META:
        kind = Meta
    elif path == steps_layout.PROJECT:
        kind = Project
    else:
        kind = Step if steps_layout.is_step(path) else claims_layout.kind_at(path)
    if kind is None:
        return None, ""
    try:
        doc = kind.decode(objects.read(oid)[1])
        if isinstance(doc, Project | Step):
            steps_layout.check(doc)
        elif not isinstance(doc, Meta):
            check_texts(doc)
        place = path if isinstance(doc, Meta) else _place(doc)
    except (DocumentError, MissingObjectError, ValueError) as error:
        return None, f"has a damaged document at {path}: {error}"
    return doc, "" if place == path else f"has at {path} what belongs elsewhere"


def _place(doc: Project | Step | RegisterDoc) -> str:
    try:
        return steps_layout.path_of(doc) if isinstance(doc, (Project, Step)) else claims_layout.path_of(doc)
    except BugError:
        return ""
