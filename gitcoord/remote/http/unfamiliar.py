"""What this transport does not know of a server, a setting or an answer: the git program does it instead.

This module must not know what else there is.
"""

from gitcoord.errors import CoordError


class UnfamiliarError(CoordError):
    """Something that only git knows; nothing was written. `lasts`: it is of the server, and will be so next time."""

    def __init__(self, reason: str, *, lasts: bool = True) -> None:
        """Say what it is, as the end of a sentence."""
        super().__init__(reason)
        self.lasts = lasts
