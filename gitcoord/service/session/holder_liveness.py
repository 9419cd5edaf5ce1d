"""Who is there: agents, clones and what they are on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.liveness import Heartbeat, Life, Liveness, judge
from gitcoord.core.steps.board import holder_of
from gitcoord.core.steps.project import STALE_MINUTES
from gitcoord.core.steps.step import Step
from gitcoord.ledger.liveness.holder_view import Sight, limit_factor
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session import freshness
from gitcoord.service.session.workspace import Workspace

LIVE_WITHIN = timedelta(minutes=5)  # two beats of the longest interval
ENDED = "ended"  # a session that said good-bye and may still be resumed


def heartbeats(workspace: Workspace, listed: Mapping[RefName, Oid]) -> dict[str, tuple[Oid, Heartbeat]]:
    """Return every clone's heartbeat."""
    with workspace.lock:
        return workspace.reader.heartbeats(listed)


def other_clones_live(workspace: Workspace) -> list[str]:
    """Return the other clones that beat within the stale limit."""
    return other_clones(workspace, workspace.listed(), STALE_MINUTES)


def other_clones(workspace: Workspace, listed: Mapping[RefName, Oid], minutes: int) -> list[str]:
    """Return the other clones that had a session, by a heartbeat of the last so many minutes."""
    now = freshness.judged_at(workspace.setting.host.now())
    return sorted(
        clone
        for clone, (_, beat) in heartbeats(workspace, listed).items()
        if clone != workspace.clone_id and beat.sessions and now - beat.beaten_at <= timedelta(minutes=minutes)
    )


def judged(workspace: Workspace, step: Step, minutes: int, sight: Sight) -> Liveness:
    """Judge the holder of a step, exactly as a command would that wanted to take it over."""
    return judge_of(workspace, sight)(step, minutes)


def judge_of(workspace: Workspace, sight: Sight) -> Callable[[Step, int], Liveness]:
    """Return what judges the holders of many steps so, all at one moment, each by its limit in minutes."""
    setting = workspace.setting
    at = freshness.judged_at(setting.host.now())
    factor, may_judge = limit_factor(setting.transport), setting.watchfulness.may_judge()
    return lambda step, minutes: judge(step, sight.look(step), at, minutes, factor, may_judge=may_judge)


def sight_of(workspace: Workspace, listed: Mapping[RefName, Oid], held: Iterable[Step] = ()) -> Sight:
    """Return one look at all holders, by these refs; `held`: the steps that may be judged."""
    return workspace.setting.sight(partial(heartbeats, workspace, listed), lambda: held)


def team(
    workspace: Workspace,
    listed: Mapping[RefName, Oid],
    held: Sequence[Step],
    lives: Mapping[str, Liveness],
    claims: Iterable[Mapping[str, Json]],
) -> list[dict[str, Json]]:
    """Return every agent that a heartbeat lists or that holds something, once for each clone, with what it is on.

    One that no heartbeat lists is as what it holds was used last.
    `held`: the steps that have holders, and `lives` how their holders were judged; `claims`: rows of the active ones.
    """
    beating = {(str(row["agent"]), str(row["clone"])): row for row in agents(workspace, listed)}
    rows = {**beating}

    def row_of(holder: dict[str, Json]) -> dict[str, Json]:
        key = (str(holder["agent"]), str(holder["clone"]))
        row = rows.setdefault(key, holder)
        if key not in beating and str(holder["last_seen"] or "") > str(row["last_seen"] or ""):
            row |= {**holder, "worktree": holder["worktree"] or row["worktree"]}
        return row

    for step in held:
        judged, (agent, clone) = lives[step.id], holder_of(step)
        at = time_text(judged.last_seen) if judged.last_seen else None
        holder = _row(agent, clone, step.session_id, judged.life, at, step.worktree)
        _listed(row_of(holder), "on").append(step.id)
    for claim in claims:
        life, seen = claim.get("holder_life") or Life.UNKNOWN, claim.get("holder_seen") or claim["last_activity"]
        holder = _row(str(claim["agent"]), str(claim["clone"]), claim.get("session"), life, seen)
        _listed(row_of(holder), "claims").append(claim["id"])
    return [{**row, "on": row.get("on", []), "claims": row.get("claims", [])} for _, row in sorted(rows.items())]


def agents(workspace: Workspace, listed: Mapping[RefName, Oid]) -> list[dict[str, Json]]:
    """Return every agent that a heartbeat or a session here lists, once for each clone: as what it was seen last."""
    now = workspace.setting.host.now()
    beats = {clone: beat for clone, (_, beat) in heartbeats(workspace, listed).items()}
    own = Heartbeat(clone=workspace.clone_id, beaten_at=now, sessions=workspace.setting.sessions.beats(now))
    beats[workspace.clone_id] = own
    then = freshness.judged_at(now)
    rows = [
        row for clone in sorted(beats) for row in _agents_of(beats[clone], now if clone == workspace.clone_id else then)
    ]
    # The one that ended last comes last but for those that live: the last of a name counts.
    rows.sort(key=lambda row: (row["life"] != ENDED, str(row["last_seen"])))
    return [*{(row["agent"], row["clone"]): row for row in rows}.values()]


def _agents_of(beat: Heartbeat, now: datetime) -> list[dict[str, Json]]:
    silent = now - beat.beaten_at
    life = "live" if silent < LIVE_WITHIN else "quiet" if silent < timedelta(minutes=STALE_MINUTES) else "stale"
    return [
        _row(
            agent,
            beat.clone,
            entry.id,
            life if entry.closed_at is None else ENDED,
            time_text(entry.closed_at or beat.beaten_at),
            entry.worktree,
            entry.called_at,
        )
        for entry in beat.sessions
        for agent in entry.agents
    ]


def _row(
    agent: str,
    clone: str,
    session: Json,
    life: Json,
    last_seen: Json,
    worktree: Json = None,
    called_at: datetime | None = None,
) -> dict[str, Json]:
    facts: dict[str, Json] = {"agent": agent, "clone": clone, "session": session, "life": life}
    facts |= {"last_seen": last_seen, "worktree": worktree}
    return {**facts, "called_at": time_text(called_at)} if called_at else facts


def _listed(row: dict[str, Json], name: str) -> list[Json]:
    value = row.setdefault(name, [])
    return value if isinstance(value, list) else []
