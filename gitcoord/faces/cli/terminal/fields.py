"""Fields of results: JSON read as what it should be; what it is not is shown as nothing rather than as an error."""

from collections.abc import Mapping
from datetime import datetime

from gitcoord.core.documents.json_text import Json, parse_time
from gitcoord.core.documents.liveness import FREE_SESSION, ahead_text, span_text, without_call

_DAY_S = 86400
_NAMED = 3  # words of a list on one line


def text(value: Json) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else str(value)


def whole(value: Json) -> int:
    """Return a whole number."""
    return value if isinstance(value, int) else 0


def setting_word(value: Json) -> str:
    """Return the value of a policy as it is given: `true`, `auto`, `200`."""
    if value is None:
        return "auto"
    return str(value).lower() if isinstance(value, bool) else str(value)


def record(value: Json) -> dict[str, Json]:
    """Return an object."""
    return value if isinstance(value, dict) else {}


def records(value: Json) -> list[dict[str, Json]]:
    """Return a list of objects."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def strings(value: Json) -> list[str]:
    """Return a list of texts."""
    return [text(item) for item in value] if isinstance(value, list) else []


def listed(value: Json) -> str:
    """Return a list on one line."""
    return ", ".join(strings(value))


def few(words: list[str]) -> str:
    """Return the first of a list on one line, and how many more there are."""
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + more


def covered(event: Mapping[str, Json]) -> str:
    """Return the files that an event is about, and which symbols of them: `src/a.py: f`."""
    symbols = few(strings(event.get("symbols")))
    return few(strings(event.get("patterns"))) + (f": {symbols}" if symbols else "")


def forced_by(event: Mapping[str, Json]) -> str:
    """Return who ended a claim by force, and why: `forced by ops/cli/wt: its agent was stopped`; "" of other events."""
    if event.get("reason") != "forced":
        return ""
    note = text(event.get("note"))
    return f"forced by {text(event.get('by'))}" + (f": {note}" if note else "")


def life_word(life: Json, session: Json) -> str:
    """Return how alive a holder is as a person reads it: of one that works at a shell nothing else is known."""
    if life != "unknown":
        return text(life)
    return "at a shell" if text(session).startswith(FREE_SESSION) else "no heartbeat"


def seen_word(row: dict[str, Json], now: datetime) -> str:
    """Return how long ago an agent was seen, or that it has called nothing for long."""
    called = text(row.get("called_at"))
    silent = without_call(parse_time(called), now) if called and row.get("life") != "ended" else ""
    return silent or ago(row.get("last_seen"), now)


def short(value: Json) -> str:
    """Return an object's id as people quote it."""
    return text(value)[:12]


def ago(value: Json, now: datetime) -> str:
    """Return how long ago a moment was: `40 s`, `12 min`, `3 h`, `2 d`."""
    try:
        return span_text((now - parse_time(text(value))).total_seconds())
    except ValueError:
        return ""


def left(value: Json, now: datetime) -> str:
    """Return how long it is until a moment, half a minute more or less; `over` once it has come."""
    try:
        seconds = int((parse_time(text(value)) - now).total_seconds())
    except ValueError:
        return ""
    if seconds <= 0:
        return "over"
    return ahead_text(seconds)


def minute(value: Json) -> str:
    """Return a moment to the minute with its zone, which is UTC as everywhere: `2026-12-05 14:12 UTC`."""
    try:
        return f"{parse_time(text(value)):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return ""


def clock(value: Json, now: datetime) -> str:
    """Return a moment as a table has room for, whose heading names the zone: `14:56`; `12-05 14:56` if not of today."""
    try:
        moment = parse_time(text(value))
    except ValueError:
        return ""
    return f"{moment:%H:%M}" if 0 <= (moment - now).total_seconds() < _DAY_S else f"{moment:%m-%d %H:%M}"


def percent(value: Json) -> str:
    """Return a share as a percentage."""
    return f"{value * 100:.0f} %" if isinstance(value, int | float) else ""


def number(value: Json) -> str:
    """Return a number with two digits, or a dash."""
    if isinstance(value, float):
        return f"{value:.2f}"
    return "-" if value is None else text(value)
