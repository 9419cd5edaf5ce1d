"""Use cases of those who look: steps, what is available, what is stale, metrics, events."""

import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.liveness import Life
from gitcoord.core.documents.names import project_name
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import PathRules
from gitcoord.core.steps.step_views import step_view
from gitcoord.errors import CoordError, InvalidError, NotFoundError
from gitcoord.remote.contract.protocol import Oid, RefName, here
from gitcoord.service.claims import dry_run
from gitcoord.service.claims.event_facts import EventFacts, is_about
from gitcoord.service.claims.requested_items import pattern_of
from gitcoord.service.session import earlier_history, holder_liveness
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import event_rows
from gitcoord.service.steps.event_rows import KnownEvents
from gitcoord.service.steps.projects import PAGE, boards_of, statuses_of, summary
from gitcoord.service.steps.step_ids import other_repo, parse_step_id
from gitcoord.service.team.owner_lookup import path_rules

if TYPE_CHECKING:
    from gitcoord.ledger.transactions.caller import Caller

LIMIT_MAX = 1000
MINUTES_MAX = 60 * 24 * 365


def get_step(workspace: Workspace, *, step_id: str) -> dict[str, Json]:
    """Return a step whole, with where to start from and, if it is held, how alive its holder is."""
    project, num = parse_step_id(workspace, step_id)
    listed = workspace.listed()
    board = workspace.project_state(project, listed).content
    step = board.steps.get(num) if board else None
    if board is None or step is None:
        hint = sentence("See ", Call.of("get_project", name=project), ".")
        raise NotFoundError(f"Project {project!r} has no step {num}.", hint=hint)
    result: dict[str, Json] = {"step": step_view(board, step)}
    waiting = board.unsettled_dependencies(step)
    if waiting:
        result["waiting_on"] = [*waiting[:50]]
    if step.is_held:
        sight = holder_liveness.sight_of(workspace, listed)
        life = holder_liveness.judged(workspace, step, board.project.stale_minutes, sight)
        result["holder"] = {"agent": step.agent_id, "life": life.life, "why": life.why}
    return result


def get_available_steps(
    workspace: Workspace, *, project: str | None = None, scope: str | None = None, limit: int = PAGE
) -> dict[str, Json]:
    """Return what is available, in the order in which it would be given; what would be passed over is marked."""
    _check_limit(limit)
    rows: list[dict[str, Json]] = []
    total = 0
    listed = workspace.listed()
    boards = boards_of(workspace, project, active=True, listed=listed)
    # One look at the claims and the ownership rules for all projects, by the first that has a step with paths.
    look = cache(
        lambda: (
            dry_run.caller_of(workspace, workspace.actor(), listed, is_shown=True),
            path_rules(workspace, listed, workspace.agent),
        )
    )
    for board in boards:
        steps = (board.steps[rank[2]] for rank in board.available)
        chosen = [step for step in steps if scope in (None, step.scope)]
        total += len(chosen)
        shown = chosen[: max(0, limit - len(rows))]
        held = _paths_held(board, shown, look)
        for step, row in zip(shown, _rows(workspace, board, shown), strict=True):
            rows.append({**row, **({"paths_held": held[step.id]} if step.id in held else {})})
    result: dict[str, Json] = {"steps": [*rows], "count": total}
    if total > len(rows):
        result["next_step"] = f"There are {total}; narrow with project or scope."
    elif boards and all("paths_held" in row for row in rows):
        asked = {name: value for name, value in (("project", project), ("scope", scope)) if value is not None}
        result["next_step"] = sentence("Why, and when to ask again: ", Call.of("claim_step", **asked), ".")
    return result


def _paths_held(board: Board, steps: Sequence[Step], look: "Callable[[], tuple[Caller, PathRules]]") -> dict[str, str]:
    """Return by their ids the steps that a claim of this caller would pass over, each with who holds its paths."""
    looked_at = [step for step in steps if step.paths]
    if not looked_at:
        return {}
    from gitcoord.ledger.kinds.step_paths import paths_of
    from gitcoord.ledger.transactions.caller import Beside

    with suppress(CoordError):  # where the claims cannot be read, a call that claims a step says so
        who, rules = look()
        why = paths_of(board, Beside(who, who.basis(who.refs.claims)), rules)
        found = {step.id: why(step) for step in looked_at}
        return {step_id: blocked.message for step_id, blocked in found.items() if blocked is not None}
    return {}


