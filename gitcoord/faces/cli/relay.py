"""`gitcoord relay …`: deliver what happens to other services, as webhooks."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.core.documents.names import amount
from gitcoord.errors import UsageError
from gitcoord.faces.cli.terminal import completion, show, world
from gitcoord.faces.cli.terminal.calls import REFUSED, Result, answer, opened
from gitcoord.faces.cli.terminal.columns import ids, names, prose
from gitcoord.faces.cli.terminal.fields import number, records, strings, text, whole
from gitcoord.faces.cli.terminal.options import AsJson, Yes, confirm, examples, group
from gitcoord.redaction import redact

if TYPE_CHECKING:
    from gitcoord.service.relay.rounds import Rounds
    from gitcoord.service.session.workspace import Workspace

_app = group("Deliver what happens to other services, as webhooks.")
_RUN = (
    "gitcoord relay --url http://127.0.0.1:8000/ --secret-env HOOK_SECRET",
    "gitcoord relay --url-env HOOK_URL --secret-env HOOK_SECRET --once",
    "gitcoord relay --url-env URL --secret-env KEY --event step_completed",
)
_Name = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Which relay: one for each receiver, with a position of its own.",
        autocompletion=completion.relays,
    ),
]
_Format = Annotated[
    str,
    typer.Option(
        "--format", metavar="FORMAT", help="webhook, slack, github or gitlab.", autocompletion=completion.formats
    ),
]
_SecretEnv = Annotated[
    str | None,
    typer.Option(
        "--secret-env", metavar="VARIABLE", help="The variable with the secret that signs each body, or the token."
    ),
]
_Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=50, help="At most so many of each.")]


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="relay")


@_app.callback(invoke_without_command=True, epilog=examples(*_RUN))
def run(  # noqa: PLR0913 - what may be said, by name
    context: typer.Context,
    *,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Where to deliver; others see a command line.")
    ] = None,
    url_env: Annotated[
        str | None, typer.Option("--url-env", metavar="VARIABLE", help="The variable of the environment with the URL.")
    ] = None,
    secret_env: _SecretEnv = None,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="EVENT", help="Only this event; repeat it.", autocompletion=completion.events),
    ] = None,
    format_name: _Format = "webhook",
    name: _Name = "webhooks",
    once: Annotated[bool, typer.Option("--once", help="Deliver what is there, then end: for cron and CI.")] = False,
    as_json: AsJson = False,
) -> int:
    """Deliver events until it is interrupted, or once."""
    if context.invoked_subcommand is not None:
        return 0
    from gitcoord.service.relay import formats, relays

    if format_name not in formats.FORMATS:
        raise typer.BadParameter(f"it is one of {', '.join(formats.FORMATS)}", param_hint="--format")
    needs_secret = format_name not in formats.WITHOUT_SECRET
    if (url is None) == (url_env is None) or (needs_secret and secret_env is None):
        raise UsageError(
            "A relay needs one URL and one secret.", hint="Give --url or --url-env, and --secret-env; see `--help`."
        )
    env = world.environment()
    address = url or relays.value_in(env, url_env or "", "the URL")
    secret = relays.value_in(env, secret_env or "", "the secret") if needs_secret else ""

    def rounds_of(workspace: "Workspace") -> "Rounds":
        return relays.rounds_of(
            workspace, name=name, url=address, secret=secret, events=event or (), format_name=format_name
        )

    if once:
        return answer(
            lambda workspace: rounds_of(workspace).once(),
            _report,
            as_json=as_json,
            refused=lambda result: whole(result.get("failed")) > 0,
        )
    with opened() as workspace:
        rounds = rounds_of(workspace)
        show.aside("relay", f"{name} delivers to {redact(rounds.receiver)} until it is interrupted")
        now = workspace.setting.host.now

        def tell(result: Result) -> None:
            show.json_object(result) if as_json else _report(result, now())
            show.flush()

        rounds.forever(tell)
    return REFUSED


@_app.command(
    "pull-requests",
    epilog=examples(
        "gitcoord relay pull-requests --repo ann/shop",
        "gitcoord relay pull-requests --repo ann/shop --once --dry-run",
        "gitcoord relay pull-requests --format gitlab --repo ann/shop --once",
    ),
)
def pull_requests(
    *,
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="REPO", help="Which repository there; in CI, its own if left out.")
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="github or gitlab.", autocompletion=completion.forges),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="The address of its API.")] = None,
    secret_env: Annotated[
        str | None,
        typer.Option(
            "--secret-env", metavar="VARIABLE", help="The variable with the token; GITHUB_TOKEN, GITLAB_TOKEN."
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once, then end: for cron and CI.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written; change nothing there.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Say in each pull request what it collides with.

    One comment says what of it others hold, which other pull requests it does not merge with, and which claims
    its branch was refused; it follows what changes. The right to read the repository, and to write comments, is enough.
    """
    from gitcoord import runtime
    from gitcoord.service.relay import forges
    from gitcoord.service.relay.pull_requests import Commenter

    env = world.environment()
    kind = format_name or ("gitlab" if env.get("GITLAB_CI") else "github")
    if kind not in forges.KINDS:
        raise typer.BadParameter(f"it is one of {', '.join(forges.KINDS)}", param_hint="--format")
    host = runtime.make_host()
    forge = forges.forge_of(env, kind, host.now, repo=repo or "", url=url or "", secret_env=secret_env or "")
    commenter = Commenter(forge, host, lambda: runtime.open_inspection(world.folder(), env), only_shows=dry_run)

    def tell(result: Result) -> None:
        show.json_object(result) if as_json else _comments(result)
        show.flush()

    if once or dry_run:
        result = commenter.look()
        tell(result)
        return REFUSED if whole(result.get("failed")) else 0
    show.aside("relay", "keeps the comments of pull requests until it is interrupted")
    commenter.forever(tell)
    return REFUSED


