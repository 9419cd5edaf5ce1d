"""A forger: who may push to a remote, and rewrites a ledger there with git alone, commit by commit."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import FileMode, ObjectType

from gitcoord.core.documents.json_text import Json

Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Forger:
    """Rewrites one ref of a bare repository."""

    path: Path
    ref: str

    @property
    def repository(self) -> pygit2.Repository:
        return pygit2.Repository(str(self.path))

    @property
    def commits(self) -> list[str]:
        """Return the ids of the ledger's commits, the oldest first."""
        repository = self.repository
        walker = repository.walk(repository.references[self.ref].target)
        walker.simplify_first_parent()
        return [str(commit.id) for commit in walker][::-1]

    def raw(self, commit: str) -> bytes:
        return bytes(self.repository.odb.read(pygit2.Oid(hex=commit))[1])

    def record(self, commit: str) -> list[dict[str, Any]]:
        """Return the lines of a commit's record."""
        body = self.raw(commit).partition(b"\n\n")[2].partition(b"\n\n")[2]
        return [json.loads(line) for line in body.splitlines() if line]

    def rewrite(self, changes: Mapping[int, Change], *, without: int | None = None) -> list[str]:
        """Make the chain anew: some commits changed, or one left out; return the ids, the oldest first."""
        made: list[str] = []
        for number, commit in enumerate(self.commits):
            if number == without:
                continue
            raw = changes.get(number, lambda same: same)(self.raw(commit))
            parent = f"parent {made[-1]}\n".encode() if made else b""
            raw = re.sub(rb"^parent [0-9a-f]+\n", parent, raw, count=1, flags=re.MULTILINE) if made else raw
            made.append(self.write("commit", raw))
        self.point(made[-1])
        return made

    def write(self, kind: str, data: bytes) -> str:
        kinds = {"commit": ObjectType.COMMIT, "tree": ObjectType.TREE, "blob": ObjectType.BLOB}
        return str(self.repository.odb.write(kinds[kind], data))

    def point(self, commit: str) -> None:
        self.repository.references.create(self.ref, pygit2.Oid(hex=commit), force=True)

    def add(self, tree: str, message: str, *, parents: list[str] | None = None, at: int = 1_800_000_000) -> str:
        """Put a commit on top, or begin anew with `parents=[]`."""
        above = [self.commits[-1]] if parents is None else parents
        who = f"bob <bob@example.invalid> {at} +0000"
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in above), f"author {who}", f"committer {who}"]
        made = self.write("commit", "\n".join([*lines, "", message, ""]).encode())
        self.point(made)
        return made

    def tree_of(self, commit: str) -> str:
        found = self.repository[commit]
        assert isinstance(found, pygit2.Commit)
        return str(found.tree.id)

    def file(self, commit: str, path: str) -> dict[str, Any]:
        found = self.repository[commit]
        assert isinstance(found, pygit2.Commit)
        blob = found.tree[path]
        assert isinstance(blob, pygit2.Blob)
        return json.loads(blob.data)

    def tree_with(self, commit: str, path: str, **fields: Json) -> str:
        """Return a commit's tree with some fields of one document changed."""
        repository, index = self.repository, pygit2.Index()
        found = repository[self.tree_of(commit)]
        assert isinstance(found, pygit2.Tree)
        index.read_tree(found)
        text = json.dumps({**self.file(commit, path), **fields}, indent=1, sort_keys=True, ensure_ascii=False)
        blob = repository.odb.write(ObjectType.BLOB, f"{text}\n".encode())
        index.add(pygit2.IndexEntry(path, blob, FileMode.BLOB))
        return str(index.write_tree(repository))


def with_tree(tree: str) -> Change:
    """Return a change of a commit that gives it another tree."""
    return lambda raw: re.sub(rb"^tree [0-9a-f]+", f"tree {tree}".encode(), raw, count=1)


def with_line(number: int, change: Callable[[dict[str, Any]], object]) -> Change:
    """Return a change of a commit that changes one line of its record."""

    def made(raw: bytes) -> bytes:
        head, _, message = raw.partition(b"\n\n")
        title, _, body = message.partition(b"\n\n")
        lines = body.splitlines()
        value = json.loads(lines[number])
        change(value)
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        lines[number] = text.encode()
        return head + b"\n\n" + title + b"\n\n" + b"\n".join(lines) + b"\n"

    return made
