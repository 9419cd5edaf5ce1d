"""Details: what the command line shows of one step, agent or project, for the screen.

What this file does not know: when it is asked for.
"""

import contextlib
import io
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from gitcoord.faces.cli.screens import agent_views, views
from gitcoord.faces.cli.terminal import commands
from gitcoord.faces.cli.terminal.calls import Result, View
from gitcoord.faces.cli.terminal.fields import text
from gitcoord.faces.cli.watch.panes import AGENTS, PROJECTS, STEPS, PaneRow
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import projects, step_views
from gitcoord.service.watch import agents


class DetailSource(NamedTuple):
    """Where details of a pane's rows are from. `view`: writes them, as the command does."""

    find: Callable[[Workspace, PaneRow], Result]
    view: View


def _step(workspace: Workspace, row: PaneRow) -> Result:
    return step_views.get_step(workspace, step_id=row.key)


def _agent(workspace: Workspace, row: PaneRow) -> Result:
    return agents.show_agent(workspace, agent=text(row.facts.get("agent")))


def _project(workspace: Workspace, row: PaneRow) -> Result:
    return projects.get_project(workspace, name=row.key)


SOURCES: Mapping[int, DetailSource] = {
    STEPS: DetailSource(_step, views.step_whole),
    AGENTS: DetailSource(_agent, agent_views.one_agent),
    PROJECTS: DetailSource(_project, views.project_whole),
}


def lines(pane: int, result: Result, now: datetime) -> list[str]:
    """Return what the command prints, a line each; called in the thread that draws, whose output it takes."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        SOURCES[pane].view(commands.result_for_shell(result), now)
    return out.getvalue().splitlines()
