"""The catalog of JSON Schemas: what is public, by name, and the schema of each.

    documents/step         what lies in a ledger's tree
    commands/claim_files   the `args` of a line of a record
    records/command        a line of a commit's record
    events/queue_grant     an event as `gitcoord log --json` has it
    files/plan             what people write
    results/claim_add      what `gitcoord claim add --json` prints

What this file does not know: how a schema is shown.
"""

from collections.abc import Mapping
from typing import Any

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_commands import CLAIM_COMMANDS
from gitcoord.core.claims.notice import Barrier, Notice
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_schema import head, schema_of
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.policy import Policy
from gitcoord.core.documents.spelling import nearest
from gitcoord.core.owners.refusal_counts import Counter
from gitcoord.core.relay.relay import Relay
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import COMMANDS
from gitcoord.errors import InvalidError
from gitcoord.ledger.format.meta import Applied, Meta
from gitcoord.ledger.rewinds.decisions import Decisions
from gitcoord.service.inputs import mistakes
from gitcoord.service.inputs.input_kinds import MODELS
from gitcoord.service.schemas.answers import Failed, Refused
from gitcoord.service.schemas.recorded import (
    LoggedEvent,
    RecordCommandLine,
    RecordHeadLine,
    RecordRefusalsLine,
)
from gitcoord.service.schemas.result_kinds import RESULTS

_KINDS: Mapping[str, Mapping[str, type]] = {
    "documents": {
        "applied": Applied,
        "barrier": Barrier,
        "claim": Claim,
        "counter": Counter,
        "decisions": Decisions,
        "heartbeat": Heartbeat,
        "meta": Meta,
        "notice": Notice,
        "policy": Policy,
        "project": Project,
        "relay": Relay,
        "queue_entry": QueueEntry,
        "release_request": ReleaseRequest,
        "step": Step,
    },
    "commands": {**COMMANDS, **CLAIM_COMMANDS},
    "records": {"head": RecordHeadLine, "command": RecordCommandLine, "refusals": RecordRefusalsLine},
    "events": dict.fromkeys(Event, LoggedEvent),
    "files": MODELS,
    "results": {words.replace(" ", "_"): kinds[0] for words, kinds in RESULTS.items()},
}
_CHECKS = ("minimum", "maximum", "enum")  # that both ways of reading a policy have


def names() -> list[str]:
    """Return the names of all schemas."""
    return [f"{group}/{name}" for group, kinds in _KINDS.items() for name in sorted(kinds)]


def full_name(text: str) -> str:
    """Return the name of a schema, where that or its end is given, if only one has that end.

    Raises:
        InvalidError: there is none, or several end so.
    """
    found = [name for name in names() if text in (name, name.partition("/")[2])]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidError(f"Several schemas are called {shown(text)}.", hint=f"Say {' or '.join(found)}.")
    near = nearest(text, [*names(), *(name.partition("/")[2] for name in names())])
    hint = f"Did you mean {near!r}? " if near else ""
    raise InvalidError(f"There is no schema {shown(text)}.", hint=f"{hint}`gitcoord schema` lists them.")


def schema(name: str) -> dict[str, Json]:
    """Return the JSON Schema of a name in the catalog."""
    group, _, word = name.partition("/")
    kind: Any = _KINDS[group][word]
    if group == "files":
        return {**head(name), **mistakes.schema_of(kind)}
    if group == "results":
        return schema_of(name, *RESULTS[word.replace("_", " ")], Refused, Failed)
    found: dict[str, Any] = schema_of(name, kind)
    if group == "events":
        found["properties"]["event"] = {"const": word}
        found |= {
            "title": word,
            "description": f"The event {word}, as `gitcoord log --json` and `gitcoord watch --jsonl` have it.",
        }
    if kind is Policy:
        checked: Any = mistakes.schema_of(MODELS["policy"])["properties"]
        for field, part in found["properties"].items():
            part |= {check: checked[field][check] for check in _CHECKS if check in checked[field]}
    return found
