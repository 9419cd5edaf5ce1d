"""When a clone asked its remote in vain for which commit once more, as a part of what it has of it was damaged or gone.

    refetches.json     by commit, or by namespace: when, in seconds since 1970

Rules:
  * What the remote cannot give whole either is asked for hourly at most, by all processes of a clone. What came may be
    damaged again, and is brought again at once.
  * A damaged or absent file is an empty one.

What this file does not know: how a commit is brought.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitcoord.errors import CoordError, StorageError, UnreachableError
from gitcoord.remote.http.unfamiliar import UnfamiliarError

REFETCH_S: Final = 3600.0
_FILE: Final = "refetches.json"


class RefetchLog:
    """The file of one clone. `store`: the repository that it stands beside."""

    def __init__(self, store: Path, now_ns: Callable[[], int]) -> None:
        """Read nothing yet."""
        self._path = store.parent / _FILE
        self._now_ns = now_ns

    def bring(self, what: str, bring: Callable[[], None]) -> bool:
        """Bring a commit, or a namespace, if that was not asked for in vain within the hour; return whether it came.

        Raises:
            UnreachableError: the remote does not answer.
            UnfamiliarError: only git may know how it is brought.
        """
        from gitcoord.remote.store.home_tips import write_whole  # seldom needed

        now_s = self._now_ns() / 1e9
        recent = {each: at for each, at in self._read().items() if abs(now_s - at) < REFETCH_S}
        if what in recent:
            return False
        try:
            bring()
        except (UnreachableError, UnfamiliarError):
            raise
        except StorageError:  # of this machine, which may have room the next time
            return False
        except CoordError:
            with suppress(OSError):
                write_whole(self._path, json.dumps({**recent, what: now_s}))
            return False
        return True

    def _read(self) -> dict[str, float]:
        with suppress(OSError, ValueError, TypeError, AttributeError):  # it is not there, or torn
            found = json.loads(self._path.read_bytes())
            return {str(each): float(at) for each, at in found.items()}
        return {}
