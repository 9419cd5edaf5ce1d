"""A step's paths: what steps ask of the claims, before they are taken and when they are, in one swap of both ledgers.

    before   would a claim of its paths be granted?  ──no──> the step is passed over
    with it  claim them, keep them under a new fence, or end them (`step_claims.following`)
    after    where one swap cannot move two refs: is the claim still there?  ──no──> the step is handed back

What this file does not know: how claims are decided.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from gitcoord.core.claims.claim_commands import EndStepClaims
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.decision import Ruling
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.rules.take import PASSED_MAX
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import NO_PATH_RULES, ClaimStep, Command, PathRules, RecoverStep
from gitcoord.ledger.format.records import Done
from gitcoord.ledger.kinds.ledger import Asked, Others, Question
from gitcoord.remote.contract.protocol import RefName

if TYPE_CHECKING:
    from gitcoord.core.patterns.path_pattern import Pattern

PATHS = "paths"  # what the record calls the answers


def paths_of(board: Board | None, others: Others, rules: PathRules = NO_PATH_RULES) -> Callable[[Step], Outcome | None]:
    """Return why the paths of a step cannot be claimed, by trying it on the claims as they are."""
    from gitcoord.core.claims import step_claims
    from gitcoord.core.patterns.path_pattern import PatternError

    repo, ref = (board.project.repo if board else None) or others.repo, others.refs.claims
    taken: Question[Outcome] = Question(
        PATHS, partial(_spelled, []), lambda answer: Outcome.parse(answer if isinstance(answer, dict) else {})
    )

    lines = cache(partial(step_claims.PathLines.of, rules))

    def try_paths(step: Step) -> Outcome | None:
        return others.ask(taken, str(step.step_num), lambda: look(step)) if step.paths else None

    def look(step: Step) -> Outcome | None:
        claims = others.content(ref)
        if step.is_held:  # what its holder claimed with it ends when it is taken over
            own = EndStepClaims(step=step.id, agent=step.agent_id or "", clone=step.clone or "")
            claims = others.decide(ref, claims, own).after
        try:
            call = step_claims.call_of(step, 0, "c-", repo, lines())
        except PatternError as error:
            hint = sentence("Correct it: ", Call.of("update_step", step_id=step.id, paths=...), ".")
            return outcomes.refused("bad_paths", f"Step {step.id}: {error}", hint)
        outcome = others.decide(ref, claims, call).outcome
        return None if outcome.is_done else outcome

    return try_paths


def rules_read(board: Board, ruling: Ruling, rules: PathRules) -> PathRules:
    """Return as much of the rules as a repetition of a ruling reads: for the steps it changes, and its answers."""
    from gitcoord.core.claims import step_claims
    from gitcoord.core.patterns.path_pattern import PatternError

    asked = [board.steps[int(num)] for num in ruling.beside.get(PATHS, ())]
    places: list[Pattern] = []
    for step in (*asked, *(doc for doc in ruling.changes if isinstance(doc, Step))):
        with suppress(PatternError):  # it was passed over for that, whatever the rules are
            places += step_claims.places_of(step)
    return step_claims.PathLines.of(rules).about(places)


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
        claim_id, rules = (command.claim_id, command.rules) if isinstance(command, ClaimStep) else ("", NO_PATH_RULES)
        repo = before.project.repo or others.repo
        for new in (doc for doc in ruling.changes if isinstance(doc, Step)):
            old = before.steps.get(new.step_num)
            if old is not None:
                for wanted in step_claims.following(old, new, claim_id, repo, rules):
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
