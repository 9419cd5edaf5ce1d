"""Notices: what others did to a holder's claims; its next reply carries them.

What this file does not know: how they are delivered.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gitcoord.core.documents.doc import Doc

KEPT = timedelta(hours=24)  # a holder that does not come back within a day has lost its claims long since


@dataclass(frozen=True, kw_only=True)
class Notice(Doc):
    """One notice.

    Attributes:
        event: a word of the events.
        text: a sentence of ours, with quoted names only.
        item: the pattern of the claim that it is about, where one of several is.
    """

    id: str
    agent: str
    clone: str
    event: str
    text: str
    claim: str | None = None
    item: str | None = None
    by: str | None = None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Barrier(Doc):
    """What a claim that ended left behind: the commit that the next holder there should have.

    Attributes:
        patterns: where it applies.
    """

    id: str
    patterns: tuple[str, ...]
    commit: str
    branch: str | None = None
    agent: str = ""
    repo: str | None = None
    at: datetime


BARRIER_KEPT = timedelta(days=14)


def is_over(doc: Notice | Barrier, now: datetime) -> bool:
    """Whether it may leave the ledger."""
    kept = KEPT if isinstance(doc, Notice) else BARRIER_KEPT
    return now >= doc.at + kept


def landed_text(step_id: str, commit: str) -> str:
    """Return the notice to the holder of a step that a merge completed; `commit`: what landed it."""
    return f"Step {step_id} is completed: its branch landed with {commit[:12]}."
