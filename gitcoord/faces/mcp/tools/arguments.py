"""Arguments of tools: a pydantic model a tool, which makes the schema that agents see and reads what they send.

Rules:
  * Schemas are flat and closed. An unknown argument is refused by name, with the names that exist.
  * What an agent evidently meant is taken: a list as a JSON-encoded string, one string for a list of it, a number
    in quotes, `null` for "left out", another word for an argument where no other one of the tool could be meant.
  * What was read otherwise than it was written is said in the answer; what is a client's habit (JSON in a string) not.
  * An argument and another word for it, with two values, are a mistake that names both.
  * A mistake is reported in one sentence with what would be right (`tools/mistakes`).
"""

import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, NamedTuple, cast

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, ValidationError, create_model, model_validator

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.mcp.tools.mistakes import MEMBERS_MAX, Node, mistake, named, words_of

_DIGITS_MAX = 18  # of a number in quotes; beyond, it is none of ours
_NUMBER_MAX = 10**_DIGITS_MAX
_WHOLE = re.compile(r"-?[0-9]+")
_CUT = re.compile(r"""\s*[\[{]\s*["'{\[]""")  # the beginning of JSON that does not end: no pattern has it
_ORDER = ("type", "properties", "required", "items", "additionalProperties", "enum", "minimum", "description")


def _decoded(value: Json) -> Json:
    """Read a list or object that came as JSON in a string; some clients do that."""
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        try:
            value = cast("Json", json.loads(value))
        except (ValueError, RecursionError):
            return value
    if isinstance(value, list | dict) and len(value) > MEMBERS_MAX:
        raise ValueError("too many", len(value))
    return value


def _listed(value: Json) -> Json:
    """Read a list of strings, also of one that stands there by itself."""
    value = _decoded(value)
    if isinstance(value, list):
        return [str(each) if type(each) is int else each for each in value]
    return [value] if isinstance(value, str) and value.strip() and not _CUT.match(value) else value


def _numbers(value: Json) -> Json:
    value = _whole(_decoded(value))
    if isinstance(value, list):
        return [each if type(each) is int else _whole(each) for each in value]
    return [value] if type(value) is int else value


def _records(value: Json) -> Json:
    record = _decoded(value)
    return [record] if isinstance(record, dict) else record


def _whole(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer() and abs(value) <= _NUMBER_MAX:
        return int(value)
    return int(value) if isinstance(value, str) and len(value) <= _DIGITS_MAX and _WHOLE.fullmatch(value) else value


def _number(value: Json) -> Json:
    number = float(value) if isinstance(value, str) and len(value) <= _DIGITS_MAX else value
    if isinstance(number, int | float) and not abs(number) <= _NUMBER_MAX:  # nor is NaN
        raise ValueError
    return number


def _truth(value: Json) -> Json:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _text(value: Json) -> Json:
    return str(value) if type(value) is int else value  # a bare step number


Text = Annotated[str, BeforeValidator(_text)]
Integer = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_number)]
Boolean = Annotated[bool, BeforeValidator(_truth)]
Strings = Annotated[list[str], Field(fail_fast=True), BeforeValidator(_listed)]
Integers = Annotated[list[int], Field(fail_fast=True), BeforeValidator(_numbers)]
Table = Annotated[dict[str, Strings], BeforeValidator(_decoded)]
Fields = Mapping[str, tuple[Any, Any]]
"""Arguments by name, each as `argument` makes it."""


def choice(words: type[StrEnum], others: StrEnum | None = None) -> Any:  # noqa: ANN401 - a type, made here
    """Return the kind of one of some words; `others` is what any other word is."""
    known = {str(word): word for word in words}

    def read(value: Json) -> Json:
        word = _text(value)
        return known.get(word.strip().lower(), others or value) if isinstance(word, str) else value

    return Annotated[words, BeforeValidator(read)]


def objects(fields: Fields) -> Any:  # noqa: ANN401 - a type, made here
    """Return the kind of a list of objects with these fields."""
    return Annotated[list[model_of("object", fields)], Field(fail_fast=True), BeforeValidator(_records)]


def argument(
    kind: object, text: str = "", *, also: tuple[str, ...] = (), required: bool = False, minimum: int | None = None
) -> tuple[Any, Any]:
    """Return an argument with what agents see of it, `text`, and other words for it, which are taken and not shown."""
    return kind, Field(
        default=... if required else None,
        description=text or None,
        ge=minimum,
        validation_alias=AliasChoices(*also) if also else None,
        json_schema_extra={"also": [*also]},
    )


