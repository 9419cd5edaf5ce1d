"""The entry that starts the server, as it stands in every tool's configuration under the name `gitcoord`.

Rules:
  * An entry is ours if it starts gitcoord; another one of the same name is someone else's and stays.
  * Ours is renewed, or taken out, only where nothing but the pinned version differs; what people changed, or wrote
    themselves, is kept, and that is said.
  * No secrets and no paths of this machine: the files are committed and shared.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from gitcoord import __version__
from gitcoord.faces.cli.wiring.change import NotOursError

NAME = "gitcoord"
ARGUMENTS = ("mcp", "--tools", "work")
KEPT = "its entry gitcoord is not as init writes it; yours is kept"
_PIN = re.compile(r"\Agitcoord==[A-Za-z0-9.+!_-]+\Z")


def command(env: Mapping[str, str]) -> list[str]:
    """Return what starts the server: the program where a login finds it, else a pinned one that uvx brings."""
    return plain() if is_on_path(env) or not shutil.which("uvx", path=env.get("PATH")) else pinned()


def plain() -> list[str]:
    """Return what starts the program."""
    return [NAME, *ARGUMENTS]


def pinned() -> list[str]:
    """Return what starts this version, wherever there is uvx."""
    return ["uvx", "--from", f"{NAME}=={__version__}", NAME, *ARGUMENTS]


def is_command(words: Sequence[str]) -> bool:
    """Whether these words are what `init` writes, to start the program or to have uvx bring this very version."""
    return list(words) in (plain(), pinned())


def is_on_path(env: Mapping[str, str]) -> bool:
    """Whether a login finds the program: one within a virtual environment is there only while that is active."""
    found = shutil.which(NAME, path=env.get("PATH"))
    return found is not None and not (Path(found).parent.parent / "pyvenv.cfg").exists()


def starts_gitcoord(value: object) -> bool:
    """Whether an entry starts our server."""
    if not isinstance(value, Mapping):
        return False
    known = cast("Mapping[str, object]", value)
    words: list[str] = []
    for part in (known.get("command"), known.get("args")):
        words += [str(word) for word in cast("list[object]", part)] if isinstance(part, list) else [str(part or "")]
    return any(word == NAME or word.endswith(f"/{NAME}") or _PIN.match(word) for word in words) and "mcp" in words


def check_starts_gitcoord(value: object) -> None:
    """Leave alone an entry of our name that starts something else.

    Raises:
        NotOursError: it does.
    """
    if not starts_gitcoord(value):
        raise NotOursError(f"its server {NAME!r} does not start gitcoord; rename or remove that entry first")


def is_as_written(value: object, wanted: object) -> bool:
    """Whether an entry is what this or an older version writes."""
    return _unpinned(value) == _unpinned(wanted)


def is_older(value: object, wanted: object) -> bool:
    """Whether an entry is what an older version wrote: nothing but the pinned version differs."""
    return value != wanted and _unpinned(value) == _unpinned(wanted)


def _unpinned(value: object) -> object:
    if isinstance(value, str):
        return f"{NAME}==" if _PIN.match(value) else value
    if isinstance(value, Mapping):
        return {key: _unpinned(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_unpinned(item) for item in cast("list[object]", value)]
    return value
