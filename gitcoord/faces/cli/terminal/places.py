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
    return [_from_root(path, prefix, top) for path in given or ()]


def _from_root(text: str, prefix: str, top: Path) -> str:
    if text.startswith(("./", "../")):
        path = posixpath.normpath(posixpath.join(prefix, text))
        end = "/" if text.endswith("/") else ""
        return text if path.startswith("..") else f"{path}{end}" if "/" in path else f"/{path}{end}"
    if prefix != "." and "/" in text.rstrip("/") and (top / prefix / text).exists() and not (top / text).exists():
        show.aside("warning", f"{text!r} is read from the root of the repository; for the one here write './{text}'.")
    return text
