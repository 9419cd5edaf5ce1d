"""Arguments of tools: one table for the schema that agents see and for reading what they send.

Rules:
  * Schemas are flat and closed. An unknown argument is refused by name, with the names that exist.
  * What an agent evidently meant is taken: a list as a JSON-encoded string, a number in quotes, `null` for "left out".
  * A mistake is told in one sentence with what would be right; pydantic's and JSON Schema's own words never reach an
    agent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from gitcoord.core.doc import Json
from gitcoord.errors import InvalidError, UsageError

Kind = Literal["string", "integer", "number", "boolean", "strings", "integers", "objects", "table"]

_SCHEMAS: dict[Kind, dict[str, Json]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "strings": {"type": "array", "items": {"type": "string"}},
    "integers": {"type": "array", "items": {"type": "integer"}},
    "objects": {"type": "array"},
    "table": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
}
_WORDS: dict[Kind, str] = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "strings": 'a list of strings, such as ["a", "b"]',
    "integers": "a list of whole numbers, such as [1, 2]",
    "objects": "a list of objects",
    "table": 'an object of lists, such as {"a.py": ["f", "C::g"]}',
}
_BOOLEANS = {"true": True, "false": False}
_DIGITS_MAX = 18  # of a number in quotes; beyond, it is none of ours
_NUMBER_MAX = 10**_DIGITS_MAX


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a tool, or one field of the objects in a list. `others_as`: the choice that any other word is."""

    name: str
    kind: Kind
    text: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    fields: tuple["Argument", ...] = ()
    alias: str = ""
    others_as: str = ""

    def schema(self) -> dict[str, Json]:
        """Return the JSON Schema of its value."""
        schema = dict(_SCHEMAS[self.kind])
        if self.fields:
            schema["items"] = object_schema(self.fields)
        if self.choices:
            schema["enum"] = [*self.choices]
        if self.minimum is not None:
            schema["minimum"] = self.minimum
        return {**schema, "description": self.text} if self.text else schema

    def read(self, value: Json, where: str) -> Json:
        """Return the value that was meant.

        Raises:
            InvalidError: it is none of the argument's kind.
        """
        read = _READERS[self.kind](self, value, where)
        if read is _WRONG:
            raise InvalidError(f"{where} is {_WORDS[self.kind]}, not {_named(value)}.", hint=self.text)
        if self.choices and isinstance(read, str) and read not in self.choices:
            read = next((one for one in self.choices if one == read.strip().lower()), self.others_as or read)
        if self.choices and read not in self.choices:
            raise InvalidError(f"{where} is one of {', '.join(self.choices)}, not {_named(value)}.")
        if self.minimum is not None and isinstance(read, int | float) and read < self.minimum:
            raise InvalidError(f"{where} is at least {self.minimum}, not {read}.")
        return read


def object_schema(arguments: tuple[Argument, ...]) -> dict[str, Json]:
    """Return the closed schema of an object with these fields."""
    schema: dict[str, Json] = {"type": "object", "properties": {one.name: one.schema() for one in arguments}}
    required: list[Json] = [one.name for one in arguments if one.required]
    if required:
        schema["required"] = required
    return {**schema, "additionalProperties": False}


def read_arguments(owner: str, arguments: tuple[Argument, ...], given: Mapping[str, Json]) -> dict[str, Json]:
    """Return the arguments that were given, by their names in the service.

    Raises:
        UsageError: one is unknown or missing.
        InvalidError: one has a value of the wrong kind.
    """
    known = {name: one for one in arguments for name in (one.name, one.alias) if name}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise _unknown(owner, unknown, arguments)
    values = {known[name].name: known[name].read(value, name) for name, value in given.items() if value is not None}
    missing = [one.name for one in arguments if one.required and one.name not in values]
    if missing:
        needed = ", ".join(f"{one.name}=…" for one in arguments if one.required)
        raise UsageError(f"{owner} needs {_quoted(missing)}.", hint=f"Call {owner}({needed}).")
    return values


