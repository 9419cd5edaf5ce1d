"""Documents: immutable JSON objects that keep what they do not know.

Rules:
  * A document is a frozen Struct of msgspec. It is changed with `evolve()` only, which checks the result.
  * DOC-1: fields that this version does not know are kept in `extra` and written back unchanged.
  * A field that has its default is not written, so a document has one spelling.
  * DOC-2: canonical JSON: sorted keys, UTF-8, indented by one, a final newline. Equal documents have equal bytes.
  * SAFE-8: the type of a field bounds its value, when it is read and when it is written, by `limits`.

Two ways lead from bytes to a document, and back, with one result. The quick one is msgspec's; what it reads counts only
if the bytes that it gives again are those that came, because msgspec alone is more generous: with times, with an
integer for a float, with a key that occurs twice, with what it does not know. The careful one is this file's.

What this file does not know: which documents there are, where they are stored, what time it is.
"""

import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache
from typing import Annotated, Any, ClassVar, Self, TypeVar
from uuid import UUID

import msgspec
from msgspec import NODEFAULT, Meta, Struct, field, structs

from gitcoord.core.documents import limits
from gitcoord.core.documents.json_text import (
    Json,
    canonical,
    check_depth,
    check_moment,
    indented,
    is_respelled,
    load_object,
    parse_time,
    time_text,
)
from gitcoord.errors import DocumentError, LimitError

# Beside documents, what commands import on their way is a Struct: a frozen dataclass takes 0.6 ms to define.
replace = structs.replace
Text = Annotated[str, Meta(max_length=limits.TEXT_CHARS)]
Number = Annotated[int, Meta(ge=-limits.INTEGER, le=limits.INTEGER)]
Real = Annotated[float, Meta(ge=-limits.REAL, le=limits.REAL)]
EMPTY: Any = field(default_factory=dict)  # pyright: ignore[reportUnknownVariableType] - the default of mappings
_EXTRA = "~"


