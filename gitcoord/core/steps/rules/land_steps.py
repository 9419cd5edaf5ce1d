"""Landing of steps: complete the steps of merged branches, also where their holders do not hand them in.

    held ──its branch landed──> completed, with the commit of the default branch that brought it

Rules:
  * STEP-13: the one command on a held step that needs no fence: the merge is the evidence, which any clone may have
    seen, and CI. It names the attempt that was looked at, by its fence; another attempt is not completed by it.
  * Refused while work of the branch is known that has not landed: on any tip of the branch, not committed in the
    holder's clone, or reported by the holder's last beat.
  * SAFE-5, SAFE-11: its path claims end with it, in the same swap; while the step is held no merge ends them.
  * Policy `complete_on_merge` switches it off; then `gitcoord land` only says what landed.

What this file does not know: how it is found out that a branch landed; see `service/checks/landed_steps`.
"""

from gitcoord.core.documents import limits, outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.decision import Context, Ruling
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.rules.plan import no_such_step, settle
from gitcoord.core.steps.step import Step, StepStatus
from gitcoord.core.steps.step_commands import LandStep


def land(board: Board, command: LandStep, context: Context) -> Ruling:
    """Complete a step by the merge of its branch."""
    step = board.steps.get(command.step_num)
    if step is None:
        return Ruling(no_such_step(board, command.step_num))
    # Several clones, and CI, see the same merge: each after the first finds it done.
    if step.status is StepStatus.COMPLETED and step.fence == command.seen_fence:
        return Ruling(outcomes.done("step_completed", step_num=step.step_num, already=True))
    fault = _fault(step, command, context)
    if fault:
        return Ruling(fault)
    new = step.evolve(
        status=StepStatus.COMPLETED,
        commit_hash=command.commit_hash,
        landed_tips=command.tips,
        # Cut, where `complete` refuses: no caller is there who could name folders instead.
        files_modified=command.files_modified[: limits.STEP_FILES],
        completed_at=context.now,
        last_activity=context.now,
    )
    return settle(board, new, "step_completed", context)


def _fault(step: Step, command: LandStep, context: Context) -> Outcome | None:
    facts: dict[str, outcomes.Json] = {"step_num": step.step_num, "agent": step.agent_id}
    if not step.is_held or step.fence != command.seen_fence or step.branch != command.branch:
        message = f"Step {step.id} is not as it was when its branch was looked at; it is {step.status}."
        return outcomes.refused("step_changed", message, "Look again: gitcoord land.", **facts)
    branch = shown(step.branch or "")
    # A holder goes on after a first merge of its branch: what is left would have no step any more.
    if command.unlanded:
        message = f"Branch {branch} of step {step.id} landed, and there is work on it that has not: {command.unlanded}."
        return outcomes.refused("unlanded_work", message, "It is completed when the rest lands.", **facts)
    if not context.policy.complete_on_merge:
        message = f"Branch {branch} of step {step.id} landed; the team's policy leaves it to its holder to complete it."
        hint = sentence("Its holder calls ", Call.of("complete_step", step_id=step.id, commit_hash=...), ".")
        return outcomes.refused("complete_on_merge", message, hint, **facts)
    return None
