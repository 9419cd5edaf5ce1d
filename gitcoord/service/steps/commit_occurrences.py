"""Occurrences of one commit of a ledger, the last of them first.

What this file does not know: which commits are read, and in what order.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from gitcoord.core.activity import occurrence
from gitcoord.core.activity.occurrence import Occurrence
from gitcoord.core.claims.claim import Claim
from gitcoord.errors import CoordError
from gitcoord.ledger.archive import history
from gitcoord.ledger.format import claims_layout, trees
from gitcoord.ledger.format.commits import Commit
from gitcoord.ledger.format.refs import Refs
from gitcoord.remote.contract.protocol import Objects, RefName


@dataclass(slots=True)
class CommitOccurrences:
    """Reads what commits record, and remembers of which repository claims are."""

    objects: Objects
    refs: Refs
    _repos: dict[str, str | None] = field(default_factory=dict[str, str | None])

    def of(self, ref: RefName, commit: Commit) -> Iterator[Occurrence]:
        """Yield what a commit of the claims, or of a project, says happened."""
        for record in history.records_of(self.objects, commit):
            if ref != self.refs.claims:
                yield from occurrence.of_steps(record.line, record.now, ref.rpartition("/")[2])
            elif "event" in record.line:
                yield from occurrence.of_refusal(record.line, record.now)
            else:
                for happened in occurrence.of_claims(record.line, record.now):
                    yield self._placed(happened, commit) if happened.granted else happened

    def _placed(self, happened: Occurrence, commit: Commit) -> Occurrence:
        """Return an automatic resolution with the repository of the claim that it was for, as far as that is known."""
        claim = happened.granted
        if claim not in self._repos:
            self._repos[claim] = None
            with contextlib.suppress(CoordError):
                oid = trees.find(self.objects, commit.tree, claims_layout.path_of_claim(claim))
                self._repos[claim] = Claim.decode(self.objects.read(oid)[1]).repo if oid else None
        return happened._replace(repo=self._repos[claim])
