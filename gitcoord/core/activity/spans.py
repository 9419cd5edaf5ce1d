"""Spans: who had which step from when to when, from what happened to steps.

    step_claimed ──step_started──> … ──step_completed, step_failed, step_recovered──> the span ends

Rules:
  * A span begins with a claim. What began before the first occurrence has no beginning, if its end or start is known.
  * A step that is recovered while nothing is known of its holder has no span: it may have failed before.

What this file does not know: where occurrences are read, who holds a step now.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from gitcoord.core.activity.occurrence import Occurrence
from gitcoord.core.documents.events import Event

ENDS = {Event.STEP_COMPLETED.value: "completed", Event.STEP_FAILED.value: "failed"}
RECOVERED, LEFT = "recovered", "left"


class Span(NamedTuple):
    """A time in which an agent had a step.

    Attributes:
        project: as its ref is called.
        begin: of the claim; `None`: before what is known.
        end, how: when it ended and how: `completed`, `failed`, `recovered`, or `left`, where the next claim shows that
            it had ended; `None` and "": it goes on.
    """

    project: str
    step_num: str
    agent: str
    begin: datetime | None = None
    started: datetime | None = None
    end: datetime | None = None
    how: str = ""


def spans(occurrences: Iterable[Occurrence]) -> list[Span]:
    """Return the spans of what happened, which comes in its order, the oldest first."""
    ended: list[Span] = []
    going: dict[tuple[str, str], Span] = {}
    for happened in occurrences:
        key = (happened.project, happened.subject)
        if happened.kind == Event.STEP_CLAIMED:
            if key in going:
                ended.append(going[key]._replace(end=happened.at, how=LEFT))
            going[key] = Span(*key, happened.agent, begin=happened.at)
        elif happened.kind == Event.STEP_STARTED:
            going[key] = going.get(key, Span(*key, happened.agent))._replace(started=happened.at)
        elif happened.kind in ENDS:
            known = going.pop(key, Span(*key, happened.agent))
            ended.append(known._replace(end=happened.at, how=ENDS[happened.kind]))
        elif happened.kind == Event.STEP_RECOVERED and key in going:
            ended.append(going.pop(key)._replace(end=happened.at, how=RECOVERED))
    return [*ended, *going.values()]
