"""Where a command was started: its environment and its folder. The one place of the command line that asks."""

import os
from collections.abc import Mapping
from pathlib import Path

from gitcoord.errors import RepositoryError


def environment() -> Mapping[str, str]:
    """Return the environment of this process."""
    return os.environ  # noqa: TID251 - the command line is started by the console script with nothing but arguments


def folder() -> Path:
    """Return the folder that the command was started in.

    Raises:
        RepositoryError: it was deleted meanwhile.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise RepositoryError("The current folder is gone.", hint="Go to your repository with cd.") from None
