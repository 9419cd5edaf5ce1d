"""`gitcoord step …`: take work, do it, hand it in."""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.faces.cli.screens import views
from gitcoord.faces.cli.terminal import completion, show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.columns import ids, names, texts
from gitcoord.faces.cli.terminal.fields import records, strings, text
from gitcoord.faces.cli.terminal.options import As, AsJson, Fresh, InProject, Scope, Status, StepId, examples, group

_app = group("Take steps of projects, work on them, hand them in.")
_OptionalStep = Annotated[
    str | None,
    typer.Argument(metavar="STEP", help="PROJECT/NUMBER, for one step only.", autocompletion=completion.steps),
]
_Reason = Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why, in a sentence.")]
_Limit = Annotated[int, typer.Option("--limit", help="Show at most this many.")]


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="step")


@_app.command(
    epilog=examples(
        "gitcoord step claim",
        "gitcoord step claim --project myapp --scope api",
        "gitcoord step claim myapp/3",
        "gitcoord step claim --as tests --json",
    )
)
def claim(
    step: _OptionalStep = None,
    *,
    project: InProject = None,
    scope: Scope = None,
    as_: As = None,
    as_json: AsJson = False,
) -> int:
    """Take one step that is ready and that no other agent has."""
    from gitcoord.service.steps import step_work

    return answer(
        lambda workspace: step_work.claim_step(workspace, project=project, agent_id=as_, scope=scope, step_id=step),
        views.step_claimed,
        as_json=as_json,
    )


@_app.command(epilog=examples("gitcoord step start myapp/3", "gitcoord step start 3 --worktree ../wt-3"))
def start(
    step: StepId,
    *,
    worktree: Annotated[str | None, typer.Option("--worktree", "-w", help="Where; this worktree if left out.")] = None,
    as_: As = None,
    as_json: AsJson = False,
) -> int:
    """Report that work on your step has begun."""
    from gitcoord.service.steps import step_work

    return answer(
        lambda workspace: step_work.start_step(workspace, step_id=step, worktree=worktree, agent_id=as_),
        views.step_line,
        as_json=as_json,
    )


@_app.command(epilog=examples("gitcoord step heartbeat", "gitcoord step heartbeat myapp/3 --as tests"))
def heartbeat(step: _OptionalStep = None, *, as_: As = None, as_json: AsJson = False) -> int:
    """Report that work goes on, on one step or on all of yours.

    A running MCP server does it by itself.
    """
    from gitcoord.service.steps import step_work

    return answer(
        lambda workspace: step_work.heartbeat(workspace, step_id=step, agent_id=as_), _beaten, as_json=as_json
    )


def _beaten(result: Result, now: datetime) -> None:
    if result.get("step"):
        views.step_line(result, now)
    elif not result.get("count"):
        show.line("You hold no step.")
    for row in records(result.get("steps")):
        why = f": {text(row.get('why'))}" if row.get("why") else ""
        show.line(f"{text(row.get('id'))} is {text(row.get('status'))}{why}")


@_app.command(
    epilog=examples(
        "gitcoord step complete myapp/3",
        "gitcoord step complete myapp/3 4f2a91c --notes 'the old endpoint stays until 2.0'",
        "gitcoord step complete 3 --file src/api.py --file tests/test_api.py --json",
    )
)
def complete(
    step: StepId,
    commit: Annotated[str, typer.Argument(metavar="COMMIT", help="The commit that has the work.")] = "HEAD",
    *,
    file: Annotated[
        list[str] | None, typer.Option("--file", "-f", help="A file that was changed; git tells if left out.")
    ] = None,
    notes: Annotated[
        str | None, typer.Option("--notes", "-n", metavar="TEXT", help="For those who build on it.")
    ] = None,
    as_: As = None,
    as_json: AsJson = False,
) -> int:
    """Hand in a step of yours with the commit that has its work. Push it first, so that others can build on it."""
    from gitcoord.service.steps import step_work

    return answer(
        lambda workspace: step_work.complete_step(
            workspace, step_id=step, commit_hash=commit, files_modified=file or None, notes=notes, agent_id=as_
        ),
        views.step_line,
        as_json=as_json,
    )


@_app.command(epilog=examples("gitcoord step fail myapp/3 --reason 'the vendor API is down'"))
def fail(
    step: StepId,
    *,
    reason: _Reason,
    notes: Annotated[
        str | None, typer.Option("--notes", "-n", metavar="TEXT", help="For those who go on with it.")
    ] = None,
    as_: As = None,
    as_json: AsJson = False,
) -> int:
    """Give up a step of yours, with the reason."""
    from gitcoord.service.steps import step_work

    return answer(
        lambda workspace: step_work.fail_step(workspace, step_id=step, reason=reason, notes=notes, agent_id=as_),
        views.step_line,
        as_json=as_json,
    )


