"""Documents: immutable JSON objects that keep what they do not know.

Rules:
  * A document is a frozen dataclass. It is changed with `evolve()` only, which checks the result.
  * DOC-1: fields that this version does not know are kept in `extra` and written back unchanged.
  * A field that has its default is not written, so a document has one spelling.
  * DOC-2: canonical JSON: sorted keys, UTF-8, indented by one, a final newline. Equal documents have equal bytes.
  * SAFE-8: each kind of value is checked by one function, when it is read and when it is written, by `limits`.
  * Times are aware UTC with milliseconds, spelled `2026-11-21T09:30:00.000Z`.

What this file does not know: which documents there are, where they are stored, what time it is.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Self

from gitcoord.core.documents import limits
from gitcoord.errors import DocumentError, LimitError

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def canonical(value: Json) -> bytes:
    """Return the one spelling of a JSON value."""
    return (json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()


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
    _check_depth(value, limits.DEPTH)
    return value


def load_object(data: bytes) -> dict[str, Json]:
    """Parse a JSON object; see `load_json`."""
    value = load_json(data)
    if not isinstance(value, dict):
        message = f"A document is not an object but {type(value).__name__}."
        raise DocumentError(message)
    return value


def time_text(moment: datetime) -> str:
    """Spell a moment as documents do."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def clock_text(moment: datetime, now: datetime) -> str:
    """Spell a moment for a sentence: `15:30 UTC` within a day of now, another one with its date."""
    plain = moment.astimezone(UTC)
    return f"{plain:%H:%M} UTC" if abs(moment - now) < timedelta(days=1) else f"{plain:%Y-%m-%d %H:%M} UTC"


