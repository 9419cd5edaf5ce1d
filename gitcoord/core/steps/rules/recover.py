"""Recovery: putting back a step that its holder left.

Rules:
  * STEP-9: a failed step, or one whose holder is stale, goes back to `not_started` with a checkpoint.
  * STEP-9: a holder may put its own step back at any time; someone else's live step only by force, with the evidence.

What this file does not know: how silence is found out (`liveness`).
"""

from datetime import datetime

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.decision import Context, Ruling
from gitcoord.core.documents.json_text import Json, clock_text, time_text
from gitcoord.core.documents.liveness import Liveness
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.rules.plan import no_such_step
from gitcoord.core.steps.rules.take import put_back
from gitcoord.core.steps.step import Step, StepStatus
from gitcoord.core.steps.step_commands import RecoverStep


def recover(board: Board, command: RecoverStep, context: Context) -> Ruling:
    """Put a step back to not_started."""
    step = board.steps.get(command.step_num)
    if step is None:
        return Ruling(no_such_step(board, command.step_num))
    if step.status is StepStatus.NOT_STARTED:
        return Ruling(outcomes.done("step_recovered", step_num=step.step_num, already=True))
    if step.is_settled:
        message = f"Step {step.id} is {step.status}; there is nothing to recover."
        return Ruling(outcomes.refused("settled", message, step_num=step.step_num, status=step.status))
    # Its holder gave it up: no one is left to be judged by signs of life.
    if step.status is StepStatus.FAILED:
        return _put_back(step, command, context, command.reason or step.reason or "it failed", ())
    own = command.reason or "handed back by its holder"
    # Without evidence, and none is recorded: what is handed back is not taken from anyone.
    if _is_own(step, command, context):
        return _put_back(step, command, context, own, ())
    life = context.judge(step, board.project.stale_minutes)
    if _is_of_its_agent(step, command, context) and life.sighting.locked is not True:
        return _put_back(step, command, context, own, ((step, life),))
    # Before `force` is looked at: the record says that force was used only where it was needed.
    if life.is_over:
        return _put_back(step, command, context, f"{step.agent_id} fell silent: {life.why}", ((step, life),))
    if command.force:
        return _put_back(step, command, context, f"taken from {step.agent_id} by force", ((step, life),), forced=True)
    return Ruling(_alive(step, life, command, context.now), judged=((step, life),))


def _is_own(step: Step, command: RecoverStep, context: Context) -> bool:
    # A partner goes by another name: the fence is all that shows that the holder let it act.
    if context.actor.is_partner(step.agent_id, step.clone):
        return command.fence == step.fence
    if not context.actor.is_session_of(step.session_id, step.clone):
        return False
    return command.fence == step.fence or (step.agent_id, step.clone) in context.actor.holders


def _is_of_its_agent(step: Step, command: RecoverStep, context: Context) -> bool:
    """Whether another session of the same name had it: its own if that one is over, else a zombie could take it."""
    actor = context.actor
    if step.session_id == actor.session or command.fence not in (None, step.fence):
        return False  # with an older fence: this session had the step, and another has it now
    return (step.agent_id, step.clone) in actor.holders


def _put_back(
    step: Step,
    command: RecoverStep,
    context: Context,
    reason: str,
    judged: tuple[tuple[Step, Liveness], ...],
    *,
    forced: bool = False,
) -> Ruling:
    facts: dict[str, Json] = {"step_num": step.step_num, "from": step.agent_id, "reason": reason}
    if forced:
        facts["forced"] = True
    tip = command.branch_tip or next((life.sighting.branch_tip for _, life in judged), None)
    new = put_back(step, context, reason, tip)
    return Ruling(outcomes.done("step_recovered", **facts), (new,), judged)


def _alive(step: Step, life: Liveness, command: RecoverStep, now: datetime) -> outcomes.Outcome:
    message = f"Step {step.id} is held by {step.agent_id}{life.clause}."
    if command.branch_tip:
        made = f", of {clock_text(command.branch_at, now)}" if command.branch_at else ""
        message += f" The last commit on its branch is {command.branch_tip[:12]}{made}."
    by_force = Call.of("recover_step", step_id=step.id, force=True)
    hint = sentence("Ask them to fail it, or take it by force: ", by_force, ".")
    facts: dict[str, Json] = {"step_num": step.step_num, "agent": step.agent_id, "life": life.life}
    if life.last_seen:
        facts["last_seen"] = time_text(life.last_seen)
    if command.branch_tip:
        facts["last_commit"] = command.branch_tip
    return outcomes.refused("alive", message, hint, **facts)
