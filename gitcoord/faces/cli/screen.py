"""The screen of `gitcoord status`: who is there, on what, what is available, what needs attention.

Must not import the parser: see `gitcoord.faces.cli.app`.
"""

from datetime import datetime

from gitcoord.core.doc import Json
from gitcoord.faces.cli import show
from gitcoord.faces.cli.calls import Result, answer
from gitcoord.faces.cli.claim_views import listed_claims, queue
from gitcoord.faces.cli.fields import ago, listed, percent, record, records, text


def status(*, as_json: bool) -> int:
    """Show who does what; return the exit status."""
    from gitcoord.service import reading

    return answer(reading.status, _screen, as_json=as_json)


def _screen(result: Result, now: datetime) -> None:
    remote, sharing = text(result.get("remote")), text(result.get("sharing"))
    where = sharing if sharing == "only this clone" else f"{remote}, {sharing}"
    show.line(f"you are {text(result.get('agent'))}; {where}")
    if result.get("clock"):
        show.line(f"needs attention: {text(result.get('clock'))} Set it by the network (NTP); see: gitcoord doctor")
    active = [one for one in records(result.get("projects")) if one.get("status") == "active"]
    ended = len(records(result.get("projects"))) - len(active)
    if active or not result.get("oddities"):
        _projects(active, ended)
    else:
        show.line("No active project can be read.")
    _held(active, now)
    _claims(result, now)
    _agents(records(result.get("agents")), now)


def _projects(active: list[dict[str, Json]], ended: int) -> None:
    show.line()
    if active:
        columns = ("project", "progress", "available", "running", "failed", "steps")
        show.table(columns, [_project(one) for one in active])
    else:
        show.line("No project is active. Make one: gitcoord project create FILE")
    if ended:
        show.line(f"{ended} ended; see: gitcoord project list")


def _project(row: dict[str, Json]) -> list[str]:
    counts = record(row.get("counts"))
    running = sum(value for name in ("claimed", "in_progress") if isinstance(value := counts.get(name), int))
    failed = text(counts.get("failed")) or "0"
    name, available, steps = text(row.get("name")), text(row.get("available")), text(row.get("steps"))
    return [name, percent(row.get("progress")), available, str(running), failed, steps]


def _held(active: list[dict[str, Json]], now: datetime) -> None:
    rows = [one for project in active for one in records(project.get("held"))]
    if not rows:
        return
    show.line()
    columns = ("step", "agent", "life", "for", "title")
    show.table(
        columns,
        [
            [
                text(one.get("step_id")),
                text(one.get("agent")),
                text(one.get("life")),
                ago(one.get("since"), now),
                text(one.get("title")),
            ]
            for one in rows
        ],
    )
    silent = [one for one in rows if one.get("life") == "stale"]
    if silent:
        ids = ", ".join(text(one.get("step_id")) for one in silent)
        show.line(f"needs attention: {ids}; see: gitcoord step stale")


def _claims(result: Result, now: datetime) -> None:
    if records(result.get("claims")):
        show.line()
        listed_claims(result, now)
    if records(result.get("queued")):
        show.line()
        queue(result, now)


def _agents(rows: list[dict[str, Json]], now: datetime) -> None:
    if not rows:
        return
    show.line()
    columns = ("agent", "life", "seen", "on", "clone")
    show.table(columns, [_agent(one, now) for one in rows])


def _agent(row: dict[str, Json], now: datetime) -> list[str]:
    seen = f"{ago(row.get('last_seen'), now)} ago"
    return [text(row.get("agent")), text(row.get("life")), seen, listed(row.get("on")), text(row.get("clone"))]
