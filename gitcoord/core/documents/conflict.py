"""Conflicts: what is in the way of a request, as outcomes carry it in `facts["conflicts"]`.

The rules write them (`core/claims/conflicts.view`); a reader of a refusal has these, not JSON.

What this file does not know: how claims meet, and how a conflict is shown.
"""

from gitcoord.core.documents.doc import Doc, Text
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import OVER, Life

# The fields that a record of one has in any case, in this order.
ALWAYS = (
    "your_pattern", "your_symbols", "agent", "clone", "claim_id", "item", "reading", "symbols", "items", "branch",
    "description", "expires_at", "example",
)  # fmt: skip


class Conflict(Doc, frozen=True, kw_only=True):
    """A held item that meets what was asked. What an import adds, `for` whom it asks, is in `extra`.

    Attributes:
        your_pattern, your_symbols: what was asked, as the caller gave it.
        agent, clone, claim_id: who holds, and the claim.
        item, reading, symbols: the held item; `reading`: of its last segment, where its text does not say.
        items: the first patterns of that claim.
        expires_at: when the item ends.
        example: a path that both match, where one is known.
        holder_life, holder_seen, holder_called_at, free_at: how the holder is judged, where its claim ends with it.
    """

    your_pattern: Text
    your_symbols: tuple[Text, ...] = ()
    agent: Text = ""
    clone: Text = ""
    claim_id: Text
    item: Text
    reading: Text | None = None
    symbols: tuple[Text, ...] = ()
    items: tuple[Text, ...] = ()
    branch: Text | None = None
    description: Text = ""
    expires_at: Text = ""
    example: Text | None = None
    holder_life: Text = ""
    holder_seen: Text = ""
    holder_called_at: Text = ""
    free_at: Text = ""

    @property
    def is_of_gone(self) -> bool:
        """Whether no one is there who would answer a request; see `holder_silence.Silence.is_gone`."""
        return bool(self.free_at) and self.holder_life in (OVER, Life.STALE)


def conflicts_in(rows: Json) -> tuple[Conflict, ...]:
    """Read the conflicts of an outcome or a result; none where there are none.

    Raises:
        DocumentError: one of them is none that the rules made.
    """
    return tuple(Conflict.parse(row) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
