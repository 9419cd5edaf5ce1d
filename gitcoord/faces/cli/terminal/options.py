"""Options that several commands share, and how a help shows examples."""

import sys
from typing import Annotated

import typer

from gitcoord.errors import UsageError
from gitcoord.faces.cli.terminal import completion

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object; `gitcoord schema` says what is in it.")]
Fresh = Annotated[
    bool,
    typer.Option("--fresh", help="Fail if the remote does not answer, instead of showing what was here last."),
]
AllRepos = Annotated[
    bool,
    typer.Option("--all-repos", help="Of all repositories that share the remote; each row names its own."),
]
As = Annotated[
    str | None,
    typer.Option("--as", metavar="AGENT_ID", help="Act for a sub-agent of yours, such as 'tests'."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
StepId = Annotated[
    str,
    typer.Argument(
        metavar="STEP",
        help="PROJECT/NUMBER; the number alone if one project is active.",
        autocompletion=completion.steps,
    ),
]
ProjectName = Annotated[
    str, typer.Argument(metavar="PROJECT", help="The project's name.", autocompletion=completion.projects)
]
InProject = Annotated[
    str | None,
    typer.Option("--project", "-p", metavar="PROJECT", help="Only this project.", autocompletion=completion.projects),
]
Status = Annotated[
    str | None,
    typer.Option("--status", help="Only steps that are this: not_started, running, completed, failed or skipped."),
]
Scope = Annotated[str | None, typer.Option("--scope", "-s", help="Only steps of this scope, such as 'api'.")]


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person before what cannot be taken back.

    Raises:
        UsageError: there is no terminal to ask on, and no --yes.
        Abort: the person says no.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("This cannot be undone, and there is no terminal to ask on.", hint="Say --yes.")
    typer.confirm(question, default=False, abort=True)


def group(help_text: str) -> typer.Typer:
    """Return the group of a noun."""
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None, add_completion=False)


def examples(*lines: str) -> str:
    """Return the end of a help: examples, one a line, not wrapped."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
