"""Sight: what this clone can see of the holder of a step, within one transaction.

The rules ask through `look`; the answer for a step stays the same for the whole transaction, so that a decision is
repeatable, and it comes with the heartbeat that it was read from, so that the swap can check that ref.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from gitcoord.core.presence import Heartbeat, Sighting, sighting_of
from gitcoord.core.steps import Step
from gitcoord.ledger.sessions import Sessions, SessionState
from gitcoord.ledger.watchfulness import Watchfulness
from gitcoord.remote.protocol import Oid

SILENT = timedelta(minutes=5)  # the least limit that can matter; asking the remote for a branch costs a connection


class BranchLook(Protocol):
    """Finds the last commits of branches, at once: of the remote's this takes a connection."""

    def __call__(self, branches: Collection[str], *, here: bool) -> Mapping[str, tuple[Oid, datetime]]:
        """Return tip and time of each that is found: of this clone's branches if `here`, else of the remote's."""
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
        held: Callable[[], Iterable[Step]] = tuple,
    ) -> None:
        """Look at nothing yet: heartbeats are read when somebody is judged.

        `held`: the steps whose branches are asked for together with the first one, because they may be judged next.
        """
        self._watchfulness = watchfulness
        self._now = watchfulness.host.now()
        self._clone = clone
        self._sessions = sessions
        self._read = heartbeats
        self._heartbeats: Mapping[str, tuple[Oid, Heartbeat]] | None = None
        self._branch_look = branch_look
        self._seen: dict[tuple[str, int], Sighting] = {}
        self._held = held
        self._tips: dict[str, tuple[Oid, datetime] | None] = {}

    def look(self, step: Step) -> Sighting:
        """Return what is known of the holder of a step."""
        key = (step.id, step.fence)
        if key not in self._seen:
            self._seen[key] = self._own(step) if step.clone == self._clone else self._other(step)
        return self._seen[key]

    def _own(self, step: Step) -> Sighting:
        state = self._sessions.state(step.session_id)
        if state.locked is None or (not state.locked and _goes_on(step, state)):
            return self._other(step)
        branch = (
            self._branch_look([step.branch], here=True).get(step.branch) if step.branch and not state.locked else None
        )
        return Sighting(
            locked=state.locked,
            closed_at=state.closed_at,
            clone_beats=True,
            branch_tip=branch[0] if branch else None,
            branch_at=self._watchfulness.believed(*branch) if branch else None,
        )

    def _other(self, step: Step) -> Sighting:
        if self._heartbeats is None:
            self._heartbeats = self._read()
        oid, beat = self._heartbeats.get(step.clone or "", (None, None))
        seen = sighting_of(step, beat, oid)
        if seen.beaten_at is not None and oid is not None and step.clone:
            seen = seen.evolve(beaten_at=self._watchfulness.beaten_at(step.clone, oid, seen.beaten_at))
        branch = self._tip_of(step.branch) if step.branch and self._is_silent(step, seen) else None
        if branch:
            seen = seen.evolve(branch_tip=branch[0], branch_at=self._watchfulness.believed(*branch))
        return seen

    def _tip_of(self, branch: str) -> tuple[Oid, datetime] | None:
        if branch not in self._tips:
            others = {step.branch for step in self._held() if step.branch and self._is_silent(step, Sighting())}
            asked = {branch, *others} - self._tips.keys()
            found = self._branch_look(asked, here=False)
            self._tips |= {one: found.get(one) for one in asked}
        return self._tips[branch]

    def _is_silent(self, step: Step, seen: Sighting) -> bool:
        known = [moment for moment in (seen.beaten_at, step.last_activity) if moment]
        return not known or self._now - max(known) > SILENT


def _goes_on(step: Step, state: SessionState) -> bool:
    """Whether a command came after the session's good-bye: somebody goes on under its id, without the lock."""
    return state.closed_at is not None and step.last_activity is not None and step.last_activity > state.closed_at
