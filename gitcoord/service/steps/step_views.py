"""Use cases of those who look: steps, what is available, what is stale, metrics, events."""

import contextlib
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.doc import Json, time_text
from gitcoord.core.documents.liveness import Life
from gitcoord.core.documents.names import project_name, split_step_id
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step_views import step_view
from gitcoord.errors import CoordError, DocumentError, InvalidError, MissingObjectError, NotFoundError
from gitcoord.ledger.archive import history
from gitcoord.ledger.archive.history import Event
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.claims.event_facts import EventFacts, is_about
from gitcoord.service.claims.requested_items import pattern_of
from gitcoord.service.session import holder_liveness
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import PAGE, boards_of, statuses_of, summary
from gitcoord.service.steps.step_ids import parse_step_id

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
    """Return what can be claimed now, in the order in which it would be given."""
    _check_limit(limit)
    rows: list[Json] = []
    total = 0
    for board in boards_of(workspace, project, active=True):
        steps = (board.steps[rank[2]] for rank in board.available)
        chosen = [step for step in steps if scope in (None, step.scope)]
        total += len(chosen)
        rows += [summary(step) for step in chosen[: max(0, limit - len(rows))]]
    result: dict[str, Json] = {"steps": rows, "count": total}
    if total > len(rows):
        result["next_step"] = f"{total - len(rows)} more; narrow with project or scope."
    return result


def detect_stale_work(workspace: Workspace, *, timeout_minutes: int = 15) -> dict[str, Json]:
    """List the held steps whose holder was silent for longer, with the evidence."""
    if not 1 <= timeout_minutes <= MINUTES_MAX:
        raise InvalidError(f"timeout_minutes is {timeout_minutes}; it is at least 1.", hint="15 is the default.")
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
    from gitcoord.core.steps.metrics import metrics  # noqa: PLC0415 - brings `statistics`, which `status` should not wait for

    return metrics(boards_of(workspace, project), agent_id)


def get_agent_events(
    workspace: Workspace,
    *,
    agent_id: str | None = None,
    project: str | None = None,
    limit: int = 100,
    step_id: str | None = None,
    file: str | None = None,
    since: datetime | None = None,
) -> dict[str, Json]:
    """Return what happened, newest first, from the ledgers' commits.

    `step_id`: to that step only. `file`: to claims and requests of what that pattern matches. `since`: not before.
    """
    _check_limit(limit)
    wanted = pattern_of(workspace, file) if file is not None else None
    step = None
    if step_id is not None:
        project, num = parse_step_id(workspace, step_id)
        step = f"{project}/{num}"
    listed = workspace.listed()
    if project is not None:
        workspace.project_state(project_name(project), listed)
        project = project.lower()
    with workspace.lock:
        walks = [
            _events(workspace, ref, tip)
            for ref, tip in listed.items()
            if (project is None and ref in (workspace.setting.refs.claims, workspace.setting.refs.config))
            or (workspace.setting.refs.is_steps(ref) and project in {None, ref.rpartition("/")[2]})
        ]
        merged = heapq.merge(*walks, key=lambda pair: pair[1].record.now, reverse=True)
        recent = itertools.takewhile(lambda pair: since is None or pair[1].record.now >= since, merged)
        every = (row for name, event in _once(recent) for row in _rows(name, event))
        facts = EventFacts(workspace.setting.transport.objects, _titles(workspace, listed))
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


def _titles(workspace: Workspace, listed: Mapping[RefName, Oid]) -> Callable[[str], str]:
    """Return what finds the title of a step; "" for one of a project that is gone or cannot be read."""

    def title_of(step_id: str) -> str:
        with contextlib.suppress(CoordError):
            project, num = split_step_id(step_id)
            ref = workspace.setting.refs.steps(project)
            board = workspace.reader.project(ref, listed.get(ref)).content
            step = board.steps.get(num) if board else None
            return step.title if step else ""
        return ""

    return title_of


def _once(events: Iterable[tuple[str, Event]]) -> Iterator[tuple[str, Event]]:
    """Leave out refusals that were carried before: an answer was lost, and they were sent again."""
    seen: set[Json] = set()
    for name, event in events:
        uid = event.record.line.get("uid") if _is_refusal(event) else None
        if isinstance(uid, str):
            if uid in seen:
                continue
            seen.add(uid)
        yield name, event


