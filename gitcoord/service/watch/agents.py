"""Agents: who is there, what each of them holds, who is gone, and what of theirs may be freed.

    an agent in a clone ──its step is stale, or its claim's holder is gone──> stale
    stale ──release──> steps: recovered, claims: ended as the watch of any clone ends them; else refused, and why

Rules:
  * Each holder is judged as a command would that wanted what it holds (`overview`), by no rule of this file.
  * Nothing is forced: what the rules refuse stays, and is named.
  * A clone is of one repository. Where several share the remote, rows of another one are left out, as far as that is
    known of their clone; all of them are shown where a caller asks for that, each with its repository.

What this file does not know: how a holder is judged, how it is shown.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from gitcoord.core.claims.claim_commands import Tidy
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json, parse_time, time_text
from gitcoord.core.documents.liveness import OVER, Heartbeat, Life, span_text
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.spelling import did_you_mean
from gitcoord.core.documents.texts import only_known
from gitcoord.core.steps.board import holder_of
from gitcoord.core.steps.step import Step
from gitcoord.errors import CoordError, InvalidError, NotFoundError
from gitcoord.service.claims import dry_run, requests
from gitcoord.service.session import freshness, holder_liveness
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import step_work
from gitcoord.service.watch import overview
from gitcoord.service.watch.attention import Row
from gitcoord.service.watch.overview import Seen

GONE = frozenset({OVER, Life.STALE.value})
PATTERNS_SHOWN = 20
DAYS_MAX = 3650


def list_agents(workspace: Workspace, *, all_repos: bool = False) -> dict[str, Json]:
    """List each agent that a heartbeat lists or that holds something, once for each clone, with what it is on."""
    rows = _team(workspace, overview.look(workspace, every_repo=all_repos), all_repos=all_repos)
    return {"agents": [*rows], "count": len(rows)}


def show_agent(workspace: Workspace, *, agent: str, all_repos: bool = False) -> dict[str, Json]:
    """Return all that is known of one agent: by clone its sessions and what it holds, and what it waits for.

    Raises:
        NotFoundError: no agent of that name is there, and none holds or waits for anything.
    """
    seen = overview.look(workspace, every_repo=all_repos)
    team = _team(workspace, seen, all_repos=all_repos)
    waiting: list[Json] = [row for row in seen.line if row["agent"] == agent]
    pending = [request for request in seen.register.requests.values() if request.is_pending]
    pending = [request for request in pending if all_repos or request.call.repo == workspace.repo]
    asked: list[Json] = [requests.view(request) for request in pending if request.holder_agent == agent]
    asks: list[Json] = [requests.view(request) for request in pending if request.agent == agent]
    beats = {clone: beat for clone, (_, beat) in holder_liveness.heartbeats(workspace, seen.listed).items()}
    clones: list[Json] = [_in_clone(workspace, seen, beats, row) for row in team if row["agent"] == agent]
    names = {str(row["agent"]) for row in [*team, *seen.line]}
    sub_agents: list[Json] = [*sorted(name for name in names if name.startswith(f"{agent}/"))]
    if not (clones or waiting or asked or asks or sub_agents):
        more = "" if all_repos or workspace.repo is None else " Those of other repositories: --all-repos."
        hint = f"{did_you_mean(agent, names)}See `gitcoord agents list`.{more}"
        raise NotFoundError(f"No agent {shown(agent)} is there, and none holds or waits for anything.", hint=hint)
    return {
        "agent": agent,
        "clones": clones,
        "waiting": waiting,
        "asked": asked,
        "asks": asks,
        "sub_agents": sub_agents,
    }


def stale_agents(workspace: Workspace, *, days: int | None = None, all_repos: bool = False) -> dict[str, Json]:
    """List the agents that are gone and hold something, each with that, and what frees it.

    `days`: only what is held by one that was not seen for so many days.

    Raises:
        InvalidError: there cannot be so many days.
    """
    if days is not None and not 1 <= days <= DAYS_MAX:
        raise InvalidError(f"days is {days}; it is from 1 to {DAYS_MAX}.", hint="Without it all that are gone count.")
    seen = overview.look(workspace, every_repo=all_repos)
    now = freshness.judged_at(workspace.setting.host.now())
    until = now - timedelta(days=days or 0)
    rows: list[Row] = []
    for row in _team(workspace, seen, all_repos=all_repos):
        holder = (str(row["agent"]), str(row["clone"]))
        over = [step for step in _steps_of(seen, holder) if seen.lives[step.id].is_over]
        steps = [step for step in over if not days or (seen.lives[step.id].last_seen or until) <= until]
        gone = [claim for claim in _claims_of(seen, holder) if claim.get("holder_life") in GONE]
        claims = [claim for claim in gone if not days or parse_time(str(claim["holder_seen"])) <= until]
        if steps or claims:
            held_steps: list[Json] = [
                {**_step(seen, step), "next_step": sentence("Free it: ", Call.of("recover_step", step_id=step.id), ".")}
                for step in steps
            ]
            why = [seen.lives[step.id].why for step in steps] or [_claim_why(claim, now) for claim in claims]
            facts: Row = {"life": Life.STALE.value if steps else claims[0]["holder_life"], "why": why[0]}
            held_claims: list[Json] = [_claim(claim) for claim in claims]
            beat = workspace.setting.sessions.known(str(row["session"])) if row["session"] else None
            place = row["worktree"] or (beat.worktree if beat else None)
            rows.append({**row, **facts, "worktree": place, "steps": held_steps, "held": held_claims})
    result: dict[str, Json] = {"agents": [*rows], "count": len(rows)}
    if any(_is_free(row, now) for row in rows):
        only = f" --days {days}" if days else ""
        result["next_step"] = f"Free what the rules let go of: `gitcoord agents stale{only} --release`."
    return result


def _is_free(row: Row, now: datetime) -> bool:
    """Whether the rules let go of anything that an agent which is gone holds."""
    times = [claim["free_at"] for claim in _rows(row["held"])]
    return bool(row["steps"]) or any(time is None or parse_time(str(time)) <= now for time in times)


def release_stale(workspace: Workspace, found: Mapping[str, Json]) -> dict[str, Json]:
    """Recover the steps and end the claims that were found to be of agents that are gone, by the rules, never by force.

    What cannot be freed, since the rules or the remote refuse it, is named in `kept`; the others are freed.
    """
    agents = _rows(found["agents"])
    recovered, refused = list[Json](), list[Json]()
    for step in [step for agent in agents for step in _rows(agent["steps"])]:
        step_id = str(step["step_id"])
        try:
            result = step_work.recover_step(workspace, step_id=step_id)
        except CoordError as error:  # the others are freed, and the report says which were
            refused.append({"step_id": step_id, "why": str(error), "next_step": error.hint})
            continue
        if result.get("refused"):
            refused.append({"step_id": step_id, "why": result["why"], "next_step": result.get("next_step")})
        else:
            recovered.append(step_id)
    wanted = [str(claim["claim_id"]) for agent in agents for claim in _rows(agent["held"])]
    try:
        left = _ended(workspace, wanted) if wanted else {}
    except CoordError as error:
        left = dict.fromkeys(wanted, str(error))
    for claim_id, why in left.items():
        refused.append({"claim_id": claim_id, "why": why})
    released: list[Json] = [claim_id for claim_id in wanted if claim_id not in left]
    result: dict[str, Json] = {**found, "recovered": recovered, "released": released, "kept": refused}
    result.pop("next_step", None)
    return result


def _ended(workspace: Workspace, wanted: Iterable[str]) -> dict[str, str]:
    """Have what is over end, as any clone's watch does; return which of the wanted claims have not ended, and why."""
    workspace.submit(Tidy(), workspace.actor(), None)
    listed = workspace.listed()
    register, now = workspace.register(listed), workspace.setting.host.now()
    left = [register.claims[claim_id] for claim_id in wanted if claim_id in register.claims]
    known = dry_run.lives(workspace, left, listed)
    said = {claim.id: known[claim.id].sentence(now, claim.expires_at) for claim in left if claim.id in known}
    return {claim.id: said.get(claim.id) or "Its holder is not gone any more." for claim in left}


