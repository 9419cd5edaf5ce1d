"""What the panels of the dashboard say (`service/dashboard`), field by field.

What this file does not know: how a panel is drawn.
"""

from datetime import datetime
from typing import Literal, TypedDict

from gitcoord.core.checks.attention import Rank
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.service.schemas.answers import Answer
from gitcoord.service.schemas.claim_answers import ClaimRow, QueueRow, RequestRow
from gitcoord.service.schemas.metric_answers import DayCounts, EventCounts, ReadSpan, ResolvedRow, SecondsSpread
from gitcoord.service.schemas.recorded import LoggedEvent
from gitcoord.service.schemas.relay_answers import RelayRow, RelayTail
from gitcoord.service.schemas.step_answers import HoursSpread
from gitcoord.service.schemas.team_answers import AgentRow, AttentionRow, HotspotRow


class PlaceFacts(TypedDict):
    """Where this is coordinated, which repository asks, and of how many days what happened is shown."""

    remote: str
    repo: str | None
    days: int


class AttentionFacts(TypedDict):
    """What needs attention, the most severe first. `needed`: as in `status`."""

    rows: list[AttentionRow]
    needed: Rank | None


class AgentsFacts(TypedDict):
    """Agents of all repositories that share the remote."""

    rows: list[AgentRow]


class GraphStep(TypedDict):
    """A step of a graph.

    Attributes:
        state: its status; of one that has not begun: `available`, or `waiting` for others.
        depends_on: those that it depends on, of those that are shown.
        not_shown: how many others it depends on.
        agent, life: of one that is held, its holder and how that was judged; of one that failed, who had it.
    """

    step_num: int
    title: str
    state: str
    depends_on: list[int]
    not_shown: int
    agent: str | None
    life: str | None


class GraphFacts(TypedDict):
    """A project. `shown`: its steps, those that matter now where there are many; `left_out`: the others, by status."""

    name: str
    repo: str | None
    status: ProjectStatus
    counts: dict[str, int]
    steps: int
    progress: float
    available: int
    shown: list[GraphStep]
    left_out: dict[str, int]


class ProjectsFacts(TypedDict):
    """Projects, those at work first and of these the newest."""

    rows: list[GraphFacts]


class SpanFacts(TypedDict):
    """A time in which an agent had a step. `begin`: null where that is older than what was read."""

    step_id: str
    title: str
    begin: datetime | None
    started: datetime | None
    end: datetime | None
    how: Literal["going", "completed", "failed", "recovered", "left"]


class Lane(TypedDict):
    """What an agent had, the oldest first."""

    agent: str
    spans: list[SpanFacts]


_From = TypedDict("_From", {"from": datetime})  # a word of Python


class TimelineFacts(ReadSpan, _From):
    """Who had which step from when to when; the agents that were at work last.

    Attributes:
        from, until: the ends of its axis.
        spans: how many there are.
        left_out, agents_left_out: of these and of agents, how many are not among `agents`.
    """

    until: datetime
    agents: list[Lane]
    spans: int
    left_out: int
    agents_left_out: int


class ClaimsFacts(TypedDict):
    """Active claims of all repositories that share the remote."""

    rows: list[ClaimRow]


class WaitingRow(QueueRow):
    """A call that waits, and of which repository."""

    repo: str | None


class WaitingFacts(TypedDict):
    """Calls that wait, who came first first."""

    rows: list[WaitingRow]


class AskedRow(RequestRow):
    """A request for a release, and of which repository. `expires_at`: when the claim ends, while it lasts."""

    repo: str | None


class RequestsFacts(TypedDict):
    """Requests for a release, those without an answer first; decided ones for an hour."""

    rows: list[AskedRow]


class HotFilesFacts(TypedDict):
    """What was refused often in this repository, most refused first. `count`: of all; `hotspots` has the first."""

    hotspots: list[HotspotRow]
    count: int
    days: int
    warnings: list[str]


class HeatFacts(ReadSpan):
    """Automatic resolutions by repository and day."""

    series: list[ResolvedRow]


class ActivityFacts(ReadSpan):
    """What happened in the last days; see `metrics`."""

    totals: EventCounts
    by_day: list[DayCounts]
    refusals: dict[str, int]
    left_the_line: dict[str, int]
    waited_seconds: SecondsSpread


class MetricsFacts(TypedDict):
    """Steps as they are, and what happened."""

    counts: dict[str, int]
    steps: int
    hours: HoursSpread
    attempts_per_step: float
    estimated_hours_left: float | None
    activity: ActivityFacts


class EventsFacts(TypedDict):
    """What happened last, newest first."""

    events: list[LoggedEvent]
    count: int


class DeliveriesFacts(TypedDict):
    """Relays, and of each its last attempts and what is not delivered."""

    relays: list[RelayRow]
    tails: list[RelayTail]


class DashboardShown(Answer):
    """What each panel of the dashboard says, from one listing of the ledgers."""

    place: PlaceFacts
    attention: AttentionFacts
    agents: AgentsFacts
    projects: ProjectsFacts
    timeline: TimelineFacts
    claims: ClaimsFacts
    waiting: WaitingFacts
    requests: RequestsFacts
    hot_files: HotFilesFacts
    heat_map: HeatFacts
    metrics: MetricsFacts
    events: EventsFacts
    deliveries: DeliveriesFacts


class PageWritten(Answer):
    """A page that was written, and where: `export`. `replaced`: a file was there; `complete_since`: see `metrics`."""

    export: str
    replaced: bool
    days: int
    complete_since: datetime | None
