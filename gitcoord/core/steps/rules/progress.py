"""Running: what a holder does with a step that it has.

Rules:
  * SAFE-4, STEP-5: every command carries the fence that the session was given. Without the present one it is refused
    with who holds the step now, even if the name is the same. With it the session is right, whatever id its
    clone has by now: both were given out once. A merge needs none (`land_steps`).
  * STEP-6: the same call twice says so and changes nothing. Who completed or failed a step may say so again from its
    next session, after a restart, which knows no fence: (agent, clone) and the present fence, or none, are enough for
    that.
  * A beat right after another sign of life, as good as it, changes nothing.
  * Within its session an agent acts for its sub-agents: the fence is the proof, not the name. So does a partner
    (`party`) of the holder, with the fence that the holder was given.

What this file does not know: whether a commit exists; the caller resolved it.
"""

import shlex
from datetime import timedelta
from typing import NamedTuple

from gitcoord.core.documents import limits, outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.decision import Context, Ruling
from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.rules.plan import no_such_step, settle
from gitcoord.core.steps.rules.take import checkpoint
from gitcoord.core.steps.step import Step, StepStatus
from gitcoord.core.steps.step_commands import BeatStep, CompleteStep, FailStep, StartStep

BEAT_EVERY = timedelta(seconds=10)  # the limits are minutes; a loop that beats must not fill the history
OUTSIDE_MAX = 20  # how many files a warning names


def start(board: Board, command: StartStep, context: Context) -> Ruling:
    """Say that work has begun."""
    step = board.steps.get(command.step_num)
    fault = _not_mine(board, step, command.step_num, command.fence, context)
    if step is None or fault:
        return Ruling(fault or no_such_step(board, command.step_num))
    if step.status is StepStatus.IN_PROGRESS:
        return Ruling(outcomes.done("step_started", step_num=step.step_num, already=True))
    new = step.evolve(
        status=StepStatus.IN_PROGRESS,
        started_at=context.now,
        last_activity=context.now,
        worktree=command.worktree,
    )
    return Ruling(outcomes.done("step_started", step_num=step.step_num), (new,))


def beat(board: Board, command: BeatStep, context: Context) -> Ruling:
    """Say that the work goes on."""
    step = board.steps.get(command.step_num)
    fault = _not_mine(board, step, command.step_num, command.fence, context)
    if step is None or fault:
        return Ruling(fault or no_such_step(board, command.step_num))
    every: outcomes.Json = int(BEAT_EVERY.total_seconds())
    if step.last_activity is not None and context.now - step.last_activity < BEAT_EVERY:
        return Ruling(outcomes.done("heartbeat", step_num=step.step_num, already=True, interval_s=every))
    return Ruling(outcomes.done("heartbeat", step_num=step.step_num), (step.evolve(last_activity=context.now),))


def complete(board: Board, command: CompleteStep, context: Context) -> Ruling:
    """Hand in a step: it is settled, and what waited for it may begin."""
    step = board.steps.get(command.step_num)
    # Before the fence is asked for: who hands in again after a restart has none any more (STEP-6).
    if step is not None and step.status is StepStatus.COMPLETED and _ended_it(step, command.fence, context):
        # A merge may have completed it first, with its own commit (STEP-13): the tips that landed are the same work.
        if command.commit_hash in (step.commit_hash, *step.landed_tips):
            completed_before = outcomes.done("step_completed", step_num=step.step_num, already=True)
        else:
            how = " when its branch landed" if step.landed_tips else ""
            message = f"Step {step.id} was completed{how} with commit {step.commit_hash}."
            hint = "Add a step for further work; a completed step is not changed."
            completed_before = outcomes.refused(
                "completed_otherwise", message, hint, step_num=step.step_num, commit_hash=step.commit_hash
            )
        return Ruling(completed_before)
    fault = _not_mine(board, step, command.step_num, command.fence, context)
    if step is None or fault:
        return Ruling(fault or no_such_step(board, command.step_num))
    fault = _too_many_files(command) or _breaks_policy(board, step, command, context)
    if fault:
        return Ruling(fault)
    new = step.evolve(
        status=StepStatus.COMPLETED,
        commit_hash=command.commit_hash,
        files_modified=command.files_modified,
        notes=command.notes if command.notes is not None else step.notes,
        completed_at=context.now,
        last_activity=context.now,
    )
    decision = settle(board, new, "step_completed", context)
    warnings: list[outcomes.Json] = [stray.text + stray.late for stray in _strays(board, step, command)]
    if command.pushed is False:
        warnings.append(f"Not pushed: no branch of the remote has the commit; run `{_push_command(step, command)}`.")
    if not warnings:
        return decision
    facts = {**decision.outcome.facts, "warnings": warnings}
    return replace(decision, outcome=decision.outcome.evolve(facts=facts))


