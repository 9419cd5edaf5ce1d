"""JSON: its one spelling, and how what a stranger wrote is read.

Rules:
  * DOC-2: canonical JSON: sorted keys, UTF-8, indented by one, a final newline.
  * SAFE-8: what is read is bounded by `limits`: bytes and levels; what could not be written back is refused.

What this file does not know: documents.
"""

import json
from typing import TYPE_CHECKING, Any

import msgspec

from gitcoord.core.documents import limits
from gitcoord.errors import DocumentError

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
            canonical(value)
    except (ValueError, RecursionError) as error:
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
    return msgspec.json.format(data, indent=1) + b"\n"  # json itself indents in Python


def check_depth(value: Json, left: int) -> None:
    """Refuse JSON of more levels than are left.

    Raises:
        DocumentError: it has.
    """
    if not isinstance(value, dict | list):
        return
    if left == 0:
        message = f"A document is nested more than {limits.DEPTH} deep."
        raise DocumentError(message)
    for item in value.values() if isinstance(value, dict) else value:
        check_depth(item, left - 1)


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
