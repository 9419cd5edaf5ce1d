"""A memo: what was made for one answer and is used again for the next, as long as one after the other asks for it.

Rules:
  * A key names all that its value was made of: an object's id in git, or a document that the value itself holds.
  * What an answer did not ask for is forgotten with the next one, so a memo is never larger than two answers.
  * Nothing that depends on what time it is, or on who is alive, is kept in one.
"""

from typing import Generic, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class Memo(Generic[_K, _V]):
    """Values by key. Two threads at once may make a value twice."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._before: dict[_K, _V] = {}
        self._used: dict[_K, _V] = {}

    def begin(self) -> None:
        """Begin the next answer: what the last one did not use is forgotten."""
        self._before, self._used = self._used, {}

    def get(self, key: _K) -> _V | None:
        """Return a value that is known."""
        value = self._used.get(key)
        if value is None:
            value = self._before.get(key)
            if value is not None:
                self._used[key] = value
        return value

    def keep(self, key: _K, value: _V) -> _V:
        """Know a value from now on, and return it."""
        self._used[key] = value
        return value
