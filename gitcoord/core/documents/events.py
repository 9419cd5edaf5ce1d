"""Event names: stored in commit records, used by everything that delivers events.

    a command on the claims   ──> its line's `events`, in order
    a command on a step       ──> its outcome's code; a project that it completes is one more in `events`
    a refusal                 ──> its entry under `refusals` of the next commit
    a promotion by machines   ──> `events` of the line in the team's ledger

Rules:
  * EVENT-1: each thing that can be delivered has one word, and a commit records it: nothing is delivered that is not
    recorded.

What this file does not know: who receives them.
"""

from enum import StrEnum


class Event(StrEnum):
    """Everything that can be delivered."""

    CLAIM_GRANTED = "claim_granted"
    CLAIM_REFUSED = "claim_refused"
    CLAIM_RELEASED = "claim_released"
    CLAIM_EXPIRED = "claim_expired"
    AUTO_COEXIST = "auto_coexist"
    AUTO_NARROW = "auto_narrow"
    REQUEST_FILED = "request_filed"
    REQUEST_ANSWERED = "request_answered"
    QUEUE_GRANT = "queue_grant"
    QUEUE_CANCEL = "queue_cancel"
    AUTO_PROMOTE = "auto_promote"
    AUTO_DEMOTE = "auto_demote"
    STEP_CLAIMED = "step_claimed"
    STEP_STARTED = "step_started"
    STEP_COMPLETED = "step_completed"
    STEP_FAILED = "step_failed"
    STEP_RECOVERED = "step_recovered"
    STEP_SKIPPED = "step_skipped"
    PROJECT_CREATED = "project_created"
    PROJECT_COMPLETED = "project_completed"


def of_refusal(word: str) -> Event | None:
    """Return what the refusal of a command is, if that is an event."""
    return Event.CLAIM_REFUSED if word in ("claim_files", "keep_waiting") else None
