"""Views: steps and projects as text. What is shown is what the service returned, in fewer words."""

from datetime import datetime

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import amount
from gitcoord.faces.cli.screens.attention_rows import damaged
from gitcoord.faces.cli.screens.claim_views import with_repo
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.columns import Column, ids, names, texts
from gitcoord.faces.cli.terminal.fields import (
    ago,
    life_word,
    listed,
    percent,
    record,
    records,
    short,
    strings,
    text,
    whole,
)

_STEP_COLUMNS = (ids("step"), "status", names("agent"), names("scope"), names("after"), texts("title"))
_LABELS = (
    ("branch", "branch"),
    ("scope", "scope"),
    ("paths", "paths"),
    ("depends_on", "after"),
    ("agent_id", "agent"),
    ("worktree", "worktree"),
    ("fence", "fence"),
    ("commit_hash", "commit"),
    ("files_modified", "files"),
    ("reason", "reason"),
)


def steps(rows: Json) -> None:
    """Show steps as a table."""
    found = records(rows)
    columns, cells = with_repo([*_STEP_COLUMNS], [_step_row(step) for step in found], found)
    for name in ("reason", "paths_held"):  # of failed steps, and of those that are available
        if any(step.get(name) for step in found):
            columns = [*columns, texts(name.replace("_", " "))]
            cells = [[*line, text(step.get(name))] for line, step in zip(cells, found, strict=True)]
    if found:
        show.table(columns, cells)


def _step_row(step: dict[str, Json]) -> list[str]:
    names = (text(step.get("id")), text(step.get("status")), text(step.get("agent_id")), text(step.get("scope")))
    title = text(step.get("title")) or text(step.get("branch"))  # imported steps have no title
    return [*names, listed(step.get("depends_on")), title]


def step_line(result: Result, _now: datetime) -> None:
    """Show what became of a step on one line."""
    step = record(result.get("step"))
    already = " (nothing had to change)" if result.get("already") else ""
    show.line(f"{text(step.get('id'))} is {text(step.get('status'))}{already}")
    unblocked = strings(result.get("unblocked"))
    if unblocked:
        show.line(f"now available: step {', '.join(unblocked)}")
    if result.get("project_completed"):
        show.line(f"project {text(step.get('project'))} is completed")


def step_whole(result: Result, now: datetime) -> None:
    """Show one step with everything that its worker needs."""
    step = record(result.get("step"))
    title = text(step.get("title"))
    show.line(f"{text(step.get('id'))}  {text(step.get('status'))}" + (f"  {title}" if title else ""))
    if step.get("description"):
        show.paragraph(text(step.get("description")))
    for name, label in _LABELS:
        value = step.get(name)
        if value not in (None, "", []):
            _labelled(label, listed(value) if isinstance(value, list) else text(value))
    waiting = strings(result.get("waiting_on"))
    if waiting:
        _labelled("waits for", f"step {', '.join(waiting)}")
    else:
        _base(step)
    _checkpoint(record(step.get("checkpoint")), now)
    holder = record(result.get("holder"))
    if holder:
        life = life_word(holder.get("life"), step.get("session_id"))
        _labelled("holder is", f"{life} ({text(holder.get('why'))})")


def _base(step: dict[str, Json]) -> None:
    """Show where the work of a step begins, which is known once nothing is left to wait for."""
    base = records(step.get("base"))
    for start in base:
        branch = f" ({text(start.get('branch'))})" if start.get("branch") else ""
        _labelled("start from", f"{short(start.get('commit_hash'))}{branch}, step {text(start.get('step_num'))}")
    if not base and step.get("base_commit"):
        _labelled("start from", f"{short(step.get('base_commit'))}, the project's base")


def step_claimed(result: Result, now: datetime) -> None:
    """Show a step that was given, and how it came."""
    step_whole(result, now)
    if result.get("already") and result.get("from"):
        partner = text(result.get("from"))
        taken = f"taken over from {partner}, of this worktree"
        _labelled("note", taken if result.get("resumed") else f"{partner} is at work on it in this worktree")
    elif result.get("resumed"):
        _labelled("note", "yours already; taken up again from an earlier session")
    elif result.get("already"):
        _labelled("note", "yours already")
    if result.get("recovered") and result.get("from"):
        _labelled("note", f"taken over from {text(result.get('from'))}")
    for skipped in records(result.get("passed_over")):
        _labelled("passed over", f"step {text(skipped.get('step_num'))}: {text(skipped.get('why'))}")


def _labelled(label: str, value: str) -> None:
    show.line(f"  {label + ':':<12} {value}")


def _checkpoint(left: dict[str, Json], now: datetime) -> None:
    if not left:
        return
    when = ago(left.get("at"), now)
    _labelled("checkpoint", f"{text(left.get('agent_id'))} had it until {when} ago: {text(left.get('reason'))}")
    where = [f"{name} {text(left[name])}" for name in ("branch", "commit") if left.get(name)]
    if where:
        _labelled("", ", ".join(where))
    if left.get("notes"):
        show.paragraph(text(left.get("notes")), "               ")


def project_created(result: Result, _now: datetime) -> None:
    """Show a project that is new."""
    project = record(result.get("project"))
    show.line(f"created project {text(project.get('name'))}: {amount(whole(project.get('steps')), 'step')}")
    show.aside("next", "take one: `gitcoord step claim`; see how it goes: `gitcoord status`")


def project_line(result: Result, _now: datetime) -> None:
    """Show what became of a project on one line."""
    project = record(result.get("project"))
    already = " (nothing had to change)" if result.get("already") else ""
    show.line(f"project {text(project.get('name'))} is {text(project.get('status'))}: {counted(project)}{already}")
    running = strings(result.get("running"))
    if running:
        show.line(f"still running: step {', '.join(running)}")


def project_whole(result: Result, _now: datetime) -> None:
    """Show a project and a page of its steps."""
    project = record(result.get("project"))
    name, status = text(project.get("name")), text(project.get("status"))
    show.line(f"{name}  {status}  {percent(result.get('progress'))}  {counted(project)}")
    if project.get("description"):
        show.paragraph(text(project.get("description")))
    if project.get("reason"):
        _labelled("reason", text(project.get("reason")))
    _labelled("base", short(project.get("base_commit")))
    available, path = strings(result.get("available")), strings(result.get("critical_path"))
    if available:
        _labelled("available", f"step {', '.join(available)}")
    if len(path) > 1:
        _labelled("critical path", " → ".join(path))
    show.line()
    steps(result.get("steps"))


def projects(result: Result, now: datetime) -> None:
    """Show projects as a table."""
    rows = records(result.get("projects"))
    if not rows and damaged(result):
        show.line("No project can be read.")
        return
    if not rows:
        show.line("No projects. Make one: gitcoord project create FILE")
        return
    columns: list[str | Column] = [
        ids("project"),
        "status",
        "progress",
        "steps",
        "available",
        "active",
        texts("counts"),
    ]
    cells = [
        [
            text(row.get("name")),
            text(row.get("status")),
            percent(row.get("progress")),
            text(row.get("steps")),
            text(row.get("available")),
            f"{last} ago" if (last := ago(row.get("last_activity"), now)) else "",
            counted(row),
        ]
        for row in rows
    ]
    show.table(*with_repo(columns, cells, rows))


def counted(row: dict[str, Json]) -> str:
    """Return the counts by status: `2 completed, 1 in_progress`."""
    counts = record(row.get("counts"))
    return ", ".join(f"{text(count)} {status}" for status, count in counts.items())
