"""A glance: what one look at claims, rules and steps saw, read with the git program alone; see `view`.

What this file does not know: how it was brought here, what documents say.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.json_text import load_object
from gitcoord.core.patterns.prefilter import NearPaths
from gitcoord.errors import CoordError, SchemaError
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.store.plain_store import PlainStore

# A claim has `"pattern": "…"`, a barrier `"patterns": ["…", …]`.
_PATTERNS = re.compile(rb'"patterns?"\s*:\s*("(?:[^"\\]|\\.)*"|\[[^\]]*\]?)')
_TEXTS = re.compile(rb'"((?:[^"\\]|\\.)*)"')
META, SCHEMA = "meta.json", 1  # as in `meta`, held by a test
_KEPT = ("claims", "barriers")  # what of the claims ledger says who has what


class Clocks(NamedTuple):
    """The machine's. `wall`: seconds since the epoch."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


class Where(NamedTuple):
    """Where ledgers are.

    Attributes:
        url: `None` for the store of this clone.
        repository: a folder of it; `repo`: its name.
        connection: how that reaches remotes; `None`: git is asked.
    """

    folder: Path
    url: str | None
    namespace: str
    repository: Path
    env: Mapping[str, str]
    repo: str | None = None
    connection: Sequence[tuple[str, str]] | None = None

    @property
    def store(self) -> PlainStore:
        """The store of this clone; before a command of ours made it, one for hooks alone."""
        whole = self.folder / "store.git"
        is_lacking = self.url is not None and not whole.is_dir()
        # This clone's store may lack objects of a remote on a path.
        path = self.repository / (self.url or "")
        folders = (path / ".git" / "objects", path / "objects", path.with_name(f"{path.name}.git") / "objects")
        beside = next((str(folder) for folder in folders if folder.is_dir()), "") if self.url else ""
        return PlainStore(self.folder / "pushing.git" if is_lacking else whole, self.env, beside)


class Glance(NamedTuple):
    """What was seen.

    Attributes:
        end: on the monotonic clock; after it nothing is fetched.
        age_s: how old it is; `None`: it is as it is now.
        problem: why it is not newer.
        lost: why the claims judge no work, where the team wants to be stopped then.
        has_steps: whether what there is of the steps is among the tips.
    """

    where: Where
    clocks: Clocks
    end: float
    prefix: str
    tips: Mapping[str, Oid]
    age_s: float | None = None
    problem: str = ""
    lost: CoordError | None = None
    has_steps: bool = False

    def tip(self, name: str) -> Oid | None:
        """Return the tip of a ledger, by its name in the namespace."""
        return self.tips.get(f"{self.prefix}{name}")

    def near(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the claims and barriers that may have to do with some files, each with its path in the ledger.

        Raises:
            CoordError: as `claimed`.
        """
        known = NearPaths.of(paths)
        return {path: document for path, document in self.claimed().items() if _may_matter(document, known)}

    def claimed(self) -> dict[str, bytes]:
        """Return all claims and barriers, each with its path in the ledger.

        Raises:
            RewoundError: the ledger went back, and nothing that was seen of it can be read.
            DocumentError: the ledger is damaged.
            SchemaError: it is one of a newer gitcoord.
        """
        if self.lost is not None:
            raise self.lost
        tip = self.tip("claims")
        if tip is None:
            return {}
        store = self.where.store
        listed = store.files(tip, _KEPT, beside=[META])
        data = store.contents(listed.values())
        schema = load_object(data.get(listed.get(META, Oid("")), b"")).get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            message = f"The claims are of schema {schema}; this gitcoord reads up to {SCHEMA}."
            raise SchemaError(message, where="claims", hint="Upgrade gitcoord here.")
        del listed[META]
        return {path: data[oid] for path, oid in listed.items() if oid in data}

    def is_here(self, tip: Oid) -> bool:
        """Whether a state of a ledger can be read here."""
        return is_readable(self.where, tip)

    def text(self, name: str, *paths: str) -> list[bytes]:
        """Return files of a ledger by its name; those that are not there are left out."""
        tip = self.tip(name)
        return self.where.store.named([f"{tip}:{path}" for path in paths]) if tip else []


def is_readable(where: Where, tip: Oid) -> bool:
    """Whether a state of a ledger can be read there."""
    try:
        return bool(where.store.files(tip, [], beside=[META]))
    except CoordError:
        return False


def _may_matter(document: bytes, near: NearPaths) -> bool:
    """Whether a document names a pattern that is near. To parse 1,000 takes longer than all the rest."""
    found = False
    for patterns in _PATTERNS.findall(document):
        for text in _TEXTS.findall(patterns):
            found = True
            if b"\\" in text or near.may_match(text.decode("utf-8", "replace")):
                return True
    return not found
