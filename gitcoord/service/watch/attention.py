"""Attention: what needs action, what blocks most first.

    step_failed       a step of an active project failed            {step_id, agent, clone, reason, at, blocks}
    step_stale        its holder was not seen for too long          {step_id, agent, clone, last_seen, why}
    holder_gone       claims whose holder is gone                   {agent, clone, life, last_seen, free_at, claims}
    release_asked     an agent waits for an answer                  {request_id, claim, agent, holder, requested, …}
    no_call           it holds something and lives, but its agent   {agent, clone, called_at, on, claims}
                      has called no tool for long
    call_waiting      a call stands in the line                     {queue_id, agent, patterns, created_at}
    heartbeat_late    the remote takes no heartbeat of this clone   {last_seen}

What this file does not know: how it is shown; what is damaged, which every result names (`problems`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from gitcoord.core.claims.holder_silence import OVER
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.documents.doc import Json, parse_time, time_text
from gitcoord.core.documents.liveness import BEATS_MIN, Heartbeat, Life, Liveness, without_call
from gitcoord.core.steps import graph
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.step import Step, StepStatus

PATTERNS_SHOWN = 20
Row = dict[str, Json]


def failed_steps(boards: Iterable[Board]) -> list[Row]:
    """Return the failed steps of active projects, the one that most wait for first."""
    failed = [
        (len(graph.open_behind(board.steps, board.graph, step.step_num)), step)
        for board in boards
        if board.project.status is ProjectStatus.ACTIVE and board.counts.get(StepStatus.FAILED)
        for step in board.steps.values()
        if step.status is StepStatus.FAILED
    ]
    return [
        {
            "kind": "step_failed",
            "step_id": step.id,
            "title": step.title,
            "agent": step.agent_id,
            "clone": step.clone,
            "reason": step.reason,
            "at": time_text(step.failed_at) if step.failed_at else None,
            "blocks": blocks,
        }
        for blocks, step in sorted(failed, key=lambda pair: (-pair[0], pair[1].id))
    ]


def stale_steps(held: Iterable[Step], lives: Mapping[str, Liveness]) -> list[Row]:
    """Return the steps that others may take over."""
    return [
        {
            "kind": "step_stale",
            "step_id": step.id,
            "title": step.title,
            "agent": step.agent_id,
            "clone": step.clone,
            "last_seen": time_text(life.last_seen) if life.last_seen else None,
            "why": life.why,
        }
        for step, life in ((step, lives[step.id]) for step in held)
        if life.life is Life.STALE
    ]


def holders_gone(claims: Iterable[Row], stale: Iterable[Row]) -> list[Row]:
    """Return the holders of claims who are gone, by rows of claims; a holder of a stale step is shown by that."""
    reported = {(row["agent"], row["clone"]) for row in stale}
    gone: dict[tuple[Json, Json], Row] = {}
    for claim in claims:
        holder = (claim["agent"], claim["clone"])
        if claim.get("holder_life") not in {OVER, Life.STALE} or holder in reported:
            continue
        facts: Row = {"kind": "holder_gone", "agent": claim["agent"], "clone": claim["clone"]}
        facts |= {"life": claim.get("holder_life"), "last_seen": claim.get("holder_seen")}
        row = gone.setdefault(holder, {**facts, "free_at": claim.get("free_at"), "claims": []})
        value = row["claims"]
        row["claims"] = [*(value if isinstance(value, list) else []), claim["id"]]
        row["free_at"] = max(str(row["free_at"]), str(claim.get("free_at")))
    return list(gone.values())


def without_calls(team: Iterable[Row], now: datetime) -> list[Row]:
    """Return the agents that live, hold something and have called nothing for long, by the rows of the team."""
    held = [row for row in team if row.get("called_at") and (row.get("on") or row.get("claims"))]
    names = ("agent", "clone", "called_at", "on", "claims")
    return [
        {"kind": "no_call", **{name: row[name] for name in names}}
        for row in held
        if row["life"] in {Life.LIVE, Life.QUIET} and without_call(parse_time(str(row["called_at"])), now)
    ]


def requests_open(requests: Iterable[ReleaseRequest], register: Register) -> list[Row]:
    """Return the requests without an answer, the one whose claim ends first first."""
    rows: list[Row] = [
        {
            "kind": "release_asked",
            "request_id": request.id,
            "claim": request.claim,
            "agent": request.agent,
            "holder": request.holder_agent,
            "requested": [wish.pattern for wish in request.call.wishes[:PATTERNS_SHOWN]],
            "urgency": request.call.urgency,
            "reason": request.call.reason,
            "created_at": time_text(request.created_at),
            "expires_at": time_text(register.claims[request.claim].expires_at),
        }
        for request in requests
    ]
    return sorted(rows, key=lambda row: (str(row["expires_at"]), str(row["request_id"])))


def calls_waiting(queued: Iterable[Row]) -> list[Row]:
    """Return the calls that stand in the line, by its rows."""
    return [{"kind": "call_waiting", **row} for row in queued]


def heartbeat_late(beat: Heartbeat | None, since: datetime | None, interval_s: int, now: datetime) -> list[Row]:
    """Return that the remote has no recent heartbeat of this clone, in which a session is alive since then."""
    if since is None:
        return []
    last = max(since, beat.beaten_at) if beat else since
    if (now - last).total_seconds() <= BEATS_MIN * interval_s:
        return []
    return [{"kind": "heartbeat_late", "last_seen": time_text(beat.beaten_at) if beat else None}]
