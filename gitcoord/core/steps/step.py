"""Steps: one work item of a project, taken by one holder at a time.

    not_started ──claim──> claimed ──start──> in_progress ──complete──> completed
       ▲   │                 │  └──complete, fail, merge───┐   │
       │   └──skip──> skipped└──────fail──────────┐        ▼   ▼
       └──recover (stale, or by its own holder)───┴──── failed ──recover, or claim by number──> not_started / claimed

Rules:
  * SAFE-2: a step is held exactly while it is `claimed` or `in_progress`; a completed step is never held again.
  * SAFE-2: `fence` only grows; each value of it was given to one session, and to partners of its holder.
  * STEP-7: `completed` and `skipped` are settled: what depends on the step may begin.
  * SEC-1: the checkpoint is a table in which who writes by hand calls anything whatever they like. Of it only what
    gitcoord writes there is shown (`left`).

What this file does not know: the graph, the clock, who is alive.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from gitcoord.core.documents import limits
from gitcoord.core.documents.doc import EMPTY, Doc, Number, Text
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import is_line


class StepStatus(StrEnum):
    """Where a step stands, from `not_started` to `completed`, `failed` or `skipped`."""

    NOT_STARTED = "not_started"
    CLAIMED = "claimed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


HELD = frozenset({StepStatus.CLAIMED, StepStatus.IN_PROGRESS})
SETTLED = frozenset({StepStatus.COMPLETED, StepStatus.SKIPPED})
_LEFT_LINES = frozenset({"agent_id", "clone", "session_id", "branch", "commit", "at"})
_LEFT_TEXTS = frozenset({"notes", "reason", "worktree"})


class Step(Doc, frozen=True, kw_only=True):
    """One step. `agent_id`, `clone` and `session_id` name its holder, or its last one.

    Attributes:
        fence: raised by every claim; a command with an older one is refused.
        attempts: how often it was claimed.
        last_activity: the holder's last command on it.
        landed_tips: of one that a merge completed, the tips of its branch that landed.
        checkpoint: what a predecessor left: who, its branch, last known commit, notes and why it ended.
    """

    id: Text
    step_num: Number
    title: Text = ""
    description: Text = ""
    branch: Text | None = None
    scope: Text | None = None
    depends_on: tuple[Number, ...] = ()
    paths: tuple[Text, ...] = ()
    priority: Number = 0
    status: StepStatus = StepStatus.NOT_STARTED
    agent_id: Text | None = None
    session_id: Text | None = None
    clone: Text | None = None
    fence: Number = 0
    attempts: Number = 0
    recoveries: Number = 0
    claimed_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    last_activity: datetime | None = None
    worktree: Text | None = None
    commit_hash: Text | None = None
    landed_tips: tuple[Text, ...] = ()
    files_modified: tuple[Text, ...] = ()
    notes: Text | None = None
    reason: Text | None = None
    checkpoint: Mapping[str, Json] = EMPTY

    @property
    def own_branch(self) -> str:
        """The branch to work on; a step that names none has one that is called by its id."""
        return self.branch or self.id.replace("/", "-")

    @property
    def is_held(self) -> bool:
        """Whether it has a holder now."""
        return self.status in HELD

    @property
    def is_settled(self) -> bool:
        """Whether what depends on it may begin."""
        return self.status in SETTLED

    @property
    def left(self) -> dict[str, Json]:
        """The checkpoint, as far as it is what gitcoord writes."""
        return {name: value for name, value in self.checkpoint.items() if _is_left(name, value)}


def _is_left(name: str, value: Json) -> bool:
    if isinstance(value, str):
        return (name in _LEFT_LINES and is_line(value)) or (name in _LEFT_TEXTS and len(value) <= limits.TEXT_CHARS)
    return name == "fence" and isinstance(value, int)


class StepDefinition(Doc, frozen=True, kw_only=True):
    """A step as a planner writes it down. Unknown fields of a definition are an error, not kept."""

    step_num: Number
    title: Text = ""
    description: Text = ""
    branch: Text | None = None
    scope: Text | None = None
    depends_on: tuple[Number, ...] = ()
    paths: tuple[Text, ...] = ()
    priority: Number = 0

    def as_step(self, project: str) -> Step:
        """Return the step that this defines, not started."""
        return Step(
            id=f"{project}/{self.step_num}",
            step_num=self.step_num,
            title=self.title,
            description=self.description,
            branch=self.branch,
            scope=self.scope,
            depends_on=tuple(dict.fromkeys(self.depends_on)),
            paths=self.paths,
            priority=self.priority,
        )
