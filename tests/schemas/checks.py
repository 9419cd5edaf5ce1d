"""Checks of what we write against the schemas that we publish, by a validator that is not ours (`jsonschema`)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.terminal import commands
from gitcoord.ledger.format.meta import RECORD
from gitcoord.service.schemas import catalog
from gitcoord.service.schemas.result_kinds import RESULTS

_DOCUMENTS: Mapping[str, str] = {
    "applied": "applied",
    "barriers": "barrier",
    "claims": "claim",
    "counters": "counter",
    "heartbeat.json": "heartbeat",
    "meta.json": "meta",
    "notices": "notice",
    "policy.json": "policy",
    "project.json": "project",
    "queue": "queue_entry",
    "requests": "release_request",
    "rewinds.json": "decisions",
    "steps": "step",
}
_OPEN = ("CallerNotice", "Refused", "SchemaShown")  # facts stand beside their fields


@cache
def validator(name: str, *, is_closed: bool = False) -> Draft202012Validator:
    """Return what checks a value by a schema of the catalog. `is_closed`: a field that it does not name is wrong."""
    schema: Any = json.loads(json.dumps(catalog.schema(name)))
    Draft202012Validator.check_schema(schema)
    parts = [schema, *schema.get("$defs", {}).values()]
    for part in (part for part in parts if is_closed and "properties" in part and part["title"] not in _OPEN):
        part["additionalProperties"] = False
    return Draft202012Validator(schema)


def faults(name: str, value: Any, *, is_closed: bool = False) -> list[str]:  # noqa: ANN401 - any JSON
    """Return what is wrong with a value by a schema of the catalog."""
    errors = [error for whole in validator(name, is_closed=is_closed).iter_errors(value) for error in _causes(whole)]
    return [f"{name}{error.json_path[1:]}: {error.message[:300]}" for error in errors]


def _causes(error: ValidationError) -> Iterator[ValidationError]:
    """Yield why a value is none of several: what is wrong with it as the first."""
    causes = [cause for cause in error.context or () if cause.schema_path[0] == 0]
    if not causes:
        yield error
    for cause in causes:
        yield from _causes(cause)


def result_faults(words: Sequence[str], out: str) -> list[str]:
    """Return what no schema says of the JSON that a command printed; nothing where it printed none."""
    named = [word for word in words if not word.startswith("-")]
    command = next((name for name in (" ".join(named[:2]), named[0] if named else "") if name in RESULTS), None)
    if command is None or "--json" not in words or not out.startswith("{"):
        return []
    return faults(f"results/{command.replace(' ', '_')}", json.loads(out), is_closed=True)


def described(files: Mapping[str, str], lines: Iterable[str]) -> Iterator[tuple[str, Json]]:
    """Yield what a commit of a ledger has, each with the name of its schema: documents by path, lines of its record."""
    for path, text in files.items():
        if path != RECORD and path.endswith(".json"):
            yield f"documents/{_DOCUMENTS[path.split('/')[0]]}", json.loads(text)
    for line in [*lines, *files.get(RECORD, "").splitlines()]:
        value = json.loads(line) if line.startswith("{") else {}
        if value.keys() & {"now", "refusals", "do"}:
            yield f"records/{'head' if 'now' in value else 'refusals' if 'refusals' in value else 'command'}", value
        if f"commands/{value.get('do')}" in catalog.names():
            yield f"commands/{value['do']}", value["args"]


def result_of_tool(tool: str) -> str:
    """Return the name of the schema of what a tool returns: that of its command."""
    words = commands.for_shell(sentence(Call.of(tool, ...))).strip("`").split()[1:]
    return f"results/{'_'.join(words[:2] if ' '.join(words[:2]) in RESULTS else words[:1])}"
