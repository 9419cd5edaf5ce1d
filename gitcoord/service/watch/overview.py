"""The overview: what needs attention, who is there, on what, what is available and what is claimed, at one moment.

Rules:
  * A damaged ledger hides no other: it is named by `oddities`.
  * Each holder is judged exactly as a command would that wanted to take over what it holds.

What this file does not know: how it is shown, and how much of it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from gitcoord.core.claims.register import Register
from gitcoord.core.documents.doc import Json, time_text
from gitcoord.core.documents.liveness import UNKNOWN_FACTOR, Liveness
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.project import STALE_MINUTES
from gitcoord.core.steps.step import Step
from gitcoord.errors import CoordError
from gitcoord.ledger.leader import lost_swaps
from gitcoord.ledger.liveness.clock_offset import said
from gitcoord.ledger.liveness.holder_view import Sight
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.claims.dry_run import rows_of
from gitcoord.service.claims.queue_rows import queue_rows
from gitcoord.service.session import freshness, holder_liveness
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import boards_of, progress
from gitcoord.service.watch import attention
from gitcoord.service.watch.attention import Row

HELD_SHOWN = 50  # running steps of one project that its row names
Whose = Callable[[str, str], bool]
"""Whether an agent of a clone is meant."""


class _Held(NamedTuple):
    """What is held at that moment: steps, and how their holders were judged; claims and the line, as rows."""

    steps: Sequence[Step]
    lives: Mapping[str, Liveness]
    claims: Sequence[Row]
    queued: Sequence[Row]


def status(workspace: Workspace, *, mine: bool = False) -> dict[str, Json]:
    """Return one screen: what needs attention, who is there, on what, what is available. `mine`: of this party only."""
    listed = workspace.listed()
    boards = boards_of(workspace, None, listed=listed)
    whose: Whose = workspace.actor().leads if mine else lambda _agent, _clone: True
    try:
        register = workspace.register(listed)
    except CoordError as error:  # a damaged ledger has no claims here, and `oddities` names it
        workspace.reader.problems[workspace.setting.refs.claims] = error
        register = Register()
    sight = holder_liveness.sight_of(workspace, listed, [step for board in boards for step in board.held_steps()])
    held = _held(workspace, listed, boards, register, sight, whose)
    everybody = holder_liveness.team(workspace, listed, held.steps, held.lives, held.claims)
    team = [row for row in everybody if whose(str(row["agent"]), str(row["clone"]))]
    off = workspace.setting.clock_offset.off_by(sight.others())
    clock = {} if off is None else {"clock": f"{said(off)}.", "clock_off_s": round(off.total_seconds())}
    return {
        "agent": workspace.agent,
        "session": workspace.session_id,
        "clone": workspace.clone_id,
        "remote": workspace.remote_name,
        "sharing": _sharing(workspace, listed, register),
        **clock,
        "attention": [*_attention(workspace, listed, boards, register, held, team, whose)],
        "projects": [_project(board, held.lives) for board in boards],
        "agents": [*team],
        "claims": [*held.claims],
        "queued": [*held.queued],
        "lost_swaps": lost_swaps.counted(workspace.setting.clone.folder),
        "oddities": workspace.oddities(),
        **({"next_step": workspace.warning} if workspace.warning else {}),
    }


def list_agents(workspace: Workspace) -> dict[str, Json]:
    """List each agent that a heartbeat lists or that holds something, once for each clone, with what it is on."""
    rows = status(workspace)["agents"]
    return {"agents": rows, "count": len(rows) if isinstance(rows, list) else 0}


def _held(
    workspace: Workspace,
    listed: Mapping[RefName, Oid],
    boards: Sequence[Board],
    register: Register,
    sight: Sight,
    whose: Whose,
) -> _Held:
    now, steps, lives = workspace.setting.host.now(), list[Step](), dict[str, Liveness]()
    for board in boards:
        for step in board.held_steps():
            if whose(step.agent_id or "", step.clone or ""):
                steps.append(step)
                lives[step.id] = holder_liveness.judged(workspace, step, board.project.stale_minutes, sight)
    active = (claim for claim in register.claims.values() if claim.expires_at > now and claim.repo == workspace.repo)
    claims = sorted(
        (claim for claim in active if whose(*claim.holder)), key=lambda claim: (claim.agent, claim.expires_at, claim.id)
    )
    queued = [row for row in queue_rows(workspace, register, listed) if whose(str(row["agent"]), str(row["clone"]))]
    return _Held(steps, lives, rows_of(workspace, claims, listed), queued)


def _attention(
    workspace: Workspace,
    listed: Mapping[RefName, Oid],
    boards: Sequence[Board],
    register: Register,
    held: _Held,
    team: Iterable[Row],
    whose: Whose,
) -> Iterable[Row]:
    yield from _late(workspace, listed)
    for failed in attention.failed_steps(boards):
        if whose(str(failed["agent"]), str(failed["clone"])):
            yield failed
    stale = attention.stale_steps(held.steps, held.lives)
    yield from stale
    yield from attention.holders_gone(held.claims, stale)
    yield from attention.without_calls(team, freshness.judged_at(workspace.setting.host.now()))
    pending = (request for claim in register.asked for request in register.pending_for(claim))
    here = [request for request in pending if request.call.repo == workspace.repo and request.claim in register.claims]
    yield from attention.requests_open(
        [
            request
            for request in here
            if whose(request.holder_agent, request.holder_clone) or whose(request.agent, request.clone)
        ],
        register,
    )
    yield from attention.calls_waiting(held.queued)


def _late(workspace: Workspace, listed: Mapping[RefName, Oid]) -> list[Row]:
    """Say that the remote takes no heartbeat of this clone, which others would take for gone."""
    if workspace.remote_url is None:
        return []
    now = workspace.setting.host.now()
    begun = [entry.since for entry in workspace.setting.sessions.beats(now) if entry.since and entry.closed_at is None]
    _, beat = holder_liveness.heartbeats(workspace, listed).get(workspace.clone_id, (None, None))
    return attention.heartbeat_late(beat, min(begun, default=None), workspace.setting.beats.interval_s, now)


def _sharing(workspace: Workspace, listed: Mapping[RefName, Oid], register: Register) -> str:
    """Say with how many: clones that had a session recently, and those that hold a claim with one."""
    if workspace.remote_url is None:
        return "only this clone"
    now = workspace.setting.host.now()
    active = (claim for claim in register.claims.values() if claim.expires_at > now and claim.repo == workspace.repo)
    holding = {claim.clone for claim in active if claim.session}
    others = {*holder_liveness.other_clones(workspace, listed, STALE_MINUTES * UNKNOWN_FACTOR), *holding}
    count = len(others.difference(workspace.setting.clone.ids))
    return f"shared with {count} other clone{'s' * (count != 1)}"


def _project(board: Board, lives: Mapping[str, Liveness]) -> dict[str, Json]:
    judged = [(step, lives[step.id]) for step in board.held_steps() if step.id in lives]
    held: list[Json] = [
        {
            "step_id": step.id,
            "title": step.title,
            "agent": step.agent_id,
            "clone": step.clone,
            "life": life.life,
            "since": time_text(step.claimed_at) if step.claimed_at else None,
        }
        for step, life in judged[:HELD_SHOWN]
    ]
    return {
        "name": board.project.name,
        "status": board.project.status,
        "counts": {status.value: count for status, count in sorted(board.counts.items()) if count},
        "steps": len(board.steps),
        "progress": progress(board),
        "available": len(board.available),
        "held": held,
    }
