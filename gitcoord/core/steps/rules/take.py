"""Taking: which step a holder gets when it claims one.

Rules:
  * STEP-4: a holder with an unfinished step in the project gets that one back; with a new fence if the session that had
    it is not live, and not at all while that session lives elsewhere.
  * STEP-4: a holder without one gets that of a partner (`party`): with a new fence and its own name where no one is at
    work on it but the command line; beside a session of a tool that is, with the fence that session has.
  * STEP-2: otherwise the first available step by rank. A stale step is taken over only when nothing is available
    (policy `auto_recover`), or when it is named.
  * STEP-8: a failed step is taken again only by its number.
  * STEP-3: every claim raises `fence` and `attempts`; a resumption raises `fence` alone.
  * STEP-12: where no step is available, the outcome says why (what runs, what failed) and what to do next.

What this file does not know: other projects; claims of paths.
"""

from collections.abc import Callable, Iterator, Sequence

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.decision import Context, Ruling
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.liveness import FREE_SESSION, Life, Liveness
from gitcoord.core.documents.names import amount, shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.board import Board, StepContext
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.rules.plan import no_such_step
from gitcoord.core.steps.step import Step, StepStatus
from gitcoord.core.steps.step_commands import ClaimStep

ASK_AGAIN_S = 60  # a step takes minutes; a beat interval is the shortest time in which news of it can come
LOOKED_AT_MAX = 500  # steps passed over for claims on their paths in one claim: 0.2 s of the clone's lock
PASSED_MAX = 10  # how many of those that were passed over an answer names, and how many conflicts of each
BLOCKERS_MAX = 10  # how many held or failed steps a refusal names
LASTING = ("not_owner", "too_large", "bad_paths")  # refusals of paths that no end of a claim changes
_BY_SUB_AGENT = Call.of("claim_step", agent_id=...)


def claim(board: Board, command: ClaimStep, context: StepContext) -> Ruling:
    """Give the caller one step, or say why there is none."""
    own_nums = board.held_by_actor(context.actor)
    # The answer to an earlier call may have been lost: who asks again gets the same step, not a second one.
    if own_nums and command.step_num in (None, *own_nums):
        return _give_back(board.steps[command.step_num or own_nums[0]], context, board)
    if own_nums:
        num = own_nums[0]
        own = board.steps[num]
        why = f"{own.agent_id} already holds step {own.id}."
        hint = sentence("Complete or fail it first; a sub-agent takes a step of its own: ", _BY_SUB_AGENT, ".")
        has_one = outcomes.refused("holds_another", why, hint, step_num=num)
        return Ruling(has_one)
    shared = board.held_by_partners(context.actor)
    if shared and command.step_num in (None, *shared):
        return _share(board.steps[command.step_num or shared[0]], context, board)
    # After what is held: the holders in an aborted project may still complete their steps (STEP-10).
    if board.project.status is not ProjectStatus.ACTIVE:
        message = f"Project {shown(board.project.name)} is {board.project.status}."
        return Ruling(outcomes.refused("project_ended", message, status=board.project.status))
    if command.step_num is not None:
        return _claim_named(board, command.step_num, context)
    passed: list[tuple[Step, Outcome]] = []
    for step, blocked in looked_at(board, command.scope, context.paths):
        if blocked is None:
            return Ruling(_claimed(step, context, **_named(passed)), (_taken(step, context),))
        passed.append((step, blocked))
    return _take_over_or_nothing(board, command, context, passed)


def looked_at(
    board: Board, scope: str | None, paths: Callable[[Step], Outcome | None]
) -> Iterator[tuple[Step, Outcome | None]]:
    """Yield the available steps that a claim of any step looks at, best first, each with why it cannot have its paths.

    `paths`: as in `StepContext`.
    """
    held = 0
    for step in (board.steps[rank[2]] for rank in board.available):
        # Steps without paths, and those of others, are looked at in little time: none hides those behind it.
        if scope in (None, step.scope) and not (step.paths and held >= LOOKED_AT_MAX):
            blocked = paths(step)
            yield step, blocked
            held += blocked is not None and blocked.code not in LASTING


def _claimed(step: Step, context: Context, **facts: Json) -> Outcome:
    return outcomes.done(
        "step_claimed", step_num=step.step_num, fence=step.fence + 1, agent=context.actor.agent, **facts
    )


