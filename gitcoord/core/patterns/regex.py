"""A regular expression for the paths of a pattern, that no path can make slow.

Between two stars (`**` among segments, `*` among characters) the earliest place is as good as any later one, so it is
taken for good (`(?>…)`) and never reconsidered; only the last part looks for its end.
"""

import re
from collections.abc import Callable, Sequence

from gitcoord.core.patterns.segment import Segment

Matcher = Callable[[str], object]


def matcher(steps: Sequence[Segment | None]) -> Matcher:
    """Return a function that tells whether a path matches these steps; None: any number of folders."""
    if None not in steps and all(step is not None and step.literal is not None for step in steps):
        return "/".join(step.literal for step in steps if step is not None and step.literal is not None).__eq__
    return re.compile(regex(steps), re.DOTALL).fullmatch


def regex(steps: Sequence[Segment | None]) -> str:
    runs: list[list[str]] = [[]]
    for step in steps:
        if step is None:
            runs.append([])
        else:
            runs[-1].append(step.regex)
    parts = ["/".join(part) for part in runs]
    if parts == ["", ""]:
        return ".+"
    *firsts, last = parts
    ends = ["/"] * len(firsts)
    if firsts and not last:  # the folder itself, or what is below
        ends[-1] = r"(?:/|\Z)"
    text = ""
    for index, (first, end) in enumerate(zip(firsts, ends, strict=True)):
        text += first + end if index == 0 and first else f"(?>{_FOLDERS}{first}{end})" if first else ""
    if not firsts:
        return last
    return f"{text}{_FOLDERS}{last}" if last else f"{text}.*"


_FOLDERS = "(?:[^/]+/)*?"