def parse_time(text: str) -> datetime:
    """Read a moment that a document spells.

    Raises:
        ValueError: not a moment, one without a zone, or one beyond the limits.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"{text!r} has no time zone"
        raise ValueError(message)
    _check_moment(moment)
    return moment.astimezone(UTC)


def moment_of(seconds: int) -> datetime:
    """Return the moment that a commit names, which may be any, as the nearest that documents have."""
    first, last = (int(moment.timestamp()) for moment in (limits.MOMENT_FIRST, limits.MOMENT_LAST))
    return datetime.fromtimestamp(min(max(seconds, first), last), UTC)


@dataclass(frozen=True, kw_only=True)
class Doc:
    """The base of documents and commands. See the rules above."""

    extra: Mapping[str, Json] = field(default_factory=dict[str, Json])

    @classmethod
    def parse(cls, data: Mapping[str, Json]) -> Self:
        """Make a document of a JSON object.

        Raises:
            DocumentError: a field is missing or of the wrong type; the sentence names it.
        """
        known: dict[str, Any] = {}
        shapes = _shapes(cls)
        for name, (read, required) in shapes.items():
            if name in data:
                known[name] = _read_field(cls, name, read, data[name])
            elif required:
                message = f"{cls.__name__} lacks {name!r}."
                raise DocumentError(message)
        extra = {name: value for name, value in data.items() if name not in shapes}
        try:
            return cls(extra=extra, **known)
        except ValueError as error:
            message = f"{cls.__name__} is not valid: {error}."
            raise DocumentError(message) from None

    def dump(self) -> dict[str, Json]:
        """Return the JSON object: fields that differ from their default, and what was not known.

        Raises:
            LimitError: a value is one that no reader takes.
        """
        out: dict[str, Json] = dict(self.extra)
        for name, default, write in _writers(type(self)):
            value = getattr(self, name)
            if value != default:
                try:
                    out[name] = write(value)
                except ValueError as error:
                    why = f"{type(self).__name__}.{name}: {error}"
                    raise _beyond(why, is_counter=isinstance(value, int)) from None
        return out

    def shown(self, names: Iterable[str]) -> dict[str, Json]:
        """Return the JSON object with these fields first, also those that have their default: callers rely on them.

        Raises:
            LimitError: a value is one that no reader takes.
        """
        dumped = self.dump()
        defaults = {name: write(value) for name, value, write in _writers(type(self)) if value is not _NOTHING}
        return {**{name: dumped[name] if name in dumped else defaults[name] for name in names}, **dumped}

    def encode(self) -> bytes:
        """Return the bytes of the document, which any reader takes.

        Raises:
            LimitError: no reader would.
        """
        value = self.dump()
        try:
            _check_depth(value, limits.DEPTH)
            data = canonical(value)
        except (DocumentError, ValueError) as error:
            raise _beyond(f"{type(self).__name__}: {error}") from None
        if len(data) > limits.DOCUMENT_BYTES:
            what = getattr(self, "id", None) or getattr(self, "name", "")
            size = f"would have {len(data)} bytes; {limits.DOCUMENT_BYTES} is the most"
            raise _beyond(f"{type(self).__name__} {what}".rstrip() + f" {size}")
        return data

    def evolve(self, **changes: object) -> Self:
        """Return a changed copy; what is changed must be of the type that the field states.

        What a reader would not read back must not be written. Only the changes are looked at, by their outermost
        type: this costs 1 µs a field, of 3 ms that a claim may take.

        Raises:
            TypeError: there is no such field, or it is of another type.
        """
        kinds = _kinds(type(self))
        for name, value in changes.items():
            kind = kinds.get(name, _ANY)
            if not isinstance(value, kind) or (isinstance(value, bool) and not {bool, object}.intersection(kind)):
                message = f"{type(self).__name__}.{name} cannot be a {type(value).__name__}"
                raise TypeError(message)
        return dataclasses.replace(self, **changes)


_Reader = Callable[[Json], Any]
_Writer = Callable[[Any], Json]
_ANY: tuple[type, ...] = (object,)
_NOTHING = object()  # never equal to a value, so a required field is always written


def _beyond(why: str, *, is_counter: bool = False) -> LimitError:
    hint = "Ask for less in one call; if it is little, run `gitcoord doctor`."
    if is_counter:
        hint = "Run `gitcoord doctor`: it names the counter that is at its end, and what to do."
    return LimitError(f"Nothing was written, because no client could read it: {why.rstrip('.')}.", hint=hint)


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


def _check_depth(value: Json, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        message = f"A document is nested more than {limits.DEPTH} deep."
        raise DocumentError(message)
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, left - 1)


def _read_field(cls: type[Doc], name: str, read: _Reader, value: Json) -> object:
    try:
        return read(value)
    except DocumentError:
        raise
    except (ValueError, TypeError) as error:
        message = f"{cls.__name__}.{name}: {error}."
        raise DocumentError(message) from None


@cache
def _shapes(cls: type[Doc]) -> dict[str, tuple[_Reader, bool]]:
    hints = typing.get_type_hints(cls)
    return {
        item.name: (_reader(hints[item.name]), item.default is MISSING and item.default_factory is MISSING)
        for item in dataclasses.fields(cls)
        if item.name != "extra"
    }


@cache
def _kinds(cls: type[Doc]) -> dict[str, tuple[type, ...]]:
    hints = typing.get_type_hints(cls)
    return {item.name: _kinds_of(hints[item.name]) for item in dataclasses.fields(cls) if item.name != "extra"}


def _kinds_of(hint: Any) -> tuple[type, ...]:  # noqa: ANN401 - as below
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType or origin is typing.Union:
        return tuple(kind for item in arguments for kind in _kinds_of(item))
    kind: object = origin or hint
    return (kind,) if isinstance(kind, type) else _ANY


@cache
def _writers(cls: type[Doc]) -> tuple[tuple[str, object, _Writer], ...]:
    hints = typing.get_type_hints(cls)
    return tuple(
        (item.name, _default_of(item), _writer(hints[item.name]))
        for item in dataclasses.fields(cls)
        if item.name != "extra"
    )


def _default_of(item: "dataclasses.Field[Any]") -> object:
    if item.default is not MISSING:
        return item.default
    if item.default_factory is not MISSING:
        return item.default_factory()
    return _NOTHING


def _reader(hint: Any) -> _Reader:  # noqa: ANN401 - a type expression has no narrower type
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType or origin is typing.Union:
        inner = _reader(next(item for item in arguments if item is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _reader(arguments[0])
        return lambda value: tuple(item(element) for element in _expect(value, list))
    if origin is not None and issubclass(origin, Mapping):
        item = _reader(arguments[1]) if arguments[1] in (int, str) else _identity
        return lambda value: {key: item(element) for key, element in _expect(value, dict).items()}
    return _scalar_reader(hint)


def _scalar_reader(hint: Any) -> _Reader:  # noqa: ANN401 - as above
    if hint is datetime:
        return lambda value: parse_time(_text(value))
    if hint is str:
        return _text
    if hint is int:
        return _integer
    if hint is float:
        return _real
    if hint is bool:
        return lambda value: _expect(value, hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return lambda value: hint(_text(value))
    if isinstance(hint, type) and issubclass(hint, Doc):
        return lambda value: hint.parse(_expect(value, dict))
    message = f"no reader for {hint!r}"
    raise TypeError(message)


def _writer(hint: Any) -> _Writer:  # noqa: ANN401 - as above
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType or origin is typing.Union:
        inner = _writer(next(item for item in arguments if item is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _writer(arguments[0])
        return lambda value: [item(element) for element in value]
    if origin is not None:
        item = _writer(arguments[1]) if arguments[1] in (int, str) else _identity
        return lambda value: {key: item(element) for key, element in value.items()}
    if hint is datetime:
        return _moment
    if hint is str:
        return _text
    if hint is int:
        return _integer
    if hint is float:
        return lambda value: _real(float(value))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return str
    if isinstance(hint, type) and issubclass(hint, Doc):
        return lambda value: value.dump()
    return _identity


def _identity(value: Any) -> Any:  # noqa: ANN401 - JSON passes through
    return value


def _expect(value: Any, kind: Any) -> Any:  # noqa: ANN401 - the type is checked here
    if not isinstance(value, kind) or (kind is float and isinstance(value, bool)):
        message = f"expected {kind.__name__}, found {type(value).__name__}"
        raise ValueError(message)
    return value


def _text(value: Json) -> str:
    text: str = _expect(value, str)
    if len(text) > limits.TEXT_CHARS:
        message = f"a text of {len(text)} characters is longer than {limits.TEXT_CHARS}"
        raise ValueError(message)
    if not text.isascii():
        text.encode()  # raises for half of a surrogate pair, which could not be written back
    return text


def _integer(value: Json) -> int:
    number: int = _expect(value, int)
    if isinstance(value, bool) or abs(number) > limits.INTEGER:
        message = f"{value!r} is not a number of at most 53 bits"
        raise ValueError(message)
    return number


def _real(value: Json) -> float:
    number: float = _expect(value, float)
    if not abs(number) <= limits.REAL:  # nor is what is no number
        message = f"{number} is beyond {limits.REAL:g}"
        raise ValueError(message)
    return number


def _moment(value: datetime) -> str:
    _check_moment(value)
    return time_text(value)


def _check_moment(moment: datetime) -> None:
    if not limits.MOMENT_FIRST <= moment <= limits.MOMENT_LAST:
        message = f"{moment} is not between the years {limits.MOMENT_FIRST.year} and {limits.MOMENT_LAST.year}"
        raise ValueError(message)