def _unknown(owner: str, unknown: list[str], arguments: tuple[Argument, ...]) -> UsageError:
    names = [one.name for one in arguments]
    close = _closest(unknown[0], names)
    hint = f"Its arguments are: {', '.join(names)}." if names else "It takes none."
    if close:
        hint = f"Did you mean {close!r}? {hint}"
    return UsageError(f"{owner} has no argument {_quoted(unknown[:5])}.", hint=hint)


def _closest(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name[:100].lower(), names, 1)), "")


_WRONG: Json = ["(of the wrong kind)"]  # told apart by identity


def _string(_: Argument, value: Json, __: str) -> Json:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # a bare step number
    return value if isinstance(value, str) else _WRONG


def _integer(_: Argument, value: Json, __: str) -> Json:
    if isinstance(value, bool):
        return _WRONG
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) <= _DIGITS_MAX:
        return int(value)
    return value if isinstance(value, int) else _WRONG


def _number(_: Argument, value: Json, __: str) -> Json:
    if isinstance(value, bool):
        return _WRONG
    if isinstance(value, str) and len(value) <= _DIGITS_MAX:
        try:
            value = float(value)
        except ValueError:
            return _WRONG
    return value if isinstance(value, int | float) and abs(value) <= _NUMBER_MAX else _WRONG


def _boolean(_: Argument, value: Json, __: str) -> Json:
    if isinstance(value, str):
        return _BOOLEANS.get(value.lower(), _WRONG)
    return value if isinstance(value, bool) else _WRONG


def _strings(argument: Argument, value: Json, where: str) -> Json:
    return _each(argument, value, where, "string")


def _integers(argument: Argument, value: Json, where: str) -> Json:
    return _each(argument, value, where, "integer")


def _each(argument: Argument, value: Json, where: str, kind: Kind) -> Json:
    items = _decoded(value)
    if not isinstance(items, list):
        return _WRONG
    one = Argument(argument.name, kind)
    return [one.read(item, f"{where}[{at}]") for at, item in enumerate(items)]


def _table(argument: Argument, value: Json, where: str) -> Json:
    """Read lists of strings by name; one string counts as a list of it."""
    items = _decoded(value)
    if not isinstance(items, dict):
        return _WRONG
    return {name: _strings_of(argument, one, f"{where}[{_named(name)}]") for name, one in items.items()}


def _strings_of(argument: Argument, value: Json, where: str) -> Json:
    is_one = isinstance(value, str) and not value.lstrip().startswith("[")
    return Argument(argument.name, "strings").read([value] if is_one else value, where)


def _objects(argument: Argument, value: Json, where: str) -> Json:
    items = _decoded(value)
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list):
        return _WRONG
    return [_object(argument, _decoded(item), f"{where}[{at}]") for at, item in enumerate(items)]


def _object(argument: Argument, value: Json, where: str) -> Json:
    if not isinstance(value, dict):
        raise InvalidError(f"{where} is an object, not {_named(value)}.", hint=argument.text)
    fields = {one.name: one for one in argument.fields}
    unknown = [name for name in value if name not in fields]
    if unknown:
        known = ", ".join(fields)
        raise InvalidError(f"{where} has an unknown field {_quoted(unknown[:5])}.", hint=f"Its fields are: {known}.")
    read = {name: fields[name].read(one, f"{where}.{name}") for name, one in value.items() if one is not None}
    missing = [one.name for one in argument.fields if one.required and one.name not in read]
    if missing:
        raise InvalidError(f"{where} needs {_quoted(missing)}.", hint=argument.text)
    return read


_READERS = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "strings": _strings,
    "integers": _integers,
    "objects": _objects,
    "table": _table,
}


def _decoded(value: Json) -> Json:
    """Read a list or object that came as JSON in a string; some clients do that."""
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        try:
            return cast("Json", json.loads(value))
        except (ValueError, RecursionError):
            return value
    return value


def _named(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - enough to recognise one's own words


def _quoted(names: list[str]) -> str:
    return ", ".join(repr(name[:60]) for name in names)