def fail(board: Board, command: FailStep, context: Context) -> Ruling:
    """Give a step up. What depends on it stays blocked until it is taken again."""
    step = board.steps.get(command.step_num)
    if step is not None and step.status is StepStatus.FAILED and _ended_it(step, command.fence, context):
        return Ruling(outcomes.done("step_failed", step_num=step.step_num, already=True))
    fault = _not_mine(board, step, command.step_num, command.fence, context)
    if step is None or fault:
        return Ruling(fault or no_such_step(board, command.step_num))
    noted = step.evolve(notes=command.notes) if command.notes is not None else step
    new = noted.evolve(
        status=StepStatus.FAILED,
        reason=command.reason,
        failed_at=context.now,
        last_activity=context.now,
        checkpoint=checkpoint(noted, context, command.reason, command.branch_tip),
    )
    blocked = [num for num in board.graph.dependants[step.step_num] if not board.steps[num].is_settled]
    return Ruling(outcomes.done("step_failed", step_num=step.step_num, blocked=[*blocked[:200]]), (new,))


def _too_many_files(command: CompleteStep) -> Outcome | None:
    size = len("".join(command.files_modified).encode("utf-8", "surrogatepass"))
    if len(command.files_modified) <= limits.STEP_FILES and size <= limits.STEP_FILES_BYTES:
        return None
    message = (
        f"files_modified has {len(command.files_modified)} names of {size} bytes; "
        f"{limits.STEP_FILES} of {limits.STEP_FILES_BYTES} is the most."
    )
    return outcomes.invalid("too_many", message, "Name folders instead, or leave files_modified out.")


def _was_mine(step: Step, fence: int | None, context: Context) -> bool:
    actor = context.actor
    # Everyone can read the fence in the step: it counts with the session, or the partner, that it was given to.
    is_its = actor.is_session_of(step.session_id, step.clone) or actor.is_partner(step.agent_id, step.clone)
    return fence == step.fence and is_its


def _ended_it(step: Step, fence: int | None, context: Context) -> bool:
    same_holder = (step.agent_id, step.clone) in context.actor.holders
    return _was_mine(step, fence, context) or (same_holder and fence in (None, step.fence))


def _not_mine(board: Board, step: Step | None, num: int, fence: int | None, context: Context) -> Outcome | None:
    if step is None:
        return no_such_step(board, num)
    if step.is_held and _was_mine(step, fence, context):
        return None
    return not_holder(step, fence, context)


