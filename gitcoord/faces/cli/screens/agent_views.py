"""Views: agents as text, as tables and one by one. What is shown is what the service returned, in fewer words."""

import shlex
from datetime import datetime

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import amount
from gitcoord.faces.cli.screens.claim_views import left_of, waits_for, with_repo
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.columns import Column, ids, names, texts
from gitcoord.faces.cli.terminal.fields import (
    ago,
    few,
    life_word,
    listed,
    minute,
    record,
    records,
    seen_word,
    strings,
    text,
)

_FREE = "`gitcoord agents stale --release` frees it"


def team(result: Result, now: datetime) -> None:
    """Show who is there as a table."""
    rows = records(result.get("agents"))
    if not rows:
        show.line("No agent is there.")
        return
    columns: list[str | Column] = [
        names("agent"),
        "life",
        "seen",
        names("on"),
        "claims",
        names("worktree"),
        names("clone"),
    ]
    cells = [
        [
            text(row.get("agent")),
            life_word(row.get("life"), row.get("session")),
            seen_word(row, now),
            few(strings(row.get("on"))),
            str(len(strings(row.get("claims")))),
            text(row.get("worktree")),
            text(row.get("clone")),
        ]
        for row in rows
    ]
    show.table(*with_repo(columns, cells, rows))


def one_agent(result: Result, now: datetime) -> None:
    """Show one agent: by clone its sessions and what it holds, then what it waits for."""
    show.line(text(result.get("agent")))
    for row in records(result.get("clones")):
        repo = f", repository {text(row.get('repo'))}" if row.get("repo") else ""
        here = " (this one)" if row.get("is_here") else ""
        life = life_word(row.get("life"), row.get("session"))
        show.line(f"  {life} in clone {text(row.get('clone'))}{here}{repo}, seen {ago(row.get('last_seen'), now)} ago")
        for why in strings(row.get("why")):
            show.line(f"    why: {why}")
        beat = f"{ago(row.get('beaten_at'), now)} ago" if row.get("beaten_at") else "never"
        called = f"{ago(row.get('called_at'), now)} ago" if row.get("called_at") else "not known"
        show.line(f"    last beat {beat}, last call {called}; worktrees: {listed(row.get('worktrees')) or 'not known'}")
        for session in records(row.get("sessions")):
            over = ", crashed" if session.get("is_over") else ""
            end = f", said good-bye {ago(session.get('closed_at'), now)} ago" if session.get("closed_at") else over
            tool = f", {text(session.get('tool'))}" if session.get("tool") else ""
            show.line(f"    session {text(session.get('id'))}{tool}, since {minute(session.get('since'))}{end}")
        for step in records(row.get("steps")):
            fence, title = f"fence {text(step.get('fence'))}", text(step.get("title"))
            show.line(f"    step {text(step.get('step_id'))}, {fence}, {text(step.get('life'))}: {title}")
        for claim in records(row.get("claims")):
            show.line(f"    claim {text(claim.get('claim_id'))}: {_patterns(claim)}, {left_of(claim, now)}")
    for entry in records(result.get("waiting")):
        behind = waits_for(entry, now)
        wanted = few(strings(entry.get("patterns")))
        show.line(f"  waits as {text(entry.get('queue_id'))} for {wanted}{f' behind {behind}' if behind else ''}")
    for name, words in (("asked", "is asked by {agent} for"), ("asks", "asks {holder_agent} for")):
        for request in records(result.get(name)):
            who = words.format(agent=text(request.get("agent")), holder_agent=text(request.get("holder_agent")))
            show.line(f"  {who} {few(strings(request.get('requested')))} ({text(request.get('id'))})")
    if strings(result.get("sub_agents")):
        show.line(f"  sub-agents: {listed(result.get('sub_agents'))}")


def gone(result: Result, now: datetime, days: int | None = None) -> None:
    """Show who is gone, a row for each thing that it holds. `days`: for how long at least."""
    rows = records(result.get("agents"))
    if not rows:
        show.line(_none_gone(days))
        return
    cells: list[list[str]] = []
    of_cells: list[dict[str, Json]] = []
    for row in rows:
        who, why = text(row.get("agent")), text(row.get("why"))
        held = [
            (text(step.get("step_id")), f"`gitcoord step recover {shlex.quote(text(step.get('step_id')))}`")
            for step in _of(row, "steps")
        ]
        held += [(text(claim.get("claim_id")), _frees(claim, now)) for claim in _of(row, "held")]
        cells += [[who, name, text(row.get("worktree")), why, frees] for name, frees in held]
        of_cells += [row] * len(held)
    columns: list[str | Column] = [names("agent"), ids("holds"), names("worktree"), texts("why"), texts("freed by")]
    show.table(*with_repo(columns, cells, of_cells))


def freed(result: Result, _now: datetime, days: int | None = None) -> None:
    """Show what was freed, and what the rules refused. `days`: as in `gone`."""
    recovered, released = strings(result.get("recovered")), strings(result.get("released"))
    if not records(result.get("agents")):
        show.line(_none_gone(days))
    if recovered:
        show.line(f"recovered {', '.join(recovered)}")
    if released:
        show.line(f"ended {', '.join(released)}")
    for row in records(result.get("kept")):
        what = text(row.get("step_id") or row.get("claim_id"))
        show.failure("refused", f"{what}: {text(row.get('why'))}", text(row.get("refused")))
        if row.get("next_step"):
            show.aside("next", text(row.get("next_step")))


def _none_gone(days: int | None) -> str:
    gone = f"was not seen for {amount(days, 'day')}" if days else "is gone"
    return f"No agent that {gone} holds anything."


def _frees(claim: dict[str, Json], now: datetime) -> str:
    """Say what ends a claim whose holder is gone."""
    if claim.get("step"):
        return f"with {text(claim.get('step'))}"
    left = left_of(claim, now)
    return _FREE if left.endswith("free now") else f"time, {left.partition(': ')[2]}"


def _patterns(claim: dict[str, Json]) -> str:
    symbols = record(claim.get("symbols"))
    names = strings(claim.get("patterns"))
    return few([f"{name}: {listed(symbols[name])}" if name in symbols else name for name in names])


def _of(row: dict[str, Json], name: str) -> list[dict[str, Json]]:
    return records(row.get(name))
