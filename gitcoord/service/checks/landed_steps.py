"""Landed steps: which held steps a merge completes.

Rules:
  * Only commits made since the step was claimed count, to the second that commits are dated by: a branch of the same
    name that was merged before is not this attempt's work.
  * Commits that name the step and its fence in their trailers are its own, wherever they are: a fast-forwarded branch
    looks like a fresh one, and a deleted one has no tip.
  * Where nothing tells a fast-forwarded branch from a fresh one, its step is named and never completed (SAFE-11); in
    the holder's clone the reflog tells.
  * In the clone of the holder what is not committed on the branch counts as work that has not landed; elsewhere what
    the holder's last beat said of the step's paths (`Item.unpushed`).

What this file does not know: whether the merge completes the step (`core/steps/rules/land_steps`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gitcoord.core.claims import step_claims
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import LandStep
from gitcoord.errors import RepositoryError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.checks.merged_branches import MergedBranches, is_branch
from gitcoord.service.claims.dry_run import caller_of
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import within_limits
from gitcoord.source.history.changes import CommitFiles
from gitcoord.source.history.unlanded import uncommitted_on


@dataclass(frozen=True, slots=True)
class LandedStep:
    """A held step whose branch landed, and the command that completes it."""

    board: Board
    step: Step
    command: LandStep


def held_steps(
    workspace: Workspace, listed: Mapping[RefName, Oid], branch: str | None = None
) -> list[tuple[Board, Step]]:
    """Return the held steps of this repository that have a branch, or this one."""
    with workspace.lock:
        boards = [state.content for state in workspace.reader.projects(listed) if state.content]
    here = [board for board in boards if board.project.repo in (None, workspace.repo)]
    steps = [(board, step) for board in here for step in board.held_steps() if is_branch(step.branch)]
    return [(board, step) for board, step in steps if branch is None or step.branch == branch]


def find(merged: MergedBranches, held: list[tuple[Board, Step]], register: Register) -> Iterator[LandedStep]:
    """Yield those of the held steps whose branch landed with work of theirs."""
    for board, step in held:
        signed = merged.signed(board.project.base_commit)
        command = _command(merged, step, register, signed.get((step.id, step.fence), []))
        if command is not None:
            yield LandedStep(board, step, command)


def _command(merged: MergedBranches, step: Step, register: Register, signed: list[Oid]) -> LandStep | None:
    claims = [claim for claim in register.claims.values() if claim.step == step.id]
    branch, commits = step.branch or "", [*signed, *(claim.commit for claim in claims if claim.commit)]
    there, since = merged.landed(branch, commits), _since(step)
    own = [commit for commit in there.own if commit.seconds >= since] if there else []
    if there is None or not own:
        return None
    workspace = merged.workspace
    if step.clone in workspace.setting.clone.ids:
        try:
            dirty = list(uncommitted_on(workspace.repository, branch))
        except RepositoryError:
            unlanded = "what git cannot read in its worktree"
        else:
            outside = set(step_claims.outside(step, dirty))
            unlanded = next((path for path in dirty if path not in outside), "")
    else:
        unlanded = next((item.pattern for claim in claims for item in claim.items if item.unpushed), "")
    return LandStep(
        step_num=step.step_num,
        commit_hash=there.commit,
        branch=branch,
        seen_fence=step.fence,
        tips=tuple(sorted(there.tips)),
        files_modified=tuple(within_limits(sorted({path for commit in own for path in commit.paths}))),
        unlanded=unlanded,
    )


def _since(step: Step) -> int:
    """Return when a step was claimed, as commits are dated."""
    return int(step.claimed_at.timestamp()) if step.claimed_at else 0


def unproven(merged: MergedBranches, held: Iterable[tuple[Board, Step]]) -> Iterator[dict[str, Json]]:
    """Yield the notes on each held step of another clone whose branch may have been fast-forwarded."""
    clones = merged.workspace.setting.clone.ids
    for board, step in held:
        found = [] if step.clone in clones else merged.on_own_line(step.branch or "", _since(step))
        commits = _not_of_others(merged, board, step, found) if found else []
        if commits:
            commit = commits[0].id
            why = (
                f"Branch {shown(step.branch or '')} may have been fast-forwarded: all of it is on "
                f"{shown(merged.default.name)}, with commits since the step was claimed that name no step. "
                "A branch that has only begun looks the same."
            )
            complete = Call.of("complete_step", step_id=step.id, commit_hash=commit[:12])
            elsewhere = "; or runs `gitcoord sync` in the clone where it was committed."
            todo = sentence("If it landed, its holder hands it in: ", complete, elsewhere)
            yield {
                "id": step.id,
                "agent": step.agent_id,
                "branch": step.branch,
                "commit": commit,
                "why": why,
                "next_step": todo,
            }


def _not_of_others(
    merged: MergedBranches, board: Board, step: Step, commits: Iterable[CommitFiles]
) -> list[CommitFiles]:
    """Return the commits that name no step and change what this one is about."""
    named = {commit for ids in merged.signed(board.project.base_commit).values() for commit in ids}
    return [
        commit
        for commit in commits
        if commit.id not in named and len(step_claims.outside(step, commit.paths)) < len(commit.paths)
    ]


def decide(workspace: Workspace, found: LandedStep, listed: Mapping[RefName, Oid]) -> Outcome:
    """Return what completing a step would come to now."""
    caller = caller_of(workspace, workspace.actor(), listed)
    basis = caller.basis(workspace.setting.refs.steps(found.board.project.name))
    return caller.decide(basis, found.board, found.command).outcome


def complete(workspace: Workspace, found: LandedStep, *, is_shown: bool) -> Outcome | None:
    """Complete a step that landed; `is_shown`: the caller sees it, and if it is the holder gets no notice."""
    outcome = workspace.submit(found.command, workspace.actor(), found.board.project.name).outcome
    is_own = workspace.fences.all().get(found.step.id) == found.step.fence
    if is_shown and is_own and outcome is not None and outcome.is_done:
        workspace.fences.end(found.step.id)
    return outcome


def row(found: LandedStep, outcome: Outcome) -> dict[str, Json]:
    """Return the row of a step that landed: what became available, or why it is not completed."""
    step = found.step
    facts = {"id": step.id, "agent": step.agent_id, "branch": step.branch, "commit": found.command.commit_hash}
    if not outcome.is_done:
        return {**facts, "why": outcome.message, "next_step": outcome.hint}
    freed = outcome.facts.get("unblocked")
    unblocked: list[Json] = [f"{found.board.project.name}/{num}" for num in freed] if isinstance(freed, list) else []
    return {**facts, "unblocked": unblocked}
