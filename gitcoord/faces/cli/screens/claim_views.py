"""Views: claims, requests and the line as text. What is shown is what the service returned, in fewer words."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.terminal import commands, show
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.columns import Column, names, texts
from gitcoord.faces.cli.terminal.conflict_lines import conflict_lines
from gitcoord.faces.cli.terminal.fields import ago, clock, few, left, listed, minute, record, records, strings, text
from gitcoord.service.session.patience import Patience

ALL_OF_IT_S = 660.0  # longer than anything waits: people at a shell interrupt a command themselves


def claimed(result: Result, now: datetime) -> None:
    """Show a claim that was granted, or the place in the line."""
    if result.get("waiting"):
        show.line(f"waiting as {text(result.get('queue_id'))}, place {text(result.get('position'))} in line")
        conflicts(result)
        return
    claim = record(result.get("claim"))
    already = " (yours already)" if result.get("already") else ""
    end = claim.get("expires_at")
    show.line(f"granted  {text(claim.get('id'))}  {what(claim)}  until {minute(end)} ({left(end, now)}){already}")
    for claim_id in strings(result.get("claims")):
        if claim_id != claim.get("id"):
            show.line(f"  with {claim_id}, which is yours already")
    for part in records(result.get("carved")):
        symbols = listed(part.get("symbols")) or "a part"
        show.line(f"  but not {symbols} in {text(part.get('pattern'))}: held as {text(part.get('claim'))}")


def patience() -> Patience:
    """Return the patience of a command, which tells on stderr what it waits for, and at first how to stop that."""
    waiting = Patience(most_s=ALL_OF_IT_S)

    def tell(sentence: str) -> None:
        show.aside("note", sentence)
        if waiting.way_out:
            show.aside("hint", f"Ctrl-C leaves the line, {commands.for_shell(waiting.way_out)} does so from elsewhere.")
            waiting.way_out = ""

    waiting.tell = tell
    return waiting


def checked(result: Result, _now: datetime) -> None:
    """Show that no holder is in the way."""
    show.line("safe: no one is in the way" if result.get("safe") else "no one was in the way")


def conflicts(result: Result) -> None:
    """Show who is in the way, and where."""
    for conflict in records(result.get("conflicts")):
        for line in conflict_lines(conflict):
            show.line(line)


def listed_claims(result: Result, now: datetime, *, all_repos: bool = False) -> None:
    """Show claims as a table, with the repository of each where they are of all."""
    rows = records(result.get("claims"))
    if not rows:
        show.line("There are no claims.")
        return
    columns = ["claim", names("agent"), names("what"), "until (utc)", "left", texts("branch"), texts("for")]
    cells = [
        [
            text(claim.get("id")),
            text(claim.get("agent")),
            what(claim),
            clock(claim.get("ended_at" if claim.get("ended") else "expires_at"), now),
            text(claim.get("ended")) or left_of(claim, now),
            text(claim.get("branch")),
            text(claim.get("description")),
        ]
        for claim in rows
    ]
    show.table(*with_repo(columns, cells, rows if all_repos else ()))


def listed_own_claims(result: Result, now: datetime, *, all_repos: bool = False) -> None:
    """Show the caller's claims as a table."""
    if records(result.get("claims")):
        listed_claims(result, now, all_repos=all_repos)
    else:
        show.line("You hold nothing.")


def with_repo(
    columns: list[str | Column], cells: list[list[str]], rows: Sequence[Mapping[str, Json]]
) -> tuple[list[str | Column], list[list[str]]]:
    """Return a table with a column more, where the rows that it is made of name their repositories."""
    if not any("repo" in row for row in rows):
        return columns, cells
    return [*columns, names("repo")], [[*line, text(row.get("repo"))] for line, row in zip(cells, rows, strict=True)]


def left_of(claim: dict[str, Json], now: datetime) -> str:
    """Return how much is left of a claim, or when it is free because its holder is gone."""
    life = claim.get("holder_life")
    if life not in ("over", "stale"):
        return left(claim.get("expires_at"), now)
    span = left(claim.get("free_at"), now)
    return f"{'over' if life == 'over' else 'silent'}: free {'now' if span == 'over' else f'in {span}'}"


def extended(result: Result, now: datetime) -> None:
    """Show when claims end now."""
    rows = records(result.get("claims"))
    for claim in rows:
        end = claim.get("expires_at")
        show.line(f"{text(claim.get('id'))} lasts until {minute(end)} ({left(end, now)})")
    if not rows:
        show.line("You hold nothing.")


