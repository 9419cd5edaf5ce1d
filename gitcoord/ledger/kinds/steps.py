"""The ledgers of steps: one a project.

Rules:
  * A project is read whole or not at all: without one of its steps its graph is another one. A file among the steps
    that is none of them is left out by name (SAFE-6).

What this file does not know: what is asked of the claims (`step_paths`), and which project gives a step to a caller who
names none (`any_project`).
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from gitcoord.core.documents.decision import Context, Decision, Ruling
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.board import Board, StepContext, make_board
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import COMMANDS, NO_PATH_RULES, ClaimStep, Command
from gitcoord.errors import DocumentError
from gitcoord.ledger.format import steps_layout, trees
from gitcoord.ledger.format.entry import Reply
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.kinds.any_project import AnyProject
from gitcoord.ledger.kinds.ledger import Ledger, Others, Tree
from gitcoord.ledger.kinds.step_paths import StepPaths, paths_of, rules_read
from gitcoord.remote.contract.protocol import Oid, RefName


class Steps(Ledger[Board | None, Command]):
    """Projects. The content is `None` while the project does not exist."""

    place = "steps/"
    commands = COMMANDS
    coupling = StepPaths()
    anywhere = AnyProject()

    @property
    def empty(self) -> Board | None:
        """Return no board."""
        return None

    def ref_of(self, refs: Refs, project: str | None) -> RefName | None:
        """Return the ledger of a project."""
        return refs.steps(project) if project is not None else None

    def load(self, tree: Tree[Board | None]) -> Board:
        """Return the board, from what changed since the one that is known."""
        board = tree.known.content
        project: Project | None = None
        steps: list[Step] = []
        gone = False
        for path, oid in tree.changes():
            if path == steps_layout.PROJECT:
                if oid is None:
                    return _checked_board(tree.ref, None, {})
                project = _named(tree.documents.doc(oid, Project), oid)
            elif steps_layout.is_stray(path):
                tree.tally.left_out.pop(path, None)
                if oid:
                    error = DocumentError(f"Object {oid} is at {path}, where no step lies.", where=oid)
                    tree.tally.left_out[path] = error
                continue
            elif steps_layout.is_step(path):
                gone = gone or oid is None
                if oid:
                    steps.append(_step(tree, path, oid))
            else:
                continue
            tree.count(path, oid)
        if board is None or gone:
            everything = _all_steps(tree) if gone else {step.step_num: step for step in steps}
            return _checked_board(tree.ref, project or (board.project if board else None), everything)
        merged = {**board.steps, **{step.step_num: step for step in steps}}
        _check_graph(tree.ref, steps, merged)
        return board.with_changes(project, steps)

    def path_of(self, doc: Doc) -> str:
        """Return the path of a project's document."""
        return steps_layout.path_of(doc)

    def check(self, doc: Doc, path: str) -> None:  # noqa: ARG002 - of a project no path is wrong
        """Look at the names of a document."""
        if isinstance(doc, Project | Step):
            steps_layout.check(doc)

    def decide(
        self, content: Board | None, command: Command, context: Context, others: Others
    ) -> Decision[Board | None]:
        """Decide a command on a project."""
        from gitcoord.core.steps import step_table

        rules = command.rules if isinstance(command, ClaimStep) else NO_PATH_RULES
        return step_table.decide(content, command, StepContext.of(context, paths_of(content, others, rules)))

    def recorded(self, content: Board | None, command: Command, ruling: Ruling) -> Command:
        """Return a claim with the ownership rules of those steps only that it looked at: a team may have thousands."""
        if content is None or not isinstance(command, ClaimStep) or command.rules == NO_PATH_RULES:
            return command
        return command.evolve(rules=rules_read(content, ruling, command.rules))

    def reply(self, content: Board | None, outcome: Outcome) -> Reply:
        """Return an outcome with its step, or its project."""
        from gitcoord.core.steps.step_views import documents

        name = content.project.name if content else None
        return Reply(outcome=outcome, project=name, docs=documents(content, outcome))

    def title(self, content: Board | None, ref: RefName) -> str:
        """Return the project's name as it was given; its ref has it in lower case."""
        return content.project.name if content else super().title(content, ref)


STEPS = Steps()
_D = TypeVar("_D", Project, Step)


def _all_steps(tree: Tree[Board | None]) -> dict[int, Step]:
    found = trees.changes(trees.EMPTY, tree.folder)
    paths = [(path, oid) for path, oid in found if oid and steps_layout.is_step(path)]
    paths = [(path, oid) for path, oid in paths if not steps_layout.is_stray(path)]
    return {step.step_num: step for step in (_step(tree, path, oid) for path, oid in paths)}


def _step(tree: Tree[Board | None], path: str, oid: Oid) -> Step:
    step = _named(tree.documents.doc(oid, Step), oid)
    if steps_layout.step_path(step.step_num) != path:
        message = f"Object {oid} is step {step.step_num}, but lies at {path}."
        raise DocumentError(message, where=oid)
    return step


def _named(doc: _D, oid: Oid) -> _D:
    try:
        steps_layout.check(doc)
    except ValueError as error:
        message = f"Object {oid} {error}."
        raise DocumentError(message, where=oid) from None
    return doc


def _checked_board(ref: RefName, project: Project | None, steps: dict[int, Step]) -> Board:
    if project is None:
        message = f"{ref} is not a project: it has no project.json."
        raise DocumentError(message, where=ref)
    if not ref.endswith(f"/steps/{project.name.lower()}"):
        message = f"{ref} holds a project of another name."
        raise DocumentError(message, where=ref)
    _check_graph(ref, steps.values(), steps)
    return make_board(project, steps)


def _check_graph(ref: RefName, changed: Iterable[Step], steps: Mapping[int, Step]) -> None:
    for step in changed:
        for dependency in step.depends_on:
            if dependency not in steps:
                message = f"{ref}: step {step.step_num} depends on step {dependency}, which is not there."
                raise DocumentError(message, where=ref)
