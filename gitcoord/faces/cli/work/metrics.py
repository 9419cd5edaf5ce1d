"""`gitcoord metrics …`: how long steps take, who did what, how much is left; and series of days."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.errors import UsageError
from gitcoord.faces.cli.screens.views import counted
from gitcoord.faces.cli.terminal import show, world
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.columns import Column, ids, names
from gitcoord.faces.cli.terminal.fields import listed, minute, number, record, records, text
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, InProject, examples

if TYPE_CHECKING:
    from gitcoord.service.session.workspace import Workspace

_LINES = (
    "gitcoord metrics",
    "gitcoord metrics --project myapp",
    "gitcoord metrics --agent ann/claude-code/wt-3 --json",
    "gitcoord metrics --days 30",
    "gitcoord metrics --prometheus > gitcoord.prom",
    "gitcoord metrics --otlp http://127.0.0.1:4318",
    "gitcoord metrics --report gitcoord.html --days 30",
    "gitcoord metrics auto-resolutions --days 30",
)
_app = typer.Typer(invoke_without_command=True, epilog=examples(*_LINES), rich_markup_mode=None, add_completion=False)
Days = Annotated[int, typer.Option("--days", help="Of this many days, at most 90; today is one of them.")]


def register(root: typer.Typer) -> None:
    """Add this noun, which is a command too."""
    root.add_typer(_app, name="metrics")


@_app.callback()
def metrics(  # noqa: PLR0913 - what may be asked for, by name
    context: typer.Context,
    *,
    project: InProject = None,
    agent: Annotated[
        str | None, typer.Option("--agent", "-a", metavar="AGENT", help="Only this agent and its sub-agents.")
    ] = None,
    days: Annotated[
        int | None,
        typer.Option("--days", help="Also what happened in the last days, at most 90; today is one of them."),
    ] = None,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Print all of them in the text format of Prometheus.")
    ] = False,
    otlp: Annotated[
        str | None,
        typer.Option("--otlp", metavar="URL", help="Send all of them to an OpenTelemetry collector; or env."),
    ] = None,
    report: Annotated[
        str | None, typer.Option("--report", metavar="FILE.html", help="Write all of them as one page of HTML.")
    ] = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """Show how long steps take and who did what.

    Hours are from the claim of a step to its completion.
    """
    if context.invoked_subcommand is not None:
        if any(context.params.values()):
            raise typer.BadParameter(f"options of `{context.invoked_subcommand}` stand behind it")
        return 0
    from gitcoord.service.steps import activity, step_views

    if prometheus or report is not None or otlp is not None:
        is_doubled = prometheus + (report is not None) + (otlp is not None) > 1
        if project is not None or agent is not None or is_doubled or (prometheus and as_json):
            option = "--prometheus" if prometheus else "--report" if report is not None else "--otlp"
            raise typer.BadParameter("it has all projects and agents, in a format of its own", param_hint=option)
        span = activity.DAYS if days is None else days
        if otlp is not None:
            return _send(otlp, span, fresh=fresh, as_json=as_json)
        return answer(
            lambda workspace: _kept(activity.report(workspace, days=span), workspace.setting.host.now(), report),
            lambda result, _now: _exposition(result) if prometheus else _page(result),
            as_json=as_json,
            fresh=fresh,
        )
    return answer(
        lambda workspace: (
            step_views.get_metrics(workspace, project=project, agent_id=agent)
            if days is None
            else activity.metrics(workspace, days=days, project=project, agent_id=agent)
        ),
        _tables,
        as_json=as_json,
        fresh=fresh,
    )


@_app.command(
    "auto-resolutions",
    epilog=examples("gitcoord metrics auto-resolutions", "gitcoord metrics auto-resolutions --days 90 --json"),
)
def auto_resolutions(*, days: Days = 30, fresh: Fresh = False, as_json: AsJson = False) -> int:
    """Show automatic resolutions by repository and day.

    Claims of one file that were granted side by side. auto_coexist: of other
    symbols. auto_narrow: something was carved out of a claim for another.
    """
    from gitcoord.service.steps import activity

    columns = ("auto_coexist", "auto_narrow")
    return answer(
        lambda workspace: activity.auto_resolutions(workspace, days=days),
        lambda result, _now: _series(result, columns, columns, "nothing was resolved automatically"),
        as_json=as_json,
        fresh=fresh,
    )


@_app.command(
    epilog=examples("gitcoord metrics hotspots", "gitcoord metrics hotspots --days 7 --json"),
)
def hotspots(*, days: Days = 30, fresh: Fresh = False, as_json: AsJson = False) -> int:
    """Show refused claims by repository, day and pattern.

    `gitcoord hotspots` has their sums, and what would help.
    """
    from gitcoord.service.steps import activity

    return answer(
        lambda workspace: activity.refusals(workspace, days=days),
        lambda result, _now: _series(
            result,
            ("refusals", "agents", "pattern"),
            ("refused", "agents", names("pattern")),
            "nothing was refused because of a claim",
        ),
        as_json=as_json,
        fresh=fresh,
    )


def _series(result: Result, facts: tuple[str, ...], columns: tuple[str | Column, ...], nothing: str) -> None:
    rows = records(result.get("series"))
    has_names = any(row.get("repo") for row in rows)
    shown = ("day", *(["repo"] if has_names else []), *facts)
    if rows:
        titles = ("day", *([names("repo")] if has_names else []), *columns)
        show.table(titles, [[text(row.get(name)) for name in shown] for row in rows])
    else:
        show.line(f"{nothing} in the last {number(result.get('days'))} days")
    _cut(result)


def _cut(result: Result) -> None:
    """Say that there is more than was read."""
    if result.get("complete_since"):
        show.aside("note", f"complete since {minute(result.get('complete_since'))}: older history was not read")


def _tables(result: Result, _now: datetime) -> None:
    hours = record(result.get("hours"))
    show.line(f"steps: {text(result.get('steps'))} ({counted(result) or 'none yet'})")
    spread = ", ".join(f"{name} {number(value)}" for name, value in hours.items() if value is not None)
    if spread:
        show.line(f"hours from claim to completion: {spread}")
        show.line(f"claims per step: {number(result.get('attempts_per_step'))}")
    if result.get("estimated_hours_left") is not None:
        show.line(f"estimated hours left: {number(result.get('estimated_hours_left'))}")
    agents = records(result.get("agents"))
    if agents:
        show.line()
        facts = ("agent", "completed", "failed", "recovered", "average_hours")
        columns = (names("agent"), "completed", "failed", "lost", "hours", names("scopes"))
        show.table(columns, [[*(number(row.get(name)) for name in facts), listed(row.get("scopes"))] for row in agents])
    scopes = record(result.get("scopes"))
    if scopes:
        show.line()
        facts = ("steps", "completed", "average_hours")
        rows = [[scope, *(number(record(row).get(name)) for name in facts)] for scope, row in scopes.items()]
        show.table((ids("scope"), "steps", "completed", "hours"), rows)
    if result.get("activity"):
        show.line()
        _activity(record(result.get("activity")))


def _kept(result: Result, now: datetime, name: str | None) -> Result:
    """Write a report to a file, if one is named, and return what to say of it."""
    if name is None:
        return result
    from gitcoord.faces.cli.pages.report_page import page

    file = world.folder() / name
    try:
        file.write_bytes(page(result, now))
    except (OSError, ValueError) as error:
        raise UsageError(f"{name!r} cannot be written: {getattr(error, 'strerror', None) or error}.") from None
    found = record(result.get("activity"))
    return {"report": str(file), **{name: found[name] for name in ("days", "since", "complete_since")}}


def _send(url: str, days: int, *, fresh: bool, as_json: bool) -> int:
    """Send all measures to a collector."""
    from gitcoord.faces.cli.work import otlp
    from gitcoord.service.relay import collector
    from gitcoord.service.steps import activity

    env = world.environment()
    place, resource = collector.collector_of(env, url), collector.pairs(env, "OTEL_RESOURCE_ATTRIBUTES")
    resource |= {"service.name": env["OTEL_SERVICE_NAME"]} if env.get("OTEL_SERVICE_NAME") else {}

    def sent(workspace: "Workspace") -> Result:
        now = workspace.setting.host.now()
        export = otlp.export(activity.report(workspace, days=days), now, resource)
        count, why = otlp.rejected(place.send(export.body, now))
        result: Result = {"receiver": place.place.url, "sent": export.points - count}
        return result | ({"rejected": count, "answer": why} if count else {})

    def shown(result: Result, _now: datetime) -> None:
        show.line(f"sent {number(result.get('sent'))} numbers to {text(result.get('receiver'))}")
        if result.get("rejected"):
            show.aside("problem", f"it rejected {number(result.get('rejected'))}: {text(result.get('answer')) or '-'}")

    return answer(sent, shown, as_json=as_json, fresh=fresh, refused=lambda result: bool(result.get("rejected")))


def _page(result: Result) -> None:
    show.line(f"written: {text(result.get('report'))}")
    _cut(result)


def _exposition(result: Result) -> None:
    from gitcoord.faces.cli.work import prometheus

    show.verbatim(prometheus.exposition(result))


_SHOWN = {
    "step_completed": "completed",
    "step_failed": "failed",
    "step_recovered": "lost",
    "claim_granted": "granted",
    "claim_refused": "refused",
    "queued": "waited",
    "auto_coexist": "coexist",
    "auto_narrow": "narrow",
}


def _activity(found: Result) -> None:
    days, sums = number(found.get("days")), record(found.get("totals"))
    happened = ", ".join(f"{name} {number(count)}" for name, count in sums.items() if count)
    show.line(f"the last {days} days: {happened or 'nothing happened'}")
    for title, field in (("refused because", "refusals"), ("left the line because", "left_the_line")):
        reasons = ", ".join(f"{reason} {number(count)}" for reason, count in record(found.get(field)).items())
        if reasons:
            show.line(f"{title}: {reasons}")
    waits = record(found.get("waited_seconds"))
    if waits.get("average") is not None:
        show.line(f"seconds from line to claim: {', '.join(f'{name} {number(wait)}' for name, wait in waits.items())}")
    kinds = [kind for kind in _SHOWN if kind in sums]
    for field, title in (("by_day", "day"), ("by_agent", names("agent"))):
        rows = records(found.get(field))
        if rows:
            show.line()
            cells = [
                [text(row.get(field.removeprefix("by_"))), *(number(row.get(kind)) for kind in kinds)] for row in rows
            ]
            show.table((title, *(_SHOWN[kind] for kind in kinds)), cells)
    _cut(found)
