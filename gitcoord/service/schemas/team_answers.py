"""Answers about the team: who is there, what needs attention, rules, owners, checks and predictions, field by field."""

from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from gitcoord.core.checks.attention import AttentionKind, Rank
from gitcoord.core.claims.claim import Severity
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.service.schemas.answers import Answer
from gitcoord.service.schemas.claim_answers import ClaimRow, QueueRow


class AttentionRow(TypedDict):
    """What needs action. Which fields it has depends on its kind.

    Attributes:
        severity: `high` where someone waits or work is about to be lost; `low` where it ends by itself, or others act.
        who: `you`, `person` (any), or the agent that has to act.
        about: the id of the claim, step, request, call or ref; or the agent, branch or path.
        since, until: since when it is so; when it ends by itself, which may be a loss.
        message: what is so.
        blocks: how many steps wait for it.
        free_at: when the last of the claims is free.
        ref: the ledger that is damaged, went back or is kept beside the remote's.
        words: with which a remote declined.
        repo: of a call that waits, where all repositories are shown.
    """

    kind: AttentionKind
    severity: Rank
    who: str
    about: str
    since: NotRequired[datetime]
    until: NotRequired[datetime]
    message: str
    next_step: NotRequired[str]
    agent: NotRequired[str | None]
    clone: NotRequired[str | None]
    step_id: NotRequired[str]
    title: NotRequired[str]
    reason: NotRequired[str | None]
    at: NotRequired[datetime | None]
    blocks: NotRequired[int]
    last_seen: NotRequired[datetime | None]
    why: NotRequired[str]
    life: NotRequired[str]
    free_at: NotRequired[datetime]
    claims: NotRequired[list[str]]
    claim: NotRequired[str]
    request_id: NotRequired[str]
    holder: NotRequired[str]
    requested: NotRequired[list[str]]
    urgency: NotRequired[str]
    created_at: NotRequired[datetime]
    expires_at: NotRequired[datetime]
    called_at: NotRequired[datetime]
    on: NotRequired[list[str]]
    queue_id: NotRequired[str]
    patterns: NotRequired[list[str]]
    description: NotRequired[str]
    position: NotRequired[int]
    behind: NotRequired[list[str]]
    waits_for: NotRequired[list[dict[str, Json]]]
    ref: NotRequired[str]
    words: NotRequired[str]
    paths: NotRequired[list[str]]
    branch: NotRequired[str]
    other: NotRequired[str]
    repo: NotRequired[str | None]


class AgentRow(TypedDict):
    """An agent of a clone.

    Attributes:
        life: `live`, `quiet`, `stale`, `ended`, `over` or `unknown`.
        called_at: when it called a tool last, where that is known.
        on, claims: the ids of what it holds.
    """

    agent: str
    clone: str
    session: str | None
    life: str
    last_seen: datetime | None
    worktree: str | None
    called_at: NotRequired[datetime]
    on: list[str]
    claims: list[str]
    repo: NotRequired[str | None]


class AgentsListed(Answer):
    """Agents that a heartbeat lists or that hold something."""

    agents: list[AgentRow]
    count: int


class HeldStep(TypedDict):
    """A step that is held, and how its holder was judged."""

    step_id: str
    title: str
    agent: str | None
    clone: str | None
    life: str
    since: datetime | None


class ProjectGlance(TypedDict):
    """A project at a glance; `counts` has its steps by status."""

    name: str
    status: ProjectStatus
    counts: dict[str, int]
    steps: int
    progress: float
    available: int
    held: list[HeldStep]
    repo: NotRequired[str | None]


class StatusShown(Answer):
    """What needs attention, who is there, on what, what is available and what is claimed, at one moment.

    Attributes:
        agent, session, clone: the caller.
        remote, sharing: where this is coordinated, and with how many.
        clock, clock_off_s: where this machine's clock is off.
        attention: the most severe first; of one severity what ends first, then what most others wait for.
        needed: the highest severity of what the caller, or a person, has to do; null: nothing.
        lost_swaps: how often this clone lost a race.
    """

    agent: str
    session: str
    clone: str
    remote: str
    sharing: str
    clock: NotRequired[str]
    clock_off_s: NotRequired[int]
    attention: list[AttentionRow]
    needed: Rank | None
    projects: list[ProjectGlance]
    agents: list[AgentRow]
    claims: list[ClaimRow]
    queued: list[QueueRow]
    lost_swaps: int


class PolicyShown(Answer):
    """The policy, every field."""

    policy: Policy


class ModuleRow(TypedDict):
    """A module of the ownership rules."""

    paths: list[str]
    owners: list[str]
    severity: Severity


class SharedRow(TypedDict):
    """A shared file.

    Attributes:
        auto_promoted: the day on which a machine made it one; `permanent`: none takes it back.
    """

    pattern: str
    auto_promoted: NotRequired[str]
    permanent: NotRequired[bool]