def _taken(step: Step, context: Context) -> Step:
    return step.evolve(
        # What an earlier attempt wrote of itself is in the checkpoint: the fields of the step are this attempt's.
        status=StepStatus.CLAIMED,
        agent_id=context.actor.agent,
        clone=context.actor.clone,
        session_id=context.actor.session,
        fence=step.fence + 1,
        attempts=step.attempts + 1,
        claimed_at=context.now,
        last_activity=context.now,
        started_at=None,
        failed_at=None,
        worktree=None,
        commit_hash=None,
        files_modified=(),
        notes=None,
        reason=None,
    )


def _give_back(step: Step, context: Context, board: Board) -> Ruling:
    if step.session_id == context.actor.session:
        return Ruling(outcomes.done("step_claimed", step_num=step.step_num, fence=step.fence, already=True))
    life = context.judge(step, board.project.stale_minutes)
    if life.sighting.locked is True:
        message = f"Step {step.id} is held by another live session of {step.agent_id}."
        hint = sentence("Take another step as a sub-agent: ", _BY_SUB_AGENT, "; or end the other session.")
        return Ruling(outcomes.refused("session_live", message, hint, step_num=step.step_num), judged=((step, life),))
    # The session before this one is gone: a new fence keeps out what it may still send (STEP-4).
    new = step.evolve(session_id=context.actor.session, fence=step.fence + 1, last_activity=context.now)
    facts: dict[str, Json] = {"fence": new.fence, "agent": context.actor.agent, "already": True, "resumed": True}
    outcome = outcomes.done("step_claimed", step_num=step.step_num, **facts)
    return Ruling(outcome, (new,), ((step, life),))


def _share(step: Step, context: Context, board: Board) -> Ruling:
    """Give a step that a partner holds."""
    life = context.judge(step, board.project.stale_minutes)
    facts: dict[str, Json] = {"step_num": step.step_num, "already": True, "from": step.agent_id}
    # A tool is at work on it: the partner may see to the step, and its name and fence stay the tool's.
    if not (step.session_id or "").startswith(FREE_SESSION) and not life.is_over:
        outcome = outcomes.done("step_claimed", fence=step.fence, agent=step.agent_id, **facts)
        return Ruling(outcome, judged=((step, life),))
    actor = context.actor
    new = step.evolve(
        agent_id=actor.agent,
        clone=actor.clone,
        session_id=actor.session,
        fence=step.fence + 1,
        last_activity=context.now,
    )
    outcome = outcomes.done("step_claimed", fence=new.fence, agent=actor.agent, resumed=True, **facts)
    return Ruling(outcome, (new,), ((step, life),))


def _claim_named(board: Board, num: int, context: StepContext) -> Ruling:
    step = board.steps.get(num)
    if step is None:
        return Ruling(no_such_step(board, num))
    if step.is_held:
        life = context.judge(step, board.project.stale_minutes)
        own = context.actor.is_session_of(step.session_id, step.clone) and step.agent_id == context.actor.agent
        if own and life.sighting.locked is True:  # taken when the clone had another id
            return _give_back(step, context, board)
        if not life.is_over or not context.policy.auto_recover:
            known = "" if life.life is Life.UNKNOWN else f"{life.life}: "  # of who works at a shell no beat tells more
            why = f"Step {step.id} is held by {step.agent_id} ({known}{life.why})."
            todo = sentence("Claim another: ", Call.of("claim_step"), ".")
            held = outcomes.refused("held", why, todo, step_num=step.step_num, agent=step.agent_id, life=life.life)
            return Ruling(held, judged=((step, life),))
        blocked = context.paths(step)
        return Ruling(_paths_held(step, blocked)) if blocked else _take_over(step, life, context)
    if step.is_settled:
        settled = outcomes.refused(
            "settled", f"Step {step.id} is {step.status}.", step_num=step.step_num, status=step.status
        )
        return Ruling(settled)
    unsettled = board.unsettled_dependencies(step)
    if unsettled:
        waiting = ", ".join(str(num) for num in unsettled[:BLOCKERS_MAX])
        message = f"Step {step.id} waits for step {waiting}."
        hint = sentence("Claim what is available: ", Call.of("claim_step"), ".")
        return Ruling(outcomes.refused("blocked", message, hint, step_num=num, waiting_on=[*unsettled[:BLOCKERS_MAX]]))
    # Not passed over but refused: the caller asked for this step, and another would be no answer.
    blocked = context.paths(step)
    if blocked is not None:
        return Ruling(_paths_held(step, blocked))
    if step.status is StepStatus.FAILED:
        recovered = put_back(step, context, step.reason or "it failed", None)
        return Ruling(_claimed(step, context, recovered=True), (_taken(recovered, context),))
    return Ruling(_claimed(step, context), (_taken(step, context),))