class Doc(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of documents and commands. See the rules above.

    Attributes:
        extra: what this version does not know, by name. msgspec has it as the field `~`, which no document of ours has.
    """

    ALWAYS_WRITTEN: ClassVar[tuple[str, ...]] = ()  # fields that are written at their default, too

    extra: Mapping[str, Json] = field(default_factory=dict, name=_EXTRA)  # pyright: ignore[reportUnknownVariableType]

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the bytes of a document that another client may have written.

        Raises:
            DocumentError: as `load_object` and `parse` do.
        """
        doc = _read(cls, data) if len(data) <= limits.DOCUMENT_BYTES and _DEEP not in data else None
        return cls.parse(load_object(data)) if doc is None else doc

    @classmethod
    def parse(cls, data: Mapping[str, Json]) -> Self:
        """Make a document of a JSON object.

        Raises:
            DocumentError: a field is missing or of the wrong type; the sentence names it.
        """
        readers, given, extra = _readers(cls), dict[str, object](), dict[str, Json]()
        name = ""
        try:
            for name, value in data.items():
                if name not in readers:
                    extra[name] = value
                else:
                    read = readers[name]
                    given[name] = value if read is None or value is None else read(value)
            if extra:
                given[_EXTRA] = extra
            name = ""
            return msgspec.convert(given, cls)
        except DocumentError:
            raise
        except (ValueError, TypeError) as error:
            lacking = (needed for needed, _, default in _fields(cls) if default is NODEFAULT and needed not in data)
            lacks = "" if name else next(lacking, "")
            raise DocumentError(f"{cls.__name__} lacks {lacks!r}." if lacks else _fault(cls, name, error)[1]) from None

    def dump(self) -> dict[str, Json]:
        """Return the JSON object: fields that differ from their default, and what was not known.

        Raises:
            LimitError: a value is one that no reader takes.
        """
        quick = _spelled(self)
        return _dumped(self) if quick is None else quick[0]

    def shown(self, names: Iterable[str]) -> dict[str, Json]:
        """Return the JSON object with these fields first, also those that have their default: callers rely on them.

        Raises:
            LimitError: a value is one that no reader takes.
        """
        dumped, defaults = self.dump(), _defaults(type(self))
        return {**{name: dumped[name] if name in dumped else defaults[name] for name in names}, **dumped}

    def encode(self) -> bytes:
        """Return the bytes of the document, which any reader takes.

        Raises:
            LimitError: no reader would.
        """
        quick = _spelled(self)
        try:
            if quick is None:
                value = _dumped(self) if _is_plain(type(self)) else self.dump()
                check_depth(value, limits.DEPTH)
                data = canonical(value)
            else:
                data = indented(quick[1])
        except (DocumentError, ValueError, TypeError) as error:
            raise _beyond(f"{type(self).__name__}: {error}") from None
        if len(data) > limits.DOCUMENT_BYTES:
            what = getattr(self, "id", None) or getattr(self, "name", "")
            size = f"would have {len(data)} bytes; {limits.DOCUMENT_BYTES} is the most"
            raise _beyond(f"{type(self).__name__} {what}".rstrip() + f" {size}")
        return data

    def evolve(self, **changes: object) -> Self:
        """Return a changed copy; what is changed must be of the type that the field states.

        What a reader would not read back must not be written. Only the changes are looked at, by their outermost type.

        Raises:
            TypeError: there is no such field, or it is of another type.
        """
        kinds = _kinds(type(self))
        for name, value in changes.items():
            kind = kinds.get(name, (object,))
            if not isinstance(value, kind) or (isinstance(value, bool) and not {bool, object}.intersection(kind)):
                message = f"{type(self).__name__}.{name} cannot be a {type(value).__name__}"
                raise TypeError(message)
        return structs.replace(self, **changes)


_D = TypeVar("_D", bound=Doc)
_Step = Callable[[Any], Any]  # what is done to the value of a field on its way


class _UnusualError(ValueError):
    """The document has what msgspec spells in another way than documents do."""


EXTRA_KEY = b'"~"'  # in what msgspec spells, a sign that a document has what is not known
_DEEP = b"\n" + b" " * limits.DEPTH  # begins a line only where documents have too many levels, or almost
_KEPT = (bytes, bytearray, memoryview, date, datetime, time, timedelta, Decimal, UUID)  # msgspec makes texts of others
_FAULT_CHARS = 200  # of a sentence that may quote what a stranger wrote


def _beyond(why: str, *, is_counter: bool = False) -> LimitError:
    hint = "Ask for less in one call; if it is little, run `gitcoord doctor`."
    if is_counter:
        hint = "Run `gitcoord doctor`: it names the counter that is at its end, and what to do."
    return LimitError(f"Nothing was written, because no client could read it: {why.rstrip('.')}.", hint=hint)


def _fault(kind: type[Doc], name: str, error: Exception) -> tuple[str, str]:
    """Return which field is wrong, where that is not known the one that msgspec says; and what is wrong with it."""
    what, found, where = str(error).rpartition(" - at `$.")
    what = (what if found else where)[:_FAULT_CHARS]
    name = name or (where.rstrip("`") if found else "")
    return name, f"{kind.__name__}.{name}: {what}." if name else f"{kind.__name__}: {what}."


def _read(kind: type[_D], data: bytes) -> _D | None:
    """Read a document the quick way; None where the careful one says what is wrong, or that nothing is."""
    if not _is_plain(kind) or EXTRA_KEY in data:
        return None
    try:
        doc = _decoder(kind).decode(data)
        given = {**_always(kind), **msgspec.to_builtins(doc, builtin_types=_KEPT)} if kind.ALWAYS_WRITTEN else doc
        return doc if is_respelled(data, indented(msgspec.json.encode(given, order="sorted"))) else None
    except (ValueError, OverflowError, RecursionError, TypeError):
        return None


def _spelled(doc: Doc) -> tuple[dict[str, Json], bytes] | None:
    """Return the JSON object of a document, and that as JSON; None where msgspec has not the spelling of documents."""
    kind = type(doc)
    if not _is_plain(kind) or doc.extra:
        return None
    try:
        raw = msgspec.to_builtins(doc, builtin_types=_KEPT, enc_hook=_text)
        msgspec.convert(raw, kind)
        return _spell(kind, raw), msgspec.json.encode(raw, order="sorted")
    except (ValueError, TypeError, RecursionError):
        return None


def _dumped(doc: Doc) -> dict[str, Json]:
    """Return the JSON object of a document the careful way; see `Doc.dump`."""
    kind, out, given = type(doc), dict[str, Json](), dict[str, object]()
    name = ""
    try:
        for name, default, write in _writers(kind):
            value = getattr(doc, name)
            if value != default or name in kind.ALWAYS_WRITTEN:
                given[name] = value
                out[name] = value if write is None or value is None else write(value)
        name = ""
        msgspec.convert(given, kind)
    except (ValueError, TypeError) as error:
        name, why = _fault(kind, name, error)
        raise _beyond(why, is_counter=isinstance(getattr(doc, name, None), int)) from None
    return {**doc.extra, **out}


def _text(value: Any) -> str:  # noqa: ANN401 - whatever msgspec has no JSON for
    return str(_expect(value, str))  # of a class of ours


def _spell(kind: type[Doc], raw: dict[str, Any]) -> dict[str, Any]:
    """Spell the moments, and leave out what equals its default: msgspec leaves out only what *is* its default."""
    for name, default, spell in _spellers(kind):
        if name in raw:
            value = raw[name]
            if value == default and name not in kind.ALWAYS_WRITTEN:
                del raw[name]
            elif spell is not None and value is not None:
                raw[name] = spell(value)
        elif name in kind.ALWAYS_WRITTEN:
            raw[name] = default
    return raw


def _unusual(_value: object) -> Any:  # noqa: ANN401 - it returns nothing
    raise _UnusualError


@cache
def _is_plain(kind: type[Doc]) -> bool:
    """Whether documents of this kind, and those in them, read and write themselves as `Doc` does."""
    if kind.dump is not Doc.dump or kind.parse.__func__ is not Doc.parse.__func__:
        return False
    return all(_is_plain(leaf) for _, hint, _ in _fields(kind) for leaf in _leaves(hint) if _is_a(leaf, Doc))


@cache
def _decoder(kind: type[Doc]) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)


