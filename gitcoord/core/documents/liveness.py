"""Presence: who is alive, judged from evidence.

    live ── a third of the limit ──> quiet ── the limit ──> stale        unknown: its clone never beat

Rules:
  * A heartbeat is one document per clone; it lists the sessions that hold their lock, and their agents.
  * LIFE-1: last seen = the newest of: the heartbeat that lists the session or the agent, the holder's last command, the
    last commit of the step's branch on the remote.
  * LIFE-2: within the judge's own clone the session locks decide, not times: a locked session is live, a session whose
    lock is free has ended. One that said good-bye is kept for a grace of ten minutes.
  * LIFE-3: only the step's own session can have said good-bye for it, and not before its last command on the step.
  * LIVE-2: the limit of a holder that no heartbeat ever listed is four times as long.
  * TIME-1: no limit is shorter than ten minutes, twice the error of a clock that has to do no harm: the holder's and
    the judge's may err in opposite ways. Nor is it shorter than three beats of the holder's clone, for two may be late
    or lost; nor than both together, where the judge did not see the last beat come by its own clock.
  * A sign of life from the future is as good as one of this moment, and no better.
  * A judge whose swap cannot compare the heartbeat doubles the limit and, where it did not see the lock, the grace.
  * CLAIM-22: a judge whose clock may be far ahead judges by the time that others are known to have reached.
  * SAFE-7: a judgement by silence names the heartbeat that it was made by (`evidence.heartbeat`); the swap
    that acts on it carries a check of that ref.

What this file does not know: where heartbeats are stored, how a lock is looked at, what time it is.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from gitcoord.core.documents.doc import EMPTY, Doc, Number, Text

GRACE = timedelta(minutes=10)  # what a restart of an agent's tool may take
UNKNOWN_FACTOR = 4  # an agent without a server is given an hour
BEATS_MIN = 3  # two beats may be late or lost before a holder counts as gone
APART = timedelta(minutes=10)  # two clocks, each wrong by the five minutes of TIME-1
LIMIT_MINUTES_MIN = 10  # the same, as the least that a team may set for silence
LIMIT_MINUTES_MAX = 1_000_000  # two years; only a stranger writes a project that waits longer
INTERVAL_MAX_S = 600  # no clone beats less often; a heartbeat that says so would keep its sessions for ever
MINUTE_S = 60
CALL_MINUTES = 30  # a command may run for ten minutes, and a model think about what it said
FREE_SESSION = "cli-"  # sessions with this prefix hold no lock between their commands
OVER = "over"  # the word for a holder whose session is known to have ended; beside those of `Life`


class Held(Protocol):
    """A step or a claim, as far as judging its holder goes."""

    @property
    def id(self) -> str:
        """Which one it is."""
        ...

    @property
    def fence(self) -> int:
        """Which time it was given out."""
        ...

    @property
    def agent_id(self) -> str | None:
        """The agent that holds it."""
        ...

    @property
    def clone(self) -> str | None:
        """The clone that holds it."""
        ...

    @property
    def session_id(self) -> str | None:
        """The session that holds it."""
        ...

    @property
    def branch(self) -> str | None:
        """The branch whose last commit is a sign of life, if any."""
        ...

    @property
    def last_activity(self) -> datetime | None:
        """The last command on it."""
        ...


class Life(StrEnum):
    """The classes of liveness."""

    LIVE = "live"
    QUIET = "quiet"
    STALE = "stale"
    UNKNOWN = "unknown"


class SessionBeat(Doc, frozen=True, kw_only=True):
    """One session in a heartbeat. `closed_at`: it said good-bye then. `aliases`: other ids of the same session.

    `writer`: what its gitcoord can write (`ledger/format/meta.WRITER`); 0.1.0 did not say.
    `called_at`: when its agent last called a tool, or a hook of it ran; says nothing of whether it lives (SAFE-7).
    """

    id: Text
    agents: tuple[Text, ...] = ()
    aliases: tuple[Text, ...] = ()
    tool: Text = ""
    worktree: Text = ""
    since: datetime | None = None
    closed_at: datetime | None = None
    writer: Number = 1
    called_at: datetime | None = None

    def is_named(self, session: str) -> bool:
        """Whether this is the session of that id."""
        return session == self.id or session in self.aliases


class Heartbeat(Doc, frozen=True, kw_only=True):
    """The liveness of one clone. `seq` makes each beat unique; `boot` tells two copies of one disk apart.

    `seen`: the sequence number of the ledgers that it saw last, by their refs without the namespace (SAFE-9).
    """

    clone: Text
    boot: Text = ""
    seq: Number = 0
    beaten_at: datetime
    interval_s: Number = 60
    sessions: tuple[SessionBeat, ...] = ()
    seen: Mapping[str, Number] = EMPTY

    def session_of(self, session: str | None, agent: str | None) -> SessionBeat | None:
        """Return the entry that lists this session, or else an open one of this agent; an open one before a closed one.

        That another session of the agent was closed says nothing of this one.
        """
        named = [entry for entry in self.sessions if session and entry.is_named(session)]
        by_agent = [entry for entry in self.sessions if agent and agent in entry.agents]
        is_open = (entry for entry in [*named, *by_agent] if entry.closed_at is None)
        return next(is_open, named[0] if named else None)


class Sighting(Doc, frozen=True, kw_only=True):
    """What a judge knows of a holder, as data, so that a judgement can be repeated from the record.

    Attributes:
        beaten_at: when the heartbeat that lists the holder was made (by the judge's reckoning of time).
        interval_s: how often the holder's clone beats; 0 where it never said.
        heartbeat: the id of the heartbeat's commit; `None` when that clone has none.
        clone_beats: whether the holder's clone ever beat.
        watched: whether the judge saw that beat come, so that `beaten_at` is by its own clock.
        doubted: whether the judge's clock may be far ahead, so that silence is not judged by it.
        passed: where it is doubted, the time that others are known to have reached; `None`: that says nothing either.
        locked: within the judge's own clone: whether the session's lock is held; else `None`.
        closed_at: when the session said good-bye.
        hooked_at: within the judge's own clone: when a hook of the session ran last.
        called_at: when the agent of that session last called a tool, where that is known.
        elsewhere: the heartbeats of other ids of that clone which list the session, by clone.
        branch_tip, branch_at: the last commit of the step's branch on the remote, and its time.
    """

    beaten_at: datetime | None = None
    interval_s: Number = 0
    heartbeat: Text | None = None
    clone_beats: bool = False
    watched: bool = False
    doubted: bool = False
    passed: datetime | None = None
    locked: bool | None = None
    closed_at: datetime | None = None
    hooked_at: datetime | None = None
    called_at: datetime | None = None
    elsewhere: Mapping[str, Text] | None = None
    branch_tip: Text | None = None
    branch_at: datetime | None = None


class Liveness(Doc, frozen=True, kw_only=True):
    """A judgement: the class, when last seen, and the limit it was measured by."""

    life: Life
    last_seen: datetime | None = None
    limit_minutes: Number
    why: Text = ""
    sighting: Sighting

    @property
    def is_over(self) -> bool:
        """Whether its step may be taken over."""
        return self.life is Life.STALE

    @property
    def clause(self) -> str:
        """Say it behind a holder's name: `, who is quiet (last seen 6 min ago)`; without a heartbeat why alone."""
        return f", {self.why}" if self.life is Life.UNKNOWN else f", who is {self.life} ({self.why})"


def judge(
    held: Held, sighting: Sighting, now: datetime, stale_minutes: int, factor: int = 1, *, may_judge: bool = True
) -> Liveness:
    """Judge the holder of a step or claim.

    Args:
        held: what it holds.
        sighting: what is known of it.
        now: the time of the judge.
        stale_minutes: for how long it may be silent.
        factor: 2 for a judge whose swap cannot compare the heartbeat.
        may_judge: whether silence may be acted on; not right after the judge's machine woke up.
    """
    life = _judge(held, sighting, now, stale_minutes, factor)
    if life.is_over and sighting.locked is None and sighting.doubted:
        shown = _judge(held, sighting, sighting.passed, stale_minutes, factor) if sighting.passed else None
        if shown is None or not shown.is_over:
            return life.evolve(life=Life.QUIET, why=f"{life.why}, by a clock that may be ahead")
        life = shown
    if life.is_over and sighting.locked is None and not may_judge:
        return life.evolve(life=Life.QUIET, why=f"{life.why}; this machine just woke up and judges no holder yet")
    return life


def _judge(held: Held, sighting: Sighting, now: datetime, stale_minutes: int, factor: int) -> Liveness:
    minutes = min(max(stale_minutes, LIMIT_MINUTES_MIN), LIMIT_MINUTES_MAX) * factor
    if sighting.locked is True:
        why = with_calls("its session's lock is held", sighting.called_at, now)
        return _verdict(Life.LIVE, now, minutes, why, sighting)
    if _has_closed(held, sighting):
        grace = GRACE * (factor if sighting.locked is None else 1)
        closed = sighting.closed_at
        if closed is None or now - closed >= grace:
            limit = int(grace.total_seconds()) // 60
            return _verdict(Life.STALE, closed, limit, "its session ended and was not resumed", sighting)
        return _verdict(Life.QUIET, closed, minutes, "its session ended; it may still be resumed", sighting)
    if sighting.locked is False and sighting.closed_at is None:
        return _verdict(Life.STALE, held.last_activity, 0, "its session's lock is free", sighting)
    return _judge_by_time(held, sighting, now, minutes)


def _has_closed(held: Held, sighting: Sighting) -> bool:
    """Whether the session's good-bye stands: a command after it shows that the agent goes on, without a lock."""
    closed, last = sighting.closed_at, held.last_activity
    return closed is not None and (last is None or closed >= last)


def _judge_by_time(held: Held, sighting: Sighting, now: datetime, stale_minutes: int) -> Liveness:
    seen = [min(moment, now) for moment in (sighting.beaten_at, held.last_activity, sighting.branch_at) if moment]
    free = not sighting.clone_beats or (held.session_id or "").startswith(FREE_SESSION)
    unlisted = free and sighting.beaten_at is None
    least = timedelta(seconds=min(sighting.interval_s, INTERVAL_MAX_S) * BEATS_MIN)
    least += timedelta() if sighting.watched else APART
    whole = -(-least // timedelta(minutes=1))  # whole minutes, rounded up
    limit = max(stale_minutes * (UNKNOWN_FACTOR if unlisted else 1), whole)
    if not seen:
        return _verdict(Life.STALE, None, limit, "it was never seen", sighting)
    silent = now - max(seen)
    why = f"last seen {span_text(silent.total_seconds())} ago"
    if silent > timedelta(minutes=limit):
        return _verdict(Life.STALE, max(seen), limit, why, sighting)
    why = with_calls(why, sighting.called_at, now)
    if unlisted:
        return _verdict(Life.UNKNOWN, max(seen), limit, why, sighting)
    life = Life.QUIET if silent > timedelta(minutes=limit) / 3 else Life.LIVE
    return _verdict(life, max(seen), limit, why, sighting)


def _verdict(life: Life, seen: datetime | None, limit: int, why: str, sighting: Sighting) -> Liveness:
    return Liveness(life=life, last_seen=seen, limit_minutes=limit, why=why, sighting=sighting)


def sighting_of(held: Held, heartbeat: Heartbeat | None, oid: str | None) -> Sighting:
    """Return what a clone's heartbeat says of the holder of a step or claim."""
    if heartbeat is None:
        return Sighting()
    entry = heartbeat.session_of(held.session_id, held.agent_id)
    return Sighting(
        clone_beats=True,
        heartbeat=oid,
        beaten_at=heartbeat.beaten_at if entry and entry.closed_at is None else None,
        interval_s=heartbeat.interval_s,
        closed_at=entry.closed_at if entry else None,
        called_at=entry.called_at if entry else None,
    )


def without_call(called_at: datetime | None, now: datetime) -> str:
    """Say for how long an agent has called no tool; "" for less than a tool's command or a model's answer may take."""
    minutes = int((now - called_at).total_seconds()) // 60 if called_at else 0
    return f"no call for {span_text(60 * minutes)}" if minutes > CALL_MINUTES else ""


def span_text(seconds: float) -> str:
    """Return a duration in the largest unit of which it has two: `40 s`, `12 min`, `3 h`, `2 d`; or one minute."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size * (1 if unit == "min" else 2):
            return f"{int(seconds) // size} {unit}"
    return f"{max(0, int(seconds))} s"


def ahead_text(seconds: float) -> str:
    """Return how long it is until a moment, half a minute more or less: what was granted just now lasts all of it."""
    return span_text(seconds if seconds < MINUTE_S else seconds + MINUTE_S / 2)


def with_calls(why: str, called_at: datetime | None, now: datetime) -> str:
    """Return why a holder counts as alive, with what makes that doubtful to a person and ends nothing (SAFE-7)."""
    return "; ".join(filter(None, (why, without_call(called_at, now))))


def live_agents(heartbeats: Mapping[str, Heartbeat], now: datetime, limit_minutes: int) -> dict[str, tuple[str, str]]:
    """Return each agent that some heartbeat of the last `limit_minutes` lists, with its clone and session."""
    return {
        agent: (beat.clone, entry.id)
        for beat in heartbeats.values()
        if now - beat.beaten_at <= timedelta(minutes=limit_minutes)
        for entry in beat.sessions
        if entry.closed_at is None
        for agent in entry.agents
    }
