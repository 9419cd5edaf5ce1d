"""The team's policies, one after another, as its ref has had them: which counted when a commit was made.

Rules:
  * SEC-8: a commit cannot choose an older policy. The newest counts that its ledger had named by then, or that was
    there ten minutes before the commit's own date, whichever is newer; a ledger's dates do not go back.
  * Where histories of the ref are joined, as by a repair, the policies of all of them count until then: a history that
    someone put beside it turns nothing off.

What this file does not know: what a policy asks of a commit.
"""

import contextlib
import heapq
from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from gitcoord.core.documents.policy import Policy
from gitcoord.errors import CoordError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import Commit
from gitcoord.ledger.format.team_layout import POLICY
from gitcoord.ledger.transactions.plan import AHEAD_MAX
from gitcoord.remote.contract.protocol import Objects, Oid

JOINED_MAX = 100  # policies that count at once; a repair joins two histories


class Policies(Protocol):
    """Which policy counts for a commit."""

    def place_of(self, commit_id: Oid, when: datetime, named: str, before: int) -> int:
        """Return the place of a commit's policy: by its date, the team's commit that it names, the place before."""
        ...

    def policies(self, place: int) -> tuple[Policy, ...]:
        """Return the policies at a place, all of which count; below the first one there is none."""
        ...


class OnePolicy:
    """The policy that counts at a server: what was there before the push."""

    def __init__(self, policy: Policy) -> None:
        """Take it as it is."""
        self._policy = policy

    def place_of(self, commit_id: Oid, when: datetime, named: str, before: int) -> int:  # noqa: ARG002
        """There is but one place."""
        return 0

    def policies(self, place: int) -> tuple[Policy, ...]:  # noqa: ARG002
        """Return it."""
        return (self._policy,)


class TeamPolicies:
    """All policies that the team's ref has had, the oldest first; the commit of the ref is the place."""

    def __init__(self, objects: Objects, tip: Oid | None) -> None:
        """Read the history of the ref as far as it is here; what is damaged in it has the policies before."""
        self._policies, self._places, self._times = list[tuple[Policy, ...]](), dict[str, int](), list[datetime]()
        known, own, left = dict[str, Policy](), dict[Oid, tuple[Policy, ...]](), Counter[Oid]()
        history = _history(objects, tip) if tip else []
        left.update(parent for _, _, parents in history for parent in parents)
        heads: dict[Oid, None] = {}
        for place, (commit_id, commit, parents) in enumerate(history):
            own[commit_id] = _distinct(policy for parent in parents for policy in own[parent])
            with contextlib.suppress(CoordError):
                found = trees.find(objects, commit.tree, POLICY) or ""
                known[found] = known.get(found) or (Policy.decode(objects.read(Oid(found))[1]) if found else Policy())
                own[commit_id] = (known[found],)
            left.subtract(parents)
            heads = {head: None for head in heads if left[head] > 0} | {commit_id: None}
            self._policies.append(_distinct(policy for head in heads for policy in own[head]))
            self._places[commit_id] = place
            self._times.append(max(commit.committed_at, self._times[-1]) if self._times else commit.committed_at)

    @property
    def pin_names(self) -> bool:
        """Whether any of them says whose a name is."""
        return any(policy.pin_agents for policies in self._policies for policy in policies)

    def place_of(self, commit_id: Oid, when: datetime, named: str, before: int) -> int:
        """Return the newest of the three; of a commit of the team's ref itself, the place before it."""
        if commit_id in self._places:
            return self._places[commit_id] - 1
        by_time = bisect_right(self._times, when - AHEAD_MAX) - 1
        return max(before, by_time, self._places.get(named, -1))

    def policies(self, place: int) -> tuple[Policy, ...]:
        """Return what the team's ref had there, in all of the histories that were joined later."""
        return self._policies[place] if place >= 0 else ()


def _history(objects: Objects, tip: Oid) -> list[tuple[Oid, Commit, list[Oid]]]:
    """Return the commits of the ref, all parents before what came after them, else by date; with their parents."""
    found, waiting = dict[Oid, tuple[Commit, list[Oid]]](), deque([tip])
    while waiting and len(found) < commits.WALK_MAX:
        commit_id = waiting.popleft()
        if commit_id in found or not objects.has(commit_id):
            continue
        with contextlib.suppress(CoordError):  # where it is damaged, history ends
            commit = commits.read(objects, commit_id)
            earlier = commits.before(objects, commit)
            found[commit_id] = commit, [*dict.fromkeys(commit.parents or ((earlier,) if earlier else ()))]
            waiting += found[commit_id][1]
    parents = {at: [parent for parent in below if parent in found] for at, (_, below) in found.items()}
    children, missing = defaultdict[Oid, list[Oid]](list), {at: len(below) for at, below in parents.items()}
    for at, below in parents.items():
        for parent in below:
            children[parent].append(at)
    ready = [(found[at][0].committed_at, at) for at, count in missing.items() if not count]
    heapq.heapify(ready)
    ordered: list[tuple[Oid, Commit, list[Oid]]] = []
    while ready:
        _, at = heapq.heappop(ready)
        ordered.append((at, found[at][0], parents[at]))
        for child in children[at]:
            missing[child] -= 1
            if not missing[child]:
                heapq.heappush(ready, (found[child][0].committed_at, child))
    return ordered


def _distinct(policies: Iterable[Policy]) -> tuple[Policy, ...]:
    """Return the policies that ask for anything, each once, those that ask for signatures first."""
    asking = {
        (policy.signed, policy.pin_agents): policy for policy in policies if policy.signed != "off" or policy.pin_agents
    }
    return tuple(sorted(asking.values(), key=lambda policy: policy.signed == "off")[:JOINED_MAX])
