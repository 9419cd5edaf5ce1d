"""Sharing: what a grant says of who can see it, where that may surprise.

What this file does not know: why it may; see `placement`.
"""

from gitcoord.core.doc import Json
from gitcoord.service.workspace import Workspace


def told(workspace: Workspace, result: dict[str, Json]) -> dict[str, Json]:
    """Return the result of a grant, with who can see it first."""
    return {"seen_by": workspace.warning, **result} if workspace.warning else result
