"""JSON, and moments in it: their one spelling, and how what a stranger wrote is read.

Rules:
  * DOC-2: canonical JSON: sorted keys, UTF-8, indented by one, a final newline.
  * Moments are aware UTC with milliseconds, spelled `2026-11-21T09:30:00.000Z`.
  * SAFE-8: what is read is bounded by `limits`: bytes, levels and years; what could not be written back is refused.

What this file does not know: documents, what time it is.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gitcoord.core.documents import limits
from gitcoord.errors import DocumentError

_ZONE = b'Z"'
_OTHER_ZONE = rb':\d\d(?:\.\d{6})?"'  # what all moments end with that are not in UTC, as msgspec spells them
_MOMENT_CHARS = len('"2026-11-21T09:30:00.000')
_MILLENNIUM = b'"2'  # between `limits.MOMENT_FIRST` and `limits.MOMENT_LAST`

if TYPE_CHECKING:
    Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
else:
    Json = Any  # msgspec takes no type that names itself; what JSON is, `load_json` and json's own encoder see to


def canonical(value: Json) -> bytes:
    """Return the one spelling of a JSON value."""
    return indented(compact(value).encode())


def compact(value: Json) -> str:
    """Return a JSON value on one line: for records and results."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def distinct(value: Json) -> bytes:
    """Return bytes that equal values share and others do not: as `compact`, five times as fast, in any spelling."""
    import msgspec  # noqa: PLC0415 - as in `indented`

    try:
        return msgspec.json.encode(value, order="sorted", enc_hook=_plain_text)
    except UnicodeEncodeError:  # half of a surrogate pair, from the name of a file
        return compact(value).encode("utf-8", "surrogatepass")


def _plain_text(value: Any) -> str:  # noqa: ANN401 - what msgspec has no JSON for
    """Return a text that knows more than its characters, as a sentence does, as text alone."""
    if not isinstance(value, str):
        message = f"a {type(value).__name__} is not JSON"
        raise TypeError(message)
    return str(value)


def load_json(data: bytes) -> Json:
    """Parse JSON that another client may have written.

    Raises:
        DocumentError: not UTF-8, not JSON, too large, too deep, a duplicate key, a number that is not finite, or half
            of a surrogate pair: what could not be written back.
    """
    if len(data) > limits.DOCUMENT_BYTES:
        message = f"A document of {len(data)} bytes is larger than {limits.DOCUMENT_BYTES}."
        raise DocumentError(message)
    try:
        value: Json = json.loads(
            data.decode(), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
        )
        if b"\\ud" in data or b"\\uD" in data:  # the only way for a surrogate to get through UTF-8
            compact(value).encode()
    except RecursionError:  # before its levels can be counted
        raise _too_deep() from None
    except ValueError as error:
        message = f"A document is not JSON: {error}."
        raise DocumentError(message) from None
    check_depth(value, limits.DEPTH)
    return value


def load_object(data: bytes) -> dict[str, Json]:
    """Parse a JSON object; see `load_json`."""
    value = load_json(data)
    if not isinstance(value, dict):
        message = f"A document is not an object but {type(value).__name__}."
        raise DocumentError(message)
    return value


def indented(data: bytes) -> bytes:
    """Return JSON on several lines as documents have it: indented by one, a final newline."""
    import msgspec  # noqa: PLC0415 - a hook of git that only reads JSON has no time for it

    return msgspec.json.format(data, indent=1) + b"\n"  # json itself indents in Python


def is_respelled(data: bytes, again: bytes) -> bool:
    """Whether msgspec, made to write again what it read in a document, wrote the same, but for its spelling of moments.

    It has `2026-11-21T09:30:00Z` and `2026-11-21T09:30:00.125000Z` for our `….000Z` and `….125Z`. A string ends
    wherever `Z"` stands, so where all between such ends is equal no field is unknown or came twice, and no number is
    spelled in another way. A moment in another zone, in none, or beyond `limits` is never taken for one of ours. A text
    that ends as msgspec spells a moment may be taken for one: then the answer is no.
    """
    if re.search(_OTHER_ZONE, again):
        return False
    parts, others = data.split(_ZONE), again.split(_ZONE)
    return len(parts) == len(others) and parts.pop() == others.pop() and all(map(_is_same, parts, others))


def _is_same(part: bytes, other: bytes) -> bool:
    if part == other:
        return part[-3:-2] != b":" and part[-7:-6] != b"."  # no moment, which has no fraction there, or six digits
    is_moment = part == other + b".000" or part + b"000" == other
    return is_moment and part[-_MOMENT_CHARS:][:2] == _MILLENNIUM


def check_depth(value: Json, left: int) -> None:
    """Refuse JSON of more levels than are left.

    Raises:
        DocumentError: it has.
    """
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise _too_deep()
    for item in value.values() if isinstance(value, dict) else value:
        check_depth(item, left - 1)


def _too_deep() -> DocumentError:
    return DocumentError(f"A document is nested more than {limits.DEPTH} deep.")


def time_text(moment: datetime) -> str:
    """Spell a moment as documents do."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def as_written(moment: datetime) -> datetime:
    """Return a moment as exactly as documents spell it: what is decided by it is what its record gives again."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def clock_text(moment: datetime, now: datetime) -> str:
    """Spell a moment for a sentence: `15:30 UTC` within a day of now, another one with its date."""
    plain = moment.astimezone(UTC)
    return f"{plain:%H:%M} UTC" if abs(moment - now) < timedelta(days=1) else f"{plain:%Y-%m-%d %H:%M} UTC"


def parse_time(text: str) -> datetime:
    """Read a moment that a document spells, as exactly as we would spell it.

    Raises:
        ValueError: not a moment, one without a zone, or one beyond the limits.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"{text!r} has no time zone"
        raise ValueError(message)
    check_moment(moment)
    return as_written(moment.astimezone(UTC))


def moment_of(seconds: int) -> datetime:
    """Return the moment that a commit names, which may be any, as the nearest that documents have."""
    first, last = (int(moment.timestamp()) for moment in (limits.MOMENT_FIRST, limits.MOMENT_LAST))
    return datetime.fromtimestamp(min(max(seconds, first), last), UTC)


def check_moment(moment: datetime) -> None:
    """Refuse a moment beyond the limits.

    Raises:
        ValueError: it is.
    """
    if not limits.MOMENT_FIRST <= moment <= limits.MOMENT_LAST:
        message = f"{moment} is not between the years {limits.MOMENT_FIRST.year} and {limits.MOMENT_LAST.year}"
        raise ValueError(message)


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    out = dict(pairs)
    if len(out) != len(pairs):
        message = "a key occurs twice"
        raise ValueError(message)
    return out


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:  # infinite: canonical JSON has no spelling for it
        message = f"{text[:40]} is too large a number"
        raise ValueError(message)
    return number


def _no_constant(text: str) -> Json:
    message = f"{text} is not JSON"
    raise ValueError(message)
