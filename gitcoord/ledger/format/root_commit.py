"""Rolls: a commit without parents that stands for the history before it, with the same tree.

    roll claims for ann/cli/wt-3: 20,001 commits

    {"archive":"refs/coord/archive/claims/1","by":"ann/cli/wt-3","now":"…","replaces":"<the tip before>","rules":2}

What this file does not know: who follows one; hooks do, so it loads the standard library only.
"""

import json

from gitcoord.core.documents.json_text import Json
from gitcoord.remote.contract.protocol import Oid, RefName, oid


def replaced_by(message: str) -> Oid | None:
    """Return the tip that a commit without parents replaces, as the first line of its record says: it is a roll."""
    replaced = _head(message).get("replaces")
    try:
        return oid(replaced) if isinstance(replaced, str) else None
    except ValueError:
        return None


def archived_at(message: str) -> RefName | None:
    """Return the ref under which a roll has put the tip that it replaces; anyone may have written that."""
    archive = _head(message).get("archive")
    return RefName(archive) if isinstance(archive, str) else None


def _head(message: str) -> dict[str, Json]:
    try:
        value: Json = json.loads(message.partition("\n\n")[2].partition("\n")[0])
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
