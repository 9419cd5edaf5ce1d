"""Texts that are left out: by policy `texts = private` those of people, of the ledgers; those of strangers, of results.

Rules:
  * SEC-6: titles, descriptions, reasons and notes leave a command before it is decided, so neither a document, an event
    nor the record of a commit has them. A reason that was given is `WITHHELD`, so that one sees that there was one.
  * Names stay: of projects, agents, branches, scopes, files and symbols. Without them no holder could be asked, and no
    refusal could say what to do.
  * SEC-1: results have fields in which we speak (`next_step`, `notices`). A document keeps what this version does not
    know (DOC-1), and with it what a stranger called so; none of that is shown.

What this file does not know: who wrote, and what was written before the policy.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import msgspec

from gitcoord.core.documents.doc import EXTRA_KEY, Doc
from gitcoord.core.documents.json_text import Json

_D = TypeVar("_D", bound=Doc)
WITHHELD = "(private)"
_DROPPED = frozenset({"title", "description", "notes", "note"})
_REASONS = frozenset({"reason"})
_WITHIN = frozenset({"project", "steps", "claims", "checkpoint"})  # documents in a command; other tables are by file


def only_known(doc: _D) -> _D:
    """Return a document, and those within it, without what this version does not know."""
    if EXTRA_KEY not in msgspec.json.encode(doc, enc_hook=str):
        return doc  # as most are: a look at each field takes ten times as long, and a list of claims has thousands
    changes: dict[str, Any] = {"extra": {}}
    for field in doc.__struct_fields__:
        value: Any = getattr(doc, field)
        if isinstance(value, Doc):
            changes[field] = only_known(value)
        elif isinstance(value, tuple):
            rows = cast("tuple[Any, ...]", value)
            changes[field] = tuple(only_known(row) if isinstance(row, Doc) else row for row in rows)
    return doc.evolve(**changes)


def without_texts(arguments: Mapping[str, Json]) -> dict[str, Json]:
    """Return the arguments of a command without what an agent or a person wrote in their own words."""
    return {
        key: _within(value) if key in _WITHIN else WITHHELD if key in _REASONS and value else value
        for key, value in arguments.items()
        if key not in _DROPPED
    }


def _within(value: Json) -> Json:
    if isinstance(value, list):
        return [_within(item) for item in value]
    return without_texts(value) if isinstance(value, dict) else value
