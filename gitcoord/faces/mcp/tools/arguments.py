"""Arguments of tools: one table for the schema that agents see and for reading what they send.

Rules:
  * Schemas are flat and closed. An unknown argument is refused by name, with the names that exist.
  * What an agent evidently meant is taken: a list as a JSON-encoded string, one string for a list of it, a number
    in quotes, `null` for "left out", another word for an argument where no other one of the tool could be meant.
  * What was read otherwise than it was written is said in the answer; what is a client's habit (JSON in a string) not.
  * An argument and another word for it, with two values, are a mistake that names both.
  * A mistake is reported in one sentence with what would be right; pydantic's and JSON Schema's own words never reach
    an agent.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from gitcoord.core.documents.doc import Json
from gitcoord.core.documents.spelling import nearest
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
_CUT = re.compile(r"""\s*[\[{]\s*["'{\[]""")  # the beginning of JSON that does not end: no pattern has it


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a tool, or one field of the objects in a list.

    Attributes:
        others_as: the choice that any other word is.
        synonyms: other words for it, which are taken and not shown.
        in_minutes: those whose numbers are minutes where the argument counts seconds.
    """

    name: str
    kind: Kind
    text: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    fields: tuple["Argument", ...] = ()
    others_as: str = ""
    synonyms: tuple[str, ...] = ()
    in_minutes: tuple[str, ...] = ()

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

    def read(self, value: Json, where: str, notes: "Notes") -> Json:
        """Return the value that was meant.

        Raises:
            InvalidError: it is none of the argument's kind.
        """
        read = _READERS[self.kind](self, value, where, notes)
        if read is _WRONG:
            raise InvalidError(f"{where} is {_WORDS[self.kind]}, not {_named(value)}.", hint=self.text)
        if self.choices and isinstance(read, str) and read not in self.choices:
            read = next((choice for choice in self.choices if choice == read.strip().lower()), self.others_as or read)
        if self.choices and read not in self.choices:
            raise InvalidError(f"{where} is one of {', '.join(self.choices)}, not {_named(value)}.")
        if self.minimum is not None and isinstance(read, int | float) and read < self.minimum:
            raise InvalidError(f"{where} is at least {self.minimum}, not {read}.")
        return read

    def read_as(self, name: str, value: Json, where: str, notes: "Notes") -> Json:
        """Return the value that was meant by a word for this argument."""
        if name == self.name:
            return self.read(value, where, notes)
        read = self.read(value, where, notes)
        if name in self.in_minutes and isinstance(read, int | float):
            read *= 60
            notes.append(f"{where}={value} was read as {self.name}={read}.")
        else:
            notes.append(f"{where} was read as {where.removesuffix(name)}{self.name}.")
        return read


Notes = list[str]
"""What was read otherwise than it was written, as sentences."""


@dataclass(frozen=True, slots=True)
class Understood:
    """The arguments of a call, by their names in the service, and what the reply says of how they were read."""

    values: dict[str, Json]
    notes: Notes


def object_schema(arguments: tuple[Argument, ...]) -> dict[str, Json]:
    """Return the closed schema of an object with these fields."""
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {argument.name: argument.schema() for argument in arguments},
    }
    required: list[Json] = [argument.name for argument in arguments if argument.required]
    if required:
        schema["required"] = required
    return {**schema, "additionalProperties": False}


def read_arguments(owner: str, arguments: tuple[Argument, ...], given: Mapping[str, Json]) -> Understood:
    """Return the arguments that were given.

    Raises:
        UsageError: one is unknown or missing, or was given twice under two names.
        InvalidError: one has a value of the wrong kind.
    """
    known = _words(arguments)
    unknown = [name for name in given if name not in known]
    if unknown:
        names = [argument.name for argument in arguments]
        hint = f"Its arguments are: {', '.join(names)}." if names else "It takes none."
        words = _words(arguments)
        near = nearest(unknown[0], words)  # also another word for an argument, whose own name is given
        hint = (f"Did you mean {words[near].name!r}? " if near else "") + hint
        raise UsageError(f"{owner} has no argument {_quoted(unknown[:5])}.", hint=hint)
    notes = Notes()
    values = _values(known, given, "", notes)
    missing = [argument.name for argument in arguments if argument.required and argument.name not in values]
    if missing:
        needed = ", ".join(f"{argument.name}=…" for argument in arguments if argument.required)
        raise UsageError(f"{owner} needs {_quoted(missing)}.", hint=f"Call {owner}({needed}).")
    return Understood(values, notes)


def _words(arguments: tuple[Argument, ...]) -> dict[str, Argument]:
    """Return each argument by every word for it."""
    return {
        word: argument for argument in arguments for word in (argument.name, *argument.synonyms, *argument.in_minutes)
    }


def _values(known: Mapping[str, Argument], given: Mapping[str, Json], where: str, notes: Notes) -> dict[str, Json]:
    """Return the given values, by the arguments' own names."""
    values: dict[str, Json] = {}
    words: dict[str, str] = {}
    for word, value in given.items():
        if value is None:
            continue
        argument = known[word]
        read = argument.read_as(word, value, f"{where}{word}", notes)
        if argument.name in values and values[argument.name] != read:
            both = f"{where}{words[argument.name]} and {where}{word}"
            raise UsageError(f"{both} are the same, and have two values.", hint=f"Give {argument.name} alone.")
        values[argument.name], words[argument.name] = read, word
    return values


_WRONG: Json = ["(of the wrong kind)"]  # recognized by identity


def _string(_: Argument, value: Json, __: str, ___: Notes) -> Json:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # a bare step number
    return value if isinstance(value, str) else _WRONG


def _integer(_: Argument, value: Json, __: str, ___: Notes) -> Json:
    if isinstance(value, bool):
        return _WRONG
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) <= _DIGITS_MAX:
        return int(value)
    return value if isinstance(value, int) else _WRONG


def _number(_: Argument, value: Json, __: str, ___: Notes) -> Json:
    if isinstance(value, bool):
        return _WRONG
    if isinstance(value, str) and len(value) <= _DIGITS_MAX:
        try:
            value = float(value)
        except ValueError:
            return _WRONG
    return value if isinstance(value, int | float) and abs(value) <= _NUMBER_MAX else _WRONG


def _boolean(_: Argument, value: Json, __: str, ___: Notes) -> Json:
    if isinstance(value, str):
        return _BOOLEANS.get(value.lower(), _WRONG)
    return value if isinstance(value, bool) else _WRONG


def _strings(argument: Argument, value: Json, where: str, notes: Notes) -> Json:
    return _each(argument, value, where, "string", notes)


def _integers(argument: Argument, value: Json, where: str, notes: Notes) -> Json:
    return _each(argument, value, where, "integer", notes)


def _each(argument: Argument, value: Json, where: str, kind: Kind, notes: Notes) -> Json:
    """Read a list, also of one that stands there by itself."""
    items, member = _decoded(value), Argument(argument.name, kind)
    if not isinstance(items, list):
        is_one = isinstance(items, str) and bool(items.strip()) and not _CUT.match(items)
        if not is_one and (kind == "string" or not isinstance(items, int)):
            return _WRONG
        read = _READERS[kind](member, items, where, notes)
        if read is not _WRONG:
            notes.append(f"{where} was read as a list of one.")
        return read if read is _WRONG else [read]
    return [member.read(item, f"{where}[{index}]", notes) for index, item in enumerate(items)]


def _table(argument: Argument, value: Json, where: str, notes: Notes) -> Json:
    """Read lists of strings by name."""
    items = _decoded(value)
    if not isinstance(items, dict):
        return _WRONG
    member = Argument(argument.name, "strings")
    return {name: member.read(item, f"{where}[{_named(name)}]", notes) for name, item in items.items()}


def _objects(argument: Argument, value: Json, where: str, notes: Notes) -> Json:
    items = _decoded(value)
    if isinstance(items, dict):
        notes.append(f"{where} was read as a list of one.")
        items = [items]
    if not isinstance(items, list):
        return _WRONG
    return [_object(argument, _decoded(item), f"{where}[{index}]", notes) for index, item in enumerate(items)]


def _object(argument: Argument, value: Json, where: str, notes: Notes) -> Json:
    if not isinstance(value, dict):
        raise InvalidError(f"{where} is an object, not {_named(value)}.", hint=argument.text)
    fields = _words(argument.fields)
    unknown = [name for name in value if name not in fields]
    if unknown:
        known = ", ".join(field.name for field in argument.fields)
        raise InvalidError(f"{where} has an unknown field {_quoted(unknown[:5])}.", hint=f"Its fields are: {known}.")
    read = _values(fields, value, f"{where}.", notes)
    missing = [field.name for field in argument.fields if field.required and field.name not in read]
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
