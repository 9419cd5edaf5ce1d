"""Commands: requests to change a project, as data, so that they can be replayed after a lost race.

Rules:
  * A command holds everything that the caller knew, resolved (full commit ids, facts of the repository);
    what the rules read beside it is in the `Context`.
  * `COMMANDS` is the one table of them; its keys are the words in the record.
"""

from collections.abc import Mapping
from datetime import datetime

from gitcoord.core.documents.doc import Doc, Number, Text
from gitcoord.core.steps.project import STALE_MINUTES, Project
from gitcoord.core.steps.step import Step, StepDefinition


class CreateProject(Doc, frozen=True, kw_only=True):
    """Create a project whole.

    Attributes:
        pushed: whether a branch of the remote contains the base (`None`: no remote, or it does not say).
        others_live: whether another clone was live when this was asked.
        remote: what git calls the remote of the branches there.
    """

    name: Text
    base_commit: Text
    steps: tuple[StepDefinition, ...]
    description: Text = ""
    repo: Text | None = None
    stale_minutes: Number = STALE_MINUTES
    pushed: bool | None = None
    others_live: bool = False
    remote: Text = "origin"


class ImportProject(Doc, frozen=True, kw_only=True):
    """Take over a project of another tool whole, as it stands there; no one holds a step of it."""

    project: Project
    steps: tuple[Step, ...]


class AddSteps(Doc, frozen=True, kw_only=True):
    """Add steps; they may depend on any step that exists."""

    steps: tuple[StepDefinition, ...]


class UpdateStep(Doc, frozen=True, kw_only=True):
    """Change a step that no one holds; `None` leaves a field as it is, an empty text clears it."""

    step_num: Number
    title: Text | None = None
    description: Text | None = None
    branch: Text | None = None
    scope: Text | None = None
    priority: Number | None = None
    depends_on: tuple[Number, ...] | None = None
    paths: tuple[Text, ...] | None = None


class SkipStep(Doc, frozen=True, kw_only=True):
    """Settle a step without doing it."""

    step_num: Number
    reason: Text


class OwnedPlace(Doc, frozen=True, kw_only=True):
    """A module of severity `hard`: its paths, and who owns it."""

    paths: tuple[Text, ...]
    owners: tuple[Text, ...]


class PathRules(Doc, frozen=True, kw_only=True):
    """What the ownership rules say for the paths of whichever step the caller gets.

    Attributes:
        shared: the patterns of files that everyone touches.
        owned: the places of others; none where the policy lets everyone claim there.
    """

    shared: tuple[Text, ...] = ()
    owned: tuple[OwnedPlace, ...] = ()


NO_PATH_RULES = PathRules()


class ClaimStep(Doc, frozen=True, kw_only=True):
    """Take the best available step, or the one that is named.

    Attributes:
        claim_id: the id of the claim on the step's paths, drawn by the caller.
        rules: what the ownership rules say of such paths.
    """

    scope: Text | None = None
    step_num: Number | None = None
    claim_id: Text = ""
    rules: PathRules = NO_PATH_RULES


class StartStep(Doc, frozen=True, kw_only=True):
    """Say that work has begun, and where."""

    step_num: Number
    fence: Number | None = None
    worktree: Text | None = None


class BeatStep(Doc, frozen=True, kw_only=True):
    """Say that the work goes on."""

    step_num: Number
    fence: Number | None = None


class CompleteStep(Doc, frozen=True, kw_only=True):
    """Hand in a step.

    Attributes:
        on_branch: whether the commit is on the step's branch (`None`: the step has none, or it is not known).
        pushed: whether a branch of the remote contains the commit (`None`: no remote).
        others_live: whether another clone was live when this was asked.
        outside: changed files that no path of the step covers.
        remote: what git calls the remote of the branches there.
        branch_end: the tip of the step's branch, where the commit is in what that began with, and the branch has more.
        found_on: a branch that has the commit, where the step's own does not exist.
        unknown_until: the git command that brings the history without which the changed files are unknown.
        from_repo: the repository of the commit, where that is not the project's.
    """

    step_num: Number
    commit_hash: Text
    fence: Number | None = None
    files_modified: tuple[Text, ...] = ()
    notes: Text | None = None
    on_branch: bool | None = None
    pushed: bool | None = None
    others_live: bool = False
    outside: tuple[Text, ...] = ()
    remote: Text = "origin"
    branch_end: Text = ""
    found_on: Text = ""
    unknown_until: Text = ""
    from_repo: Text = ""


class LandStep(Doc, frozen=True, kw_only=True):
    """Complete a step whose branch was merged; any clone that saw the merge may, without holding the step.

    Attributes:
        commit_hash: the commit of the default branch that brought the branch.
        branch, seen_fence: the attempt that was looked at.
        tips: the tips of the branch that landed.
        unlanded: where work of the branch was seen that has not landed; empty: nowhere.
    """

    step_num: Number
    commit_hash: Text
    branch: Text
    seen_fence: Number
    tips: tuple[Text, ...] = ()
    files_modified: tuple[Text, ...] = ()
    unlanded: Text = ""


class FailStep(Doc, frozen=True, kw_only=True):
    """Give a step up, with the reason.

    Attributes:
        branch_tip: the last commit of the step's branch, for the agent that goes on with it.
    """

    step_num: Number
    reason: Text
    fence: Number | None = None
    notes: Text | None = None
    branch_tip: Text | None = None


class RecoverStep(Doc, frozen=True, kw_only=True):
    """Put a step back, keeping what was done as its checkpoint.

    Attributes:
        branch_tip, branch_at: the last commit of the step's branch on the remote, if there is one.
    """

    step_num: Number
    force: bool = False
    fence: Number | None = None
    reason: Text | None = None
    branch_tip: Text | None = None
    branch_at: datetime | None = None


class AbortProject(Doc, frozen=True, kw_only=True):
    """End a project; running steps may still complete."""

    reason: Text


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
