"""JSON Schemas (2020-12) of documents and results: msgspec's, where that is what we read; the rest is set right here.

Rules:
  * Fields that a version does not know are allowed: DOC-1 keeps them, and `extra` is no field of the JSON.
  * A moment is a text as RFC 3339 has it, with its zone. We read some more; others should write none of that.
  * What a field is for is what the docstring of its class says. A schema is self-contained, and equal ones are equal
    text.

What this file does not know: which kinds there are, and what they are called.
"""

import inspect
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.json_text import Json

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DAY = r"[2-8]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
MOMENT: Mapping[str, Json] = {"type": "string", "format": "date-time", "pattern": f"^{_DAY}T{_CLOCK}$"}
_UNTOLD: Mapping[str, Json] = {"type": "string"}  # what msgspec says of a moment; texts of documents have a length
_ATTRIBUTE = re.compile(r"^    (\w+(?:, \w+)*): (.*(?:\n {5,}.*)*)", re.MULTILINE)
Schema = dict[str, Any]


def schema_of(name: str, *kinds: type) -> dict[str, Json]:
    """Return the schema of a document or typed dict under a name; of several kinds: of what is of any of them.

    What is in it stands in `$defs`. Several are described as the first is.
    """
    _, parts = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    for inner in {inner for kind in kinds for inner in _kinds(kind)}:
        part, hints, said = parts[inner.__name__], typing.get_type_hints(inner), dict(_said(inner))
        fields: Schema = part["properties"]
        if fields.pop("~", None) is not None:
            part["additionalProperties"] = True
        for field in fields:
            described = {"description": said[field]} if field in said else {}
            right = _with_moments(fields[field]) if datetime in _leaves(hints[field]) else fields[field]
            fields[field] = {**right, **described}
    for part in parts.values():
        part["description"] = _sentences(part.get("description", ""))
    whole = parts.pop(kinds[0].__name__) if len(kinds) == 1 else _any_of(kinds, parts)
    return {**head(name), **whole, **({"$defs": dict(sorted(parts.items()))} if parts else {})}


def head(name: str) -> dict[str, Json]:
    """Return what every schema begins with: which dialect it is written in, and its name among all of ours."""
    return {"$schema": DIALECT, "$id": f"urn:gitcoord:{name}"}


def _any_of(kinds: Sequence[type], parts: Schema) -> Schema:
    described = {name: parts[kinds[0].__name__][name] for name in ("title", "description")}
    return {**described, "type": "object", "anyOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in kinds]}


def _with_moments(part: Any) -> Any:  # noqa: ANN401 - a part of a schema is any JSON
    if isinstance(part, list):
        return [_with_moments(inner) for inner in typing.cast("list[Any]", part)]
    if not isinstance(part, dict):
        return part
    named = typing.cast("Schema", part)
    return {**MOMENT} if named == _UNTOLD else {name: _with_moments(inner) for name, inner in named.items()}


def _kinds(kind: type) -> Iterator[type]:
    """Yield a kind and those in it, which may come more than once."""
    yield kind
    for hint in typing.get_type_hints(kind).values():
        for leaf in _leaves(hint):
            if leaf is not kind and (typing.is_typeddict(leaf) or (isinstance(leaf, type) and issubclass(leaf, Doc))):
                yield from _kinds(typing.cast("type", leaf))


def _leaves(hint: Any) -> Iterator[object]:  # noqa: ANN401 - a type expression has no narrower type
    arguments = typing.get_args(hint)
    for argument in arguments:
        yield from _leaves(argument)
    if not arguments:
        yield hint


def _said(kind: type) -> Iterator[tuple[str, str]]:
    """Yield the names of fields with what the docstrings say of them; the narrower kind has the last word."""
    for parent in reversed(kind.__mro__):
        text = inspect.cleandoc(parent.__doc__ or "").partition("Attributes:")[2]
        for names, what in _ATTRIBUTE.findall(text):
            yield from ((name, _sentences(what)) for name in names.split(", "))


def _sentences(text: str) -> str:
    """Return the text of a docstring in front of its attributes, a paragraph a line."""
    paragraphs = inspect.cleandoc(text).partition("Attributes:")[0].strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).replace("`None`", "null")
