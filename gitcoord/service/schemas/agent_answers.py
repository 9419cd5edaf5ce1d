"""What the commands about agents and worktrees print with `--json`.

What this file does not know: how agents are judged.
"""

from datetime import datetime
from typing import NotRequired, TypedDict

from gitcoord.core.steps.step import StepStatus
from gitcoord.service.schemas.answers import Answer
from gitcoord.service.schemas.claim_answers import QueueRow, RequestRow
from gitcoord.service.schemas.team_answers import AgentRow


class SessionRow(TypedDict, total=False):
    """A session of an agent. `is_over`: its lock is free, in its own clone; `called_at`: of its agent's last call."""

    id: str
    aliases: list[str]
    tool: str
    worktree: str
    since: datetime
    closed_at: datetime
    called_at: datetime
    is_over: bool


class AgentStep(TypedDict):
    """A step that an agent holds, and why its holder was judged so; `next_step`: what frees it."""

    step_id: str
    title: str
    status: StepStatus
    fence: int
    session: str | None
    branch: str | None
    worktree: str | None
    claimed_at: datetime | None
    last_seen: datetime | None
    life: str
    why: str
    next_step: NotRequired[str]


class AgentClaim(TypedDict):
    """A claim that an agent holds. `free_at`: when it ends if nothing more is heard of its holder.

    `symbols`: by pattern, where it holds those alone.
    """

    claim_id: str
    patterns: list[str]
    symbols: NotRequired[dict[str, list[str]]]
    session: str | None
    branch: str | None
    step: str | None
    description: str | None
    expires_at: datetime
    holder_life: str | None
    free_at: datetime | None


class AgentInClone(TypedDict):
    """What an agent is and holds in one clone, and why it counts as alive or gone. `is_here`: the clone that asks."""

    clone: str
    session: str | None
    life: str
    last_seen: datetime | None
    called_at: NotRequired[datetime]
    repo: NotRequired[str | None]
    is_here: bool
    beaten_at: datetime | None
    sessions: list[SessionRow]
    worktrees: list[str]
    steps: list[AgentStep]
    claims: list[AgentClaim]
    why: list[str]


class AgentShown(Answer):
    """One agent: by clone, then what it waits for, is asked for and asks for."""

    agent: str
    clones: list[AgentInClone]
    waiting: list[QueueRow]
    asked: list[RequestRow]
    asks: list[RequestRow]
    sub_agents: list[str]


class StaleAgent(AgentRow):
    """An agent that is gone. `held`: its claims."""

    why: str
    steps: list[AgentStep]
    held: list[AgentClaim]


class KeptRow(TypedDict):
    """What was not freed, and why."""

    step_id: NotRequired[str]
    claim_id: NotRequired[str]
    why: str
    next_step: NotRequired[str | None]


class StaleAgentsListed(Answer):
    """Agents that are gone and hold something; with --release what was freed: `recovered` steps, `released` claims."""

    agents: list[StaleAgent]
    count: int
    recovered: NotRequired[list[str]]
    released: NotRequired[list[str]]
    kept: NotRequired[list[KeptRow]]


class ProcessRow(TypedDict):
    """The process that holds the lock of a session."""

    pid: int
    command: str


class UseRow(TypedDict):
    """What uses a worktree; `docs/worktrees.md` has the kinds."""

    kind: str
    session: NotRequired[str | None]
    agents: NotRequired[list[str]]
    agent: NotRequired[str | None]
    tool: NotRequired[str | None]
    worktree: NotRequired[str | None]
    life: NotRequired[str]
    closed_at: NotRequired[datetime]
    called_at: NotRequired[datetime]
    process: NotRequired[ProcessRow]
    step_id: NotRequired[str]
    fence: NotRequired[int | None]
    next_step: NotRequired[str]
    claim_id: NotRequired[str]
    items: NotRequired[list[str]]
    symbols: NotRequired[dict[str, list[str]]]
    expires_at: NotRequired[datetime]
    paths: NotRequired[list[str]]
    count: NotRequired[int]
    commit: NotRequired[str]
    operation: NotRequired[str]
    reason: NotRequired[str | None]


class WorktreeUse(Answer):
    """Whether a worktree is in use, and by what. `age_s`: of what is known of steps and claims at a remote."""

    in_use: bool
    path: str
    worktree: str | None
    used_by: list[UseRow]
    count: int
    age_s: NotRequired[int]
