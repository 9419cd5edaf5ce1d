"""Notices: what others did to a holder's claims; its next reply carries them.

What this file does not know: how they are delivered.
"""

from datetime import datetime, timedelta

from gitcoord.core.documents.doc import Doc, Text
from gitcoord.core.documents.names import shown

KEPT = timedelta(hours=24)  # a holder that does not come back within a day has lost its claims long since

FORCED = "forced"  # a claim ended so that an operator ended, and not its holder
NOTE_CHARS = 200  # of what an operator, or who answers, said


class Notice(Doc, frozen=True, kw_only=True):
    """One notice.

    Attributes:
        event: a word of the events.
        text: a sentence of ours, with quoted names only.
        item: the pattern of the claim that it is about, where one of several is.
        step: the step whose branch landed, where it is about that.
        commit: what landed it.
        reason: why the claim ended, as a word of the events.
    """

    id: Text
    agent: Text
    clone: Text
    event: Text
    text: Text
    claim: Text | None = None
    item: Text | None = None
    by: Text | None = None
    step: Text | None = None
    commit: Text | None = None
    reason: Text | None = None
    at: datetime

    @property
    def landing(self) -> str | None:
        """Name the landing that it is about; a holder's own look at the step knows it by the same name."""
        return landing_of(self.step, self.commit) if self.step and self.commit else None


class Barrier(Doc, frozen=True, kw_only=True):
    """What a claim that ended left behind: the commit that the next holder there should have.

    Attributes:
        patterns: where it applies.
    """

    id: Text
    patterns: tuple[Text, ...]
    commit: Text
    branch: Text | None = None
    agent: Text = ""
    repo: Text | None = None
    at: datetime


BARRIER_KEPT = timedelta(days=14)


def is_over(doc: Notice | Barrier, now: datetime) -> bool:
    """Whether it may leave the ledger."""
    kept = KEPT if isinstance(doc, Notice) else BARRIER_KEPT
    return now >= doc.at + kept


def landing_of(step_id: str, commit: str) -> str:
    """Name the landing of a step: no two have one name, also where a project was deleted and made again."""
    return f"{step_id} {commit}"


def landed_text(step_id: str, commit: str) -> str:
    """Return the notice to the holder of a step that a merge completed; `commit`: what landed it."""
    return f"Step {step_id} is completed: its branch landed with {commit[:12]}."


def forced_text(by: str, note: str) -> str:
    """Say who ended a claim by force, and what that agent said of it."""
    return f"{by} ended it by force" + (f", saying {shown(note, NOTE_CHARS)}" if note else "")
