"""The source of a plan: its text with the name that errors give it, and what is made of it, in whatever form it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps.project import STALE_MINUTES
from gitcoord.errors import InvalidError

Step = dict[str, Json]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A project as its file has it."""

    name: str
    base_commit: str
    steps: list[Step]
    description: str = ""
    stale_minutes: int = STALE_MINUTES


@dataclass(frozen=True, slots=True)
class Source:
    """A text with the name that errors give it."""

    name: str
    text: str

    def fault(self, line: int | None, problem: str, hint: str = "") -> InvalidError:
        """Return the error for a line."""
        where = f"{self.name}:{line}" if line else self.name
        return InvalidError(f"{where}: {problem}.", hint=hint)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text as data, before it is checked. `line`: where a part of it is; `twice`: keys that are given again."""

    value: object
    line: Callable[[Path], int | None]
    twice: Sequence[tuple[Path, int | None]] = ()

    def without_name(self) -> "Draft":
        """Return it without the project's name, where another one counts."""
        if not isinstance(self.value, dict):
            return self
        return replace(self, value={**cast("dict[object, object]", self.value), "name": None})
