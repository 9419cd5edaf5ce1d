"""Panels of claims: what is held and carved, who waits, who asks, and what is refused most."""

from datetime import datetime

from gitcoord.faces.cli.pages.markup import Node, element
from gitcoord.faces.cli.pages.panel_parts import badge, code, codes, listing, moment, nothing, remaining
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.fields import life_word, records, strings, text, whole


def claims(facts: Result, now: datetime) -> tuple[list[Node], int]:
    """Show what is claimed, for how long, and what others have of it."""
    rows = records(facts.get("rows"))
    if not rows:
        return [nothing("Nothing is claimed.")], 0
    with_repo = any(row.get("repo") for row in rows)
    cells = (
        [
            code(text(row.get("id"))),
            text(row.get("agent")),
            *([text(row.get("repo"))] if with_repo else []),
            codes([_item(item) for item in records(row.get("items"))]),
            _carved(row),
            remaining(row.get("expires_at"), now),
            _holder(row, now),
            text(row.get("step")) or text(row.get("branch")),
            text(row.get("description")),
        ]
        for row in rows
    )
    repo = ["repository"] if with_repo else []
    titles = ["claim", "agent", *repo, "what", "carved out of it", "left", "holder", "step or branch", "for"]
    return listing(titles, cells, len(rows), "gitcoord claim list"), len(rows)


def _item(item: Result) -> str:
    symbols = f" ({', '.join(strings(item.get('symbols')))})" if item.get("symbols") else ""
    return f"{text(item.get('pattern'))}{symbols}{' to read' if item.get('mode') == 'read' else ''}"


def _carved(claim: Result) -> Node:
    """Return what others have of a claim, with the claim that has it."""
    parts = [part for item in records(claim.get("items")) for part in records(item.get("carved"))]
    parts = [part for part in parts if part.get("why", "carved") == "carved"]
    return codes([f"{_item(part)}: {text(part.get('claim'))}" for part in parts])


def _holder(claim: Result, now: datetime) -> Node:
    """Return how the holder is judged, and when its claim ends by that."""
    life = text(claim.get("holder_life"))
    if not life:
        return ""
    if life not in ("over", "stale"):
        return badge(life, life_word(life, claim.get("session")))
    return element("span", badge(life), ", free in ", remaining(claim.get("free_at"), now))


def waiting(facts: Result, now: datetime) -> tuple[list[Node], int]:
    """Show who waits, for what and behind whom."""
    rows = records(facts.get("rows"))
    if not rows:
        return [nothing("No call waits.")], 0
    cells = (
        [
            text(row.get("position")),
            text(row.get("agent")),
            codes(strings(row.get("patterns"))),
            text(row.get("urgency")),
            moment(row.get("created_at"), now),
            codes(
                [f"{text(block.get('item'))} of {text(block.get('agent'))}" for block in records(row.get("waits_for"))]
            ),
            ", ".join(strings(row.get("behind"))),
            remaining(row.get("expires_at"), now),
        ]
        for row in rows
    )
    titles = ["place", "agent", "what", "urgency", "since", "waits for", "behind", "gives up in"]
    return listing(titles, cells, len(rows), "gitcoord queue list"), len(rows)


def requests(facts: Result, now: datetime) -> tuple[list[Node], int]:
    """Show who asked whom for a release, and the answer; those without one first."""
    rows = records(facts.get("rows"))
    if not rows:
        return [nothing("No one asked for a release within the last hour.")], 0
    cells = (
        [
            badge(row.get("decision")),
            code(text(row.get("id"))),
            text(row.get("agent")),
            text(row.get("holder_agent")),
            codes(strings(row.get("requested")) or [text(row.get("claim"))]),
            text(row.get("urgency")),
            text(row.get("reason")),
            moment(row.get("created_at"), now),
            remaining(row.get("expires_at"), now) if row.get("decision") == "pending" else text(row.get("note")),
        ]
        for row in rows
    )
    titles = ["state", "request", "from", "to", "what", "urgency", "reason", "asked", "claim ends, or note"]
    return listing(titles, cells, len(rows), "gitcoord request list"), len(
        [row for row in rows if row.get("decision") == "pending"]
    )


def hot_files(facts: Result, _now: datetime) -> tuple[list[Node], int]:
    """Show what was refused most, with the command that would help."""
    rows = records(facts.get("hotspots"))
    if not rows:
        return [nothing(f"Nothing was refused often in {whole(facts.get('days'))} days.")], 0
    cells = (
        [
            code(text(row.get("pattern"))),
            text(row.get("refusals")),
            text(row.get("agents")),
            _promotion(text(row.get("suggestion"))),
        ]
        for row in rows
    )
    return listing(["what", "refusals", "agents", "what would help"], cells, len(rows), "gitcoord hotspots"), whole(
        facts.get("count")
    )


def _promotion(suggestion: str) -> Node:
    """Return a suggestion with its command as something to copy."""
    said, has_command, rest = suggestion.partition("`")
    command = rest.rpartition("`")[0]
    if not has_command or not command:
        return suggestion
    copy = element("button", "Copy", type="button", class_="copy", data_copy=command, aria_label=f"Copy: {command}")
    return element("span", said.rstrip("; "), ": ", code(command), " ", copy)
