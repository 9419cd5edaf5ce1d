"""Posts: commands of a clone that lost a race, as a commit that any clone of the remote may carry out.

    post.json    version · clone · ledger · counter · entries

Rules:
  * TXN-2: a post counts while the counter of its clone in that ledger is the one that it names. Whatever lands of the
    clone there, by itself or by another, raises the counter, so a post that arrives late is void.
  * A version that is not known here is left alone, as is one whose commands are not its own clone's.

What this file does not know: when a clone posts, and who carries it out.
"""

from datetime import datetime
from typing import NamedTuple

from gitcoord.core.documents.doc import Doc, Number, Text
from gitcoord.core.documents.texts import without_texts
from gitcoord.errors import CoordError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.entry import Entry
from gitcoord.remote.contract.protocol import Objects, Oid, RefName

FILE = "post.json"
VERSION = 1
ENTRIES_MAX = 64  # as many as a clone has in one commit of its own


class PostedCommands(Doc, frozen=True, kw_only=True):
    """`post.json`. `counter`: up to where the clone's commands were applied in that ledger when it posted."""

    ALWAYS_WRITTEN = ("version", "counter")

    version: Number = VERSION
    clone: Text
    ledger: Text
    counter: Number = 0
    entries: tuple[Entry, ...] = ()

    @property
    def has_texts(self) -> bool:
        """Whether it has what an agent or a person wrote in their own words."""
        return any(without_texts(entry.arguments) != {**entry.arguments} for entry in self.entries)


class Post(NamedTuple):
    """A post that was read: its ref, its commit, and what it says."""

    ref: RefName
    tip: Oid
    said: PostedCommands

    @property
    def ledger(self) -> RefName:
        """The ledger that its commands are for."""
        return RefName(self.said.ledger)


def write(objects: Objects, said: PostedCommands, signature: Signature, now: datetime) -> Oid:
    """Write a post; return its commit."""
    folder = trees.write(objects, trees.EMPTY, {FILE: said.encode()})
    words = ", ".join(dict.fromkeys(entry.word for entry in said.entries))
    return commits.write(objects, folder.oid or Oid(""), (), signature, now, f"post {words} of clone {said.clone}")


def is_post(objects: Objects, oid: Oid) -> bool:
    """Whether a commit is a post: a further parent of the commit that carried it out, and no history of a ledger."""
    return commands_in(objects, oid) is not None


def commands_in(objects: Objects, oid: Oid) -> PostedCommands | None:
    """Return what a commit without parents posts; `None`: it is no post."""
    try:
        commit = commits.read(objects, oid)
        found = None if commit.parents else trees.find(objects, commit.tree, FILE)
        return PostedCommands.decode(objects.read(found)[1]) if found else None
    except CoordError:
        return None


def read(objects: Objects, ref: RefName, tip: Oid, clone: str, ledger: RefName) -> Post | None:
    """Return what a clone posted for a ledger; `None`: it is damaged, not here, not theirs, or of another version."""
    found = commands_in(objects, tip)
    if found is None or (found.version, found.clone, found.ledger) != (VERSION, clone, ledger):
        return None
    is_own = all(entry.actor.clone == clone for entry in found.entries)
    return Post(ref, tip, found) if is_own and 0 < len(found.entries) <= ENTRIES_MAX else None
