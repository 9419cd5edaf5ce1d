"""Sight: what this clone can see of the holder of a step, within one transaction.

The rules ask through `look`; the answer for a step stays the same for the whole transaction, so that a decision is
repeatable, and it comes with the heartbeat that it was read from, so that the swap can check that ref.

A clone may get another id while it works (`clone_id`); the sessions that live in it are the same. So a session is seen
by its own id, too: by its lock here, or in the heartbeat of another clone that lists it with the agent's name.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gitcoord.core.documents.doc import Struct, field
from gitcoord.core.documents.json_text import as_written
from gitcoord.core.documents.liveness import FREE_SESSION, Heartbeat, Held, Sighting, sighting_of
from gitcoord.core.steps.step import Step
from gitcoord.ledger.clone.sessions import Sessions, SessionState
from gitcoord.ledger.liveness.clock_offset import Belief, ClockOffset
from gitcoord.ledger.liveness.clocks import Watchfulness
from gitcoord.remote.contract.protocol import Oid, Transport

SILENT = timedelta(minutes=5)  # the least limit that can matter; asking the remote for a branch costs a connection

_MOMENTS = ("beaten_at", "passed", "closed_at", "hooked_at", "called_at", "branch_at")  # of a sighting


class BranchLook(Protocol):
    """Finds the last commits of branches, at once: of the remote's this takes a connection."""

    def __call__(self, branches: Collection[str], *, here: bool) -> Mapping[str, tuple[Oid, datetime]]:
        """Return tip and time of each that is found: of this clone's branches if `here`, else of the remote's."""
        ...


def limit_factor(transport: Transport) -> int:
    """Return by how much longer a holder may be silent where no swap compares the heartbeat that it was judged by.

    An atomic one does: by a check, or by moving it (`judgements`).
    """
    return 1 if transport.sends_checks or transport.atomic else 2


