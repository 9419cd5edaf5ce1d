"""Projects: a named graph of steps over one base commit.

A project is `active` until its last step is completed or skipped (`completed`) or a person ends it (`aborted`).
What this file does not know: the rules of steps (`step`), how a graph is ordered (`graph`).
"""

from datetime import datetime
from enum import StrEnum

from gitcoord.core.documents.doc import Doc, Number, Text

STALE_MINUTES = 15  # a holder unseen for so long is stale; three of the longest beat intervals fit in it


class ProjectStatus(StrEnum):
    """Where a project stands."""

    ACTIVE = "active"
    COMPLETED = "completed"
    ABORTED = "aborted"


class Project(Doc, frozen=True, kw_only=True):
    """One project.

    Attributes:
        base_commit: the full id of the commit that the work starts from.
        repo: which repository the work is in, where several share one remote for coordination.
        stale_minutes: how long a holder may be silent.
    """

    name: Text
    base_commit: Text
    status: ProjectStatus = ProjectStatus.ACTIVE
    description: Text = ""
    repo: Text | None = None
    created_at: datetime
    created_by: Text
    completed_at: datetime | None = None
    reason: Text | None = None
    stale_minutes: Number = STALE_MINUTES
