"""Collisions of pull requests: with claims of others as they are now, and with each other.

    what its own commits touch  ──claims as they are now──>  foreign-claim, later-claim
    two heads for one base      ──trial merge──>             paths that do not merge
    claims of its branch        ──the ledger's record──>     refused, and what was in the way is still held

Rules:
  * What a pull request touches is judged as `verify` judges it: the push of it is refused for the same.
  * The branch of a fork is no branch of this repository, whatever its name is: it makes no claim the fork's own.
  * One that cannot be judged is named with the reason; the others are judged.

What this file does not know: where pull requests are listed, and how a collision is shown.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from gitcoord.core.checks.findings import Finding, Rule
from gitcoord.core.claims.conflicts import ALLOWANCE
from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json, parse_time
from gitcoord.errors import CoordError
from gitcoord.ledger.archive import history
from gitcoord.service.checks import verification
from gitcoord.service.checks.commit_range import Wanted
from gitcoord.service.checks.predict_conflicts import predict_among
from gitcoord.service.checks.read_only_view import Inspection
from gitcoord.source.history import deepen

REFUSED_DAYS = 14  # what was refused earlier is no news, even where it is still held
PAIRS_MAX = 1_000  # of a hundred pull requests for one base there are five thousand
_COUNT = (Rule.FOREIGN_CLAIM, Rule.LATER_CLAIM)


class Proposal(NamedTuple):
    """A pull request, or merge request, that is open.

    Attributes:
        number: of the service.
        head: the commit that is proposed.
        branch: where it is in this repository; `None`: in a fork.
        base: the branch that it goes to.
    """

    number: int
    head: str
    branch: str | None
    base: str


class RefusedClaim(NamedTuple):
    """A claim that was refused while a branch was worked on, and by whose claim that is still there.

    `by`: who was refused; `patterns`: what was in the way; `until`: when the claim in the way ends.
    """

    by: str
    patterns: tuple[str, ...]
    at: datetime
    holder: str
    until: datetime


@dataclass(slots=True)
class Collisions:
    """What one pull request collides with. `unmerged`: the numbers of others and the paths; `problem`: not judged."""

    proposal: Proposal
    claims: list[Finding] = field(default_factory=list[Finding])
    unmerged: dict[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    refused: list[RefusedClaim] = field(default_factory=list[RefusedClaim])
    problem: str = ""

    @property
    def is_clear(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.claims or self.unmerged or self.refused)


def collisions_of(inspection: Inspection, proposals: Sequence[Proposal]) -> tuple[list[Collisions], list[str]]:
    """Return what each of them collides with, and what is unknown."""
    _bring(inspection, proposals)
    found = {proposal.number: Collisions(proposal) for proposal in proposals}
    refused, tips, changed = [*_refused(inspection)], dict[str, str | None](), dict[int, frozenset[str]]()
    for collisions in found.values():
        proposal = collisions.proposal
        try:
            if proposal.base not in tips:  # the remote is asked once for each
                tips[proposal.base] = deepen.tip_of(inspection.repository, proposal.base)
            base = tips[proposal.base]
            branch = proposal.branch
            wanted = Wanted(base, proposal.base, head=proposal.head, branch=branch, is_fork=branch is None)
            findings, changed[proposal.number] = verification.judge_claims(inspection, wanted)
        except CoordError as error:
            collisions.problem = str(error)
            continue
        collisions.claims = [finding for finding in findings if finding.rule in _COUNT]
        if proposal.branch is not None:
            collisions.refused = [refusal for branch, refusal in refused if branch == proposal.branch]
    return [*found.values()], _merge_in_trial(inspection, found, changed)


def _bring(inspection: Inspection, proposals: Sequence[Proposal]) -> None:
    """Fetch the heads that are not here: in one question, and one by one where the remote lacks one of them."""
    repository = inspection.repository
    lacking = [proposal.head for proposal in proposals if not repository.has_commit(proposal.head)]
    if lacking and not deepen.bring(repository, lacking) and len(lacking) > 1:
        for head in lacking:
            deepen.bring(repository, [head])


def _merge_in_trial(
    inspection: Inspection, found: Mapping[int, Collisions], changed: Mapping[int, frozenset[str]]
) -> list[str]:
    """Note which pairs do not merge, those first that change a file both; return what is unknown."""
    judged = [collisions.proposal for collisions in found.values() if not collisions.problem]
    of_one_base = [
        (ours.number, theirs.number)
        for ours, theirs in itertools.combinations(judged, 2)
        if ours.base == theirs.base and ours.head != theirs.head
    ]
    of_one_base.sort(key=lambda pair: changed[pair[0]].isdisjoint(changed[pair[1]]))
    pairs = [(f"#{number}", f"#{other}") for number, other in of_one_base]
    many = (
        f"{len(pairs) - PAIRS_MAX} pairs of pull requests were not merged in trial: those that share files come first."
    )
    left = [many] if len(pairs) > PAIRS_MAX else []
    heads = {f"#{proposal.number}": proposal.head for proposal in judged}
    try:
        rows, notes = predict_among(inspection.repository, heads, pairs[:PAIRS_MAX], monotonic=inspection.monotonic)
    except CoordError as error:
        return [f"No trial merge could be made: {error}"]
    for (ours, theirs), paths in rows:
        number, other = int(ours[1:]), int(theirs[1:])
        found[number].unmerged[other] = paths
        found[other].unmerged[number] = paths
    return [*left, *notes]


def _refused(inspection: Inspection) -> Iterator[tuple[str, RefusedClaim]]:
    """Yield the branches of claims that were refused lately, where what was in the way is held now; newest first."""
    tip = inspection.listed.get(inspection.refs.claims)
    if tip is None:
        return
    register, since = inspection.register(), inspection.now - timedelta(days=REFUSED_DAYS)
    seen: set[tuple[str, str, str]] = set()
    for event in history.events(inspection.transport.objects, tip):
        line = event.record.line
        if event.record.now < since:
            return
        arguments, by = line.get("args"), line.get("by")
        branch = arguments.get("branch") if isinstance(arguments, dict) else None
        is_refusal = line.get("event") == Event.CLAIM_REFUSED and line.get("repo") == inspection.repo
        if not (is_refusal and isinstance(branch, str) and isinstance(by, str)):
            continue
        at = _time(line.get("at")) or event.record.now
        for claim_id, patterns in _in_the_way(line.get("held")).items():
            claim = register.claims.get(claim_id)
            if claim is None or claim.branch == branch or (by, branch, claim_id) in seen:
                continue
            seen.add((by, branch, claim_id))
            ends = [item.expires_at for item in claim.items if inspection.now < item.expires_at + ALLOWANCE]
            if ends:
                yield branch, RefusedClaim(by, tuple(patterns), at, claim.agent, max(ends))


def _in_the_way(held: Json) -> dict[str, list[str]]:
    """Return the claims that a refusal names, each with what it held of what was asked for."""
    found: dict[str, list[str]] = {}
    for row in held if isinstance(held, list) else ():
        match row:
            case [str(claim), str(item), *_]:
                found.setdefault(claim, []).append(item)
            case _:  # written by hand
                continue
    return found


def _time(text: Json) -> datetime | None:
    try:
        return parse_time(str(text))
    except ValueError:
        return None
