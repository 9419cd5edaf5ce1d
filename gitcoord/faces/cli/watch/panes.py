"""Panes: the lists of the screen, each a table of what one look showed.

A pane has columns, and rows with a key that stays the same from look to look: the selection follows it.

What this file does not know: how a table is drawn, and what may be done with a row.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import amount
from gitcoord.faces.cli.screens.attention_rows import word_for
from gitcoord.faces.cli.screens.claim_views import left_of, waits_for, what
from gitcoord.faces.cli.terminal import commands
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.columns import Column, ids, names, texts
from gitcoord.faces.cli.terminal.fields import (
    ago,
    few,
    life_word,
    listed,
    percent,
    record,
    records,
    seen_word,
    strings,
    text,
)
from gitcoord.faces.cli.terminal.show import plain
from gitcoord.faces.cli.watch.event_lines import about_of, clock_of, subject_of, word_of

# A step that needs someone, or has someone, comes first.
_SAID = ("message", "next_step", "title", "description")
_ORDER = ("failed", "in_progress", "claimed", "available", "not_started", "completed", "skipped")


class PaneRow(NamedTuple):
    """A row: what it is about, its cells without anything that a terminal acts on, and all that is known of it."""

    key: str
    cells: Sequence[str]
    facts: Mapping[str, Json]


class Pane(NamedTuple):
    """A list. `word`: its name in a tab; `nothing`: what stands there while it is empty."""

    word: str
    columns: Sequence[Column]
    rows: Callable[[Result, datetime], Iterator[PaneRow]]
    nothing: str


def _row(key: Json, cells: Sequence[Json], facts: Mapping[str, Json]) -> PaneRow:
    return PaneRow(text(key), [plain(text(cell)) for cell in cells], facts)


def _needs(result: Result, _now: datetime) -> Iterator[PaneRow]:
    for row in records(result.get("attention")):
        kind, about = text(row.get("kind")), text(row.get("about"))
        yield _row(f"{kind} {about}", [word_for(kind), about, row.get("message")], row)


def _agents(result: Result, now: datetime) -> Iterator[PaneRow]:
    there = [agent for agent in records(result.get("agents")) if agent.get("life") != "ended" or agent.get("on")]
    for row in sorted(there, key=lambda row: not row.get("on")):
        claims = amount(len(strings(row.get("claims"))), "claim") if row.get("claims") else ""
        life = life_word(row.get("life"), row.get("session"))
        cells: list[Json] = [row.get("agent"), life, seen_word(row, now), listed(row.get("on")), claims]
        yield _row(f"{text(row.get('agent'))} {text(row.get('clone'))}", cells, row)


def _steps(result: Result, _now: datetime) -> Iterator[PaneRow]:
    found = [(_state_of(row), row) for row in records(result.get("steps"))]
    for state, row in sorted(found, key=lambda pair: _ORDER.index(pair[0]) if pair[0] in _ORDER else len(_ORDER)):
        life = text(row.get("life"))
        shown = f"{state}, {life}" if life in ("stale", "quiet") else state
        title = text(row.get("title")) or text(row.get("branch"))
        yield _row(row.get("id"), [row.get("id"), shown, row.get("agent_id"), title], row)


def _state_of(row: Mapping[str, Json]) -> str:
    return "available" if row.get("is_available") else text(row.get("status"))


def _claims(result: Result, now: datetime) -> Iterator[PaneRow]:
    for row in records(result.get("claims")):
        about = row.get("step") or row.get("description")
        yield _row(row.get("id"), [row.get("id"), row.get("agent"), what(row), left_of(row, now), about], row)


def _line(result: Result, now: datetime) -> Iterator[PaneRow]:
    for row in records(result.get("requests")):
        wanted = few(strings(row.get("requested")) or strings(row.get("holds")))
        why = f"of {text(row.get('holder_agent'))}: {text(row.get('reason'))}"
        cells: list[Json] = [row.get("id"), "asks", row.get("agent"), wanted, ago(row.get("created_at"), now), why]
        yield _row(row.get("id"), cells, row)
    for row in records(result.get("queued")):
        wanted = few(strings(row.get("patterns")))
        since = ago(row.get("created_at"), now)
        yield _row(
            row.get("queue_id"),
            [row.get("queue_id"), "waits", row.get("agent"), wanted, since, waits_for(row, now)],
            row,
        )


def _projects(result: Result, _now: datetime) -> Iterator[PaneRow]:
    for row in records(result.get("projects")):
        counts = ", ".join(f"{text(count)} {status}" for status, count in record(row.get("counts")).items())
        done = percent(row.get("progress"))
        yield _row(row.get("name"), [row.get("name"), row.get("status"), done, row.get("available"), counts], row)


def _hot(result: Result, _now: datetime) -> Iterator[PaneRow]:
    for row in records(result.get("hotspots")):
        cells: list[Json] = [row.get("pattern"), row.get("refusals"), row.get("suggestion")]
        yield _row(row.get("pattern"), cells, row)


def _events(result: Result, _now: datetime) -> Iterator[PaneRow]:
    for row in records(result.get("events")):
        cells: list[Json] = [clock_of(row), word_of(row), subject_of(row), row.get("agent"), about_of(row)]
        key = row.get("id") or f"{text(row.get('commit'))} {text(row.get('event'))} {subject_of(row)}"
        yield _row(key, cells, row)


NEEDS, AGENTS, STEPS, CLAIMS, LINE, PROJECTS, HOT, EVENTS = range(8)
PANES: Sequence[Pane] = (
    Pane("Needs", (Column("what"), ids("about"), texts("what is so")), _needs, "Nothing needs attention."),
    Pane("Agents", (names("agent"), Column("life"), Column("seen"), ids("on"), Column("holds")), _agents, "No agent."),
    Pane("Steps", (ids("step"), Column("status"), names("agent"), texts("title")), _steps, "No project is active."),
    Pane(
        "Claims",
        (Column("claim"), names("agent"), names("what"), Column("left"), texts("for")),
        _claims,
        "Nothing is claimed.",
    ),
    Pane(
        "Line",
        (Column("id"), Column(""), names("agent"), names("for"), Column("since"), texts("because")),
        _line,
        "No one asks and no one waits.",
    ),
    Pane(
        "Projects",
        (ids("project"), Column("status"), Column("done"), Column("free"), texts("steps")),
        _projects,
        "No project. Make one: gitcoord project create FILE",
    ),
    Pane(
        "Hot",
        (names("files"), Column("refused"), texts("suggestion")),
        _hot,
        "No file was refused five times in 30 days.",
    ),
    Pane(
        "Events",
        (Column("utc"), Column("event"), ids("on"), names("agent"), texts("about")),
        _events,
        "Nothing has happened yet.",
    ),
)


def matches(row: PaneRow, words: Sequence[str]) -> bool:
    """Whether each of the words, in lower case, stands somewhere in a row."""
    shown = " ".join(row.cells).lower()
    return all(word in shown for word in words)


def facts_of(row: PaneRow) -> list[str]:
    """Return all that is known of a row, a fact a line; what it says and what to do come first."""
    said = [plain(text(row.facts[name])) for name in _SAID if row.facts.get(name)]
    facts = {name: value for name, value in row.facts.items() if name not in _SAID and value not in (None, "", [], {})}
    known = [plain(commands.for_shell(f"{name.replace('_', ' ')}: {_value(value)}")) for name, value in facts.items()]
    return [*said, *([""] if said else []), *known]


def _value(value: Json) -> str:
    if isinstance(value, list):
        return "; ".join(_value(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items() if each not in (None, "", []))
    return text(value)
