"""Commits of ledgers: a tree, the previous tip as parent, and the audit trail as message.

The format is git's own; see git-hash-object(1) and gitformat-commit in the manual. Ours are written byte by byte,
because a ledger needs no library to make a commit and the bytes must be the same everywhere.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from gitcoord.core.documents import limits
from gitcoord.errors import DocumentError
from gitcoord.ledger.format.root_commit import replaced_by
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid, oid

ROLLED_AFTER = 20_000  # a ledger with more commits is rolled; walking so many takes 0.7 s
WALK_MAX = 3 * ROLLED_AFTER + ROLLED_AFTER // 4  # a ledger, the two archives that are kept, and a roll that came late

SIGNATURE_FIELD = "gpgsig"  # of a commit whose id is of SHA-1, whatever signed it


class Signature(NamedTuple):
    """Who writes a commit: git's user.name and user.email, and what signs its bytes, where this clone signs.

    `sign` returns an armored signature, and raises SigningError.
    """

    name: str
    email: str
    sign: Callable[[bytes], str] | None = None

    def line(self, role: str, when: datetime) -> str:
        """Return a header of a commit."""
        clean = [text.translate(_BARE).strip() or "unknown" for text in (self.name, self.email)]
        return f"{role} {clean[0]} <{clean[1]}> {int(when.timestamp())} +0000"


_BARE = str.maketrans("", "", "<>\n\r\0")


class Commit(NamedTuple):
    """What we read of a commit."""

    tree: Oid
    parents: tuple[Oid, ...]
    author: str
    message: str
    committed_at: datetime
    is_signed: bool = False

    @property
    def by(self) -> str:
        """The author, as git shows one: `name <email>`."""
        return self.author.rpartition(" ")[0].rpartition(" ")[0]

    @property
    def email(self) -> str:
        """The author's address."""
        return address_in(self.author)


def address_in(author: str) -> str:
    """Return the address in `name <email>`, whatever follows."""
    return author.rpartition("<")[2].partition(">")[0]


def write(
    objects: Objects, tree: Oid, parents: Sequence[Oid], signature: Signature, when: datetime, message: str
) -> Oid:
    """Write a commit, signed where its writer signs, as git does: all of it but the signature. Return its id.

    Raises:
        SigningError: it cannot be signed; nothing was written.
    """
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [signature.line("author", when), signature.line("committer", when)]
    body = f"\n{message}\n"
    if signature.sign is not None:
        armored = signature.sign("\n".join([*lines, body]).encode())
        lines.append(f"{SIGNATURE_FIELD} " + armored.strip().replace("\n", "\n "))
    return objects.write(ObjectKind.COMMIT, "\n".join([*lines, body]).encode())


def read(objects: Objects, commit: Oid) -> Commit:
    """Read a commit.

    Raises:
        DocumentError: the object is not a commit.
        MissingObjectError: it is not here.
    """
    kind, data = objects.read(commit)
    if kind is not ObjectKind.COMMIT or len(data) > limits.RECORD_BYTES:
        message = f"Object {commit} is a {kind} where a ledger has a commit."
        raise DocumentError(message, where=commit)
    header, _, message = data.decode("utf-8", "replace").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in header.split("\n"):
        name, _, value = line.partition(" ")
        fields.setdefault(name, []).append(value)
    try:
        # A damaged time is the epoch.
        seconds = fields.get("committer", [""])[0].rsplit(" ", 2)[-2:-1]
        number = int(seconds[0]) if seconds and seconds[0].isascii() and seconds[0].isdigit() else 0
        committed_at = datetime.fromtimestamp(min(number, 1 << 37), UTC)
        return Commit(
            tree=oid(fields["tree"][0]),
            parents=tuple(oid(parent) for parent in fields.get("parent", [])),
            author=fields.get("author", [""])[0],
            message=message,
            committed_at=committed_at,
            is_signed=SIGNATURE_FIELD in fields,
        )
    except (KeyError, ValueError):
        message = f"Commit {commit} has no tree."
        raise DocumentError(message, where=commit) from None


def before(objects: Objects, commit: Commit) -> Oid | None:
    """Return the commit that a ledger's commit came after: its first parent, or the tip that it replaces as a roll.

    `None`: it is the first one, as far as is known; only a roll of the same tree is one (SAFE-9).
    """
    if commit.parents:
        return commit.parents[0]
    replaced = replaced_by(commit.message)
    is_other = replaced and objects.has(replaced) and read(objects, replaced).tree != commit.tree
    return None if is_other else replaced


def is_first(commit: Commit) -> bool:
    """Whether a ledger began with a commit: a roll has something before it, be it here or not."""
    return not commit.parents and replaced_by(commit.message) is None


def walk(objects: Objects, tip: Oid) -> Iterator[tuple[Oid, Commit]]:
    """Walk a ledger's commits from its tip, rolls included, as far as they are here, the newest first."""
    commit_id: Oid | None = tip
    for _ in range(WALK_MAX):
        if commit_id is None or not objects.has(commit_id):
            return
        commit = read(objects, commit_id)
        yield commit_id, commit
        commit_id = before(objects, commit)
