"""The place of the team that this clone follows, and which branch a remote calls HEAD: two small files of a clone.

    team.json        the settings of `.gitcoord/config` by which this clone began to coordinate
    team-head.json   what a remote was asked: its URL without credentials, its branch, when

Rules:
  * SEC-5: what was followed once is followed until `init` says otherwise, whatever the tracked file says later.
  * A remote that was set in git's configuration, or by the environment, counts before it, with no part of this.
  * Git's hooks read it, so this file needs the standard library only.

What this file does not know: what a tracked file may name (`source/checkout/team_file`), who decides to follow it.
"""

from collections.abc import Mapping
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.ledger.clone import files

FILE, HEAD_FILE = "team.json", "team-head.json"
KEYS = ("gitcoord.remote", "gitcoord.namespace", "gitcoord.repo")
ASK_AGAIN_S = 600  # a remote that did not say; each command would wait for it otherwise


def load(folder: Path) -> dict[str, str]:
    """Return the settings that this clone follows; none where it follows no file."""
    found = files.read_json(folder / FILE)
    settings = {key: value for key in KEYS if isinstance(value := found.get(key), str)}
    return settings if KEYS[0] in settings else {}


def save(folder: Path, settings: Mapping[str, str], unique: str) -> None:
    """Follow these settings; none forgets them.

    Raises:
        StorageError: the disk cannot be written.
    """
    path = folder / FILE
    if not settings:
        files.remove(path)
        return
    kept: Json = {key: settings[key] for key in KEYS if key in settings}
    files.write_json(path, kept, unique)


def is_set(settings: Mapping[str, str], env: Mapping[str, str]) -> bool:
    """Whether a person decided where this clone coordinates."""
    return bool(env.get("GITCOORD_REMOTE") or settings.get(KEYS[0]))


def known_head(folder: Path, url: str, now_s: float) -> tuple[bool, str | None]:
    """Return whether a remote was asked which branch it calls HEAD, and the branch."""
    found = files.read_json(folder / HEAD_FILE)
    branch, at = found.get("branch"), found.get("at")
    if found.get("url") != url:
        return False, None
    if isinstance(branch, str):
        return True, branch
    return isinstance(at, int | float) and abs(now_s - at) < ASK_AGAIN_S, None


def keep_head(folder: Path, url: str, branch: str | None, now_s: float, unique: str) -> None:
    """Remember what a remote said; `None`: it said nothing.

    Raises:
        StorageError: the disk cannot be written.
    """
    value: Json = {"url": url, "branch": branch, "at": now_s}
    files.write_json(folder / HEAD_FILE, value, unique)
