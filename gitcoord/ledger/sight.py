"""Sight: what this clone can see of the holder of a step, within one transaction.

The rules ask through `look`; the answer for a step stays the same for the whole transaction, so that a decision is
repeatable, and it comes with the heartbeat that it was read from, so that the swap can check that ref.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from gitcoord.core.presence import Heartbeat, Sighting, sighting_of
from gitcoord.core.steps import Step
from gitcoord.ledger.sessions import Sessions
from gitcoord.ledger.watchfulness import Watchfulness
from gitcoord.remote.protocol import Oid

SILENT = timedelta(minutes=5)  # the least limit that can matter; asking the remote for a branch costs a connection


class BranchLook(Protocol):
    """Finds the last commit of a branch."""

    def __call__(self, branch: str, *, here: bool) -> tuple[Oid, datetime] | None:
        """Return the tip and its time: of this clone's branch if `here`, else of the remote's."""
        ...


class Sight:
    """One look at everybody."""

    def __init__(
        self,
        clone: str,
        sessions: Sessions,
        heartbeats: Callable[[], Mapping[str, tuple[Oid, Heartbeat]]],
        branch_look: BranchLook,
        watchfulness: Watchfulness,
    ) -> None:
        """Look at nothing yet: heartbeats are read when somebody is judged."""
        self._watchfulness = watchfulness
        self._now = watchfulness.host.now()
        self._clone = clone
        self._sessions = sessions
        self._read = heartbeats
        self._heartbeats: Mapping[str, tuple[Oid, Heartbeat]] | None = None
        self._branch_look = branch_look
        self._seen: dict[tuple[str, int], Sighting] = {}

    def look(self, step: Step) -> Sighting:
        """Return what is known of the holder of a step."""
        key = (step.id, step.fence)
        if key not in self._seen:
            self._seen[key] = self._own(step) if step.clone == self._clone else self._other(step)
        return self._seen[key]

    def _own(self, step: Step) -> Sighting:
        state = self._sessions.state(step.session_id)
        if state.locked is None:
            return self._other(step)
        branch = self._branch_look(step.branch, here=True) if step.branch and not state.locked else None
        return Sighting(
            locked=state.locked,
            closed_at=state.closed_at,
            clone_beats=True,
            branch_tip=branch[0] if branch else None,
            branch_at=branch[1] if branch else None,
        )

    def _other(self, step: Step) -> Sighting:
        if self._heartbeats is None:
            self._heartbeats = self._read()
        oid, beat = self._heartbeats.get(step.clone or "", (None, None))
        seen = sighting_of(step, beat, oid)
        if seen.beaten_at is not None and oid is not None and step.clone:
            seen = seen.evolve(beaten_at=self._watchfulness.beaten_at(step.clone, oid, seen.beaten_at))
        branch = self._branch_look(step.branch, here=False) if step.branch and self._is_silent(step, seen) else None
        if branch:
            seen = seen.evolve(branch_tip=branch[0], branch_at=branch[1])
        return seen

    def _is_silent(self, step: Step, seen: Sighting) -> bool:
        known = [moment for moment in (seen.beaten_at, step.last_activity) if moment]
        return not known or self._now - max(known) > SILENT
