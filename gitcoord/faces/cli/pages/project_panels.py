"""Panels of projects: their steps as a graph, and who had which step from when to when."""

from datetime import datetime

from gitcoord.core.documents.names import amount
from gitcoord.faces.cli.pages.gantt import gantt
from gitcoord.faces.cli.pages.markup import Node, element
from gitcoord.faces.cli.pages.panel_parts import badge, code, cut_note, details, listing, moment, note, nothing
from gitcoord.faces.cli.pages.step_graph import graph, look_of
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.fields import listed, percent, record, records, text, whole


def projects(facts: Result, _now: datetime) -> tuple[list[Node], int]:
    """Show each project with its counts, and the steps of those that have room."""
    rows = records(facts.get("rows"))
    if not rows:
        return [nothing("There is no project.")], 0
    drawn: list[Node] = []
    for number, row in enumerate(rows):
        steps = records(row.get("shown"))
        if steps:
            drawn += _steps(row, steps, number)
    return [*_overview(rows), *drawn], len(rows)


def _overview(rows: list[Result]) -> list[Node]:
    cells = (
        [
            text(row.get("name")),
            badge(row.get("status")),
            percent(row.get("progress")),
            text(row.get("available")),
            *(f"{whole(record(row.get('counts')).get(word))}" for word in ("claimed", "in_progress", "failed")),
            text(row.get("steps")),
        ]
        for row in rows
    )
    titles = ["project", "status", "done", "available", "claimed", "in progress", "failed", "steps"]
    return listing(titles, cells, len(rows), "gitcoord project list")


def _steps(row: Result, steps: list[Result], number: int) -> list[Node]:
    """Return the steps of a project as a drawing, and as a table for who cannot see that."""
    name = text(row.get("name"))
    cells = (
        [
            text(step.get("step_num")),
            badge(look_of(step)),
            text(step.get("title")),
            listed(step.get("depends_on")),
            text(step.get("agent")),
        ]
        for step in steps
    )
    hidden = ", ".join(
        f"{whole(count)} {word.replace('_', ' ')}" for word, count in record(row.get("left_out")).items()
    )
    see = f"gitcoord project show {name}"
    more = [note(f"Not shown of {name}: {hidden}; all: {see}")] if hidden else []
    titles = ["step", "state", "title", "after", "agent"]
    return [
        element("h3", name),
        *more,
        graph(name, steps, number),
        details(f"Steps of {name} as a table", listing(titles, cells, len(steps), see, most=len(steps))),
    ]


def timeline(facts: Result, now: datetime) -> tuple[list[Node], int]:
    """Show who had which step from when to when."""
    lanes = records(facts.get("agents"))
    if not lanes:
        return [nothing("No agent had a step."), *cut_note(facts)], 0
    cells = (
        [
            text(lane.get("agent")),
            code(text(span.get("step_id"))),
            text(span.get("title")),
            moment(span.get("begin"), now),
            moment(span.get("end"), now),
            badge(span.get("how")),
        ]
        for lane in lanes
        for span in records(lane.get("spans"))
    )
    titles = ["agent", "step", "title", "began", "ended", "how"]
    shown = sum(len(records(lane.get("spans"))) for lane in lanes)
    left_out, others = whole(facts.get("left_out")), whole(facts.get("agents_left_out"))
    said = f"Not shown: {amount(left_out, 'older time')} of steps, {amount(others, 'agent')}; all: gitcoord log"
    drawn = gantt(lanes, facts.get("from"), facts.get("until"))
    return [
        *cut_note(facts),
        *([note(said)] if left_out else []),
        *([drawn] if drawn is not None else []),
        details("The timeline as a table", listing(titles, cells, shown, "gitcoord log", most=shown)),
    ], whole(facts.get("spans"))