@_app.command(epilog=examples("gitcoord step recover myapp/3", "gitcoord step recover myapp/3 --force"))
def recover(
    step: StepId,
    *,
    force: Annotated[bool, typer.Option("--force", help="Even if its holder is alive; the log records it.")] = False,
    as_json: AsJson = False,
) -> int:
    """Make a step available again if it failed or its holder is gone.

    What was done is kept as its checkpoint, for its next holder.
    """
    from gitcoord.service.steps import step_work

    return answer(
        lambda workspace: step_work.recover_step(workspace, step_id=step, force=force), views.step_line, as_json=as_json
    )


@_app.command(
    epilog=examples(
        "gitcoord step update myapp/3 --title 'Log in by mail' --priority 5",
        "gitcoord step update myapp/3 --after 1,2 --path 'src/auth/**'",
        "gitcoord step update myapp/3 --after ''",
    )
)
def update(  # noqa: PLR0913 - the fields of a step, by name
    step: StepId,
    *,
    title: Annotated[str | None, typer.Option("--title", help="A line that says what.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="What its worker has to know.")] = None,
    branch: Annotated[str | None, typer.Option("--branch", help="Its branch.")] = None,
    scope: Annotated[str | None, typer.Option("--scope", help="Its scope, such as 'api'.")] = None,
    priority: Annotated[int | None, typer.Option("--priority", help="Higher is given out first.")] = None,
    after: Annotated[str | None, typer.Option("--after", metavar="NUMBERS", help="What it depends on: 1,2")] = None,
    path: Annotated[list[str] | None, typer.Option("--path", help="A path pattern that its work touches.")] = None,
    as_json: AsJson = False,
) -> int:
    """Change a step that no one holds. An empty text clears a field."""
    from gitcoord.service.steps import step_work

    depends_on = None
    if after is not None:
        words = after.replace(",", " ").split()
        if not all(word.isascii() and word.isdigit() for word in words):
            raise typer.BadParameter("numbers of steps, such as 1,2", param_hint="--after")
        depends_on = [int(word) for word in words]
    return answer(
        lambda workspace: step_work.update_step(
            workspace,
            step_id=step,
            title=title,
            description=description,
            branch=branch,
            scope=scope,
            priority=priority,
            depends_on=depends_on,
            paths=path or None,
        ),
        views.step_line,
        as_json=as_json,
    )


@_app.command(epilog=examples("gitcoord step skip myapp/3 --reason 'done by the framework already'"))
def skip(step: StepId, *, reason: _Reason, as_json: AsJson = False) -> int:
    """Skip a step: it counts as settled; its dependants may begin."""
    from gitcoord.service.steps import step_work

    return answer(
        lambda workspace: step_work.skip_step(workspace, step_id=step, reason=reason), views.step_line, as_json=as_json
    )


@_app.command("show", epilog=examples("gitcoord step show myapp/3", "gitcoord step show 3 --json"))
def show_(step: StepId, *, fresh: Fresh = False, as_json: AsJson = False) -> int:
    """Show a step, its holder and where to start from."""
    from gitcoord.service.steps import step_views

    return answer(
        lambda workspace: step_views.get_step(workspace, step_id=step), views.step_whole, as_json=as_json, fresh=fresh
    )


@_app.command("list", epilog=examples("gitcoord step list --status failed", "gitcoord step list -p myapp --json"))
def list_(
    *,
    project: InProject = None,
    status: Status = None,
    limit: _Limit = 1000,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """List steps of the active projects; failed ones with the reason."""
    from gitcoord.service.steps import step_views

    return answer(
        lambda workspace: step_views.list_steps(workspace, project=project, status=status, limit=limit),
        lambda result, _: _rows(result, "There are no such steps." if status else "There are no steps."),
        as_json=as_json,
        fresh=fresh,
    )


@_app.command(epilog=examples("gitcoord step available", "gitcoord step available --scope ui --json"))
def available(
    *,
    project: InProject = None,
    scope: Scope = None,
    limit: _Limit = 50,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """List what can be claimed now, best first."""
    from gitcoord.service.steps import step_views

    return answer(
        lambda workspace: step_views.get_available_steps(workspace, project=project, scope=scope, limit=limit),
        lambda result, _: _rows(result, "Nothing is available."),
        as_json=as_json,
        fresh=fresh,
    )


@_app.command(epilog=examples("gitcoord step stale", "gitcoord step stale --minutes 60 --json"))
def stale(
    *,
    minutes: Annotated[int, typer.Option("--minutes", "-m", help="How long a holder may be silent.")] = 15,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """List steps whose holder has fallen silent, with the evidence."""
    from gitcoord.service.steps import step_views

    return answer(
        lambda workspace: step_views.detect_stale_work(workspace, timeout_minutes=minutes),
        _stale,
        as_json=as_json,
        fresh=fresh,
    )


def _rows(result: Result, nothing: str) -> None:
    if strings(result.get("steps")):
        views.steps(result.get("steps"))
    else:
        show.line(nothing)


def _stale(result: Result, _now: datetime) -> None:
    rows = records(result.get("steps"))
    if not rows:
        show.line("No step is stale.")
        return
    columns = (ids("step"), names("agent"), "life", texts("why"), names("last commit"))
    facts = ("id", "agent_id", "life", "why", "last_commit")
    show.table(columns, [[text(row.get(name)) for name in facts] for row in rows])
