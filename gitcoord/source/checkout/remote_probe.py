"""Looking into a remote from the user's repository without leaving anything in it.

Rules:
  * The remote has a name on the command line; its URL, which may hold a password, travels in the environment.
  * Commits that are fetched to be looked at go into a folder that is removed again, with the user's objects as
    alternates, so that only what is new is sent. No ref, no FETCH_HEAD, no object of the user's repository changes.
  * What was learned of a commit that is not here, its time, is kept in the clone's folder for coordination: the
    remote is asked for it once.

What this file does not know: branches, who asks.
"""

import json
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, cast

from gitcoord.remote.git.named_url import env_for

REMOTE: Final = "gitcoord-look"  # the name of the URL that is asked, for one command
TIMES_MAX: Final = 2000  # commits whose time is kept: 120 KB


def asking_env(
    env: Mapping[str, str], url: str, ssh_command: str, settings: Sequence[tuple[str, str]] = ()
) -> dict[str, str]:
    """Return the environment in which git knows a URL as REMOTE, with settings of it."""
    ssh = [("core.sshcommand", ssh_command)] if ssh_command else []
    return env_for(REMOTE, url, env, [*settings, *ssh])


@contextmanager
def borrowed_objects(common_dir: Path) -> Generator[dict[str, str]]:
    """Give git a folder for new objects, beside those of a repository, and remove it at the end.

    Raises:
        OSError: there is no room for one.
    """
    import tempfile

    beside = str(common_dir / "objects").replace("\\", "\\\\").replace('"', '\\"')
    with tempfile.TemporaryDirectory(prefix="gitcoord-look.", ignore_cleanup_errors=True) as folder:
        # Quoted: a path may hold the character that separates paths here. See git(1), GIT_ALTERNATE_OBJECT_DIRECTORIES.
        yield {"GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{beside}"'}


def kept_times(common_dir: Path) -> dict[str, int]:
    """Return the times of commits that were looked at before, in seconds, by their ids."""
    try:
        value: object = json.loads(_path(common_dir).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    items = cast("dict[str, object]", value).items() if isinstance(value, dict) else ()
    return {commit: seconds for commit, seconds in items if isinstance(seconds, int)}


def keep_times(common_dir: Path, times: Mapping[str, int]) -> None:
    """Keep the times of more commits. Of two processes that do so at once one is forgotten, and asks again."""
    path = _path(common_dir)
    kept = list({**kept_times(common_dir), **times}.items())[-TIMES_MAX:]
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        draft.write_text(json.dumps(dict(kept)), "ascii")
        draft.replace(path)


def _path(common_dir: Path) -> Path:
    return common_dir / "gitcoord" / "commit-times.json"
