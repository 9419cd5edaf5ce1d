r"""The names of what is staged, for a hook of git that cannot afford to load `subprocess` for it.

    git diff-index --cached --name-only -z --no-renames HEAD     <name>\0<name>\0 …

Rules:
  * It is asked in the hook's own folder, of the repository and the index that git named to the hook.
  * Nothing of the user's runs: comparing the index with a commit starts no program but git.
  * Whatever is not as it should be is `None`, for a caller that has the time to find out why.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES_BYTES_MAX = 1024 * 1024  # more is a change of many thousand files
_COMMAND = (
    *("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"),
    *("diff-index", "--cached", "--name-only", "-z", "--no-renames", "--ignore-submodules=none", "HEAD", "--"),
)
_KEPT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_EXEC_PATH", "GIT_CONFIG_")


def staged_names(env: "Mapping[str, str]") -> "list[bytes] | None":
    """Return what differs from the last commit, both names of a rename; `None`: git did not say, or too much."""
    if sys.platform == "win32":
        return None  # it has no `posix_spawn`
    given = {name: value for name, value in env.items() if not name.startswith("GIT_") or name.startswith(_KEPT)}
    reader, writer = os.pipe()
    try:
        actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
        child = os.posix_spawnp("git", _COMMAND, given, file_actions=actions)
    except OSError:
        os.close(reader)
        return None
    finally:
        os.close(writer)
    with open(reader, "rb") as file:
        data = file.read(NAMES_BYTES_MAX + 1)  # git ends by itself when no one reads on
    _, status = os.waitpid(child, 0)
    return None if status != 0 or len(data) > NAMES_BYTES_MAX else data.split(b"\0")[:-1]