@cache
def _fields(kind: type[Doc]) -> tuple[tuple[str, Any, object], ...]:
    """Return the fields that a version knows: name, type, and default or `NODEFAULT`."""
    hints = typing.get_type_hints(kind)
    rows = [row for row in structs.fields(kind) if row.name != "extra"]
    empty = ((row, row.default if row.default_factory is NODEFAULT else row.default_factory()) for row in rows)
    return tuple((row.name, hints[row.name], default) for row, default in empty)


@cache
def _kinds(kind: type[Doc]) -> dict[str, tuple[type, ...]]:
    return {name: _classes(hint) for name, hint, _ in _fields(kind)}


def _classes(hint: Any) -> tuple[type, ...]:  # noqa: ANN401 - a type expression has no narrower type
    if typing.get_origin(hint) in {types.UnionType, typing.Union}:
        return tuple(kind for inner in typing.get_args(hint) for kind in _classes(inner))
    kind: object = typing.get_origin(hint) or hint
    return (kind,) if isinstance(kind, type) and kind is not Any else (object,)


def _leaves(hint: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    arguments = typing.get_args(hint)
    for argument in arguments:
        yield from _leaves(argument)
    if not arguments:
        yield hint


def _is_a(hint: object, kind: type) -> bool:
    return isinstance(hint, type) and issubclass(hint, kind)


def _through(hint: Any, leaf: Callable[[Any], _Step | None], to_list: _Step) -> _Step | None:  # noqa: ANN401
    """Return what is done to a value of a type, where `leaf` says what is done to what is in it; None: nothing."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return _through(next(inner for inner in arguments if inner is not types.NoneType), leaf, to_list)
    if origin is not tuple:
        return leaf(hint)
    inner = _through(arguments[0], leaf, to_list)
    if inner is None:
        return to_list
    return lambda value: [inner(element) for element in to_list(value)]


def _reader(hint: Any) -> _Step | None:  # noqa: ANN401 - as above
    if _is_a(hint, Doc):
        return lambda value: hint.parse(_expect(value, dict))
    return _READERS.get(hint)


def _writer(hint: Any) -> _Step | None:  # noqa: ANN401 - as above
    if _is_a(hint, Doc):
        return lambda value: value.dump()
    if _is_a(hint, StrEnum):
        return str
    return _WRITERS.get(hint, dict if typing.get_origin(hint) else None)


def _speller(hint: Any) -> _Step | None:  # noqa: ANN401 - as above
    if _is_a(hint, Doc):
        return lambda raw: _spell(hint, raw)
    if hint is datetime:
        return _moment
    # A number is spelled as Python does, and free JSON may be anything.
    return _unusual if hint is float or Any in typing.get_args(hint) else None


def _expect_list(value: Any) -> Any:  # noqa: ANN401 - as below
    return _expect(value, list)


def _expect(value: Any, kind: type) -> Any:  # noqa: ANN401 - the type is checked here
    if not isinstance(value, kind):
        message = f"Expected `{kind.__name__}`, got `{type(value).__name__}`"
        raise ValueError(message)  # noqa: TRY004 - a stranger's mistake, not ours
    return value


def _sound(text: Any) -> Any:  # noqa: ANN401 - msgspec checks the type, when all fields are there
    if isinstance(text, str) and not text.isascii():
        text.encode()  # raises for half of a surrogate pair, which could not be written back
    return text


def _sound_values(value: Any) -> dict[str, Any]:  # noqa: ANN401 - as below
    return {name: _sound(text) for name, text in _expect(value, Mapping).items()}


@lru_cache(maxsize=4096)
def _moment(moment: datetime) -> str:
    check_moment(moment)
    return time_text(moment)


@cache
def _readers(kind: type[Doc]) -> dict[str, _Step | None]:
    return {name: _through(hint, _reader, _expect_list) for name, hint, _ in _fields(kind)}


@cache
def _writers(kind: type[Doc]) -> tuple[tuple[str, object, _Step | None], ...]:
    return tuple((name, default, _through(hint, _writer, list)) for name, hint, default in _fields(kind))


@cache
def _spellers(kind: type[Doc]) -> tuple[tuple[str, object, _Step | None], ...]:
    rows = [(name, default, _through(hint, _speller, list)) for name, hint, default in _fields(kind)]
    looked_at = [row for row in rows if row[2] or row[0] in kind.ALWAYS_WRITTEN or isinstance(row[1], int | str)]
    return (_EXTRA, NODEFAULT, _unusual), *looked_at


@cache
def _always(kind: type[Doc]) -> dict[str, object]:
    return {name: default for name, _, default in _fields(kind) if name in kind.ALWAYS_WRITTEN}


@cache
def _defaults(kind: type[Doc]) -> dict[str, Any]:
    rows = ((name, default, write) for name, default, write in _writers(kind) if default is not NODEFAULT)
    return {name: default if write is None or default is None else write(default) for name, default, write in rows}


_READERS: dict[object, _Step] = {
    datetime: lambda value: parse_time(_expect(value, str)),
    float: lambda value: _expect(value, float),
    str: _sound,
    Mapping[str, str]: _sound_values,
}
_WRITERS: dict[object, _Step] = {
    datetime: _moment,
    float: float,
    str: lambda value: str(_sound(value)),
    Mapping[str, str]: _sound_values,
}