class Arguments(BaseModel, extra="forbid", strict=True, use_enum_values=True, validate_by_name=True):
    """The arguments of a tool, or the fields of the objects in a list of them."""

    @model_validator(mode="before")
    @classmethod
    def _each_once(cls, given: Json) -> Json:
        """Leave out what is null and what is said twice; minutes become the seconds that an argument counts."""
        given = _decoded(given)
        if not isinstance(given, dict):
            return given
        names = words_of(schema_of(cls, is_shown=False))
        if unknown := [word for word in given if word not in names]:
            raise ValueError("unknown", unknown)
        meant, firsts = _said(given), dict[str, str]()
        for word, value in meant.items():
            name = names[word]
            meant[word] = _seconds(word, name, value) or value
            first = firsts.setdefault(name, word)
            if first != word and _listed(_text(_whole(meant[first]))) != _listed(_text(_whole(meant[word]))):
                raise ValueError("twice", first, word)
        return {word: meant[word] for word in firsts.values()}


def model_of(name: str, fields: Fields) -> type[Arguments]:
    """Return the model of a tool, or of the objects in a list."""
    return create_model(name, __base__=Arguments, **cast("dict[str, Any]", fields))


@cache
def schema_of(model: type[Arguments], *, is_shown: bool = True) -> Node:
    """Return a model's schema with all in its place; other words for a field are in `also` of one that is not shown."""
    schema = model.model_json_schema(by_alias=False)
    left_out = {"$defs", "$ref", "default", "title", "also" if is_shown else ""}

    def plain(node: Node) -> Node:
        if "$ref" in node:
            node = {**schema["$defs"][node["$ref"].rpartition("/")[2]], "description": None, **node}
        kept = {key: node[key] for key in (*_ORDER, *node) if node.get(key) is not None and key not in left_out}
        for key in {"items", "additionalProperties"} & kept.keys():
            kept[key] = kept[key] and plain(kept[key])
        if "properties" in kept:
            kept["properties"] = {name: plain(field) for name, field in kept["properties"].items()}
        return kept

    return plain(schema)


class Understood(NamedTuple):
    """The arguments of a call, by their names in the service, and what the reply says of how they were read."""

    values: dict[str, Json]
    notes: list[str]


def read_arguments(owner: str, model: type[Arguments], given: Mapping[str, Json]) -> Understood:
    """Return the arguments that were given to a tool.

    Raises:
        UsageError: one is unknown or missing, or was given twice under two names.
        InvalidError: one has a value of the wrong kind.
    """
    schema = schema_of(model, is_shown=False)
    try:
        read = model.model_validate(given)
    except ValidationError as error:
        raise mistake(owner, schema, error.errors(include_url=False)) from None
    return Understood(read.model_dump(exclude_unset=True), [*_notes(schema, dict(given), "")])


def _notes(node: Node, written: Json, where: str) -> Iterator[str]:
    """Yield what was read otherwise than it was written."""
    if node["type"] == "array":
        members = _decoded(written)
        if not isinstance(members, list):
            yield f"{where} was read as a list of one."
            members = [members]
        for index, member in enumerate(members if "properties" in node["items"] else []):
            yield from _notes(node["items"], member, f"{where}[{index}]")
    elif "properties" in node:
        names = words_of(node)
        for word, value in _said(written).items():
            name, path = names[word], f"{where}.{word}".lstrip(".")
            yield from _notes(node["properties"][name], value, path)
            if (seconds := _seconds(word, name, value)) is not None:
                yield f"{path}={value} was read as {name}={seconds}."
            elif word != name:
                yield f"{path} was read as {path.removesuffix(word)}{name}."
    elif node["type"] == "object":
        for key, value in _said(written).items():
            yield from _notes(node["additionalProperties"], value, f"{where}[{named(key)}]")


def _said(written: Json) -> dict[str, Json]:
    """Return what an object says; `null` says nothing."""
    return {word: value for word, value in cast("dict[str, Json]", _decoded(written)).items() if value is not None}


def _seconds(word: str, name: str, value: Json) -> int | None:
    """Return what a number of minutes is of an argument that counts seconds; `None` where it is no such number."""
    number = _whole(value) if "minutes" in word and "minutes" not in name else None
    return number * 60 if type(number) is int and number > 0 else None
