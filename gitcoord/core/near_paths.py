"""Near paths: whether a pattern, as text, might match one of a push's files, told without parsing it.

Rules:
  * It may say yes where the answer is no, never the other way round: what is not plainly spelled is near.
  * A pattern is plain if every segment up to the first wildcard is, and it is anchored or has an inner slash.

What this file does not know: claims.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Nothing that `patterns.canonical` would change: no backslash, no repeated slash, no `.` or `..`.
_PLAIN = re.compile(r"/?(?:(?!\.\.?(?:/|\Z))[^/\\\x00-\x1f\x7f]+/)*(?!\.\.?\Z)[^/\\\x00-\x1f\x7f]*")
_WILD = re.compile(r"[*?\[!\\]")


@dataclass(frozen=True, slots=True)
class NearPaths:
    """Files, and all folders that they are in."""

    known: frozenset[str]

    @classmethod
    def of(cls, paths: Iterable[str]) -> "NearPaths":
        """Take the files of a push."""
        known = {""}
        for path in paths:
            while path not in known:
                known.add(path)
                path = path.rpartition("/")[0]  # noqa: PLW2901 - up to a folder that is known
        return cls(frozenset(known))

    def may_match(self, pattern: str) -> bool:
        """Whether a pattern might match one of the files, or a folder of them."""
        if not _PLAIN.fullmatch(pattern):
            return True
        body = pattern.strip("/")
        if not pattern.startswith("/") and "/" not in body:
            return True  # it floats
        wild = _WILD.search(body)
        if wild is None:
            return body in self.known
        return body[: wild.start()].rpartition("/")[0] in self.known
