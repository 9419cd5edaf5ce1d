"""Panels of people: what needs attention, and which agents are there."""

from collections import Counter
from datetime import datetime

from gitcoord.faces.cli.pages.markup import Node, element
from gitcoord.faces.cli.pages.panel_parts import (
    badge,
    code,
    codes,
    details,
    kind_of,
    listing,
    moment,
    note,
    nothing,
    tiles,
)
from gitcoord.faces.cli.terminal import commands
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.fields import life_word, records, strings, text

ATTENTION_OPEN, ATTENTION_MAX = 20, 100  # that are there, the first of them unfolded
_LIVES = ("live", "quiet", "stale", "over", "unknown", "ended")


def attention(facts: Result, _now: datetime) -> tuple[list[Node], int]:
    """Show what needs a person or an agent now."""
    rows = records(facts.get("rows"))
    if not rows:
        return [nothing("Nothing needs attention.")], 0
    items = [_attention(row) for row in rows[:ATTENTION_MAX]]
    shown: list[Node] = [element("ul", *items[:ATTENTION_OPEN], class_="rows")]
    if items[ATTENTION_OPEN:]:
        folded = element("ul", *items[ATTENTION_OPEN:], class_="rows")
        shown.append(details(f"{len(items) - ATTENTION_OPEN} more", [folded]))
    if len(rows) > ATTENTION_MAX:
        shown.append(note(f"The first {ATTENTION_MAX} of {len(rows)}; all: gitcoord status --json"))
    return shown, len(rows)


def _attention(row: Result) -> Node:
    who, severity = text(row.get("who")), text(row.get("severity"))
    whom = {"you": "for you", "person": "for a person"}.get(who, f"for {who}")
    said = commands.for_shell(text(row.get("message")))
    do = row.get("next_step")
    parts = (commands.for_shell(do) if isinstance(do, str) else "").split("`")
    todo = [element("p", *(code(part) if index % 2 else part for index, part in enumerate(parts)), class_="do")]
    about = element("strong", f"{text(row.get('kind')).replace('_', ' ')}: {text(row.get('about'))}")
    line = element("p", badge(severity), " ", about, f" {whom}. ", said, ".")
    return element("li", line, *(todo if do else []), class_=kind_of(severity))


def agents(facts: Result, now: datetime) -> tuple[list[Node], int]:
    """Show who is there, and on what; first who holds something."""
    rows = records(facts.get("rows"))
    if not rows:
        return [nothing("No agent is there, and none holds anything.")], 0
    with_repo = any(row.get("repo") for row in rows)
    ordered = sorted(rows, key=lambda row: (not (row.get("on") or row.get("claims")), _place(text(row.get("life")))))
    cells = (
        [
            badge(row.get("life"), life_word(row.get("life"), row.get("session"))),
            text(row.get("agent")),
            text(row.get("worktree")),
            *([text(row.get("repo"))] if with_repo else []),
            text(row.get("clone")),
            codes(strings(row.get("on"))),
            codes(strings(row.get("claims"))),
            moment(row.get("last_seen"), now),
            moment(row.get("called_at"), now),
        ]
        for row in ordered
    )
    repo = ["repository"] if with_repo else []
    titles = ["life", "agent", "worktree", *repo, "clone", "steps", "claims", "last seen", "last call"]
    return [tiles(_lives(rows)), *listing(titles, cells, len(rows), "gitcoord agents list")], len(rows)


def _lives(rows: list[Result]) -> list[tuple[str, int]]:
    """Count agents by how alive they are, in the words that their rows have."""
    counts = Counter((text(row.get("life")), life_word(row.get("life"), row.get("session"))) for row in rows)
    ordered = sorted(counts, key=lambda key: (_place(key[0]), key[1]))
    return [(word, counts[life, word]) for life, word in ordered]


def _place(life: str) -> int:
    return _LIVES.index(life) if life in _LIVES else len(_LIVES)
