"""Texts: what people and agents write in their own words, kept out of the ledgers by policy `texts = private`.

Rules:
  * SEC-6: titles, descriptions, reasons and notes leave a command before it is decided, so neither a document, an event
    nor the record of a commit has them. A reason that was given is `WITHHELD`, so that one sees that there was one.
  * Names stay: of projects, agents, branches, scopes, files and symbols. Without them no holder could be asked, and no
    refusal could say what to do.

What this file does not know: who wrote, and what was written before the policy.
"""

from collections.abc import Mapping

from gitcoord.core.documents.json_text import Json

WITHHELD = "(private)"
_DROPPED = frozenset({"title", "description", "notes", "note"})
_REASONS = frozenset({"reason"})
_WITHIN = frozenset({"project", "steps", "claims", "checkpoint"})  # documents in a command; other tables are by file


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
