"""Any project: where a caller gets a step who names no project.

Rules:
  * It is the project in which the caller holds a step, an active one first, or else an active one in which a partner of
    it does; else the oldest active one that has a step for the caller; else one whose holder fell silent, which each
    project is asked for in turn.

What this file does not know: which projects can be read and written.
"""

from collections.abc import Iterable, Sequence

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.rules.take import looked_at
from gitcoord.core.steps.step_commands import NO_PATH_RULES, ClaimStep, Command
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
        """Whether a project gives steps to callers of this repository, or back to those who hold one."""
        # The holders in an aborted project may still complete their steps (STEP-10).
        if content is None or (content.project.status is not ProjectStatus.ACTIVE and not content.held):
            return False
        return repo is None or content.project.repo in (None, repo)

    def pick(self, contents: Sequence[Board | None], command: Command, actor: Actor, others: Others) -> int | None:
        """Return the project where the caller or a partner holds a step, or else the first that has one for it."""
        boards = [(index, board) for index, board in enumerate(contents) if board is not None]
        active = [(index, board) for index, board in boards if board.project.status is ProjectStatus.ACTIVE]
        own = [(index, board) for index, board in boards if board.held_by_actor(actor)]  # in an aborted one, too
        if own:
            return next((index for index, board in own if board.project.status is ProjectStatus.ACTIVE), own[0][0])
        found = next((index for index, board in active if board.held_by_partners(actor)), None)
        if found is not None:
            return found
        return next((index for index, board in active if _has_available(board, command, others)), None)

    def nowhere(self, refusals: Sequence[Outcome], repo: str | None) -> Outcome:
        """Say why no project gave a step."""
        refusals = [refusal for refusal in refusals if refusal.code != "project_ended"]
        if not refusals:
            hint = sentence("Create one: ", Call.of("create_project", ...), "; see ", Call.of("list_projects"), ".")
            of_repo = f" of repository {shown(repo)}" if repo is not None else ""
            return outcomes.refused("no_active_project", f"There is no active project{of_repo}.", hint)
        if len(refusals) == 1:
            return refusals[0]
        message = " ".join(refusal.message for refusal in refusals[:3])
        waits: list[Json] = [refusal.facts["ask_again_s"] for refusal in refusals if "ask_again_s" in refusal.facts]
        facts: dict[str, Json] = {"projects": len(refusals), **({"ask_again_s": waits[0]} if waits else {})}
        hint = next((refusal.hint for refusal in refusals if refusal.hint), "")
        return outcomes.refused("nothing_available", message, hint, **facts)


def _has_available(board: Board, command: Command, others: Others) -> bool:
    """Whether a project has a step for the caller, its paths free."""
    scope, rules = (command.scope, command.rules) if isinstance(command, ClaimStep) else (None, NO_PATH_RULES)
    return any(blocked is None for _, blocked in looked_at(board, scope, paths_of(board, others, rules)))