def _is_refusal(event: Event) -> bool:
    return "do" in event.record.line and "event" in event.record.line


def list_steps(
    workspace: Workspace, *, project: str | None = None, status: str | None = None, limit: int = LIMIT_MAX
) -> dict[str, Json]:
    """List the steps of a project, or of all that are active, in the order of their numbers."""
    _check_limit(limit)
    wanted = statuses_of(status)
    found = [
        summary(step)
        for board in boards_of(workspace, project, active=True)
        for _, step in sorted(board.steps.items())
        if step.status in wanted
    ]
    result: dict[str, Json] = {"steps": [*found[:limit]], "count": len(found)}
    if len(found) > limit:
        result["next_step"] = f"{len(found) - limit} more; narrow with project or status."
    return result


def _events(workspace: Workspace, ref: RefName, tip: Oid) -> Iterator[tuple[str, Event]]:
    """Walk one ledger; what is damaged ends its own walk alone, and is named where projects are listed."""
    try:
        content = None if ref == workspace.setting.refs.config else workspace.reader.ledger(ref, tip).content
        name = content.project.name if isinstance(content, Board) else ""
        for event in history.events(workspace.setting.transport.objects, tip):
            yield name, event
    except (DocumentError, MissingObjectError):
        return


def _rows(project: str, event: Event) -> list[dict[str, Json]]:
    """Return one row for each thing that a command on the claims brought about, or the one of a command on a step."""
    if _is_refusal(event):
        line = event.record.line
        # A refusal happened before the commit that carries it.
        refused: dict[str, Json] = {"time": line.get("at") or time_text(event.record.now), "agent": line.get("by")}
        refused |= {"event": line.get("event"), "outcome": "refused", "project": None, "commit": event.commit}
        refused |= {"claims": [], "reason": line.get("code"), "count": line.get("count")}
        return [{**refused, "patterns": line.get("patterns") or []}]
    row = _row(project, event)
    happened = event.record.line.get("events")
    events = [event for event in happened if isinstance(event, dict)] if isinstance(happened, list) else []
    if project:
        plain = {name: value for name, value in row.items() if name not in ("step", "fence")}
        return [*({**plain, "event": event.get("event")} for event in reversed(events)), row]
    if not events:
        return [] if event.record.line.get("do") in _SILENT else [row]
    by = {"by": row["agent"]}
    # `agent` is whom it concerns.
    return [
        {
            **row,
            "event": event.get("event"),
            "agent": event.get("agent") or row["agent"],
            "claims": [event[name] for name in ("claim", "entry", "request") if event.get(name)],
            **{name: event[name] for name in ("reason", "decision", "pattern") if event.get(name)},
        }
        | (by if event.get("agent") != row["agent"] else {})
        for event in reversed(events)
    ]


_SILENT = ("beat_claims", "tidy", "tell_refusals", "keep_waiting")


def _row(project: str, event: Event) -> dict[str, Json]:
    line = event.record.line
    by, outcome = line.get("by"), line.get("outcome")
    facts = outcome.get("facts") if isinstance(outcome, dict) else None
    num = facts.get("step_num") if isinstance(facts, dict) else None
    fence = facts.get("fence") if isinstance(facts, dict) else None
    row: dict[str, Json] = {
        "time": time_text(event.record.now),
        "agent": by.get("agent") if isinstance(by, dict) else None,
        "event": outcome.get("code") if isinstance(outcome, dict) else line.get("do"),
        "outcome": outcome.get("verdict") if isinstance(outcome, dict) else None,
        "project": project or None,
        "commit": event.commit,
    }
    if not project:
        found = facts if isinstance(facts, dict) else dict[str, Json]()
        values = [found.get(name) for name in ("claim", "request", "queue_id")]
        several = [found.get(name) for name in ("released", "claims")]
        more = [item for rows in several if isinstance(rows, list | dict) for item in rows]
        row["claims"] = list(dict.fromkeys(str(text) for text in (*values, *more) if text))
        known = facts if isinstance(facts, dict) else {}
        row |= {name: known[name] for name in ("pattern", "name", "value") if name in known}
    if num is not None:
        row["step"] = f"{project}/{num}"
    if fence is not None:
        row["fence"] = fence
    return row


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LIMIT_MAX:
        raise InvalidError(f"limit is {limit}; it is from 1 to {LIMIT_MAX}.", hint="100 is a good number.")