def released(result: Result, _now: datetime) -> None:
    """Show what was released."""
    ids = strings(result.get("released"))
    if ids or not record(result.get("ended")):
        show.line(f"released {', '.join(ids)}" if ids else "You hold nothing.")
    for name, why in (("not_yours", "held by another agent"), ("not_found", "no such claim")):
        if strings(result.get(name)):
            show.aside("note", f"{listed(result.get(name))}: {why}")
    for claim_id, reason in record(result.get("ended")).items():
        show.aside("note", f"{claim_id} has ended: {text(reason)}")


def requested(result: Result, _now: datetime) -> None:
    """Show where a request of one's own stands."""
    request = record(result.get("request"))
    note = f": {text(request.get('note'))}" if request.get("note") else ""
    show.line(f"{text(request.get('id'))} is {text(request.get('decision'))}{note}")


def pending(result: Result, now: datetime) -> None:
    """Show what others ask."""
    rows = records(result.get("pending"))
    if not rows:
        show.line("No one asks for your claims.")
    for request in rows:
        wanted, end = listed(request.get("requested")), request.get("expires_at")
        who = f"{text(request.get('id'))}  {text(request.get('agent'))}"
        show.line(f"{who} asks for {wanted}  ({text(request.get('urgency'))})")
        show.line(
            f"  of {text(request.get('claim'))}, which ends at {minute(end)} ({left(end, now)}) without an answer"
        )
        show.paragraph(text(request.get("reason")), "  ")


def answered(result: Result, now: datetime) -> None:
    """Show what became of a request that was answered."""
    requested(result, now)


def my_requests(result: Result, now: datetime) -> None:
    """Show the agent's requests and its waiting calls."""
    rows = records(result.get("requests"))
    if rows:
        columns = ("request", "claim", names("of"), "decision", "asked", texts("note"))
        show.table(
            columns,
            [
                [
                    *(text(request.get(name)) for name in ("id", "claim", "holder_agent", "decision")),
                    f"{ago(request.get('created_at'), now)} ago",
                    text(request.get("note")),
                ]
                for request in rows
            ],
        )
    else:
        show.line("You have no requests.")
    if records(result.get("queued")):
        show.line()
        queue(result, now)


def queue(result: Result, now: datetime) -> None:
    """Show who waits."""
    rows = records(result.get("queued"))
    if not rows:
        show.line("No one waits.")
        return
    columns = ("waiting", names("agent"), names("for"), "urgency", "since", "gives up in", texts("behind"))
    show.table(
        columns,
        [
            [
                text(entry.get("queue_id")),
                text(entry.get("agent")),
                few(strings(entry.get("patterns"))),
                text(entry.get("urgency")),
                f"{ago(entry.get('created_at'), now)} ago",
                left(entry.get("expires_at"), now),
                waits_for(entry, now),
            ]
            for entry in rows
        ],
    )


def waits_for(entry: dict[str, Json], now: datetime) -> str:
    """Return whom a call waits for: who holds what it asks for until when, then who waits ahead of it."""
    held = [
        f"{text(row.get('agent'))} ({text(row.get('item'))}, {left(row.get('expires_at'), now)})"
        for row in records(entry.get("waits_for"))
    ]
    return few([*held, *strings(entry.get("behind"))])


def cancelled(result: Result, _now: datetime) -> None:
    """Show which call left the line."""
    show.line(f"{text(result.get('queue_id'))} cancelled")


def what(claim: dict[str, Json]) -> str:
    """Return what a claim covers, on one line, and when what ends before the rest does so."""
    covered: list[str] = []
    last = minute(claim.get("expires_at"))  # what an edit hook claimed is extended item by item while it is used
    for item in records(claim.get("items")):
        symbols = listed(item.get("symbols"))
        reading = " (to read)" if item.get("mode") == "read" else ""
        end = minute(item.get("expires_at"))
        until = f" (until {end})" if end and end != last and not item.get("auto") else ""
        covered.append(f"{text(item.get('pattern'))}{f': {symbols}' if symbols else ''}{_carved(item)}{reading}{until}")
    return few(covered)


def _carved(item: dict[str, Json]) -> str:
    """Return what others have of an item, in the words of a list: ` but f, src/b.py (outdated)`."""
    taken: list[str] = []
    for part in records(item.get("carved")):
        why = part.get("why", "carved")
        if why in ("carved", "stale"):
            pattern = text(part.get("pattern"))
            place = "" if pattern == item.get("pattern") else f" in {pattern}"
            outdated = " (outdated)" if why == "stale" else ""
            taken += [f"{symbol}{place}{outdated}" for symbol in strings(part.get("symbols"))] or [
                f"{pattern}{outdated}"
            ]
    return f" but {few(taken)}" if taken else ""