def _team(workspace: Workspace, seen: Seen, *, all_repos: bool) -> list[Row]:
    """Return the rows of the team that are of this repository, or of all, each with its own."""
    if all_repos:
        return overview.with_repos(workspace, seen)
    repos = overview.repos_of(workspace, seen)
    return [row for row in seen.team if workspace.repo in (None, repos.get(row["clone"], workspace.repo))]


def _in_clone(workspace: Workspace, seen: Seen, beats: Mapping[str, Heartbeat], row: Row) -> Row:
    """Return what an agent is and holds in one clone, with why it counts as alive or gone."""
    agent, clone = str(row["agent"]), str(row["clone"])
    beat, is_here = beats.get(clone), clone in workspace.setting.clone.ids
    now = freshness.judged_at(workspace.setting.host.now())
    over = {session.id: session for _, session in workspace.setting.sessions.over(now)} if is_here else {}
    listed = workspace.setting.sessions.beats(now) if is_here else beat.sessions if beat else ()
    known = {**over, **{session.id: session for session in listed}}
    sessions = [session for session in known.values() if agent in session.agents]
    is_listed = any(session.closed_at is None for session in listed if agent in session.agents)
    steps, claims = _steps_of(seen, (agent, clone)), _claims_of(seen, (agent, clone))
    worktrees = [session.worktree for session in sessions] + [step.worktree for step in steps]
    why = [
        *(f"{step.id}: {seen.lives[step.id].why}" for step in steps),
        *_beat_why(beat, now, is_here=is_here, is_listed=is_listed),
        *dict.fromkeys(_claim_why(claim, now) for claim in claims if claim.get("holder_life")),
    ]
    return {
        **{name: value for name, value in row.items() if name not in ("on", "claims", "agent", "worktree")},
        "is_here": is_here,
        "beaten_at": time_text(beat.beaten_at) if beat else None,
        "sessions": [
            {
                **{
                    name: value
                    for name, value in only_known(session).dump().items()
                    if name not in ("agents", "writer")
                },
                **({"is_over": True} if session.id in over else {}),
            }
            for session in sessions
        ],
        "worktrees": [*dict.fromkeys(name for name in worktrees if name)],
        "steps": [_step(seen, step) for step in steps],
        "claims": [_claim(claim) for claim in claims],
        "why": [*why],
    }


