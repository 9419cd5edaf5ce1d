"""Who is there: agents, clones and what they are on."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from gitcoord.core.doc import Json, time_text
from gitcoord.core.presence import Heartbeat, Liveness, judge
from gitcoord.core.projects import STALE_MINUTES
from gitcoord.core.steps import Step
from gitcoord.ledger import vantage
from gitcoord.ledger.sight import Sight
from gitcoord.remote.protocol import Oid, RefName
from gitcoord.service.workspace import Workspace


def heartbeats(workspace: Workspace, listed: Mapping[RefName, Oid]) -> dict[str, tuple[Oid, Heartbeat]]:
    """Return every clone's heartbeat."""
    with workspace.lock:
        return workspace.reader.heartbeats(listed)


def other_clones_live(workspace: Workspace) -> list[str]:
    """Return the other clones that beat within the stale limit."""
    return other_clones(workspace, workspace.listed(), STALE_MINUTES)


def other_clones(workspace: Workspace, listed: Mapping[RefName, Oid], minutes: int) -> list[str]:
    """Return the other clones that had a session, by a heartbeat of the last so many minutes."""
    now = workspace.setting.host.now()
    return sorted(
        clone
        for clone, (_, beat) in heartbeats(workspace, listed).items()
        if clone != workspace.clone_id and beat.sessions and now - beat.beaten_at <= timedelta(minutes=minutes)
    )


def judged(workspace: Workspace, step: Step, minutes: int, sight: Sight) -> Liveness:
    """Judge the holder of a step, exactly as a command would that wanted to take it over."""
    setting = workspace.setting
    factor, may_judge = vantage.limit_factor(setting.transport), setting.watchfulness.may_judge()
    return judge(step, sight.look(step), setting.host.now(), minutes, factor, may_judge=may_judge)


def sight_of(workspace: Workspace, listed: Mapping[RefName, Oid]) -> Sight:
    """Return one look at everybody, by these refs."""
    return vantage.sight_of(workspace.setting, partial(heartbeats, workspace, listed))


def agents(workspace: Workspace, listed: Mapping[RefName, Oid]) -> list[dict[str, Json]]:
    """Return every agent that a heartbeat or a session here lists."""
    now = workspace.setting.host.now()
    beats = {clone: beat for clone, (_, beat) in heartbeats(workspace, listed).items()}
    own = Heartbeat(clone=workspace.clone_id, beaten_at=now, sessions=workspace.setting.sessions.beats(now))
    beats[workspace.clone_id] = own
    rows: list[dict[str, Json]] = []
    for clone in sorted(beats):
        rows += _agents_of(beats[clone], now)
    return rows


def _agents_of(beat: Heartbeat, now: datetime) -> list[dict[str, Json]]:
    silent = now - beat.beaten_at
    life = (
        "live" if silent < timedelta(minutes=5) else "quiet" if silent < timedelta(minutes=STALE_MINUTES) else "stale"
    )
    return [
        {
            "agent": agent,
            "clone": beat.clone,
            "session": entry.id,
            "life": life if entry.closed_at is None else "ended",
            "last_seen": time_text(entry.closed_at or beat.beaten_at),
            "worktree": entry.worktree,
        }
        for entry in beat.sessions
        for agent in entry.agents
    ]
