"""Active branches: those whose work may still meet other work, and who is behind each.

    claim, step that is held     its branch, from its first push on
    step that is completed       its branch, until that has landed: this is when it waits for review
    branch of the remote         if its last commit is younger than PUSHED_DAYS, whichever user pushed it
    worktree of this clone       with what is not committed there

Rules:
  * A branch whose tip is on the default branch is not active: what it did is there.
  * What is active and cannot be compared is left out by name, with the reason.

What this file does not know: how branches are merged in trial.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gitcoord.core.claims.register import Register
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import branch_name
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import StepStatus
from gitcoord.errors import InvalidError
from gitcoord.source.merges.trial_repository import LANDED, Side, Trial

PUSHED_DAYS = 14  # a branch to which no one has pushed for two weeks is not what is merged next
NOT_PUSHED = "no commit of it is here or on the remote yet"


@dataclass(slots=True)
class Behind:
    """Who is behind a branch. `commit`: of a step that was completed, what it was completed with."""

    agents: dict[str, None] = field(default_factory=dict[str, None])
    claims: list[str] = field(default_factory=list[str])
    steps: list[str] = field(default_factory=list[str])
    is_worked_on: bool = False
    commit: str | None = None

    def row(self, branch: str) -> dict[str, Json]:
        """Return what is said of it."""
        listed = {"agents": [*self.agents], "claims": self.claims, "steps": self.steps}
        return {"branch": branch, **{name: [*values] for name, values in listed.items() if values}}


@dataclass(slots=True)
class Gathered:
    """What is compared, and what is not, with the reason."""

    sides: list[Side] = field(default_factory=list[Side])
    left_out: dict[str, str] = field(default_factory=dict[str, str])


def active(register: Register | None, boards: Iterable[Board], repo: str | None) -> dict[str, Behind]:
    """Return the branches of claims and of steps that are held or completed, of ledgers that were read."""
    found: dict[str, Behind] = {}
    for claim in register.claims.values() if register else ():
        if claim.repo == repo and _is_branch(claim.branch):
            behind = found.setdefault(claim.branch or "", Behind(is_worked_on=True))
            behind.agents[claim.agent] = None
            behind.claims.append(claim.id)
    for board in boards:
        for step in board.steps.values() if board.project.repo in (None, repo) else ():
            waits_for_review = step.status is StepStatus.COMPLETED and not step.landed_tips
            if _is_branch(step.branch) and (step.is_held or waits_for_review):
                branch_work = found.setdefault(step.branch or "", Behind())
                branch_work.agents[step.agent_id or ""] = None
                branch_work.steps.append(step.id)
                branch_work.is_worked_on |= step.is_held
                branch_work.commit = branch_work.commit if step.is_held else step.commit_hash
    return found


def gather(
    place: Trial, behind: Mapping[str, Behind], wanted: set[str], url: str | None, *, since_s: int, namespace: str
) -> Gathered:
    """Bring together what is compared.

    Args:
        place: where trial merges are made.
        behind: the branches of claims and steps.
        wanted: branches that are compared in any case.
        url: where others push to.
        since_s: when the last commit of a branch that only was pushed was made at the earliest.
        namespace: where the ledgers are, which may be below `refs/heads`.
    """
    found = Gathered()
    sides = {side.name: side for side in place.sides({*behind, *wanted}, url)}
    for branch in place.missing:
        branch_state = behind.get(branch, Behind())
        side = place.side_at(branch, branch_state.commit) if branch_state.commit else None
        if side is not None:
            sides[branch] = side
        elif branch_state.is_worked_on:
            found.left_out[branch] = NOT_PUSHED
    commits = {side.commit for side in sides.values()}
    for side in place.pushed(url, since_s):
        if side.commit not in commits and not f"refs/heads/{side.name}".startswith(f"{namespace}/"):
            sides.setdefault(side.name, side)  # of several at one commit one is enough
            commits.add(side.commit)
    for side in sides.values():
        is_worked_on = bool(side.worktree) or behind.get(side.name, Behind()).is_worked_on
        why = "" if is_worked_on or side.name in wanted else place.apart(side)
        if why == "":
            found.sides.append(side)
        elif why != LANDED:
            found.left_out[side.name] = why
    found.left_out |= place.unseen
    return found


def _is_branch(name: str | None) -> bool:
    try:
        return bool(name) and bool(branch_name(name or ""))
    except InvalidError:
        return False
