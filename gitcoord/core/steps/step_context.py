"""What the rules of steps read beside the board and the command: whether the caller can claim a step's paths."""

from collections.abc import Callable
from dataclasses import dataclass

from gitcoord.core.documents.decision import Context
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.step import Step


@dataclass(frozen=True, slots=True)
class StepContext(Context):
    """The context of a command on a project.

    Attributes:
        paths: why the paths of a step cannot be claimed by the caller; `None`: they can.
    """

    paths: Callable[[Step], Outcome | None]

    @classmethod
    def of(cls, context: Context, paths: Callable[[Step], Outcome | None]) -> "StepContext":
        """Return what every decision reads, with what those on steps do."""
        return cls(**context.parts(), paths=paths)
