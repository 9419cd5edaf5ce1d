"""Any project: where a caller gets a step who names no project.

Rules:
  * It is the project in which the caller holds a step, or else a partner of it does; else the oldest active one that
    has a step for the caller; else one whose holder fell silent, which each project is asked for in turn.

What this file does not know: which projects can be read and written.
"""

from collections.abc import Iterable, Sequence

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.step_commands import ClaimStep, Command
from gitcoord.ledger.kinds.ledger import LedgerState, Others
from gitcoord.ledger.kinds.step_paths import paths_of


class AnyProject:
    """Finds a project for a caller that asks for any step."""

    def finds_for(self, command: Command) -> bool:
        """Whether any step is asked for."""
        return isinstance(command, ClaimStep)

    def in_order(self, states: Iterable[LedgerState[Board | None]]) -> list[LedgerState[Board | None]]:
        """Return the projects that exist, the oldest first."""
        dated = [(state.content.project.created_at, state.ref, state) for state in states if state.content]
        return [state for _, _, state in sorted(dated, key=lambda row: row[:2])]

    def is_open(self, content: Board | None, repo: str | None) -> bool:
        """Whether a project gives steps to callers of this repository."""
        if content is None or content.project.status is not ProjectStatus.ACTIVE:
            return False
        return repo is None or content.project.repo in (None, repo)

    def pick(self, contents: Sequence[Board | None], command: Command, actor: Actor, others: Others) -> int | None:
        """Return the project where the caller or a partner holds a step, or else the first that has one for it."""
        boards = [(index, board) for index, board in enumerate(contents) if board is not None]
        mine = [index for index, board in boards if board.held_by_actor(actor)]
        if not mine:
            mine = [index for index, board in boards if board.held_by_partners(actor)]
        if mine:
            return mine[0]
        return next((index for index, board in boards if _has_available(board, command, others)), None)

    def nowhere(self, refusals: Sequence[Outcome]) -> Outcome:
        """Say why no project gave a step."""
        if not refusals:
            hint = sentence("Create one: ", Call.of("create_project", ...), "; see ", Call.of("list_projects"), ".")
            return outcomes.refused("no_active_project", "There is no active project.", hint)
        if len(refusals) == 1:
            return refusals[0]
        message = " ".join(refusal.message for refusal in refusals[:3])
        waits: list[Json] = [refusal.facts["ask_again_s"] for refusal in refusals if "ask_again_s" in refusal.facts]
        facts: dict[str, Json] = {"projects": len(refusals), **({"ask_again_s": waits[0]} if waits else {})}
        hint = next((refusal.hint for refusal in refusals if refusal.hint), "")
        return outcomes.refused("nothing_available", message, hint, **facts)


def _has_available(board: Board, command: Command, others: Others) -> bool:
    """Whether a project has a step for the caller, its paths free."""
    from gitcoord.core.steps.rules.take import LOOKED_AT_MAX

    scope, paths, looked_at = command.scope if isinstance(command, ClaimStep) else None, paths_of(board, others), 0
    for step in (board.steps[rank[2]] for rank in board.available):
        if scope not in (None, step.scope):
            continue
        if not step.paths or (looked_at < LOOKED_AT_MAX and paths(step) is None):
            return True
        looked_at += 1
    return False
