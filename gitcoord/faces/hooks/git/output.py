"""Saying: lines of a hook of git for a person's terminal."""

import sys
from collections.abc import Iterable

from gitcoord.ledger.hook_view.glance import Glance


def say(lines: Iterable[str]) -> None:
    """Write lines, without anything that a terminal acts on; where stderr is closed no one reads them."""
    stream = sys.stderr
    if stream is None:
        return
    for line in lines:
        clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
        stream.write(f"{clean}\n")


def age_of(glance: Glance) -> list[str]:
    """Say how old the claims are, if they are not as they are now."""
    if glance.age_s is None:
        return []
    ago = "a moment ago"
    for name, size in (("second", 1), ("minute", 60), ("hour", 3600)):
        if glance.age_s >= size:
            count = int(glance.age_s // size)
            ago = f"{count} {name}{'s' if count > 1 else ''} ago"
    return [f"gitcoord: the claims are as of {ago}: {glance.problem}."]
