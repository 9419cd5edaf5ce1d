"""The boundary of git's hooks: whatever goes wrong with us is one loud line, and git goes on.

    our own failure              one line, exit 0
    with policy `enforce`        one line, exit 1: what could not be looked at is stopped
    an interrupt                 130

What this file does not know: what a hook does.
"""

import sys
from collections.abc import Callable, Mapping, Sequence

from gitcoord.faces.hooks import here

Hook = Callable[[Sequence[str], str, str, Mapping[str, str]], int]
"""(arguments, our folder in the clone or nothing, working folder, environment) -> exit status."""

CHARS_MAX = 500


class ClosedError(Exception):
    """What could not be looked at is to be stopped, as the ledgers themselves say."""


def guarded(name: str, hook: Hook, arguments: Sequence[str], cwd: str, env: Mapping[str, str]) -> int:
    """Run a hook that may stop git; return the exit status."""
    folder = ""
    try:
        folder = here.folder_of(cwd, env)
        return hook(arguments, folder, cwd, env)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody's git may fail because of us
        is_closed = isinstance(error, ClosedError) or (bool(folder) and here.is_closed(folder))
        what = "it is stopped (policy enforce); `--no-verify` passes" if is_closed else "it passes"
        told = " ".join(str(error).split())[:CHARS_MAX] or repr(error)
        line = f"gitcoord: NOTHING WAS CHECKED ({name}), {what}: {told}"
        sys.stderr.write("".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line) + "\n")
        return 1 if is_closed else 0
