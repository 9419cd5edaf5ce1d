"""What the rules of claims read beside the register and the command: whether a claim's step went on without it."""

from collections.abc import Callable
from dataclasses import dataclass

from gitcoord.core.claims.claim import Claim
from gitcoord.core.documents.decision import Context


@dataclass(frozen=True, slots=True)
class ClaimContext(Context):
    """The context of a command on claims.

    Attributes:
        is_void: whether a claim confers nothing, because the step that it was taken with has gone on without it.
    """

    is_void: Callable[[Claim], bool]

    @classmethod
    def of(cls, context: Context, is_void: Callable[[Claim], bool]) -> "ClaimContext":
        """Return what every decision reads, with what those on claims do."""
        return cls(**context.parts(), is_void=is_void)
