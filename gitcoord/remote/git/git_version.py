"""Which git there is, and which is the oldest that will do.

2.34 is what long-lived distributions have; `ls-remote`, `fetch` and `push` are used with options of that release.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gitcoord.errors import RepositoryError
from gitcoord.remote.git.git_process import clean_env, clean_text, run_git

OLDEST: Final = (2, 34)
UPDATE: Final = "Install git 2.34 or newer, and see that it comes first on PATH: `command -v git`."
_TIMEOUT_S: Final = 10.0  # git answers without looking at any file
_VERSION = re.compile(r"git version (\d+)\.(\d+)(\S*)")


def git_version(cwd: Path, env: Mapping[str, str]) -> tuple[int, int, str]:
    """Return two numbers and the rest of the version of the git that is first on PATH.

    Raises:
        RepositoryError: there is none, or it does not say.
    """
    done = run_git(["version"], cwd=cwd, env=clean_env(env), timeout_s=_TIMEOUT_S)
    said = done.stdout.decode("utf-8", "replace")
    found = _VERSION.match(said)
    if found is None:
        message = (
            f"git does not say which version it is: {clean_text(said or done.errors, chars_max=100) or 'nothing'}."
        )
        raise RepositoryError(message, hint=UPDATE)
    return int(found[1]), int(found[2]), found[3]


def too_old(version: tuple[int, int, str]) -> RepositoryError | None:
    """Return the error of a git that is too old, `None` for one that will do."""
    if version[:2] >= OLDEST:
        return None
    return RepositoryError(f"git {version[0]}.{version[1]}{version[2]} is too old.", hint=UPDATE)
