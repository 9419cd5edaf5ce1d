"""Places: patterns as they are typed in a folder of the repository.

Rules:
  * A pattern is read from the root, as everywhere; one that begins with `./` or `../` is meant from this folder, as in
    any shell.
  * A caller that types a path as it is here, without the `./`, gets a warning: it would silently be another place.
"""

import posixpath
from collections.abc import Sequence
from pathlib import Path

from gitcoord.faces.cli.terminal import show, world


def from_here(given: Sequence[str] | None, top: Path) -> list[str]:
    """Return patterns from the root of the repository."""
    here = world.folder()
    if not here.is_relative_to(top):
        return [*(given or ())]
    prefix = here.relative_to(top).as_posix()
    patterns: list[str] = []
    for pattern in given or ():
        meant = pattern
        if pattern.startswith(("./", "../")):
            path = posixpath.normpath(posixpath.join(prefix, pattern))
            end = "/" if pattern.endswith("/") else ""
            if not path.startswith(".."):
                meant = f"{path}{end}" if "/" in path else f"/{path}{end}"
        elif (
            prefix != "." and "/" in pattern.rstrip("/") and (here / pattern).exists() and not (top / pattern).exists()
        ):
            text = f"{pattern!r} is read from the root of the repository; for the one here write './{pattern}'."
            show.aside("warning", text)
        patterns.append(meant)
    return patterns
