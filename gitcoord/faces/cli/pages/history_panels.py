"""Panels of history: automatic resolutions by day, metrics, and what relays delivered."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from gitcoord.core.documents.doc import parse_time
from gitcoord.faces.cli.pages.day_chart import Layer, chart
from gitcoord.faces.cli.pages.markup import Node, element
from gitcoord.faces.cli.pages.panel_parts import (
    badge,
    code,
    codes,
    cut_note,
    listing,
    moment,
    nothing,
    remaining,
    tiles,
)
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.fields import number, record, records, strings, text, whole

HEAT = 4  # shades beside none
_KINDS = ("auto_coexist", "auto_narrow")
_CHARTS: Sequence[tuple[str, str, str]] = (
    ("Throughput", "step_completed", "steps completed"),
    ("Waiting", "queued", "calls that began to wait"),
    ("Refusals", "claim_refused", "claims refused"),
    ("Recovered", "step_recovered", "steps put back or taken over"),
)


def _days(facts: Result) -> list[str]:
    """Return the days that facts are of."""
    try:
        since = parse_time(text(facts.get("since")))
    except ValueError:
        return []
    return [(since + timedelta(days=index)).date().isoformat() for index in range(whole(facts.get("days")))]


def heat_map(facts: Result, _now: datetime) -> tuple[list[Node], int]:
    """Show how often claims of one file were granted side by side, by day and repository."""
    days, counts = _days(facts), dict[str, Counter[str]]()
    for row in records(facts.get("series")):
        found = counts.setdefault(text(row.get("repo")), Counter())
        found[text(row.get("day"))] += sum(whole(row.get(kind)) for kind in _KINDS)
    if not counts:
        return [nothing("Nothing was resolved automatically."), *cut_note(facts)], 0
    most = max(max(found.values()) for found in counts.values())
    cells = (
        element(
            "tr",
            element("th", repo or "this repository", scope="row"),
            *(_heat(day, repo, found[day], most) for day in days),
            element("td", f"{found.total()}", class_="n"),
        )
        for repo, found in sorted(counts.items())
    )
    heads = [element("th", day[8:], scope="col", title=day) for day in days]
    head = element("tr", element("th", "repository", scope="col"), *heads, element("th", "all", scope="col"))
    whole_table = element("table", element("thead", head), element("tbody", *cells), class_="heat")
    return [*cut_note(facts), element("div", whole_table, class_="wide")], sum(
        found.total() for found in counts.values()
    )


def _heat(day: str, repo: str, count: int, most: int) -> Node:
    shade = -(-HEAT * count // most) if most else 0
    return element("td", f"{count}" if count else "", class_=f"h{shade}", title=f"{day}{repo and f', {repo}'}: {count}")


def metrics(facts: Result, _now: datetime) -> tuple[list[Node], None]:
    """Show how much was done, waited for, refused and recovered, by day."""
    activity, hours = record(facts.get("activity")), record(facts.get("hours"))
    days, sums = _days(activity), record(activity.get("totals"))
    by_day = {text(row.get("day")): row for row in records(activity.get("by_day"))}
    charts = [
        chart(title, days, [Layer(name, [whole(by_day.get(day, {}).get(kind)) for day in days])])
        for title, kind, name in _CHARTS
    ]
    wait = record(activity.get("waited_seconds"))
    summary: list[tuple[str, int | str]] = [(name, whole(sums.get(kind))) for _, kind, name in _CHARTS]
    summary.insert(1, ("claims granted", whole(sums.get("claim_granted"))))
    summary += [
        ("hours for a step (median)", number(hours.get("median"))),
        ("hours left (estimate)", number(facts.get("estimated_hours_left"))),
        ("seconds from line to claim (median)", number(wait.get("median"))),
    ]
    return [*cut_note(activity), tiles(summary), element("div", *charts, class_="charts")], None


def events(facts: Result, now: datetime) -> tuple[list[Node], int]:
    """Show what happened last."""
    rows = records(facts.get("events"))
    if not rows:
        return [nothing("Nothing happened.")], 0
    cells = (
        [
            moment(row.get("time"), now),
            code(text(row.get("event"))),
            text(row.get("agent")),
            codes(_subjects(row)),
            text(row.get("title")) or text(row.get("description")) or text(row.get("reason")),
            ", ".join(strings(row.get("claims"))),
        ]
        for row in rows
    )
    return listing(["when", "event", "agent", "what", "about", "ids"], cells, len(rows), "gitcoord log"), len(rows)


def _subjects(row: Result) -> list[str]:
    """Return what an event is about: a step, files, or a project as a whole."""
    one = row.get("step") or (None if row.get("patterns") else row.get("project"))
    return [text(one)] if one else strings(row.get("patterns"))


def deliveries(facts: Result, now: datetime) -> tuple[list[Node], int]:
    """Show what relays delivered, what they try again, and what they gave up."""
    relays = records(facts.get("relays"))
    if not relays:
        return [nothing("No relay delivers events here.")], 0
    cells = (
        [
            code(text(row.get("relay"))),
            text(row.get("receiver")),
            *(f"{whole(row.get(name))}" for name in ("delivered", "failed", "waiting", "exhausted")),
            remaining(row.get("next_attempt_at"), now),
        ]
        for row in relays
    )
    titles = ["relay", "receiver", "delivered", "failed", "waiting", "given up", "next attempt in"]
    tails = [
        (text(tail.get("relay")), row) for tail in records(facts.get("tails")) for row in records(tail.get("attempts"))
    ]
    attempts = (
        [
            badge(row.get("result")),
            relay,
            code(text(row.get("event_type"))),
            text(row.get("attempt")),
            text(row.get("answer")),
            moment(row.get("at"), now),
        ]
        for relay, row in tails
    )
    last = listing(
        ["result", "relay", "event", "attempt", "answer", "when"],
        attempts,
        len(tails),
        "gitcoord relay tail",
        "Last attempts",
    )
    return [*listing(titles, cells, len(relays), "gitcoord relay stats"), *(last if tails else [])], len(relays)
