"""What a commit's record has, line by line, and an event as `log` shows it.

What this file does not know: how a record is written, and where it stands.
"""

from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import Life, Sighting
from gitcoord.core.documents.outcomes import Outcome


class RecordHeadLine(TypedDict):
    """The first line of a record: what all commands of the commit read.

    Attributes:
        now: the time that they were decided at.
        rules: the version of the rules.
        checks: refs that had to be unchanged, with their tips.
        config: the tip of the team's rules, where the swap cannot check it.
        limit_factor: 2 where silence is judged by twice its limit.
        may_judge: false where no silence was judged.
        may_sweep: false where the clock was not believed; what others hold was over by `over_by`.
        ahead: the time of the tip, where it is so far ahead that it was not believed.
        beat_s: how often the clone beats, where that is not every 60 s.
        counts: where the team's rules cannot be read: the commit whose rules counted; empty: the defaults.
        before: commands that were applied before, whose outcomes stay among those of the clone's last batch.
    """

    now: datetime
    rules: int
    checks: NotRequired[dict[str, str | None]]
    config: NotRequired[str]
    limit_factor: NotRequired[int]
    may_judge: NotRequired[bool]
    may_sweep: NotRequired[bool]
    over_by: NotRequired[datetime]
    ahead: NotRequired[datetime]
    beat_s: NotRequired[int]
    counts: NotRequired[str]
    before: NotRequired[list[str]]


class JudgedHolder(TypedDict):
    """How a holder was judged, and by which evidence; it holds a step of this project, or a claim."""

    step_num: NotRequired[int]
    claim: NotRequired[str]
    life: Life
    sighting: Sighting


class BarrierFact(TypedDict):
    """Work of a claim that ended: the next holder should have its commit."""

    agent: str
    branch: str | None
    commit: str
    patterns: list[str]


class RecordedEvent(TypedDict):
    """What happened to a claim, a request, a call that waits, a project or a shared file.

    Attributes:
        agent: whom it concerns.
        by, other, holder: another agent, its claim, and who holds what was asked for.
        entry: the call that waited.
        pattern, items, symbols: what of a claim it is about.
        reason, note, commit: how it ended, what who ended it said of it, and what landed it.
        decision, late: what was answered.
        stale: what was read there may be old.
        barriers: what a new holder should have.
    """

    event: Event
    agent: NotRequired[str]
    claim: NotRequired[str]
    request: NotRequired[str]
    entry: NotRequired[str]
    by: NotRequired[str]
    other: NotRequired[str]
    holder: NotRequired[str]
    pattern: NotRequired[str]
    items: NotRequired[list[str]]
    symbols: NotRequired[list[str]]
    reason: NotRequired[str]
    decision: NotRequired[str]
    late: NotRequired[str]
    stale: NotRequired[bool]
    note: NotRequired[str]
    commit: NotRequired[str]
    barriers: NotRequired[list[BarrierFact]]


class RecordCommandLine(TypedDict):
    """A line of a record: one command.

    Attributes:
        id: `<clone>.<counter>`; commands on the team's ledger have none.
        uid: drawn by the caller, never used twice.
        do: the word of the command; `args` is what `commands/<word>` describes.
        by: who gave it.
        outcome: what became of it.
        judged: whose silence the decision rests on.
        beside: what it read of other ledgers. void: claims whose step went on without them, by id. paths: why the
            paths of a step were not free, by the step's number.
        events: what happened to claims, in order.
    """

    id: NotRequired[str]
    uid: NotRequired[str]
    do: str
    by: Actor
    args: dict[str, Json]
    outcome: Outcome
    judged: NotRequired[list[JudgedHolder]]
    beside: NotRequired[dict[str, dict[str, Json]]]
    events: NotRequired[list[RecordedEvent]]


class CarriedRefusal(TypedDict):
    """Refusals of one kind and day, which made no commit of their own.

    Attributes:
        uid: the first one's; the same one in two commits is one refusal.
        day, at, count: of which day, when it happened last, and how often.
        by, do, args, code: who asked for what, shortened, and why it was refused.
        patterns: what was asked for, where a claim was in the way.
        held: of each that was: the claim, its pattern, and what was asked for.
    """

    uid: str
    day: str
    at: datetime
    count: int
    by: str
    do: str
    args: dict[str, Json]
    code: str
    event: NotRequired[Event]
    patterns: NotRequired[list[str]]
    repo: NotRequired[str]
    held: NotRequired[list[list[str]]]


class RecordRefusalsLine(TypedDict):
    """The last line of a record: what the clone was refused since its last commit."""

    refusals: list[CarriedRefusal]


class LoggedEvent(TypedDict):
    """An event, or another change of a ledger, as `gitcoord log --json` and `gitcoord watch --jsonl` have it.

    Attributes:
        event: a word of the events; else the code of the command's outcome.
        agent: whom it concerns; who gave the command is `by`, where that is another one.
        outcome: what became of the command.
        project, step, title, fence: the step that it is about.
        commit: of the ledger.
        claims: ids of claims, requests and calls that wait.
        patterns, pattern, description: what they cover.
        symbols: what they cover of these files, where that is not all.
        reason, note: how a claim ended, and what was said of it.
        count: how often it was refused on that day.
        name, value: what was changed of the policy.
        id: in `watch --jsonl`, where the same event always has the same one.
        cursor: there, to go on from behind this event.
    """

    time: datetime
    agent: str | None
    event: str | None
    outcome: Literal["done", "refused", "invalid"] | None
    project: str | None
    commit: str
    step: NotRequired[str]
    title: NotRequired[str]
    fence: NotRequired[int]
    claims: NotRequired[list[str]]
    patterns: NotRequired[list[str]]
    symbols: NotRequired[list[str]]
    pattern: NotRequired[str]
    description: NotRequired[str]
    by: NotRequired[str | None]
    reason: NotRequired[str]
    note: NotRequired[str]
    decision: NotRequired[str]
    count: NotRequired[int | None]
    name: NotRequired[str]
    value: NotRequired[Json]
    id: NotRequired[str]
    cursor: NotRequired[str]