def _take_over(step: Step, life: Liveness, context: Context) -> Ruling:
    reason = f"{step.agent_id} fell silent: {life.why}"
    recovered = put_back(step, context, reason, life.sighting.branch_tip)
    facts: dict[str, Json] = {"recovered": True, "from": step.agent_id, "why": life.why}
    return Ruling(_claimed(step, context, **facts), (_taken(recovered, context),), ((step, life),))


def put_back(step: Step, context: Context, reason: str, commit: str | None) -> Step:
    """Return the step as not started, with what its holder left as its checkpoint."""
    return step.evolve(
        status=StepStatus.NOT_STARTED,
        agent_id=None,
        clone=None,
        session_id=None,
        claimed_at=None,
        started_at=None,
        failed_at=None,
        last_activity=context.now,
        worktree=None,
        notes=None,
        reason=None,
        commit_hash=None,
        recoveries=step.recoveries + 1,
        checkpoint=checkpoint(step, context, reason, commit),
    )


def checkpoint(step: Step, context: Context, reason: str, commit: str | None) -> dict[str, Json]:
    """Return what a holder leaves; a commit or notes that it does not name are those that it found itself."""
    left: dict[str, Json] = {
        "agent_id": step.agent_id,
        "clone": step.clone,
        "session_id": step.session_id,
        "branch": step.branch,
        "commit": commit or step.commit_hash or step.checkpoint.get("commit"),
        "notes": step.notes or step.checkpoint.get("notes"),
        "reason": reason,
        "worktree": step.worktree,
        "fence": step.fence,
        "at": time_text(context.now),
    }
    return {name: value for name, value in left.items() if value is not None}


def _passed(step: Step, blocked: Outcome) -> Json:
    conflicts = blocked.facts.get("conflicts")
    few = conflicts[:PASSED_MAX] if isinstance(conflicts, list) else []
    return {"step_num": step.step_num, "why": blocked.message, "conflicts": few}


def _named(passed: Sequence[tuple[Step, Outcome]]) -> dict[str, Json]:
    """Return what an answer says of the steps that were passed over: the first of them, and how many."""
    if not passed:
        return {}
    return {"passed_over": [_passed(*row) for row in passed[:PASSED_MAX]], "passed_over_count": len(passed)}


def _paths_held(step: Step, blocked: Outcome) -> Outcome:
    hint = sentence("Claim another: ", Call.of("claim_step"), ".")
    if blocked.code == "not_owner":
        message = f"Step {step.id} has paths that you may not claim: {blocked.message}"
        return outcomes.refused("not_owner", message, hint, step_num=step.step_num, **blocked.facts)
    message = f"The paths of step {step.id} are not free: {blocked.message}"
    asked = next((conflict for conflict in blocked.conflicts if not conflict.is_of_gone), None)
    if asked is not None:
        ask = Call.of("request_release", claim_id=asked.claim_id, reason=...)
        hint = sentence("Claim another: ", Call.of("claim_step"), "; or ask the holder: ", ask, ".")
    elif blocked.conflicts:
        hint = sentence("Claim another: ", Call.of("claim_step"), "; no one is there to ask.")
    return outcomes.refused("paths_held", message, hint, step_num=step.step_num, **blocked.facts)


def _take_over_or_nothing(
    board: Board, command: ClaimStep, context: StepContext, passed: list[tuple[Step, Outcome]]
) -> Ruling:
    candidates = [step for step in board.held_steps() if command.scope in (None, step.scope)]
    # As available steps are given out: by priority, then by the work that waits behind them (STEP-2).
    candidates.sort(key=lambda step: board.graph.ranks[step.step_num])
    judged: list[tuple[Step, Liveness]] = []
    if context.policy.auto_recover:
        for step in candidates:
            life = context.judge(step, board.project.stale_minutes)
            judged.append((step, life))
            blocked = context.paths(step) if life.is_over else None
            if life.is_over and blocked is None:
                decision = _take_over(step, life, context)
                return Ruling(decision.outcome, decision.changes, tuple(judged))
            passed += [(step, blocked)] if blocked else []
    outcome = _nothing(board, command, judged)
    return Ruling(_with_passed(outcome, passed) if passed else outcome, judged=tuple(judged))


