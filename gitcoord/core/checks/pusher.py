"""The pusher: whose work a push or a commit is.

    claims of this clone made      by a session of this worktree       own
                                   under a name of this worktree       own, its sub-agents' too
                                   on a branch that is pushed          own
    claims of this clone           of other worktrees' agents          someone else's
    claims under an earlier id     by a session of this worktree       own
    claims of other clones         of a branch that is merged here     own: it lands

Rules:
  * HOOK-6: a clone has several agents, each with a worktree: being of one clone makes nothing one's own.
  * HOOK-8: work that arrives with a branch was checked when that branch was pushed; its claims do not count against it.

What this file does not know: how sessions and branches are found out.
"""

from dataclasses import dataclass

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.conflicts import Asker, is_same_session


@dataclass(frozen=True, slots=True)
class Pusher(Asker):
    """Who pushes.

    Attributes:
        clones: the ids of this clone.
        earlier: ids that it gave up; a copy of it may go by them.
        sessions: those of this worktree, by every id that they have.
        names: under which agents work in this worktree.
        branches: those of this clone whose commits are pushed.
        merged: those of the remote whose commits are pushed to another one.
    """

    clones: frozenset[str] = frozenset()
    earlier: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    branches: frozenset[str] = frozenset()
    merged: frozenset[str] = frozenset()

    def owns(self, claim: Claim) -> bool:
        """Whether a claim is its own."""
        if any(is_same_session(claim.agent, name) for name in self.agents):
            return True
        if claim.clone not in self.clones:
            is_before = claim.clone in self.earlier and claim.session in self.sessions
            return is_before or claim.branch in self.merged
        if claim.session in self.sessions or claim.branch in self.branches:
            return True
        return any(is_same_session(claim.agent, name) for name in self.names)
