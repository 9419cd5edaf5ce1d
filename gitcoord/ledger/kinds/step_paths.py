"""A step's paths: what steps ask of the claims, before they are taken and when they are, in one swap of both ledgers.

    before   would a claim of its paths be granted?  ──no──> the step is passed over
    with it  claim them, keep them under a new fence, or end them (`step_claims.following`)
    after    where one swap cannot move two refs: is the claim still there?  ──no──> the step is handed back

What this file does not know: how claims are decided.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from gitcoord.core.claims.claim_commands import EndStepClaims
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.decision import Ruling
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.rules.take import PASSED_MAX
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import ClaimStep, Command, RecoverStep
from gitcoord.ledger.format.records import Done
from gitcoord.ledger.kinds.ledger import Asked, Others, Question
from gitcoord.remote.contract.protocol import RefName


def paths_of(board: Board | None, others: Others) -> Callable[[Step], Outcome | None]:
    """Return why the paths of a step cannot be claimed, by trying it on the claims as they are."""
    from gitcoord.core.claims import step_claims
    from gitcoord.core.patterns.path_pattern import PatternError

    repo, ref = (board.project.repo if board else None) or others.repo, others.refs.claims
    taken: Question[Outcome] = Question(
        "paths", partial(_spelled, []), lambda answer: Outcome.parse(answer if isinstance(answer, dict) else {})
    )

    def try_paths(step: Step) -> Outcome | None:
        return others.ask(taken, str(step.step_num), lambda: look(step)) if step.paths else None

    def look(step: Step) -> Outcome | None:
        claims = others.content(ref)
        if step.is_held:  # what its holder claimed with it ends when it is taken over
            own = EndStepClaims(step=step.id, agent=step.agent_id or "", clone=step.clone or "")
            claims = others.decide(ref, claims, own).after
        try:
            call = step_claims.call_of(step, 0, "c-", repo)
        except PatternError as error:
            hint = sentence("Correct it: ", Call.of("update_step", step_id=step.id, paths=...), ".")
            return outcomes.refused("bad_paths", f"Step {step.id}: {error}", hint)
        outcome = others.decide(ref, claims, call).outcome
        return None if outcome.is_done else outcome

    return try_paths


def _spelled(before: list[Outcome], outcome: Outcome) -> Json:
    """Return of a refusal what `take` makes use of; `before`: those that were recorded with the same command."""
    before.append(outcome)
    if len(before) > PASSED_MAX:
        return outcome.evolve(message="", hint="", facts={}).dump()
    conflicts = outcome.facts.get("conflicts")
    facts: dict[str, Json] = {"conflicts": conflicts[:PASSED_MAX]} if isinstance(conflicts, list) else {}
    return outcome.evolve(hint="", facts=facts).dump()


class StepPaths:
    """The coupling of steps to claims."""

    def asks(self, before: Board | None, command: Command, ruling: Ruling, others: Others) -> Iterator[Asked]:
        """Yield what the changed steps ask of the claims; a project that begins has none that was held."""
        from gitcoord.core.claims import step_claims

        if before is None:
            return
        claim_id = command.claim_id if isinstance(command, ClaimStep) else ""
        for new in (doc for doc in ruling.changes if isinstance(doc, Step)):
            old = before.steps.get(new.step_num)
            if old is not None:
                for wanted in step_claims.following(old, new, claim_id, before.project.repo or others.repo):
                    yield others.refs.claims, wanted

    def may_ask(self, ledger: RefName, word: str, arguments: Mapping[str, Json]) -> bool:
        """Whether it is a command about the claims of a step of this project."""
        project = str(arguments.get("step", "")).rpartition("/")[0]
        return word in ("claim_files", "follow_step", "end_step_claims") and (
            project.casefold() == ledger.rpartition("/")[2].casefold()
        )

    def goes_first(self, word: str) -> bool:
        """Claims before the step that they are taken with, which alone confers them; after it when they end."""
        return word in ("claim_files", "follow_step")

    def undo(self, done: Done, asked: Done, there: Any) -> tuple[Command, Outcome] | None:  # noqa: ANN401 - a register
        """Hand back a step that was taken and whose claim is not there any more."""
        if asked.entry.word != "claim_files" or asked.decision.outcome.facts.get("claim") in there.claims:
            return None
        facts = done.decision.outcome.facts
        num, fence = facts.get("step_num"), facts.get("fence")
        if not (isinstance(num, int) and isinstance(fence, int)):
            return None
        message = f"Step {num} was taken, but its paths were claimed at the same moment; it was handed back."
        hint = sentence("Claim again: ", Call.of("claim_step"), ".")
        outcome = outcomes.refused("paths_lost", message, hint, step_num=num, ask_again_s=1)
        return RecoverStep(step_num=num, fence=fence, reason="another agent took its paths"), outcome