def _with_passed(outcome: Outcome, passed: Sequence[tuple[Step, Outcome]]) -> Outcome:
    """Say which steps were passed over and why, and what ends that: time, or a person."""
    is_held = all(blocked.conflicts for _, blocked in passed[:PASSED_MAX])
    nums = ", ".join(str(step.step_num) for step, _ in passed[:BLOCKERS_MAX])
    why = "others hold their paths" if is_held else "you cannot have their paths"
    message = f"{outcome.message} Passed over, because {why}: step {nums}."
    facts: dict[str, Json] = {**outcome.facts, **_named(passed)}
    if all(blocked.code in LASTING for _, blocked in passed):
        return outcome.evolve(message=message, facts=facts, hint=outcome.hint or _whom_to_ask(passed))
    facts["ask_again_s"] = ASK_AGAIN_S
    hint = outcome.hint or f"Ask again in {ASK_AGAIN_S} s, or when a claim on them ends."
    return outcome.evolve(message=message, facts=facts, hint=hint)


def _whom_to_ask(passed: Sequence[tuple[Step, Outcome]]) -> str:
    owners = [blocked.facts.get("owners") for _, blocked in passed]
    names = dict.fromkeys(str(name) for some in owners if isinstance(some, list) for name in some)
    if names:
        named = ", ".join([*names][:BLOCKERS_MAX]) + (", …" if len(names) > BLOCKERS_MAX else "")
        return f"Ask an owner of their paths to do them, or to add you: {named}."
    return sentence("Correct the paths: ", Call.of("update_step", step_id=passed[0][0].id, paths=...), ".")


def _nothing(board: Board, command: ClaimStep, judged: list[tuple[Step, Liveness]]) -> Outcome:
    counts = board.counts
    unsettled = len(board.steps) - counts.get(StepStatus.COMPLETED, 0) - counts.get(StepStatus.SKIPPED, 0)
    name = shown(board.project.name)
    # Before the filters: of a project that is done, no scope has anything left.
    if unsettled == 0:
        return outcomes.refused("all_done", f"Every step of project {name} is done.", project=board.project.name)
    running = board.held_steps()
    failed = sorted(num for num, step in board.steps.items() if step.status is StepStatus.FAILED)
    parts: list[str] = []
    for step in running[:3]:
        behind = sum(1 for num in board.graph.dependants[step.step_num] if not board.steps[num].is_settled)
        waiting = f", for which {amount(behind, 'step')} wait{'s' if behind == 1 else ''}" if behind else ""
        parts.append(f"{step.agent_id} holds step {step.step_num}{waiting}")
    if len(running) > len(parts):
        left = len(running) - len(parts)
        parts.append(f"{left} more {'is' if left == 1 else 'are'} held")
    if failed:
        named = ", ".join(str(num) for num in failed[:BLOCKERS_MAX]) + (", …" if len(failed) > BLOCKERS_MAX else "")
        parts.append(f"step{'' if len(failed) == 1 else 's'} {named} failed")
    scopes = sorted({step.scope for step in board.steps.values() if step.scope is not None})
    if command.scope is not None and command.scope not in scopes:
        message = f"No step of project {name} has scope {shown(command.scope)}."
        there = f"Its scopes: {', '.join(shown(scope) for scope in scopes[:BLOCKERS_MAX])}. " if scopes else ""
        hint = sentence(f"{there}Claim without a scope: ", Call.of("claim_step"), ".")
        return outcomes.refused("nothing_available", message, hint, project=board.project.name, held=[], failed=[])
    of_scope = f" with scope {shown(command.scope)}" if command.scope is not None else ""
    why = "; ".join(parts) or ("other scopes only" if of_scope else "")
    message = f"Project {name} has no available step{of_scope}{': ' if why else ''}{why}."
    dead = sum(1 for _, life in judged if life.life is Life.STALE)
    facts: dict[str, Json] = {
        "project": board.project.name,
        "held": [{"step_num": step.step_num, "agent": step.agent_id} for step in running[:BLOCKERS_MAX]],
        "failed": [*failed[:BLOCKERS_MAX]],
        "stale": dead,
    }
    if running:
        facts["ask_again_s"] = ASK_AGAIN_S
    return outcomes.refused("nothing_available", message, _what_next(board, running, failed), **facts)


def _what_next(board: Board, running: list[Step], failed: list[int]) -> str:
    if running:
        return f"Ask again in {ASK_AGAIN_S} s, or when a step that is held completes."
    if failed:
        again = Call.of("claim_step", step_id=f"{board.project.name}/{failed[0]}")
        return sentence("Retry a failed step by its number: ", again, ".")
    return ""
