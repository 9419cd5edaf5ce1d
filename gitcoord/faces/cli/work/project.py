"""`gitcoord project …`: plan work."""

from typing import Annotated

import typer

from gitcoord.core.documents.names import amount
from gitcoord.faces.cli.screens import views
from gitcoord.faces.cli.terminal import completion, show
from gitcoord.faces.cli.terminal.calls import answer
from gitcoord.faces.cli.terminal.fields import text
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, ProjectName, Status, Yes, confirm, examples, group

PAGE = 50  # steps on one screen and a half; the service's own page
_app = group("Plan work: projects, whose steps depend on each other.")

_PlanFile = Annotated[
    str, typer.Argument(metavar="FILE", help="YAML, JSON or a task list (.md); '-' reads standard input.")
]
_Markdown = Annotated[
    bool,
    typer.Option("--from-markdown", help="FILE is a task list (not called .md): '- [ ] 3. title (scope) after 1, 2'."),
]
_Check = Annotated[bool, typer.Option("--check", help="Only validate; write nothing.")]
_Reason = Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why, in a sentence.")]


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="project")


@_app.command(
    epilog=examples(
        "gitcoord project create plan.yaml",
        "gitcoord project create plan.yaml --check",
        "gitcoord project create TODO.md --name spring-cleaning",
        "make-plan | gitcoord project create - --json",
    )
    + "\n\n\b\nA plan:\n"
    "  name: myapp\n"
    "  base_commit: main          # HEAD if left out\n"
    "  steps:\n"
    "    - {step_num: 1, title: Data model, branch: feat/model, scope: db}\n"
    "    - {step_num: 2, title: API, branch: feat/api, scope: api, depends_on: [1]}"
)
def create(
    file: _PlanFile,
    *,
    name: Annotated[str | None, typer.Option("--name", "-n", help="The project's name, instead of the file's.")] = None,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="COMMIT", help="Where the work starts, instead of the file's base_commit."),
    ] = None,
    from_markdown: _Markdown = False,
    check: _Check = False,
    as_json: AsJson = False,
) -> int:
    """Create a project from a file: all of it, or nothing."""
    from gitcoord.faces.cli.work import planfile

    plan = planfile.read_project(file, from_markdown=from_markdown, name=name, base_commit=base)
    if check:
        from gitcoord.faces.cli.terminal import world
        from gitcoord.source.checkout.repository import open_repository

        commit = open_repository(world.folder(), world.environment()).resolve_commit(plan.base_commit)
        if as_json:
            show.json_object({"valid": True, "name": plan.name, "base_commit": commit, "steps": [*plan.steps]})
        else:
            show.line(f"valid: project {plan.name}, {amount(len(plan.steps), 'step')}, starting from {commit[:12]}")
        return 0
    from gitcoord.service.steps import projects

    return answer(
        lambda workspace: projects.create_project(
            workspace,
            name=plan.name,
            base_commit=plan.base_commit,
            steps=plan.steps,
            description=plan.description,
            stale_minutes=plan.stale_minutes,
        ),
        views.project_created,
        as_json=as_json,
    )


@_app.command(
    "show",
    epilog=examples(
        "gitcoord project show",
        "gitcoord project show myapp --status failed",
        "gitcoord project show myapp --offset 50 --json",
    ),
)
def show_(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[PROJECT]",
            help="The project's name; the one that is active if left out.",
            autocompletion=completion.projects,
        ),
    ] = None,
    *,
    status: Status = None,
    offset: Annotated[int, typer.Option("--offset", help="Leave out this many steps.")] = 0,
    limit: Annotated[int, typer.Option("--limit", help="Show at most this many steps.")] = PAGE,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """Show a project: its steps, what is available, who is on what."""
    from gitcoord.service.steps import projects
    from gitcoord.service.steps.step_ids import only_project

    return answer(
        lambda workspace: projects.get_project(
            workspace, name=only_project(workspace) if name is None else name, offset=offset, limit=limit, status=status
        ),
        views.project_whole,
        as_json=as_json,
        fresh=fresh,
    )


@_app.command("list", epilog=examples("gitcoord project list", "gitcoord project list --status active --json"))
def list_(
    *,
    status: Annotated[
        str | None, typer.Option("--status", help="active, completed or aborted.", autocompletion=completion.statuses)
    ] = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """List projects, the one with the last activity first."""
    from gitcoord.service.steps import projects

    return answer(
        lambda workspace: projects.list_projects(workspace, status=status),
        views.projects,
        as_json=as_json,
        fresh=fresh,
    )


@_app.command(epilog=examples("gitcoord project add myapp more.yaml", "gitcoord project add myapp - < more.json"))
def add(
    name: ProjectName,
    file: _PlanFile,
    *,
    from_markdown: _Markdown = False,
    check: _Check = False,
    as_json: AsJson = False,
) -> int:
    """Add steps to a project; they may depend on any step that exists."""
    from gitcoord.faces.cli.work import planfile
    from gitcoord.service.steps import projects

    steps = planfile.read_steps(file, from_markdown=from_markdown)
    if not check:
        return answer(
            lambda workspace: projects.add_steps(workspace, project=name, steps=steps),
            views.project_line,
            as_json=as_json,
        )
    if as_json:
        show.json_object({"valid": True, "project": name, "steps": [*steps]})
    else:
        show.line(f"valid: {amount(len(steps), 'step')}; adding them checks whether they fit the project")
    return 0


@_app.command(epilog=examples("gitcoord project delete shop", "gitcoord project delete shop --yes --json"))
def delete(name: ProjectName, *, yes: Yes = False, as_json: AsJson = False) -> int:
    """Delete a project for everyone, with its history.

    The deletion itself is recorded.
    """
    from gitcoord.service.team import deletion

    confirm(f"Delete the project {name} and its history for everyone?", yes=yes)
    return answer(
        lambda workspace: deletion.delete_project(workspace, name=name),
        lambda result, _now: show.line(f"deleted project {text(result.get('deleted'))}"),
        as_json=as_json,
    )


@_app.command(epilog=examples("gitcoord project abort myapp --reason 'superseded by myapp-2'"))
def abort(name: ProjectName, *, reason: _Reason, as_json: AsJson = False) -> int:
    """End a project: no more steps are given.

    Those that run may still complete.
    """
    from gitcoord.service.steps import projects

    return answer(
        lambda workspace: projects.abort_project(workspace, name=name, reason=reason),
        views.project_line,
        as_json=as_json,
    )
