"""`gitcoord agents …`: who is there, what each of them holds, and who is gone."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.core.documents.names import amount
from gitcoord.faces.cli.screens import agent_views
from gitcoord.faces.cli.terminal import completion
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.fields import records
from gitcoord.faces.cli.terminal.options import AllRepos, AsJson, Fresh, Yes, confirm, examples, group

if TYPE_CHECKING:
    from gitcoord.service.session.workspace import Workspace

_app = group("See who is there, what each of them holds, and who is gone.")


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="agents")


@_app.command("list", epilog=examples("gitcoord agents list", "gitcoord agents list --all-repos --json"))
def list_(*, all_repos: AllRepos = False, fresh: Fresh = False, as_json: AsJson = False) -> int:
    """List who is alive or holds something, and what."""
    from gitcoord.service.watch import agents

    return answer(
        lambda workspace: agents.list_agents(workspace, all_repos=all_repos),
        agent_views.team,
        as_json=as_json,
        fresh=fresh,
    )


@_app.command("show", epilog=examples("gitcoord agents show ann/codex/wt", "gitcoord agents show ann/codex/wt --json"))
def show_(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As `agents list` has it.", autocompletion=completion.agents)
    ],
    *,
    all_repos: AllRepos = False,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """Show what is known of an agent, and why it counts as alive.

    By clone: its sessions, steps with their fences, claims with the time that is left; then what it waits for.
    """
    from gitcoord.service.watch import agents

    return answer(
        lambda workspace: agents.show_agent(workspace, agent=name, all_repos=all_repos),
        agent_views.one_agent,
        as_json=as_json,
        fresh=fresh,
    )


@_app.command(
    epilog=examples(
        "gitcoord agents stale",
        "gitcoord agents stale --days 7",
        "gitcoord agents stale --all-repos --json",
        "gitcoord agents stale --release",
        "gitcoord agents stale --release --yes --json",
    )
)
def stale(
    *,
    days: Annotated[
        int | None, typer.Option("--days", help="Only of agents that were not seen for so many days.")
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="Free what the rules let go of; nothing is forced.")
    ] = False,
    all_repos: AllRepos = False,
    yes: Yes = False,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """List agents that are gone and hold something, and what frees it.

    With --release their steps are recovered and their claims end, after a question. Exit status 1 if some are refused.
    """
    from gitcoord.service.watch import agents

    def look(workspace: "Workspace") -> Result:
        return agents.stale_agents(workspace, days=days, all_repos=all_repos)

    def free(workspace: "Workspace") -> Result:
        found = look(workspace)
        rows = records(found.get("agents"))
        if rows and not yes:
            if not as_json:
                agent_views.gone(found, workspace.setting.host.now())
            steps, claims = (sum(len(records(row.get(name))) for row in rows) for name in ("steps", "held"))
            confirm(f"Free {amount(steps, 'step')} and {amount(claims, 'claim')} of agents that are gone?", yes=False)
        return agents.release_stale(workspace, found)

    call: Callable[[Workspace], Result] = free if release else look
    return answer(
        call,
        partial(agent_views.freed if release else agent_views.gone, days=days),
        as_json=as_json,
        refused=lambda result: bool(result.get("kept")),
        fresh=None if release else fresh,
    )