def detect_stale_work(workspace: Workspace, *, timeout_minutes: int = 15) -> dict[str, Json]:
    """List the held steps whose holder was silent for longer, with the evidence."""
    if not 1 <= timeout_minutes <= MINUTES_MAX:
        message = f"timeout_minutes is {timeout_minutes}; it is from 1 to {MINUTES_MAX}, which is a year."
        raise InvalidError(message, hint="15 is the default.")
    listed = workspace.listed()
    sight = holder_liveness.sight_of(workspace, listed)
    rows: list[Json] = []
    for board in boards_of(workspace, None, listed=listed):
        for step in board.held_steps():
            life = holder_liveness.judged(workspace, step, timeout_minutes, sight)
            if life.life is Life.STALE:
                rows.append(
                    {
                        **summary(step),
                        "clone": step.clone,
                        "life": life.life,
                        "why": life.why,
                        "last_seen": time_text(life.last_seen) if life.last_seen else None,
                        "last_commit": life.sighting.branch_tip,
                    }
                )
    result: dict[str, Json] = {"steps": rows, "count": len(rows)}
    if rows:
        recover, claim = Call.of("recover_step", step_id=...), Call.of("claim_step")
        result["next_step"] = sentence(
            recover, " makes one available again; ", claim, " takes them over when nothing else is left."
        )
    return result


def get_metrics(workspace: Workspace, *, project: str | None = None, agent_id: str | None = None) -> dict[str, Json]:
    """Return counts, durations, throughput and who did what."""
    from gitcoord.core.steps.metrics import metrics  # brings `statistics`, which `status` should not wait for

    return metrics(boards_of(workspace, project), agent_id)


def get_agent_events(  # noqa: PLR0913 - what may be asked for, by name
    workspace: Workspace,
    *,
    agent_id: str | None = None,
    project: str | None = None,
    limit: int = 100,
    step_id: str | None = None,
    file: str | None = None,
    since: datetime | None = None,
    listed: Mapping[RefName, Oid] | None = None,
    known: KnownEvents | None = None,
) -> dict[str, Json]:
    """Return what happened, newest first, from the ledgers' commits.

    `step_id`: to that step only. `file`: to claims and requests of what that pattern matches. `since`: not before.
    `listed`: the refs, if they are known. `known`: what was read for the answer before.
    """
    _check_limit(limit)
    wanted = pattern_of(workspace, file) if file is not None else None
    step = None
    if step_id is not None:
        project, num = parse_step_id(workspace, step_id, project_name(project) if project else None)
        step = f"{project}/{num}"
    listed = workspace.listed() if listed is None else listed
    if project is not None:
        workspace.project_state(project_name(project), listed)
        project = project.lower()
    known = known or KnownEvents()
    refs = workspace.setting.refs
    ledgers = {
        ref: tip
        for ref, tip in listed.items()
        if (project is None and ref in (refs.claims, refs.config))
        or (refs.is_steps(ref) and project in {None, ref.rpartition("/")[2]})
    }
    earlier_history.bring(workspace, ledgers.values())
    with workspace.lock:
        known.begin()
        walks = [event_rows.events_of(workspace, ref, tip, known) for ref, tip in ledgers.items()]
        merged = heapq.merge(*walks, key=lambda pair: pair[1].record.now, reverse=True)
        recent = itertools.takewhile(lambda pair: since is None or pair[1].record.now >= since, merged)
        every = (row for name, event in event_rows.once(recent) for row in event_rows.rows_of(name, event))
        facts = EventFacts(here(workspace.setting.transport.objects), event_rows.titles(workspace, listed), known.facts)
        first = time_text(since) if since else ""
        asked = (
            row
            for row in every
            if (agent_id is None or row["agent"] == agent_id or str(row["agent"]).startswith(agent_id + "/"))
            and step in (None, row.get("step"))
            and str(row.get("time")) >= first
        )
        rows = facts.complete(asked)
        events = [*itertools.islice((row for row in rows if wanted is None or is_about(row, wanted)), limit)]
    events.sort(key=lambda row: str(row["time"]), reverse=True)  # a refusal happened before the commit that carries it
    return {"events": [*events], "count": len(events)}


def list_steps(
    workspace: Workspace, *, project: str | None = None, status: str | None = None, limit: int = LIMIT_MAX
) -> dict[str, Json]:
    """List the steps of a project, or of all that are active, in the order of their numbers."""
    _check_limit(limit)
    wanted = statuses_of(status)
    found = [
        row
        for board in boards_of(workspace, project, active=True)
        for row in _rows(workspace, board, (step for _, step in sorted(board.steps.items()) if step.status in wanted))
    ]
    result: dict[str, Json] = {"steps": [*found[:limit]], "count": len(found)}
    if len(found) > limit:
        result["next_step"] = f"There are {len(found)}; narrow with project or status."
    return result


def _rows(workspace: Workspace, board: Board, steps: Iterable[Step]) -> list[dict[str, Json]]:
    """Return steps without the texts that only their workers need, with the repository where that is not this one."""
    repo = other_repo(workspace, board)
    return [{**summary(step), **({"repo": repo} if repo is not None else {})} for step in steps]


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LIMIT_MAX:
        raise InvalidError(f"limit is {limit}; it is from 1 to {LIMIT_MAX}.", hint="100 is a good number.")
