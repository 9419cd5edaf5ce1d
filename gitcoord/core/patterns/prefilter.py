"""Near paths: whether a pattern, as text, might match one of a push's files, found without parsing it.

Rules:
  * It may say yes where the answer is no, never the other way round: what is not plainly spelled is near.
  * What a pattern spells out between its wildcards stands in each match; of a few files that is looked for as well, for
    thousands of patterns that float would else have to be parsed.
  * A pattern is plain if every segment up to the first wildcard is, and it is anchored or has an inner slash.

What this file does not know: claims.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

# Nothing that `path_pattern.canonical` would change: no backslash, no repeated slash, no `.` or `..`.
_PLAIN = re.compile(r"/?(?:(?!\.\.?(?:/|\Z))[^/\\\x00-\x1f\x7f]+/)*(?!\.\.?\Z)[^/\\\x00-\x1f\x7f]*")
_WILD = re.compile(r"[*?\[!\\]")
_RUNS = re.compile(r"[*?/]+")
TEXT_CHARS = 64 * 1024  # a thousand files; in more of them looking costs what parsing does


class NearPaths(NamedTuple):
    """Files, and all folders that they are in. `text`: the files, one a line; nothing where they are many."""

    known: frozenset[str]
    text: str = ""

    @classmethod
    def of(cls, paths: Iterable[str]) -> "NearPaths":
        """Take the files of a push."""
        known = {""}
        files = list(paths)
        for path in files:
            while path not in known:
                known.add(path)
                path = path.rpartition("/")[0]  # noqa: PLW2901 - up to a folder that is known
        text = "\n".join(files)
        return cls(frozenset(known), text if len(text) <= TEXT_CHARS else "")

    def may_match(self, pattern: str) -> bool:
        """Whether a pattern might match one of the files, or a folder of them."""
        if not _PLAIN.fullmatch(pattern):
            return True
        body = pattern.strip("/")
        wild = _WILD.search(body)
        if not pattern.startswith("/") and "/" not in body:
            return self._has(body)  # it floats
        if wild is None:
            return body in self.known
        return body[: wild.start()].rpartition("/")[0] in self.known and self._has(body)

    def _has(self, body: str) -> bool:
        """Whether what a pattern spells out stands somewhere; of what comes behind a bracket or `!` nothing is said."""
        if not self.text:
            return True
        end = min((index for index in map(body.find, "[!") if index >= 0), default=len(body))
        return all(run in self.text for run in _RUNS.split(body[:end]))
