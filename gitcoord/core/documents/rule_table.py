"""Rule tables: which rule decides which kind of command. Each kind of ledger has one, of this shape.

    rules = RuleTable[Board, [StepContext], Ruling]()
    rules.on(AddSteps, plan.add)            plan.add(board: Board, command: AddSteps, context: StepContext) -> Ruling
    rules.decide(board, command, context)

What this file does not know: the commands, and what their rules read.
"""

from collections.abc import Callable
from typing import Concatenate, Generic, ParamSpec, TypeVar

from gitcoord.core.documents.doc import Doc

_S = TypeVar("_S")
_C = TypeVar("_C", bound=Doc)
_P = ParamSpec("_P")
_R = TypeVar("_R")


class RuleTable(Generic[_S, _P, _R]):
    """A table of rules: each takes the state, the command, and whatever else (`_P`) a rule of this ledger reads."""

    def __init__(self) -> None:
        """Begin without rules."""
        self._rules: dict[type[Doc], Callable[Concatenate[_S, Doc, _P], _R]] = {}

    def on(self, kind: type[_C], rule: Callable[Concatenate[_S, _C, _P], _R]) -> None:
        """Have commands of a kind decided by a rule."""

        def decide(state: _S, command: Doc, *args: _P.args, **kwargs: _P.kwargs) -> _R:
            if not isinstance(command, kind):  # it was found by its kind
                raise TypeError(type(command).__name__)
            return rule(state, command, *args, **kwargs)

        self._rules[kind] = decide

    def knows(self, command: Doc) -> bool:
        """Whether a command of this kind is decided here."""
        return type(command) in self._rules

    def decide(self, state: _S, command: Doc, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Apply the rule of a command."""
        return self._rules[type(command)](state, command, *args, **kwargs)
