"""The budget of pushes: how soon this clone may push again, where the host asks for few a minute.

    full: as many as a minute has ──a push──> one less ──time──> one more for each part of the minute
      └──none left──> calls wait in the spool, and become one push when there is one again

Rules:
  * It is of the clone, for a place: all its processes share one file. Where no limit is known nothing is counted.
  * A burst is taken at once; only who goes on at that rate waits, for one part of a minute at most (10 s of 6).
  * An hour has no more than sixty times the limit, bursts included.
  * What can wait (claims of edit hooks) leaves KEPT for calls that agents wait for.
  * A clock that was set back, or a damaged file, is a full budget.

What this file does not know: what is pushed, and what other clones push.
"""

import contextlib
import re
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.host import Host
from gitcoord.remote.contract.host_limits import host_of, limit_of

NAME = "pushes.json"
KEPT = 2  # a claim and a completion, at the end of a minute of edits
PER_MINUTE_MAX = 1_000
_REFILL_S = 60.0 * 60 / 59  # in which it fills up: so an hour has sixty times its limit, the burst included


def per_minute_of(url: str | None, wanted: str) -> int | None:
    """Return how many pushes a minute a clone may make: as wanted, where 0 is no limit, or as its host asks for."""
    if re.fullmatch(r"[0-9]{1,4}", wanted) and int(wanted) <= PER_MINUTE_MAX:
        return int(wanted) or None
    limit = limit_of(host_of(url)) if url else None
    return limit.pushes_per_minute if limit is not None and not limit.is_each else None


class PushBudget(NamedTuple):
    """The budget of one place. `per_minute`: `None` where there is no limit."""

    folder: Path
    host: Host
    per_minute: int | None

    def wait_s(self, kept: int = 0) -> float:
        """Return in how many seconds there is a push to make, beside so many that are kept."""
        if self.per_minute is None:
            return 0.0
        return max(0.0, 1 + min(kept, self.per_minute - 1) - self._left()) * _REFILL_S / self.per_minute

    def note(self, pushes: int = 1) -> None:
        """Count pushes."""
        if self.per_minute is None or pushes <= 0:
            return
        left = max(self._left() - pushes, -float(self.per_minute))
        value: dict[str, Json] = {"left": left, "at": self.host.now().timestamp()}
        with contextlib.suppress(StorageError):  # what is not counted is not waited for
            files.write_json(self.folder / NAME, value, self.host.unique)

    def _left(self) -> float:
        noted, most = files.read_json(self.folder / NAME), float(self.per_minute or 0)
        left, at = noted.get("left"), noted.get("at")
        if not isinstance(left, int | float) or not isinstance(at, int | float):
            return most
        passed_s = self.host.now().timestamp() - at
        return min(most, left + passed_s * most / _REFILL_S) if passed_s >= 0 else most