def not_holder(step: Step, fence: int | None, context: Context) -> Outcome:
    """Say who has the step, since the caller has not."""
    facts: dict[str, outcomes.Json] = {"step_num": step.step_num, "status": step.status, "fence": step.fence}
    if fence is not None:
        facts["your_fence"] = fence
    if not step.is_held:
        message = f"Step {step.id} is {step.status}; {context.actor.agent} does not hold it."
        if step.is_settled:
            hint = sentence("Nothing is left to do on it; claim another: ", Call.of("claim_step"), ".")
        else:
            hint = sentence("Claim it first: ", Call.of("claim_step", step_id=step.id), ".")
        return outcomes.refused("not_held", message, hint, **facts)
    facts |= {"agent": step.agent_id, "clone": step.clone}
    # Its own name is no proof: an old session of it must learn that another one goes on (SAFE-4).
    if context.actor.is_party(step.agent_id or "", step.clone or ""):
        message = f"Step {step.id} was given to another session of {step.agent_id} (fence {step.fence})."
        hint = sentence("If that session is gone, take the step back: ", Call.of("claim_step", step_id=step.id), ".")
        return outcomes.refused("not_holder", message, hint, **facts)
    message = f"Step {step.id} is held by {step.agent_id}, not by {context.actor.agent}."
    hint = sentence("Stop working on it; claim another: ", Call.of("claim_step"), ".")
    return outcomes.refused("not_holder", message, hint, **facts)


def _breaks_policy(board: Board, step: Step, command: CompleteStep, context: Context) -> Outcome | None:
    if command.pushed is False and context.policy.requires_push(others_live=command.others_live):
        message = f"Commit {command.commit_hash[:12]} is on no branch of the remote; other clones cannot build on it."
        hint = f"Push it first: `{_push_command(step, command)}`."
        return outcomes.refused("not_pushed", message, hint, step_num=step.step_num)
    strays = _strays(board, step, command) if context.policy.strict_complete else []
    if strays:
        return outcomes.refused("strict_complete", strays[0].text, strays[0].todo, step_num=step.step_num)
    return None


class _Stray(NamedTuple):
    """Where the work is not where the step said. `todo`: what to do before it is handed in; `late`: after that."""

    text: str
    todo: str = "Fix it, then complete the step again."
    late: str = ""


def _strays(board: Board, step: Step, command: CompleteStep) -> list[_Stray]:
    """Return where the work is not where the step said."""
    strays: list[_Stray] = []
    commit, branch = command.commit_hash[:12], shown(step.branch or "")
    if command.from_repo:
        project = f"project {shown(board.project.name)} is of {shown(board.project.repo or '')}"
        todo = "Complete it in a clone of the project's repository."
        strays.append(_Stray(f"Commit {commit} is of repository {shown(command.from_repo)}, but {project}.", todo))
    if command.on_branch is False:
        strays.append(_Stray(f"Commit {commit} is not on the step's branch {branch}."))
    if command.branch_end:
        end = command.branch_end[:12]
        text = f"Commit {commit} is from before the work on the step's branch {branch}, which goes on to {end}."
        again = Call.of("complete_step", step_id=step.id, commit_hash=end)
        switch = f", or run `git switch {shlex.quote(step.branch or '')}` first."
        late = " A completed step is not changed: add a step for that work."
        strays.append(_Stray(text, sentence("Give that commit: ", again, switch), late))
    if command.found_on:
        text = f"The step's branch {branch} does not exist; commit {commit} is on {shown(command.found_on)}."
        make = f"`git branch {shlex.quote(step.branch or '')} {commit}`"
        todo = f"If it is the step's work: {make}, then complete the step again; else give the commit that has it."
        strays.append(_Stray(text, todo))
    if command.outside:
        names = ", ".join(shown(name) for name in command.outside[:OUTSIDE_MAX])
        strays.append(_Stray(f"Changed outside the step's paths: {names}."))
    if command.unknown_until:
        text = "Which files were changed is not known: this clone does not have the commits that the step began with."
        strays.append(_Stray(text, f"Run `{command.unknown_until}`, then complete the step again."))
    return strays


def _push_command(step: Step, command: CompleteStep) -> str:
    """Return a command to copy; git allows names of branches that a shell would act on."""
    target = f"{command.commit_hash[:12]}:refs/heads/{step.own_branch}"
    return f"git push {shlex.quote(command.remote)} {shlex.quote(target)}"
