"""Mistakes: what an agent sent that its tool does not take, as one sentence with what would be right.

The sentence is made from the schema that the agent has seen. Pydantic says where a mistake is; its own words, and those
of JSON Schema, never reach an agent.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.spelling import nearest
from gitcoord.errors import InvalidError, UsageError

Node = dict[str, Any]
"""A JSON Schema; `also` lists other words for what it describes, which agents do not see."""

MEMBERS_MAX = 20_000  # of a list or a table: twice what any service takes, so that the service names its own limit
_KINDS = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array of string": 'a list of strings, such as ["a", "b"]',
    "array of integer": "a list of whole numbers, such as [1, 2]",
    "array of object": "a list of objects",
    "object of array": 'an object of lists, such as {"a.py": ["f", "C::g"]}',
}


def words_of(node: Node) -> dict[str, str]:
    """Return the name of each property by every word for it."""
    return {word: name for name, field in node["properties"].items() for word in (name, *field.get("also", ()))}


def mistake(owner: str, schema: Node, errors: Sequence[Mapping[str, Any]]) -> UsageError:
    """Return the first mistake in a call of a tool, of what pydantic found; what is missing altogether comes last."""
    error = min(errors, key=lambda each: each["type"] == "missing" and len(each["loc"]) == 1)
    path, facts = error["loc"], error.get("ctx", {})
    lacking = [each["loc"][-1] for each in errors if (each["type"], each["loc"][:-1]) == ("missing", path[:-1])]
    where, node, hint = _place(schema, path[:-1] if error["type"] == "missing" else path)
    kind, subject = (InvalidError, where) if where else (UsageError, owner)
    match error["type"], *getattr(facts.get("error"), "args", ()):
        case ("missing",):
            needed = ", ".join(f"{name}=…" for name in node["required"])
            names = _quoted([words_of(node)[word] for word in lacking])
            return kind(f"{subject} needs {names}.", hint=hint or f"Call {owner}({needed}).")
        case _, "unknown", words:
            said, fields = ("an unknown field", "fields") if where else ("no argument", "arguments")
            names = f"Its {fields} are: {', '.join(node['properties'])}." if node["properties"] else "It takes none."
            near = nearest(words[0], words_of(node))  # also another word, whose own name is given
            hint = f"Did you mean {words_of(node)[near]!r}? {names}" if near else names
            return kind(f"{subject} has {said} {_quoted(words)}.", hint=hint)
        case _, "twice", *words:
            both = " and ".join(f"{where}.{word}".lstrip(".") for word in words)
            name = words_of(node)[words[0]]
            return UsageError(f"{both} are the same, and have two values.", hint=f"Give {name} alone.")
        case _, "too many", count:
            return InvalidError(f"{subject} has {count} members; {MEMBERS_MAX} are the most.", hint=hint)
        case "greater_than_equal", *_:
            return InvalidError(f"{where} is at least {facts['ge']}, not {error['input']}.")
        case _:
            return InvalidError(f"{subject} is {_right(node)}, not {named(error['input'])}.", hint=hint)


def _place(node: Node, path: Sequence[str | int]) -> tuple[str, Node, str]:
    """Return a place as an agent would write it, the schema of what belongs there, and what that says of it."""
    where, hint = "", ""
    for part in path:
        if isinstance(part, int):
            where, node = f"{where}[{part}]", node["items"]
        elif "properties" in node:
            where, node = f"{where}.{part}".lstrip("."), node["properties"][words_of(node)[part]]
        else:
            where, node = f"{where}[{named(part)}]", node["additionalProperties"]
        hint = node.get("description", hint)
    return where, node, hint


def _right(node: Node) -> str:
    if "enum" in node:
        return f"one of {', '.join(node['enum'])}"
    inner = node.get("items") or node.get("additionalProperties")
    return _KINDS[f"{node['type']} of {inner['type']}" if inner else node["type"]]


def named(value: Json) -> str:
    """Return a value as an agent recognizes it."""
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - enough to recognise one's own words


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:60]) for name in names[:5])
