"""Answers of `gitcoord metrics` (`service/steps/activity`), field by field."""

from typing import NotRequired, TypedDict

from gitcoord.service.schemas.answers import Answer
from gitcoord.service.schemas.step_answers import MetricsShown


class EventCounts(TypedDict):
    """How often something happened; of one project there are steps only.

    Attributes:
        step_recovered: put back or taken over; of an agent: from it.
        queued: calls that began to wait.
        queue_grant, queue_cancel: calls that got their claim, and that left the line.
        auto_coexist, auto_narrow: claims of one file granted side by side, and carved out of another.
    """

    step_claimed: int
    step_completed: int
    step_failed: int
    step_recovered: int
    step_skipped: int
    claim_granted: NotRequired[int]
    claim_refused: NotRequired[int]
    claim_released: NotRequired[int]
    claim_expired: NotRequired[int]
    auto_coexist: NotRequired[int]
    auto_narrow: NotRequired[int]
    request_filed: NotRequired[int]
    request_answered: NotRequired[int]
    queued: NotRequired[int]
    queue_grant: NotRequired[int]
    queue_cancel: NotRequired[int]


class DayCounts(EventCounts):
    """What happened on a day (UTC)."""

    day: str


class AgentCounts(EventCounts):
    """What happened to an agent."""

    agent: str


class SecondsSpread(TypedDict):
    """Seconds from line to claim; null where no call waited."""

    average: float | None
    median: float | None
    p90: float | None


class ReadSpan(TypedDict):
    """Which days were read.

    Attributes:
        days: how many, today among them (UTC).
        since: their first moment.
        complete_since: from when on all was read, if that is later; else null.
    """

    days: int
    since: str
    complete_since: str | None


class RecentActivity(ReadSpan):
    """What happened in the last days.

    Attributes:
        refusals: refused claims by reason.
        left_the_line: calls that stopped waiting, by reason.
        waited_seconds: of calls that began to wait within these days.
    """

    totals: EventCounts
    by_day: list[DayCounts]
    by_agent: list[AgentCounts]
    refusals: dict[str, int]
    left_the_line: dict[str, int]
    waited_seconds: SecondsSpread


class MetricsWithDays(MetricsShown):
    """How long steps take and who did what; `activity`: with `--days`."""

    activity: NotRequired[RecentActivity]


class ReportWritten(Answer, ReadSpan):
    """A page that was written, and where: `report`."""

    report: str


class MeasuresSent(Answer):
    """What an OpenTelemetry collector took.

    Attributes:
        receiver: its address.
        sent: how many numbers it took.
        rejected, answer: how many it did not take, and why in its words.
    """

    receiver: str
    sent: int
    rejected: NotRequired[int]
    answer: NotRequired[str]


class ResolvedRow(TypedDict):
    """Automatic resolutions of a repository on a day (UTC); `repo` is null while it has no name."""

    repo: str | None
    day: str
    auto_coexist: int
    auto_narrow: int


class ResolvedSeries(Answer, ReadSpan):
    """Automatic resolutions by repository and day."""

    series: list[ResolvedRow]


class RefusedRow(TypedDict):
    """How often a pattern was refused in a repository on a day (UTC), and to how many agents."""

    repo: str | None
    day: str
    pattern: str
    refusals: int
    agents: int


class RefusedSeries(Answer, ReadSpan):
    """Refused claims by repository, day and pattern."""

    series: list[RefusedRow]
