"""Rolls: a commit without parents that stands for the history before it, with the same tree.

What this file does not know: who follows one; hooks do, so it loads the standard library only.
"""

import json

from gitcoord.core.documents.json_text import Json
from gitcoord.remote.contract.protocol import Oid, oid


def replaced_by(message: str) -> Oid | None:
    """Return the tip that a commit without parents replaces, as the first line of its record says: it is a roll."""
    head = message.partition("\n\n")[2].partition("\n")[0]
    try:
        value: Json = json.loads(head)
        replaced = value.get("replaces") if isinstance(value, dict) else None
        return oid(replaced) if isinstance(replaced, str) else None
    except (ValueError, RecursionError):
        return None
