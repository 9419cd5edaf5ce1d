"""Answers of a watch, field by field: a look, and the lines of its stream that are no event.

What this file does not know: which command prints them.
"""

from typing import NotRequired, TypedDict

from gitcoord.service.schemas.team_answers import StatusShown


class WatchSnapshot(StatusShown):
    """One look, as `gitcoord status --json` has it. `cursor`: of that moment, for `--since`."""

    cursor: str


class StreamNote(TypedDict):
    """A line of `gitcoord watch --jsonl` that is no event, but about the stream; events are `events/<word>`.

    Attributes:
        watching: the first line: which remote is watched.
        problem, hint: what is in the way, and what to do; `ref`: of which ledger. The stream goes on.
        solved: the problem that is in the way no more.
        cursor: to go on from there.
    """

    cursor: str
    watching: NotRequired[str]
    problem: NotRequired[str]
    hint: NotRequired[str]
    ref: NotRequired[str]
    solved: NotRequired[str]
