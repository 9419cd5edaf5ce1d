"""Areas: what an item covers, paths and symbols together, and how two of them meet.

An area without symbols is every file of its pattern as a whole; with symbols it is those declarations in them.

What this file does not know: claims, modes, holders.
"""

from typing import NamedTuple

from gitcoord.core.patterns import path_pattern, symbols
from gitcoord.core.patterns.path_pattern import Pattern, TooHardError


class Area(NamedTuple):
    """A pattern, and symbols in its files; no symbols means whole files."""

    pattern: Pattern
    symbols: tuple[str, ...] = ()

    def overlaps(self, other: "Area") -> bool:
        """Whether some file or declaration is in both."""
        if not path_pattern.overlaps(self.pattern, other.pattern):
            return False
        return not self.symbols or not other.symbols or bool(symbols.meeting(self.symbols, other.symbols))

    def contains(self, other: "Area") -> bool:
        """Whether all of the other is in this one.

        Raises:
            PatternError: it cannot be decided within the limit on states.
        """
        if self.symbols and not other.symbols:
            return False
        inside = not self.symbols or all(symbols.is_within(symbol, self.symbols) for symbol in other.symbols)
        return inside and path_pattern.contains(self.pattern, other.pattern)

    def surely_contains(self, other: "Area") -> bool:
        """Whether all of the other is in this one; what cannot be decided is not."""
        try:
            return self.contains(other)
        except TooHardError:
            return False
