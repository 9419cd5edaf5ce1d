"""The overview: what needs attention, who is there, on what, what is available and what is claimed, at one moment.

Rules:
  * A damaged ledger hides no other: it is named by `oddities`.
  * Each holder is judged exactly as a command would that wanted to take over what it holds.

What this file does not know: how it is shown, and how much of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from gitcoord.core.checks.attention import YOU, Attention, highest, in_order
from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.liveness import UNKNOWN_FACTOR, Liveness
from gitcoord.core.documents.names import amount
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.project import STALE_MINUTES
from gitcoord.core.steps.step import Step
from gitcoord.errors import CoordError
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.snapshot_files import EDITS
from gitcoord.ledger.leader import lost_swaps
from gitcoord.ledger.liveness.clock_offset import said
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.checks import last_prediction
from gitcoord.service.claims.dry_run import rows_of
from gitcoord.service.claims.queue_rows import queue_rows
from gitcoord.service.session import freshness, holder_liveness
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import boards_of, progress
from gitcoord.service.steps.step_ids import other_repo
from gitcoord.service.watch import attention
from gitcoord.service.watch.attention import Row, Viewer

HELD_SHOWN = 50  # running steps of one project that its row names
Whose = Callable[[str, str], bool]
"""Whether an agent of a clone is meant."""


def anyone(_agent: str, _clone: str) -> bool:
    """Mean every agent."""
    return True


class Seen(NamedTuple):
    """What a look showed: steps, and how their holders were judged; claims, the line and the team, as rows."""

    listed: Mapping[RefName, Oid]
    boards: Sequence[Board]
    register: Register
    steps: Sequence[Step]
    lives: Mapping[str, Liveness]
    claims: Sequence[Row]
    line: Sequence[Row]
    team: Sequence[Row]
    clock_off: timedelta | None
    every_repo: bool


def status(workspace: Workspace, *, mine: bool = False, all_repos: bool = False) -> dict[str, Json]:
    """Return one screen: what needs attention, who is there, on what, what is available.

    `mine`: of this party only; `all_repos`: of every repository that shares the remote, each row with its `repo`.
    """
    whose: Whose = workspace.actor().leads if mine else anyone
    return status_of(workspace, look(workspace, whose, every_repo=all_repos), whose)


def status_of(workspace: Workspace, seen: Seen, whose: Whose = anyone) -> dict[str, Json]:
    """Return what a look showed as one screen."""
    all_repos = seen.every_repo
    rows = attention_of(workspace, seen, whose)
    off = seen.clock_off
    clock = {} if off is None else {"clock": f"{said(off)}.", "clock_off_s": round(off.total_seconds())}
    return {
        "agent": workspace.agent,
        "session": workspace.session_id,
        "clone": workspace.clone_id,
        "remote": workspace.remote_name,
        "sharing": _sharing(workspace, seen),
        **clock,
        "attention": [row.as_json() for row in rows],
        "needed": highest(rows),
        "projects": [_project(workspace, board, seen.lives, all_repos=all_repos) for board in seen.boards],
        "agents": [*(with_repos(workspace, seen) if all_repos else seen.team)],
        "claims": [*seen.claims],
        "queued": [row for row in seen.line if whose(str(row["agent"]), str(row["clone"]))],
        "lost_swaps": lost_swaps.counted(workspace.setting.clone.folder),
        "oddities": workspace.oddities(),
        **({"next_step": workspace.warning} if workspace.warning else {}),
    }


def needs_attention(workspace: Workspace) -> list[Attention]:
    """Return what needs a person or an agent now, the most important first; see `core/checks/attention`."""
    return attention_of(workspace, look(workspace))


def with_repos(workspace: Workspace, seen: Seen) -> list[Row]:
    """Return the rows of the team, each with the repository of its clone, as far as what that holds says so."""
    repos = repos_of(workspace, seen)
    return [{**row, "repo": repos.get(row["clone"])} for row in seen.team]


def repos_of(workspace: Workspace, seen: Seen) -> dict[Json, str | None]:
    """Return of which repository each clone is, of those of which that is known."""
    projects = {board.project.name: board.project.repo for board in seen.boards}
    of_steps = {step.clone: projects.get(step.id.rpartition("/")[0]) for step in seen.steps}
    repos: dict[Json, str | None] = {clone: repo for clone, repo in of_steps.items() if repo is not None}
    repos |= {claim.clone: claim.repo for claim in seen.register.claims.values()}
    return repos | dict.fromkeys(workspace.setting.clone.ids, workspace.repo)


def look(workspace: Workspace, whose: Whose = anyone, *, every_repo: bool = False) -> Seen:
    """Look at what these agents hold. `every_repo`: claims and calls of all repositories, not of this one alone."""
    listed = workspace.listed()
    boards = boards_of(workspace, None, listed=listed)
    try:
        register = workspace.register(listed)
    except CoordError as error:  # a damaged ledger has no claims here, and `oddities` names it
        workspace.reader.problems[workspace.setting.refs.claims] = error
        register = Register()
    sight = holder_liveness.sight_of(workspace, listed, [step for board in boards for step in board.held_steps()])
    steps, lives, judged = list[Step](), dict[str, Liveness](), holder_liveness.judge_of(workspace, sight)
    for board in boards:
        for step in board.held_steps():
            if whose(step.agent_id or "", step.clone or ""):
                steps.append(step)
                lives[step.id] = judged(step, board.project.stale_minutes)
    claims = sorted(
        (claim for claim in _active(workspace, register, every_repo=every_repo) if whose(*claim.holder)),
        key=lambda claim: (claim.agent, claim.expires_at, claim.id),
    )
    held = rows_of(workspace, claims, listed, sight)
    everybody = holder_liveness.team(workspace, listed, steps, lives, held)
    team = [row for row in everybody if whose(str(row["agent"]), str(row["clone"]))]
    line = queue_rows(workspace, register, listed, every_repo=every_repo, sight=sight)
    off = workspace.setting.clock_offset.off_by(sight.others())
    return Seen(listed, boards, register, steps, lives, held, line, team, off, every_repo)


def _active(workspace: Workspace, register: Register, *, every_repo: bool = False) -> Iterator[Claim]:
    now = workspace.setting.host.now()
    active = (claim for claim in register.claims.values() if claim.expires_at > now)
    return (claim for claim in active if every_repo or claim.repo == workspace.repo)


def attention_of(workspace: Workspace, seen: Seen, whose: Whose = anyone) -> list[Attention]:
    """Return what a look showed to need a person or an agent now, the most important first."""
    return in_order(_unordered(workspace, seen, whose))


def _unordered(workspace: Workspace, seen: Seen, whose: Whose) -> Iterator[Attention]:
    register, is_own = seen.register, workspace.actor().leads
    viewer = Viewer(workspace.setting.host.now(), is_own)
    yield from (attention.odd(oddity) for oddity in workspace.oddities() if isinstance(oddity, dict))
    if seen.clock_off is not None:
        yield attention.clock_off(said(seen.clock_off))
    yield from _refused(workspace, seen.listed, viewer)
    for failed in attention.failed_steps(seen.boards, viewer):
        if whose(str(failed.facts["agent"]), str(failed.facts["clone"])):
            yield failed
    stale = attention.stale_steps(seen.steps, seen.lives, viewer)
    yield from stale
    yield from attention.holders_gone(seen.claims, stale, viewer)
    yield from attention.without_calls(seen.team, freshness.judged_at(viewer.now))
    pending = (request for claim in register.asked for request in register.pending_for(claim))
    here = (request for request in pending if seen.every_repo or request.call.repo == workspace.repo)
    asked = [request for request in here if request.claim in register.claims]
    shown = [
        request
        for request in asked
        if whose(request.holder_agent, request.holder_clone) or whose(request.agent, request.clone)
    ]
    yield from attention.requests_open(shown, register, viewer)
    own = [claim for claim in _active(workspace, register) if is_own(*claim.holder)]
    yield from attention.claims_ending(own, {request.claim for request in asked}, viewer)
    yield from attention.edits_refused(_refused_edits(workspace, viewer))
    yield from _predicted(workspace, seen, own, viewer)
    for waiting in attention.calls_waiting(seen.line, {claim.id for claim in own}, viewer):
        if waiting.who == YOU or whose(str(waiting.facts["agent"]), str(waiting.facts["clone"])):
            yield waiting


def _refused_edits(workspace: Workspace, viewer: Viewer) -> list[str]:
    """Return the edited paths that were refused to sessions of this party, until the next hook of each has shown it."""
    entries, folder = workspace.setting.sessions.beats(viewer.now), workspace.setting.clone.folder / EDITS
    own = [entry.id for entry in entries if any(viewer.is_own(agent, workspace.clone_id) for agent in entry.agents)]
    said = [
        files.read_json(folder / f"refused-{session}.json").get("paths") for session in (workspace.session_id, *own)
    ]
    return [*dict.fromkeys(str(path) for paths in said if isinstance(paths, list) for path in paths)]


def _predicted(workspace: Workspace, seen: Seen, own: Sequence[Claim], viewer: Viewer) -> Iterable[Attention]:
    """Say what the last prediction said of the branches of this party; git is asked only where that is something."""
    pairs = last_prediction.noted(workspace.setting.clone.folder)
    if not pairs:
        return
    held = (*own, *(step for step in seen.steps if viewer.is_own(step.agent_id or "", step.clone or "")))
    branches = {doc.branch for doc in held if doc.branch} | {workspace.checkout.branch() or ""}
    concerned = [pair for pair in pairs if not branches.isdisjoint(pair.branches)]
    yield from attention.conflicts_predicted(last_prediction.current(workspace.repository, concerned), branches, viewer)


def _refused(workspace: Workspace, listed: Mapping[RefName, Oid], viewer: Viewer) -> Iterable[Attention]:
    """Say that the remote declines, or takes no heartbeat of this clone, which others would take for gone."""
    from gitcoord.ledger.leader import declined

    if workspace.remote_url is None:
        return
    yield from attention.remote_declines(declined.noted(workspace.setting.place_folder), viewer)
    beats = workspace.setting.sessions.beats(viewer.now)
    begun = [entry.since for entry in beats if entry.since and entry.closed_at is None]
    _, beat = holder_liveness.heartbeats(workspace, listed).get(workspace.clone_id, (None, None))
    yield from attention.heartbeat_late(beat, min(begun, default=None), workspace.setting.beats.interval_s, viewer)


def _sharing(workspace: Workspace, seen: Seen) -> str:
    """Say how many are at work: they had a session recently, or hold a step, or a claim with a session.

    A clone in which only the command line is used has no heartbeat: what it holds is all that is seen of it, and one
    that holds nothing is not seen. How many share the remote, git does not say.
    """
    if workspace.remote_url is None:
        return "only this clone"
    holding = {claim.clone for claim in _active(workspace, seen.register) if claim.session}
    holding |= {step.clone for board in seen.boards for step in board.held_steps() if step.clone}
    others = {*holder_liveness.other_clones(workspace, seen.listed, STALE_MINUTES * UNKNOWN_FACTOR), *holding}
    count = len(others.difference(workspace.setting.clone.ids))
    return f"shared with {amount(count, 'other clone')} at work"


def _project(workspace: Workspace, board: Board, lives: Mapping[str, Liveness], *, all_repos: bool) -> dict[str, Json]:
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
        **({"repo": board.project.repo} if all_repos or other_repo(workspace, board) else {}),
        "status": board.project.status,
        "counts": {status.value: count for status, count in sorted(board.counts.items()) if count},
        "steps": len(board.steps),
        "progress": progress(board),
        "available": len(board.available),
        "held": held,
    }
