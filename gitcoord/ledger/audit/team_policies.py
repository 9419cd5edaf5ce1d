"""The team's policies, one after another, as its ref has had them: which counted when a commit was made.

Rules:
  * SEC-8: a commit cannot choose an older policy. The newest counts that its ledger had named by then, or that was
    there ten minutes before the commit's own date, whichever is newer; a ledger's dates do not go back.

What this file does not know: what a policy asks of a commit.
"""

from bisect import bisect_right
from datetime import datetime
from typing import Protocol

from gitcoord.core.documents.policy import Policy
from gitcoord.errors import CoordError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.readers.team_rules import POLICY
from gitcoord.ledger.transactions.plan import AHEAD_MAX
from gitcoord.remote.contract.protocol import Objects, Oid


class Policies(Protocol):
    """Which policy counts for a commit."""

    def place_of(self, commit_id: Oid, when: datetime, named: str, before: int) -> int:
        """Return the place of a commit's policy: by its date, the team's commit that it names, the place before."""
        ...

    def policy(self, place: int) -> Policy:
        """Return the policy at a place; below the first one is the default."""
        ...


class OnePolicy:
    """The policy that counts at a server: what was there before the push."""

    def __init__(self, policy: Policy) -> None:
        """Take it as it is."""
        self._policy = policy

    def place_of(self, commit_id: Oid, when: datetime, named: str, before: int) -> int:  # noqa: ARG002
        """There is but one place."""
        return 0

    def policy(self, place: int) -> Policy:  # noqa: ARG002
        """Return it."""
        return self._policy


class TeamPolicies:
    """All policies that the team's ref has had, the oldest first; the commit of the ref is the place."""

    def __init__(self, objects: Objects, tip: Oid | None) -> None:
        """Read the history of the ref as far as it is here; what is damaged in it has the policy before."""
        self._policies, self._places, self._times = list[Policy](), dict[str, int](), list[datetime]()
        known: dict[str, Policy] = {}
        history = [*commits.walk(objects, tip)][::-1] if tip else []
        for place, (commit_id, commit) in enumerate(history):
            policy = self._policies[-1] if self._policies else Policy()
            try:
                found = trees.find(objects, commit.tree, POLICY)
                policy = known.get(found or "") or (Policy.decode(objects.read(found)[1]) if found else Policy())
                known[found or ""] = policy
            except CoordError:
                pass
            self._policies.append(policy)
            self._places[commit_id] = place
            self._times.append(max(commit.committed_at, self._times[-1]) if self._times else commit.committed_at)

    @property
    def pin_names(self) -> bool:
        """Whether any of them says whose a name is."""
        return any(policy.pin_agents for policy in self._policies)

    def place_of(self, commit_id: Oid, when: datetime, named: str, before: int) -> int:
        """Return the newest of the three; of a commit of the team's ref itself, the place before it."""
        if commit_id in self._places:
            return self._places[commit_id] - 1
        by_time = bisect_right(self._times, when - AHEAD_MAX) - 1
        return max(before, by_time, self._places.get(named, -1))

    def policy(self, place: int) -> Policy:
        """Return what the team's ref had there."""
        return self._policies[place] if place >= 0 else Policy()
