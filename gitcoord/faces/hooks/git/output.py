"""Saying: lines of a hook of git for a person's terminal."""

import sys
from collections.abc import Iterable

from gitcoord.ledger.hook_view.glance import Glance


def say(lines: Iterable[str]) -> None:
    """Write lines, without anything that a terminal acts on."""
    for line in lines:
        clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
        sys.stderr.write(f"{clean}\n")


def age_of(glance: Glance) -> list[str]:
    """Say how old the claims are, if they are not as they are now."""
    return [] if glance.age_s is None else [f"gitcoord: the claims are as of {_ago(glance.age_s)}: {glance.problem}."]


def _ago(seconds: float) -> str:
    for name, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "a moment ago"
