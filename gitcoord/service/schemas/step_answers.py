"""Answers about projects and steps (`service/steps`), field by field."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from gitcoord.core.documents.doc import EMPTY, Doc, Number, Text
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import Life
from gitcoord.core.steps.project import Project, ProjectStatus
from gitcoord.core.steps.step import Step, StepDefinition, StepStatus
from gitcoord.service.schemas.answers import Answer
from gitcoord.service.schemas.recorded import LoggedEvent


class BaseCommit(Doc, frozen=True, kw_only=True):
    """Where a dependency of a step ended."""

    step_num: Number
    branch: Text | None = None
    commit_hash: Text


class ShownStep(Step, frozen=True, kw_only=True):
    """A step whole, with what to start from.

    Attributes:
        project: its name.
        base: the dependencies with commits.
        base_commit: the project's, where there are none.
        repo: the repository that its project is of, where that has a name.
    """

    project: Text
    base: tuple[BaseCommit, ...] = ()
    base_commit: Text | None = None
    repo: Text | None = None


class ShownProject(Project, frozen=True, kw_only=True):
    """A project with its counts.

    Attributes:
        counts: steps by status.
        steps: how many there are.
    """

    counts: Mapping[str, int] = EMPTY
    steps: Number


class StepRow(TypedDict):
    """A step without the texts that only its worker needs.

    Attributes:
        reason: why it failed.
        repo: the repository that it is of, where that is not this one.
        paths_held: of an available step, who holds its paths, for which `claim_step` passes it over.
    """

    id: str
    step_num: int
    title: str
    branch: str | None
    scope: str | None
    depends_on: list[int]
    agent_id: str | None
    commit_hash: str | None
    priority: int
    status: StepStatus
    reason: NotRequired[str | None]
    repo: NotRequired[str]
    paths_held: NotRequired[str]


class StaleRow(StepRow):
    """A step whose holder was silent for longer, with the evidence."""

    clone: str | None
    life: Life
    why: str
    last_seen: datetime | None
    last_commit: str | None


_From = TypedDict("_From", {"from": NotRequired[str | None]})  # a word of Python


class StepAnswer(Answer, _From):
    """What a command on a step made of it.

    Attributes:
        resumed: it was the caller's, or a partner's, before; `from`: whose it was.
        recovered, forced: it was taken from a holder that was gone, or that a person overruled.
        passed_over, passed_over_count: steps that could not be given, and why.
        unblocked, blocked: the numbers of those that may begin now, or that wait for it.
        project_completed: it was the last one.
        interval_s: how soon to say again that the work goes on.
    """

    step: ShownStep
    resumed: NotRequired[bool]
    recovered: NotRequired[bool]
    forced: NotRequired[bool]
    passed_over: NotRequired[list[dict[str, Json]]]
    passed_over_count: NotRequired[int]
    unblocked: NotRequired[list[int]]
    blocked: NotRequired[list[int]]
    project_completed: NotRequired[bool]
    interval_s: NotRequired[int]


class HolderFacts(TypedDict):
    """How alive the holder of a step is."""

    agent: str | None
    life: Life
    why: str


class StepShown(Answer):
    """A step, and how alive its holder is.

    Attributes:
        waiting_on: the numbers of the steps that have to be done before.
    """

    step: ShownStep
    holder: NotRequired[HolderFacts]
    waiting_on: NotRequired[list[int]]


class StepsListed(Answer):
    """Steps.

    Attributes:
        count: of all; the list may have fewer.
    """

    steps: list[StepRow]
    count: int


class StaleListed(Answer):
    """Steps whose holders were silent for longer."""

    steps: list[StaleRow]
    count: int


class BeatenRow(TypedDict):
    """A step of the session: whether it is still held."""

    id: str
    status: Literal["held", "lost", "unknown"]
    why: NotRequired[str]


class StepsBeaten(Answer):
    """The steps of the session."""

    steps: list[BeatenRow]
    count: int


class ProjectAnswer(Answer):
    """What a command on a project made of it.

    Attributes:
        running: the numbers of the steps that may still complete.
        step_nums: those that were added.
    """

    project: ShownProject
    running: NotRequired[list[int]]
    step_nums: NotRequired[list[int]]


class PlanChecked(Answer):
    """A plan that would be taken; nothing was written.

    Attributes:
        name, base_commit: of a project that would be created; `project`: the one that would have the steps.
    """

    valid: bool
    name: NotRequired[str]
    base_commit: NotRequired[str]
    project: NotRequired[str]
    steps: list[StepDefinition]


class ProjectRow(TypedDict):
    """A project in a list.

    Attributes:
        progress: the share of steps that are settled, from 0 to 1.
        available: how many steps can be taken now.
    """

    name: str
    status: ProjectStatus
    counts: dict[str, int]
    steps: int
    repo: NotRequired[str]
    progress: float
    available: int
    last_activity: datetime | None


class ProjectsListed(Answer):
    """Projects, the one with the last activity first."""

    projects: list[ProjectRow]
    count: int


class HeldRow(TypedDict):
    """Who is on a step."""

    step_num: int
    agent: str | None


class ProjectShown(Answer):
    """A project, its steps in pages, and who is on what.

    Attributes:
        available: the numbers of the steps that can be taken now, in that order.
        critical_path: the longest chain of unfinished steps.
    """

    project: ShownProject
    steps: list[StepRow]
    available: list[int]
    critical_path: list[int]
    held: list[HeldRow]
    progress: float


class ProjectDeleted(Answer):
    """The project that is no more, by its name."""

    deleted: str


class HoursSpread(TypedDict):
    """Hours from claim to completion; null where nothing was completed."""

    average: float | None
    median: float | None
    p90: float | None


class ScopeMetrics(TypedDict):
    """The steps of a scope."""

    steps: int
    completed: int
    average_hours: float | None


class AgentMetrics(TypedDict):
    """The steps of an agent.

    Attributes:
        recovered: steps that were taken from it.
    """

    agent: str
    steps: int
    completed: int
    average_hours: float | None
    failed: int
    recovered: int
    scopes: list[str]


class DayMetrics(TypedDict):
    """Steps that were completed on a day."""

    day: str
    completed: int


class MetricsShown(Answer):
    """How long steps take and who did what.

    Attributes:
        counts: steps by status.
        estimated_hours_left: the median times the longest chain of unfinished steps; null before there is a median.
    """

    counts: dict[str, int]
    steps: int
    hours: HoursSpread
    scopes: dict[str, ScopeMetrics]
    agents: list[AgentMetrics]
    throughput: list[DayMetrics]
    attempts_per_step: float
    estimated_hours_left: NotRequired[float | None]


class EventsListed(Answer):
    """What happened, newest first."""

    events: list[LoggedEvent]
    count: int
