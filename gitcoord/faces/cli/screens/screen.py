"""The screen of `gitcoord status`: what needs attention, then counts, then who is on what and what is claimed.

Rules:
  * It takes two screens at most, however large the team is: each list is cut, and says which command shows the rest.
  * A running step is shown once, with its holder; so are the paths that were claimed with it.

Must not import the parser: see `gitcoord.faces.cli.app`.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import amount
from gitcoord.errors import UsageError
from gitcoord.faces.cli.screens.attention_rows import attention, damaged, needed_status
from gitcoord.faces.cli.screens.claim_views import left_of, what, with_repo
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.columns import Column, ids, names, texts
from gitcoord.faces.cli.terminal.fields import ago, life_word, percent, record, records, seen_word, strings, text

if TYPE_CHECKING:
    from gitcoord.service.session.workspace import Workspace

PROJECTS_SHOWN, AGENTS_SHOWN, CLAIMS_SHOWN = 5, 8, 6  # with what needs attention about 45 lines


def status(
    *,
    as_json: bool = False,
    mine: bool = False,
    all_repos: bool = False,
    fresh: bool = False,
    exit_code: bool = False,
    line: bool = False,
) -> int:
    """Show who does what; return the exit status.

    Raises:
        UsageError: `line` is wanted together with what it has no room for.
    """
    if line:
        if as_json or mine or all_repos or fresh:
            raise UsageError("--line goes with --exit-code only.", hint="Leave out the other options.")
        from gitcoord.faces.cli.screens import prompt_line

        return prompt_line.show_line(exit_code=exit_code)
    from gitcoord.service.watch import overview

    needed = list[Json]()

    def call(workspace: "Workspace") -> Result:
        result = overview.status(workspace, mine=mine, all_repos=all_repos)
        needed.append(result["needed"])
        return result

    ended = answer(call, overview_of, as_json=as_json, shown=("oddities",), fresh=fresh)
    return ended or (needed_status(needed[0]) if exit_code else 0)


def overview_of(result: Result, now: datetime) -> None:
    """Show one look at a team."""
    remote, sharing = text(result.get("remote")), text(result.get("sharing"))
    where = sharing if sharing == "only this clone" else f"{remote}, {sharing}"
    show.folded(f"you are {text(result.get('agent'))}; {where}")
    attention(result)
    show.line()
    show.folded(_counts(result))
    _projects(result)
    _agents(result, now)
    _claims(result, now)


def _counts(result: Result) -> str:
    """Return how many there are of each, on one line."""
    agents = [agent for agent in records(result.get("agents")) if agent.get("life") != "ended"]
    lives = Counter(life_word(agent.get("life"), agent.get("session")) for agent in agents)
    claims = records(result.get("claims"))
    of_steps = sum(1 for claim in claims if claim.get("step"))
    said = [
        f"{amount(len(agents), 'agent')} ({', '.join(f'{count} {word}' for word, count in lives.most_common())})"
        if agents
        else "no agents",
        amount(len(claims), "claim") + (f" ({of_steps} of steps)" if of_steps else ""),
        f"{len(records(result.get('queued')))} waiting",
    ]
    return ", ".join(said)


def _projects(result: Result) -> None:
    rows = records(result.get("projects"))
    active = [row for row in rows if row.get("status") == "active"]
    if not active and not damaged(result):
        show.line("No project is active. Make one: gitcoord project create FILE")
    columns: list[str | Column] = [ids("project"), "progress", "available", "running", "failed", "steps"]
    cells: list[list[str]] = []
    for row in active:
        counts = record(row.get("counts"))
        running = sum(value for name in ("claimed", "in_progress") if isinstance(value := counts.get(name), int))
        failed = text(counts.get("failed")) or "0"
        name, available, steps = text(row.get("name")), text(row.get("available")), text(row.get("steps"))
        cells.append([name, percent(row.get("progress")), available, str(running), failed, steps])
    _list(*with_repo(columns, cells, active), PROJECTS_SHOWN, "gitcoord project list")
    if len(rows) > len(active):
        show.line(f"{len(rows) - len(active)} ended; see: gitcoord project list")


def _agents(result: Result, now: datetime) -> None:
    """Show each agent that is there or holds something with its steps; those who have one first."""
    held = {
        text(step.get("step_id")): step
        for project in records(result.get("projects"))
        for step in records(project.get("held"))
    }
    there = [agent for agent in records(result.get("agents")) if agent.get("life") != "ended" or agent.get("on")]
    at_work = [(agent, step) for agent in there for step in strings(agent.get("on"))]
    at_work += [(agent, "") for agent in there if not agent.get("on")]
    cells = [
        [
            text(agent.get("agent")),
            life_word(agent.get("life"), agent.get("session")),
            seen_word(agent, now),
            step,
            ago(held.get(step, {}).get("since"), now),
            text(held.get(step, {}).get("title")),
        ]
        for agent, step in at_work
    ]
    columns: list[str | Column] = [names("agent"), "life", "seen", ids("step"), "for", texts("title")]
    _list(*with_repo(columns, cells, [agent for agent, _ in at_work]), AGENTS_SHOWN, "gitcoord agents list")


def _claims(result: Result, now: datetime) -> None:
    """Show the claims that were not taken with a step which is shown."""
    shown = {step for agent in records(result.get("agents")) for step in strings(agent.get("on"))}
    rows = [claim for claim in records(result.get("claims")) if text(claim.get("step")) not in shown]
    columns: list[str | Column] = ["claim", names("agent"), names("what"), "left", texts("for")]
    cells = [
        [text(row.get("id")), text(row.get("agent")), what(row), left_of(row, now), text(row.get("description"))]
        for row in rows
    ]
    named = rows if any("repo" in agent for agent in records(result.get("agents"))) else ()
    _list(*with_repo(columns, cells, named), CLAIMS_SHOWN, "gitcoord claim list")


def _list(columns: Sequence[str | Column], rows: Sequence[Sequence[str]], most: int, rest: str) -> None:
    if not rows:
        return
    show.line()
    show.table(columns, rows[:most])
    if len(rows) > most:
        show.line(f"and {len(rows) - most} more; all: {rest}")
