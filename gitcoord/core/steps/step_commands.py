"""Commands: requests to change a project, as data, so that they can be replayed after a lost race.

Rules:
  * A command holds everything that the caller knew, resolved (full commit ids, facts of the repository);
    what the rules read beside it is in the `Context`.
  * `COMMANDS` is the one table of them; its keys are the words in the record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gitcoord.core.documents.doc import Doc
from gitcoord.core.steps.project import STALE_MINUTES, Project
from gitcoord.core.steps.step import Step, StepDefinition


@dataclass(frozen=True, kw_only=True)
class CreateProject(Doc):
    """Create a project whole.

    Attributes:
        pushed: whether a branch of the remote contains the base (`None`: no remote, or it does not say).
        others_live: whether another clone was live when this was asked.
        remote: what git calls the remote of the branches there.
    """

    name: str
    base_commit: str
    steps: tuple[StepDefinition, ...]
    description: str = ""
    repo: str | None = None
    stale_minutes: int = STALE_MINUTES
    pushed: bool | None = None
    others_live: bool = False
    remote: str = "origin"


@dataclass(frozen=True, kw_only=True)
class ImportProject(Doc):
    """Take over a project of another tool whole, as it stands there; no one holds a step of it."""

    project: Project
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class AddSteps(Doc):
    """Add steps; they may depend on any step that exists."""

    steps: tuple[StepDefinition, ...]


@dataclass(frozen=True, kw_only=True)
class UpdateStep(Doc):
    """Change a step that no one holds; `None` leaves a field as it is, an empty text clears it."""

    step_num: int
    title: str | None = None
    description: str | None = None
    branch: str | None = None
    scope: str | None = None
    priority: int | None = None
    depends_on: tuple[int, ...] | None = None
    paths: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class SkipStep(Doc):
    """Settle a step without doing it."""

    step_num: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClaimStep(Doc):
    """Take the best available step, or the one that is named.

    `claim_id`: the id of the claim on the step's paths, drawn by the caller.
    """

    scope: str | None = None
    step_num: int | None = None
    claim_id: str = ""


@dataclass(frozen=True, kw_only=True)
class StartStep(Doc):
    """Say that work has begun, and where."""

    step_num: int
    fence: int | None = None
    worktree: str | None = None


@dataclass(frozen=True, kw_only=True)
class BeatStep(Doc):
    """Say that the work goes on."""

    step_num: int
    fence: int | None = None


@dataclass(frozen=True, kw_only=True)
class CompleteStep(Doc):
    """Hand in a step.

    Attributes:
        on_branch: whether the commit is on the step's branch (`None`: the step has none, or it is not known).
        pushed: whether a branch of the remote contains the commit (`None`: no remote).
        others_live: whether another clone was live when this was asked.
        outside: changed files that no path of the step covers.
        remote: what git calls the remote of the branches there.
    """

    step_num: int
    commit_hash: str
    fence: int | None = None
    files_modified: tuple[str, ...] = ()
    notes: str | None = None
    on_branch: bool | None = None
    pushed: bool | None = None
    others_live: bool = False
    outside: tuple[str, ...] = ()
    remote: str = "origin"


@dataclass(frozen=True, kw_only=True)
class LandStep(Doc):
    """Complete a step whose branch was merged; any clone that saw the merge may, without holding the step.

    Attributes:
        commit_hash: the commit of the default branch that brought the branch.
        branch, seen_fence: the attempt that was looked at.
        tips: the tips of the branch that landed.
        unlanded: where work of the branch was seen that has not landed; empty: nowhere.
    """

    step_num: int
    commit_hash: str
    branch: str
    seen_fence: int
    tips: tuple[str, ...] = ()
    files_modified: tuple[str, ...] = ()
    unlanded: str = ""


@dataclass(frozen=True, kw_only=True)
class FailStep(Doc):
    """Give a step up, with the reason.

    Attributes:
        branch_tip: the last commit of the step's branch, for the agent that goes on with it.
    """

    step_num: int
    reason: str
    fence: int | None = None
    notes: str | None = None
    branch_tip: str | None = None


@dataclass(frozen=True, kw_only=True)
class RecoverStep(Doc):
    """Put a step back, keeping what was done as its checkpoint.

    Attributes:
        branch_tip, branch_at: the last commit of the step's branch on the remote, if there is one.
    """

    step_num: int
    force: bool = False
    fence: int | None = None
    reason: str | None = None
    branch_tip: str | None = None
    branch_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AbortProject(Doc):
    """End a project; running steps may still complete."""

    reason: str


Command = (
    CreateProject
    | ImportProject
    | AddSteps
    | UpdateStep
    | SkipStep
    | ClaimStep
    | StartStep
    | BeatStep
    | CompleteStep
    | LandStep
    | FailStep
    | RecoverStep
    | AbortProject
)

COMMANDS: Mapping[str, type[Command]] = {
    "create_project": CreateProject,
    "import_project": ImportProject,
    "add_steps": AddSteps,
    "update_step": UpdateStep,
    "skip_step": SkipStep,
    "claim_step": ClaimStep,
    "start_step": StartStep,
    "heartbeat": BeatStep,
    "complete_step": CompleteStep,
    "land_step": LandStep,
    "fail_step": FailStep,
    "recover_step": RecoverStep,
    "abort_project": AbortProject,
}
