"""Where the files are that gitcoord copies into users' repositories: `hooks/` and `templates/`.

In a wheel they are `gitcoord/_assets/hooks` and `gitcoord/_assets/templates`; in a checkout they are the two folders
beside the package. Standard library only, because hooks and the launcher may ask.

What this file does not know: what the files mean.
"""

from pathlib import Path

from gitcoord.errors import BugError

_PACKAGE = Path(__file__).resolve().parent


def hooks() -> Path:
    """Return the folder of shell shims."""
    return _folder("hooks")


def templates() -> Path:
    """Return the folder of texts and configuration that `init` copies."""
    return _folder("templates")


def _folder(name: str) -> Path:
    # The wheel first: a folder `hooks` beside an installed package would be someone else's.
    for folder in (_PACKAGE / "_assets" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise BugError(f"The folder {name!r} is missing from this installation.", hint="Install gitcoord again.")
