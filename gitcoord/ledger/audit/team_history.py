"""The team's rules as records name them: a commit that the team's ref has had, and its policy.

What this file does not know: what is decided by them.
"""

import contextlib
from collections import OrderedDict, deque

from gitcoord.core.documents.policy import Policy
from gitcoord.errors import CoordError
from gitcoord.ledger.audit.problem import Problem, UnsoundError
from gitcoord.ledger.audit.recorded_batch import Head
from gitcoord.ledger.audit.replay import Rules
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.commits import WALK_MAX
from gitcoord.ledger.readers.reader import Reader
from gitcoord.remote.contract.protocol import Objects, Oid, RefName

POLICIES_MAX = 1_000  # that are remembered; a team changes its policy now and then


class TeamHistory:
    """What the team's ref was. `tip`: what it is now; `None`: there is none."""

    def __init__(self, objects: Objects, reader: Reader, ref: RefName, tip: Oid | None) -> None:
        """Read nothing yet."""
        self._objects, self._reader, self._ref = objects, reader, ref
        self._waiting, self._known = deque[Oid]([tip] if tip else []), set[str]()
        self._rules: OrderedDict[tuple[str | None, str | None], Rules] = OrderedDict()

    def rules_of(self, head: Head) -> Rules:
        """Return the rules that a record was decided by.

        Raises:
            UnsoundError: the team's ref has never had them.
        """
        checked = head.checks.get(self._ref)
        listed = checked if isinstance(checked, str) else head.config
        counts, key = head.counts, (listed, head.counts)
        if key in self._rules:
            return self._rules[key]
        # What cannot be read went where a repair deleted it, and nothing was decided by it.
        for named in filter(None, (listed if counts is None else None, counts)):
            while named not in self._known and self._waiting and len(self._known) <= WALK_MAX:
                commit_id = self._waiting.popleft()
                self._known.add(commit_id)
                with contextlib.suppress(CoordError):  # where it is damaged, history ends
                    commit = commits.read(self._objects, commit_id)
                    earlier = commits.before(self._objects, commit)
                    parents = commit.parents or ((earlier,) if earlier else ())
                    self._waiting.extend(parent for parent in parents if parent not in self._known)
            if named not in self._known:
                what = f"was decided by rules of the team, {named[:12]}, that are not in the history of {self._ref}"
                raise UnsoundError(Problem.TEAM_RULES, what)
        if listed is None or counts == "":
            policy = Policy()
        else:
            policy = self._reader.policy(self._ref, {self._ref: Oid(counts or listed)})
        self._rules[key] = Rules(Oid(listed) if listed else None, policy)
        if len(self._rules) > POLICIES_MAX:
            self._rules.popitem(last=False)
        return Rules(Oid(listed) if listed else None, policy)