def _beat_why(beat: Heartbeat | None, now: datetime, *, is_here: bool, is_listed: bool) -> Iterator[str]:
    """Yield what is known of an agent's session beside what it holds."""
    if is_here:
        yield "a session of it lives in this clone" if is_listed else "no session of it lives in this clone"
    elif beat is None:
        yield "its clone never sent a heartbeat"
    else:
        listed = "lists it" if is_listed else "lists no session of it"
        yield f"the heartbeat of its clone, {span_text((now - beat.beaten_at).total_seconds())} ago, {listed}"


def _steps_of(seen: Seen, holder: tuple[str, str]) -> list[Step]:
    return [step for step in seen.steps if holder_of(step) == holder]


def _claims_of(seen: Seen, holder: tuple[str, str]) -> list[Row]:
    return [claim for claim in seen.claims if (claim["agent"], claim["clone"]) == holder]


def _step(seen: Seen, step: Step) -> Row:
    life = seen.lives[step.id]
    return {
        "step_id": step.id,
        "title": step.title,
        "status": step.status,
        "fence": step.fence,
        "session": step.session_id,
        "branch": step.branch,
        "worktree": step.worktree,
        "claimed_at": time_text(step.claimed_at) if step.claimed_at else None,
        "last_seen": time_text(life.last_seen) if life.last_seen else None,
        "life": life.life,
        "why": life.why,
    }


def _claim(claim: Row) -> Row:
    names = ("session", "branch", "step", "description", "expires_at", "holder_life", "free_at")
    items = _rows(claim["items"])[:PATTERNS_SHOWN]
    patterns: list[Json] = [item["pattern"] for item in items]
    symbols: Row = {str(item["pattern"]): item["symbols"] for item in items if item["symbols"]}
    parts: Row = {"symbols": symbols} if symbols else {}
    return {"claim_id": claim["id"], "patterns": patterns, **parts, **{name: claim.get(name) for name in names}}


def _claim_why(claim: Row, now: datetime) -> str:
    """Say how the holder of a claim was judged."""
    life = claim.get("holder_life")
    if life == Life.UNKNOWN:
        return "of the holder of a claim only its commands are known"
    if life not in GONE:
        return f"as the holder of a claim it is {life}"
    span = span_text((now - parse_time(str(claim.get("holder_seen")))).total_seconds())
    return f"its {'session is over' if life == OVER else 'clone is silent'}, last seen {span} ago"


def _rows(value: Json) -> list[Row]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, Iterable) else []
