"""The team's rules: the newest state of the team's ref that can be read, where the present one is damaged.

    the ref's tip ──whole──> it counts
         │ damaged
         └─> what it came from, then what this clone saw of the ref, the newest first ──whole──> that counts

Rules:
  * SAFE-6: damage never switches a team's rules off where this clone still has what they were; only where it has
    nothing of them the defaults count. Who goes by either gets a warning (`Damage`).
  * A state is whole if its tree can be read, it says of itself what it is (`meta.json`), and its policy is one.
    One that is a ledger's is damage, not rules that say nothing.

What this file does not know: what the rules say, how an ownership file is read (`service/team/owner_lookup`).
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from gitcoord.core.documents.policy import Policy
from gitcoord.errors import CoordError, DocumentError, MissingObjectError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import walk
from gitcoord.ledger.format.meta import META, Meta
from gitcoord.ledger.format.team_layout import POLICY, is_of_ledger
from gitcoord.ledger.format.trees import Folder
from gitcoord.remote.contract.protocol import Objects, Oid, RefName

BACK_MAX = 20  # commits that are looked at for rules that can be read, each once for a process
HINT = "Run `gitcoord doctor --repair`: it puts the ref back to the newest state that is whole."

Seen = Callable[[RefName], Sequence[str]]


class Damage(NamedTuple):
    """The present state cannot be read. `counts`: which one does instead; `None`: the defaults."""

    error: DocumentError
    counts: Oid | None


class TeamRules:
    """What of the team's ref counts. `seen`: tips that this clone saw of a ref, the newest first.

    `is_missing`: of the tip that was looked at last, something is not here.
    """

    def __init__(self, objects: Objects, ref: RefName, seen: Seen) -> None:
        """Know nothing yet."""
        self._objects = objects
        self._ref = ref
        self._seen = seen
        self._faults: dict[Oid, CoordError | None] = {}
        self.is_missing = False
        self._last: tuple[Oid | None, Oid | None, Damage | None] = (None, None, None)

    def look(self, tip: Oid | None) -> tuple[Oid | None, Damage | None]:
        """Return the commit that counts where the ref is at a tip, and what is wrong with that, if so."""
        if self._last[0] != tip or self.is_missing:
            error = self.fault(tip) if tip else None
            self.is_missing = isinstance(error, MissingObjectError)  # it may be here the next time
            counts, damage = tip, None
            if tip and error:
                before = (oid for oid in self._before(tip) if self._objects.has(oid) and self.fault(oid) is None)
                counts, message = next(before, None), f"{self._ref} at {tip[:12]} is damaged: {error}"
                damage = Damage(DocumentError(message, where=self._ref, hint=HINT), counts)
            self._last = (tip, counts, damage)
        return self._last[1:]

    @property
    def damage(self) -> Damage | None:
        """What was wrong when it was looked at last."""
        return self._last[2]

    def fault(self, tip: Oid) -> CoordError | None:
        """Return why a state of the ref cannot be read; `None`: it can."""
        if tip in self._faults:
            return self._faults[tip]
        error = _fault(self._objects, tip)
        if not isinstance(error, MissingObjectError):
            self._faults[tip] = error
        return error

    def _before(self, tip: Oid) -> Iterator[Oid]:
        with contextlib.suppress(CoordError):  # where it is damaged, history ends
            yield from (oid for oid, _ in islice(walk(self._objects, tip), 1, BACK_MAX))
        yield from map(Oid, self._seen(self._ref)[:BACK_MAX])


def is_readable(objects: Objects, tip: Oid) -> bool:
    """Whether a state of the team's ref can be read."""
    return _fault(objects, tip) is None


def policy_at(objects: Objects, tip: Oid | None) -> Policy:
    """Return the policy of a state that can be read; the default where there is none."""
    oid = trees.find(objects, commits.read(objects, tip).tree, POLICY) if tip else None
    return Policy.decode(objects.read(oid)[1]) if oid else Policy()


def check_is_rules(folder: Folder, ref: RefName, tip: Oid | None) -> None:
    """Refuse to write on top of what is no rules of a team: that would make rules of it.

    Raises:
        DocumentError: it is a ledger's.
    """
    if is_of_ledger([*folder.files, *folder.folders]):
        message = f"{ref} at {(tip or '')[:12]} is a ledger's state, not rules of the team. Nothing was changed."
        raise DocumentError(message, where=ref, hint=HINT)


def _fault(objects: Objects, tip: Oid) -> CoordError | None:
    try:
        folder = trees.load(objects, commits.read(objects, tip).tree)
        meta, policy = folder.file(META), folder.file(POLICY)
        if meta is None:
            return DocumentError(f"Commit {tip} has no {META}.", where=tip)
        Meta.decode(objects.read(meta)[1])
        if policy is not None:
            Policy.decode(objects.read(policy)[1])
        elif POLICY in folder.folders:
            return DocumentError(f"Commit {tip} has a folder at {POLICY}.", where=tip)
        if is_of_ledger([*folder.files, *folder.folders]):
            return DocumentError(f"Commit {tip} is a ledger's, not rules of a team.", where=tip)
    except CoordError as error:
        return error
    return None