@_app.command("stats", epilog=examples("gitcoord relay stats", "gitcoord relay stats --name chat --json"))
def stats(
    *,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Only this relay.", autocompletion=completion.relays),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show how much each relay has delivered, and what waits."""
    from gitcoord.service.relay import relays

    return answer(lambda workspace: relays.get_stats(workspace, name=name), _stats, as_json=as_json)


@_app.command("tail", epilog=examples("gitcoord relay tail", "gitcoord relay tail --name chat -n 50 --json"))
def tail(*, name: _Name = "webhooks", limit: _Limit = 20, as_json: AsJson = False) -> int:
    """Show the last attempts, and what waits or was given up."""
    from gitcoord.service.relay import relays

    return answer(lambda workspace: relays.get_tail(workspace, name=name, limit=limit), _tail, as_json=as_json)


@_app.command("retry", epilog=examples("gitcoord relay retry", "gitcoord relay retry 3f2a… --name chat"))
def retry(
    delivery: Annotated[
        list[str] | None, typer.Argument(metavar="DELIVERY", help="Ids of deliveries; none: all of them.")
    ] = None,
    *,
    name: _Name = "webhooks",
    as_json: AsJson = False,
) -> int:
    """Try again what waits or was given up, in the next round."""
    from gitcoord.service.relay import relays

    return answer(
        lambda workspace: relays.retry(workspace, name=name, ids=delivery or ()),
        lambda result, _: show.line(f"to be tried again by the relay {name}: {number(result.get('count'))}"),
        as_json=as_json,
    )


@_app.command("purge", epilog=examples("gitcoord relay purge", "gitcoord relay purge --name chat --relay --yes"))
def purge(
    *,
    name: _Name = "webhooks",
    waiting: Annotated[bool, typer.Option("--waiting", help="Also what waits to be tried again.")] = False,
    relay: Annotated[bool, typer.Option("--relay", help="The whole relay, with its position.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Forget what was given up."""
    from gitcoord.service.relay import relays

    confirm(f"Forget what the relay {name} has not delivered?", yes=yes)
    return answer(
        lambda workspace: relays.purge(workspace, name=name, waiting=waiting, relay=relay),
        lambda result, _: show.line(
            f"forgotten: {amount(whole(result.get('purged')), 'event')}"
            + (f", and the relay {name}" if result.get("removed") else "")
        ),
        as_json=as_json,
    )


def _report(result: Result, _now: datetime) -> None:
    if result.get("problem"):
        show.aside("problem", text(result.get("problem")))
        return
    if result.get("begun"):
        show.line(f"the relay {text(result.get('relay'))} begins with what happens from now on")
    for attempt in records(result.get("attempts")):
        word = "delivered" if attempt.get("delivered") else "failed"
        show.line(
            f"{word} {text(attempt.get('event_type'))} {text(attempt.get('delivery_id'))[:12]}: "
            f"{text(attempt.get('answer'))}"
        )
    counts = [f"{name} {number(result.get(name))}" for name in ("delivered", "failed", "waiting", "exhausted")]
    show.line(", ".join(counts))


def _comments(result: Result) -> None:
    if result.get("problem"):
        show.aside("problem", text(result.get("problem")))
        if result.get("hint"):
            show.aside("hint", text(result.get("hint")))
        return
    would_be = "would be " if result.get("dry_run") else ""
    for row in records(result.get("pull_requests")):
        if row.get("comment") not in ("unchanged", "unknown", "failed"):
            show.line(f"pull request {number(row.get('number'))}: comment {would_be}{text(row.get('comment'))}")
        if row.get("problem"):
            show.aside("problem", f"{number(row.get('number'))}: {text(row.get('problem'))}")
        for line in text(row.get("text")).splitlines():
            show.line(f"  {line}" if line else "")
    for warning in strings(result.get("warnings")):
        show.aside("warning", warning)
    counts = [f"{name} {number(result.get(key))}" for name, key in _COMMENT_COUNTS]
    show.line(", ".join(counts))


_COMMENT_COUNTS = (
    ("pull requests", "count"),
    ("with a collision", "collisions"),
    ("changed", "changed"),
    ("failed", "failed"),
)


def _stats(result: Result, _now: datetime) -> None:
    facts = ("delivered", "failed", "given_up", "waiting", "exhausted")
    rows = [
        [
            text(row.get("relay")),
            *(number(row.get(fact)) for fact in facts),
            text(row.get("next_attempt_at"))[:19],
            text(row.get("receiver")),
        ]
        for row in records(result.get("relays"))
    ]
    if rows:
        counts = ("delivered ever", "failed ever", "given up ever", "waiting now", "exhausted now")
        show.table((ids("relay"), *counts, "next (utc)", names("receiver")), rows)
    else:
        show.line("No relay was started yet.")


def _tail(result: Result, _now: datetime) -> None:
    attempts = [
        [
            text(row.get("at"))[:19],
            text(row.get("event_type")),
            number(row.get("attempt")),
            text(row.get("result")),
            text(row.get("delivery_id")),
            text(row.get("answer")),
        ]
        for row in records(result.get("attempts"))
    ]
    if attempts:
        show.table(("time (utc)", "event", "attempt", "result", ids("delivery"), prose("answer")), attempts)
    else:
        show.line("Nothing was tried yet.")
    for word in ("waiting", "exhausted"):
        for row in records(result.get(word)):
            show.line(
                f"{word} {text(row.get('delivery_id'))} {text(row.get('event_type'))}, "
                f"after {number(row.get('attempts'))}: {text(row.get('problem'))}"
            )
