"""Ids of what the claims ledger holds: `c-` claims, `q-` entries in the line, `r-` requests.

Each has 8 characters of Crockford's base 32 (40 bits): they are read aloud and typed. One that something bears already
is made longer by the rules (`Work.unused`), as c-7k2m9q4x-118; what has ended may have had the same id.
"""

import re

from gitcoord.core.documents.names import shown
from gitcoord.errors import InvalidError
from gitcoord.service.session.workspace import Workspace

CHARS = 8
_ID = re.compile(r"[a-z]-[a-z0-9][a-z0-9-]{0,39}")
_KINDS = {"c": "claim", "q": "waiting call", "r": "request"}


def drawn(workspace: Workspace, kind: str) -> str:
    """Return a new id of a kind."""
    return f"{kind}-{workspace.setting.host.draw_id()[:CHARS]}"


def checked(text: str, kind: str) -> str:
    """Return what a caller gave as an id of a kind.

    Raises:
        InvalidError: it is none.
    """
    name = text.strip().lower()
    if name.startswith(f"{kind}-") and _ID.fullmatch(name):
        return name
    hint = f"The id of a {_KINDS[kind]} looks like {kind}-7k2m9q4x."
    raise InvalidError(f"{shown(text)} is no id of a {_KINDS[kind]}.", hint=hint)
