"""A step's paths: claimed with it, kept while it is held, released when it is not. One swap of both ledgers.

Rules:
  * An agent that takes a step takes its paths; a step whose paths someone else holds is passed over.
  * An agent that resumes a step, or takes it over from a partner, keeps its claim, under the new fence; one
    that ended meanwhile is made again if it can be.
  * A merge ends a step and its paths together; see `land_steps`.
  * CLAIM-5, CLAIM-6: the ownership rules hold for a step's paths: those of others' hard places are not free where the
    policy says so, and shared files last two hours, which the beats of who holds the step renew (`keep_alive`).
  * A claim of a step confers nothing once its holder does not hold the step any more, or before it does.

What this file does not know: which step is taken; see `take`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from gitcoord.core.claims.claim import Claim, Severity
from gitcoord.core.claims.claim_commands import ClaimCommand, ClaimFiles, EndStepClaims, FollowStep, Wish
from gitcoord.core.documents import party
from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.index import PatternIndex
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.core.steps.board import Board, holder_of
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import NO_PATH_RULES, PathRules

_NO_TEXTS: PatternIndex[str] = PatternIndex()
_NO_PLACES: PatternIndex[tuple[int, str]] = PatternIndex()
STEP_HOURS = 24.0 * 7  # the step ends it; silence does before that


class PathLines(NamedTuple):
    """The ownership rules for steps' paths, found by place: many steps are looked at by the same ones.

    Attributes:
        shared: the patterns of files that everyone touches, by their texts.
        owned: those of the places of others, by their numbers in `rules` and their texts.
    """

    rules: PathRules = NO_PATH_RULES
    shared: PatternIndex[str] = _NO_TEXTS
    owned: PatternIndex[tuple[int, str]] = _NO_PLACES

    @classmethod
    def of(cls, rules: PathRules) -> Self:
        """Read the rules once.

        Raises:
            PatternError: a text is no pattern.
        """
        owned = [((num, text), Pattern.of(text)) for num, place in enumerate(rules.owned) for text in place.paths]
        shared = [(text, Pattern.of(text)) for text in rules.shared]
        return cls(rules, _NO_TEXTS.with_changes(shared), _NO_PLACES.with_changes(owned))

    def shared_around(self, place: Pattern) -> set[str]:
        """Return the shared lines that a place lies in, as far as that can be decided."""
        near, area = self.shared.candidates(place), Area(place)
        return {text for text in near if Area(Pattern.of(text)).surely_contains(area)}

    def owned_at(self, places: Iterable[Pattern]) -> set[int]:
        """Return the numbers of the owned places that these touch."""
        near = ((num, text, place) for place in places for num, text in self.owned.candidates(place))
        return {num for num, text, place in near if path_pattern.overlaps(Pattern.of(text), place)}

    def owners(self, places: Iterable[Pattern]) -> tuple[str, ...]:
        """Return the owners of what these touch, in the order of the rules."""
        touched = sorted(self.owned_at(places))
        return tuple(dict.fromkeys(owner for num in touched for owner in self.rules.owned[num].owners))

    def about(self, places: Sequence[Pattern]) -> PathRules:
        """Return as much of the rules as says the same of these places."""
        shared = {text for place in places for text in self.shared_around(place)}
        return self.rules.evolve(
            shared=tuple(text for text in self.rules.shared if text in shared),
            owned=tuple(self.rules.owned[num] for num in sorted(self.owned_at(places))),
        )


NO_LINES = PathLines()


def call_of(step: Step, fence: int, claim_id: str, repo: str | None, lines: PathLines = NO_LINES) -> ClaimFiles:
    """Return the call that claims a step's paths. Its planner decided how many files they are."""
    places = places_of(step)
    owners = lines.owners(places)
    return ClaimFiles(
        claim_id=claim_id,
        wishes=tuple(
            Wish(pattern=place.text, hours=STEP_HOURS, is_shared=bool(lines.shared_around(place))) for place in places
        ),
        severity=Severity.HARD if owners else None,
        owners=owners,
        description=step.title or f"step {step.id}",
        branch=step.branch,
        repo=repo,
        step=step.id,
        step_fence=fence,
    )


def places_of(step: Step) -> list[Pattern]:
    """Return the paths of a step as patterns.

    Raises:
        PatternError: one is none.
    """
    return [Pattern.of(path_pattern.canonical(path)) for path in step.paths]


def outside(step: Step, files: Sequence[str]) -> list[str]:
    """Return the files that no path of a step covers; none for a step without paths."""
    covers = places_of(step)
    return [file for file in files if covers and not any(path_pattern.matches(pattern, file) for pattern in covers)]


def following(
    before: Step, after: Step, claim_id: str, repo: str | None, rules: PathRules = NO_PATH_RULES
) -> list[ClaimCommand]:
    """Return what a change of a step brings about in the claims ledger."""
    if not before.paths and not after.paths:
        return []
    same = before.is_held and after.is_held and party.is_one(holder_of(before), holder_of(after))
    if same and before.fence == after.fence:
        return []
    lines = PathLines.of(rules)
    if same:
        return [FollowStep(step=after.id, fence=after.fence, call=call_of(after, after.fence, claim_id, repo, lines))]
    out: list[ClaimCommand] = []
    if before.is_held:
        commit = after.commit_hash if after.landed_tips else None
        out.append(EndStepClaims(step=before.id, agent=before.agent_id or "", clone=before.clone or "", commit=commit))
    if after.is_held and after.paths:
        out.append(call_of(after, after.fence, claim_id, repo, lines))
    return out


def is_void(claim: Claim, board: Board | None) -> bool:
    """Whether a claim of a step confers nothing. `board`: the step's project; `None`: it cannot be read."""
    if claim.step is None or board is None:
        return False
    num = claim.step.rpartition("/")[2]
    return is_void_by(claim, board.steps.get(int(num)) if num.isdecimal() else None)


def is_void_by(claim: Claim, step: Step | None) -> bool:
    """Whether a claim of this step confers nothing. `step`: `None` where its project has none of that number."""
    return step is None or not step.is_held or not party.is_one(holder_of(step), claim.holder)