class PlaceRow(TypedDict):
    """Whose a place is."""

    pattern: str
    modules: list[str]
    severity: Severity | None
    owners: list[str]
    is_owner: bool
    shared_file: bool


class OwnersShown(Answer):
    """The ownership rules; or, of places that were named, whose they are.

    Attributes:
        auto: shared files that machines found.
    """

    modules: NotRequired[dict[str, ModuleRow]]
    shared_files: NotRequired[list[SharedRow]]
    suggested_splits: NotRequired[list[str]]
    auto: NotRequired[list[SharedRow]]
    places: NotRequired[list[PlaceRow]]


class HotspotRow(TypedDict):
    """A pattern that was refused often: how often, and to how many agents."""

    pattern: str
    refusals: int
    agents: int
    suggestion: NotRequired[str]


class HotspotsListed(Answer):
    """Patterns that were refused often in the last days, most refused first."""

    hotspots: list[HotspotRow]
    count: int
    days: int


class Promoted(Answer):
    """A place that is a shared file now, or should be split. `file`: where the rules are tracked, which has it then."""

    pattern: str
    kind: str
    changed: bool
    file: NotRequired[str]


class FindingRow(TypedDict):
    """One thing that a check found.

    Attributes:
        severity: a note stops nothing.
        claim: whose claim it is about: id, agent, branch, item, end.
    """

    rule: str
    severity: Literal["finding", "note"]
    message: str
    hint: NotRequired[str]
    path: NotRequired[str]
    line: NotRequired[int]
    symbols: NotRequired[list[str]]
    claim: NotRequired[dict[str, Json]]
    commit: NotRequired[str]


class Verified(Answer):
    """Whether a branch may land.

    Attributes:
        count: of the findings.
        files, commits, ledgers: how many were looked at.
    """

    ok: bool
    findings: list[FindingRow]
    notes: list[FindingRow]
    count: int
    remote: str
    branch: str | None
    base: str
    head: str
    files: int
    commits: int
    ledgers: int
    strict: bool


class LandedClaim(TypedDict):
    """A claim that ended with its branch; `items`: of one that ended in part."""

    id: str
    agent: str
    branch: str | None
    commit: NotRequired[str]
    items: NotRequired[list[str]]


class LandedStepRow(TypedDict):
    """A step whose branch was merged.

    Attributes:
        unblocked: the ids of those that may begin now.
        why, next_step: of one that is not completed.
    """

    id: str
    agent: str | None
    branch: str | None
    commit: NotRequired[str | None]
    unblocked: NotRequired[list[str]]
    why: NotRequired[str]
    next_step: NotRequired[str]


class BranchesLanded(Answer):
    """What ended because its branch was merged.

    Attributes:
        count: of the claims.
        parts: claims that ended in part.
        completed, not_completed: steps whose branches landed.
        untold: what is not known to have landed.
    """

    default_branch: str
    released: list[LandedClaim]
    count: int
    parts: NotRequired[list[LandedClaim]]
    completed: NotRequired[list[LandedStepRow]]
    not_completed: NotRequired[list[LandedStepRow]]
    untold: NotRequired[list[Json]]
    dry_run: NotRequired[bool]


class ComparedBranch(TypedDict):
    """A branch, and who works on it."""

    branch: str
    worktree: NotRequired[str]
    agents: NotRequired[list[str]]
    claims: NotRequired[list[str]]
    steps: NotRequired[list[str]]


class PredictedConflict(TypedDict):
    """A file that would conflict, where, and `their_path`, where it has another one there."""

    path: str
    kind: str
    their_path: NotRequired[str]
    lines: NotRequired[list[str]]
    their_lines: NotRequired[list[str]]
    symbols: NotRequired[list[str]]


class PredictedTrouble(TypedDict):
    """A symbol that one branch removes or renames, and the other needs.

    Attributes:
        removed_by: which of the two branches, from 0.
        lines: where it is used.
    """

    path: str
    symbol: str
    used_in: str
    removed_by: int
    why: str
    lines: NotRequired[list[int]]


class Prediction(TypedDict):
    """Two branches that would not merge. `uncommitted`: those that count as their worktrees are."""

    branches: list[str]
    who: list[ComparedBranch]
    uncommitted: NotRequired[list[str]]
    conflicts: NotRequired[list[PredictedConflict]]
    conflicts_count: NotRequired[int]
    troubles: NotRequired[list[PredictedTrouble]]
    troubles_count: NotRequired[int]


class LeftOut(TypedDict):
    """A branch that was not compared."""

    branch: str
    why: str


class Predicted(Answer):
    """Which pairs of branches would conflict; nothing was touched."""

    predictions: list[Prediction]
    count: int
    branches: list[str]
    pairs: int
    compared: list[ComparedBranch]
    left_out: NotRequired[list[LeftOut]]
    left_out_count: NotRequired[int]
