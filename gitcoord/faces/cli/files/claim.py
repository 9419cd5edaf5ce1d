"""`gitcoord claim …`: claim files before they are changed, see what others claimed, release."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.faces.cli.screens import claim_views
from gitcoord.faces.cli.terminal import commands, completion
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.options import AllRepos, As, AsJson, Fresh, examples, group
from gitcoord.faces.cli.terminal.places import from_here

if TYPE_CHECKING:
    from gitcoord.service.session.workspace import Workspace

# Names of operators and setters have a `=`: `Foo::operator==`, `K::y=`, `K::<=>`, `K::=~`.
_PAIR = re.compile(r"(?P<file>.*[^=:])=(?P<name>(?!>|~\Z)[^=]+=*|[^=]*(?:<=>|=~)|={2,3})", re.DOTALL)
_app = group("Claim files before you change them; list and release claims.")
_Patterns = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PATTERN]...", help="As in .gitignore, from the root: 'src/auth/**'; or ./here."),
]
_Symbol = Annotated[
    list[str] | None,
    typer.Option("--symbol", "-s", metavar="FILE=NAME", help="A symbol in a file, such as a.py=Class::method."),
]
_Ids = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CLAIM]...", help="Claims, c-…; all of yours if left out.", autocompletion=completion.claims
    ),
]
_Urgency = Annotated[
    str,
    typer.Option(
        "--urgency", help="low, normal, high or blocking: the place in line.", autocompletion=completion.urgencies
    ),
]


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="claim")


@_app.command(
    epilog=examples(
        "gitcoord claim add 'src/auth/**' --description 'split the login'",
        "gitcoord claim add src/auth/login.ts --hours 8 --no-narrow",
        "gitcoord claim add --symbol src/auth/login.ts=handleLogin",
        "gitcoord claim add --shared package-lock.json --wait 300 --json",
        "gitcoord claim add --module 'src/billing/**'",
        "gitcoord claim add --queue q-5d0f2hc7",
    )
)
def add(  # noqa: PLR0913 - what a claim may say, by name
    patterns: _Patterns = None,
    *,
    symbol: _Symbol = None,
    shared: Annotated[
        list[str] | None, typer.Option("--shared", metavar="PATTERN", help="A file that all change; held for 2 hours.")
    ] = None,
    module: Annotated[
        list[str] | None,
        typer.Option("--module", metavar="PATTERN", help="Claim as a module: others cannot carve symbols out of it."),
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", "-d", metavar="TEXT", help="What you do there; others see it.")
    ] = None,
    branch: Annotated[str | None, typer.Option("--branch", help="Its branch; the one checked out if left out.")] = None,
    hours: Annotated[float | None, typer.Option("--hours", help="How long; 4 if left out.")] = None,
    narrow: Annotated[bool, typer.Option("--narrow/--no-narrow", help="Whether others may claim its symbols.")] = True,
    read: Annotated[
        bool, typer.Option("--read", help="Only to read: two readers are not in each other's way.")
    ] = False,
    literal: Annotated[bool, typer.Option("--literal", help="PATTERNs are plain paths, without wildcards.")] = False,
    wait: Annotated[int, typer.Option("--wait", metavar="SECONDS", help="Wait in line, at most 600 s.")] = 0,
    urgency: _Urgency = "normal",
    queue: Annotated[str | None, typer.Option("--queue", metavar="Q-ID", help="Go on waiting for this call.")] = None,
    as_: As = None,
    as_json: AsJson = False,
) -> int:
    """Claim files or symbols: all of them, or nothing."""
    from gitcoord.service.claims import claims

    def call(workspace: "Workspace") -> Result:
        result = claims.claim_files(
            workspace,
            patterns=from_here(patterns, workspace.repository.top),
            symbols=_symbols(symbol, workspace.repository.top),
            shared_files=from_here(shared, workspace.repository.top),
            modules=from_here(module, workspace.repository.top),
            description=description,
            branch=branch,
            ttl_hours=hours,
            narrowable=narrow,
            mode="read" if read else "write",
            literal=literal,
            wait_seconds=wait,
            urgency=urgency,
            queue_id=queue,
            agent_id=as_,
            patience=claim_views.patience(),
        )
        lists = {"symbol": symbol, "shared": shared, "module": module}
        flags = {"literal": literal, "read": read, "no-narrow": not narrow}
        level = None if urgency == "normal" else urgency
        texts = {"description": description, "branch": branch, "hours": hours, "urgency": level, "as": as_}
        # The words that ask for the same once more.
        several = [word for name, values in lists.items() for value in values or () for word in (f"--{name}", value)]
        once = [word for name, value in texts.items() if value for word in (f"--{name}", f"{value}")]
        options = [*several, *(f"--{name}" for name, is_set in flags.items() if is_set), *once]
        return commands.result_for_shell(result, commands.Words(patterns or (), options))

    return answer(call, claim_views.claimed, as_json=as_json)


@_app.command(
    epilog=examples(
        "gitcoord claim check src/auth/login.ts",
        "gitcoord claim check src/auth/login.ts --symbol src/auth/login.ts=handleLogin --json",
    )
)
def check(
    patterns: _Patterns = None,
    *,
    symbol: _Symbol = None,
    as_: As = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """Check whether a claim would be granted. Exit status 1 if not: by others, who hold it or wait, or by a limit.

    5 if the remote is away and only old data says that the files are free.
    """
    from gitcoord.service.claims import claims

    return answer(
        lambda workspace: claims.check_conflicts(
            workspace,
            files=from_here(patterns, workspace.repository.top),
            symbols=_symbols(symbol, workspace.repository.top),
            agent_id=as_,
        ),
        claim_views.checked,
        as_json=as_json,
        refused=lambda result: bool(result.get("why")),
        fresh=fresh,
        is_verdict=True,
    )


@_app.command(
    "list",
    epilog=examples(
        "gitcoord claim list", "gitcoord claim list --mine", "gitcoord claim list --agent ann --on 'src/**' --json"
    ),
)
def list_(
    *,
    agent: Annotated[str | None, typer.Option("--agent", "-a", help="Only this agent and its sub-agents.")] = None,
    on: Annotated[str | None, typer.Option("--on", metavar="PATTERN", help="Only what overlaps it.")] = None,
    mine: Annotated[
        bool, typer.Option("--mine", help="Only what you, your sub-agents and your tool here hold.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Also those that ended recently, and how.")] = False,
    all_repos: AllRepos = False,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """List who has claimed what, until when."""
    from gitcoord.service.claims import claims

    return answer(
        lambda workspace: claims.list_claims(
            workspace,
            active_only=not every,
            agent=agent,
            pattern=from_here([on], workspace.repository.top)[0] if on else on,
            mine=mine,
            all_repos=all_repos,
        ),
        partial(claim_views.listed_own_claims if mine else claim_views.listed_claims, all_repos=all_repos),
        as_json=as_json,
        fresh=fresh,
    )


@_app.command(epilog=examples("gitcoord claim extend --hours 8", "gitcoord claim extend c-7k2m9q4x --hours 24"))
def extend(
    claims_: _Ids = None,
    *,
    hours: Annotated[float, typer.Option("--hours", help="From now; at most 168.")] = 4.0,
    as_: As = None,
    as_json: AsJson = False,
) -> int:
    """Extend your claims to end at least this long from now."""
    from gitcoord.service.claims import claims

    return answer(
        lambda workspace: claims.extend_claims(workspace, ttl_hours=hours, claim_ids=claims_ or None, agent_id=as_),
        claim_views.extended,
        as_json=as_json,
    )


@_app.command(
    epilog=examples(
        "gitcoord claim release",
        "gitcoord claim release c-7k2m9q4x --json",
        "gitcoord claim release --all",
        "gitcoord claim release --session",
        "gitcoord claim release c-7k2m9q4x --force --reason 'its agent was stopped'",
    )
)
def release(
    claims_: _Ids = None,
    *,
    session: Annotated[
        bool, typer.Option("--session", help="Everything of this session, its sub-agents' too.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Release it even if someone else holds it; recorded in the log.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why, with --force.")] = "",
    every: Annotated[bool, typer.Option("--all", "--mine", help="All of yours, as without CLAIM.")] = False,
    as_: As = None,
    as_json: AsJson = False,
) -> int:
    """Release claims of yours; a waiter gets them at once."""
    from gitcoord.service.claims import claims

    if every and (claims_ or session or force):
        raise typer.BadParameter("it stands for all claims of yours", param_hint="--all")
    if session and (claims_ or force or as_):
        raise typer.BadParameter("it stands for all claims of this session", param_hint="--session")
    if force and not claims_:
        raise typer.BadParameter("name the claims that are to be ended; see: gitcoord claim list", param_hint="--force")
    if session:
        return answer(claims.release_session, claim_views.released, as_json=as_json)
    ids: Sequence[str] = claims_ or ()
    if force:
        return answer(
            lambda workspace: claims.release_by_force(workspace, claim_ids=ids, reason=reason),
            claim_views.released,
            as_json=as_json,
        )
    return answer(
        lambda workspace: claims.release_claims(workspace, claim_ids=ids or None, agent_id=as_),
        claim_views.released,
        as_json=as_json,
    )


def _symbols(given: Sequence[str] | None, top: Path) -> dict[str, list[str]] | None:
    """Return FILE=NAME pairs by file. A file's name may have a `=` anywhere in it, a symbol's at its end."""
    found: dict[str, list[str]] = {}
    for pair in given or ():
        both = _PAIR.fullmatch(pair)
        if both is None:
            raise typer.BadParameter("FILE=NAME, such as src/a.py=handle", param_hint="--symbol")
        (file,) = from_here([both["file"]], top)
        found.setdefault(file, []).append(both["name"])
    return found or None
