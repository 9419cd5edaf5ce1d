"""Ownership: which parts of a repository have owners, who they are, and which files everyone touches.

    owners.yaml    people's rules: modules with owners, shared files, modules that should be split
    auto.yaml      what machines added: shared files only, each line with the day

Rules:
  * Both are read as one; where both name the same pattern, people's line counts.
  * A place has the owners of every module that it touches, and the severity of the strictest of them.
  * A file is shared when one shared line contains it as a whole; what cannot be decided is not shared.
  * A module that names no owners is everyone's.

What this file does not know: YAML, where the rules are kept, claims.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gitcoord.core.claims.claim import Severity
from gitcoord.core.documents.json_text import Json
from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.path_pattern import Pattern, PatternError


class Module(NamedTuple):
    """A part of the repository that has owners."""

    name: str
    paths: tuple[Pattern, ...]
    owners: tuple[str, ...] = ()
    severity: Severity = Severity.SOFT

    def is_owner(self, agent: str) -> bool:
        """Whether an agent acts for one of the owners: `ann` owns for `ann/claude-code/wt-3` and its sub-agents."""
        names = [owner.removeprefix("@") for owner in self.owners]
        return not names or any(agent == name or agent.startswith(f"{name}/") for name in names)

    def touches(self, place: Pattern) -> bool:
        return any(path_pattern.overlaps(path, place) for path in self.paths)


class Shared(NamedTuple):
    """A line of `shared_files`.

    Attributes:
        promoted_on: the day on which a machine added it (`auto-promoted=<date>`); "" for a line of people's.
        is_pinned: no machine removes it (`coord-managed=permanent`).
    """

    pattern: Pattern
    promoted_on: str = ""
    is_pinned: bool = False

    def covers(self, place: Pattern) -> bool:
        """Whether all of a place lies within it, as far as that can be decided."""
        try:
            return path_pattern.contains(self.pattern, place)
        except PatternError:
            return False


class Judged(NamedTuple):
    """What the rules say of places: the modules that they touch, and for each place whether it is shared."""

    modules: tuple[Module, ...] = ()
    shared: tuple[bool, ...] = ()

    @property
    def severity(self) -> Severity | None:
        """The strictest severity; `None` where no module is."""
        found = {module.severity for module in self.modules}
        return Severity.HARD if Severity.HARD in found else Severity.SOFT if found else None

    @property
    def owners(self) -> tuple[str, ...]:
        """All owners of a part, in the order of the rules."""
        return tuple(dict.fromkeys(owner for module in self.modules for owner in module.owners))

    def is_owner(self, agent: str) -> bool:
        """Whether an agent is an owner of every touched module of the strictest severity."""
        return all(module.is_owner(agent) for module in self.modules if module.severity is self.severity)


class Rules(NamedTuple):
    """The rules of a repository, of one file or of both."""

    modules: tuple[Module, ...] = ()
    shared_files: tuple[Shared, ...] = ()
    suggested_splits: tuple[Pattern, ...] = ()

    def merged(self, auto: "Rules") -> "Rules":
        """Return people's rules with what machines added."""
        known = {line.pattern for line in self.shared_files}
        added = tuple(line for line in auto.shared_files if line.pattern not in known)
        return self._replace(shared_files=(*self.shared_files, *added))

    def of(self, places: Sequence[Pattern]) -> Judged:
        """Judge places, such as those that a claim asks for."""
        touched = tuple(module for module in self.modules if any(module.touches(place) for place in places))
        return Judged(touched, tuple(self.is_shared(place) for place in places))

    def hard_of_others(self, agent: str) -> list[Module]:
        """Return the modules of severity hard of which an agent is no owner."""
        return [module for module in self.modules if module.severity is Severity.HARD and not module.is_owner(agent)]

    def is_shared(self, place: Pattern) -> bool:
        return self.shared_by(place) is not None

    def shared_by(self, place: Pattern) -> Shared | None:
        """Return the first shared line that a place lies within."""
        return next((line for line in self.shared_files if line.covers(place)), None)

    def as_json(self) -> dict[str, Json]:
        """Return the rules as data, with the names of the file."""
        modules: dict[str, Json] = {
            module.name: {
                "paths": [path.text for path in module.paths],
                "owners": [*module.owners],
                "severity": module.severity,
            }
            for module in self.modules
        }
        shared: list[Json] = [
            {
                "pattern": line.pattern.text,
                **({"auto_promoted": line.promoted_on} if line.promoted_on else {}),
                **({"permanent": True} if line.is_pinned else {}),
            }
            for line in self.shared_files
        ]
        splits: list[Json] = [pattern.text for pattern in self.suggested_splits]
        return {"modules": modules, "shared_files": shared, "suggested_splits": splits}


NO_RULES = Rules()