class Sight(Struct, eq=False):
    """One look at all holders; it has looked at nothing yet: heartbeats are read when a holder is judged.

    Attributes:
        clones: the ids of this clone.
        sessions: those of this clone.
        heartbeats: reads each clone's heartbeat.
        branch_look: finds the last commits of branches.
        watchfulness: when each heartbeat was seen to change.
        clock_offset: whether our clock may be ahead of those that stated times.
        held: the steps whose branches are asked for together with the first one: they may be judged next.
    """

    clones: Collection[str]
    sessions: Sessions
    heartbeats: Callable[[], Mapping[str, tuple[Oid, Heartbeat]]]
    branch_look: BranchLook
    watchfulness: Watchfulness
    clock_offset: ClockOffset
    held: Callable[[], Iterable[Step]] = tuple
    _belief: Belief | None = None
    _now: datetime = datetime.min.replace(tzinfo=UTC)  # until the look begins
    _heartbeats: Mapping[str, tuple[Oid, Heartbeat]] | None = None
    _seen: dict[tuple[str, int], Sighting] = field(default_factory=dict[tuple[str, int], Sighting])
    _states: dict[str | None, SessionState] = field(default_factory=dict[str | None, SessionState])
    _open: dict[str, list[tuple[str, tuple[str, ...]]]] | None = None
    _tips: dict[str, tuple[Oid, datetime] | None] = field(default_factory=dict[str, tuple[Oid, datetime] | None])

    def __post_init__(self) -> None:
        """Take the time of the look."""
        self._now = self.watchfulness.host.now()

    def others(self) -> Mapping[str, tuple[Oid, Heartbeat]]:
        """Return the heartbeats of the other clones."""
        if self._heartbeats is None:
            self._heartbeats = self.heartbeats()
        return {clone: beat for clone, beat in self._heartbeats.items() if clone not in self.clones}

    def hear(self, stated: datetime | None) -> None:
        """Take note of a time that another clone stated in a ledger."""
        if stated is not None:
            self.watchfulness.hear(stated)
            self._belief = None

    def belief(self) -> Belief:
        """Return how far our clock is believed, which is asked for once."""
        if self._belief is None:
            self._belief = self.clock_offset.belief(self.others())
        return self._belief

    def look(self, step: Held) -> Sighting:
        """Return the evidence about the holder of a step or a claim."""
        key = (step.id, step.fence)
        if key not in self._seen:
            drawn = _drawn_session(step)
            if step.clone in self.clones:
                seen = self._own(step)
            elif drawn is not None and self.sessions.is_live(*drawn):
                # It was begun under another id of this clone.
                seen = Sighting(locked=True, clone_beats=True)
            else:
                seen = self._other(step)
            # As its record will have it: a clock that is counted on has more than milliseconds.
            moments = {name: getattr(seen, name) for name in _MOMENTS}
            fine = {
                name: as_written(moment) for name, moment in moments.items() if moment and moment.microsecond % 1000
            }
            self._seen[key] = seen.evolve(**fine) if fine else seen
        return self._seen[key]

    def _own(self, step: Held) -> Sighting:
        if step.session_id not in self._states:
            self._states[step.session_id] = self.sessions.state(step.session_id)
        state = self._states[step.session_id]
        if state.locked is None or (not state.locked and _goes_on(step, state)):
            return self._other(step)
        branch = (
            self.branch_look([step.branch], here=True).get(step.branch) if step.branch and not state.locked else None
        )
        return Sighting(
            locked=state.locked,
            closed_at=state.closed_at,
            hooked_at=state.hooked_at,
            called_at=state.called_at,
            clone_beats=True,
            branch_tip=branch[0] if branch else None,
            branch_at=self.watchfulness.believed(*branch) if branch else None,
        )

    def _elsewhere(self, step: Held, seen: Sighting) -> Sighting:
        """Return the newest beat that lists the step's own session under another id of its clone."""
        known, (session, agent) = self._heartbeats or {}, _drawn_session(step) or ("", "")
        if session and self._open is None:
            self._open = _open_sessions(known)
        for clone, agents in (self._open or {}).get(session, ()):
            if clone != step.clone and agent in agents:
                oid, beat = known[clone]
                seen = seen.evolve(elsewhere={**(seen.elsewhere or {}), clone: oid})
                at = self.watchfulness.beaten_at(clone, oid, beat.beaten_at)
                if seen.beaten_at is None or at > seen.beaten_at:
                    watched = self.watchfulness.has_watched(clone, oid)
                    beats = {"interval_s": beat.interval_s, "clone_beats": True, "watched": watched}
                    seen = seen.evolve(beaten_at=at, closed_at=None, **beats)
        return seen

    def _other(self, step: Held) -> Sighting:
        if self._heartbeats is None:
            self._heartbeats = self.heartbeats()
        oid, beat = self._heartbeats.get(step.clone or "", (None, None))
        seen = sighting_of(step, beat, oid)
        if seen.beaten_at is not None and oid is not None and step.clone:
            at = self.watchfulness.beaten_at(step.clone, oid, seen.beaten_at)
            seen = seen.evolve(beaten_at=at, watched=self.watchfulness.has_watched(step.clone, oid))
        if self._is_silent(step, seen):
            seen = self._elsewhere(step, seen)
        is_ours = step.clone in self.clones
        if self._is_silent(step, seen) and not seen.watched and not is_ours and self.belief().over_by:
            seen = seen.evolve(doubted=True, passed=self.belief().over_by)
        branch = self._tip_of(step.branch) if step.branch and self._is_silent(step, seen) else None
        if branch:
            seen = seen.evolve(branch_tip=branch[0], branch_at=self.watchfulness.believed(*branch))
        return seen

    def _tip_of(self, branch: str) -> tuple[Oid, datetime] | None:
        if branch not in self._tips:
            others = {step.branch for step in self.held() if step.branch and self._is_silent(step, Sighting())}
            asked = {branch, *others} - self._tips.keys()
            found = self.branch_look(asked, here=False)
            self._tips |= {clone_id: found.get(clone_id) for clone_id in asked}
        return self._tips[branch]

    def _is_silent(self, step: Held, seen: Sighting) -> bool:
        known = [moment for moment in (seen.beaten_at, step.last_activity) if moment]
        return not known or (seen.passed or self._now) - max(known) > SILENT


def _drawn_session(step: Held) -> tuple[str, str] | None:
    """Return the session and the agent, if the session's id is its own and not one that follows from a name."""
    if not step.session_id or not step.agent_id or step.session_id.startswith(FREE_SESSION):
        return None
    return step.session_id, step.agent_id


def _open_sessions(beats: Mapping[str, tuple[Oid, Heartbeat]]) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Return by each id of a session that was not closed the clones that list it, each with its agents."""
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for clone, (_, beat) in beats.items():
        for entry in beat.sessions:
            for name in {entry.id, *entry.aliases} if entry.closed_at is None else ():
                found.setdefault(name, []).append((clone, entry.agents))
    return found


def _goes_on(step: Held, state: SessionState) -> bool:
    """Whether a command came after the session's good-bye: the agent goes on under its id, without the lock."""
    return state.closed_at is not None and step.last_activity is not None and step.last_activity > state.closed_at
