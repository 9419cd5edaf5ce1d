"""What each ledger says of itself, and where: its schema, and which commands it has already applied.

Rules:
  * `meta.json`: a client whose version is below `writer_min` reads but does not write. A ledger begins with what the
    team's ref says (`Reader.first_meta`); only `gitcoord upgrade --rules` raises it (`ledger/archive/rules_version`).
  * Each commit's record says by which `RULES` it was decided. A change after which the same command on the same state
    has another outcome raises RULES, and WRITER with it: 0.1.0 looks at `writer_min` alone, so nothing else stops it.
    One that an older version would misread raises WRITER as well.
  * TXN-2: `applied/<clone>.json`: the highest counter applied for that clone and the outcomes of its last batch (also
    of commands in it that had been applied before: their taker died before it could say so), by the unique id that the
    caller drew. A command found there is a replay: it gets that outcome, nothing changes.
  * An entry of a clone that was silent for 30 days is dropped; nothing of it can still be on its way.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from gitcoord.core.documents.doc import EMPTY, Doc, Number, Text
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome

META = "meta.json"
RECORD = "record.json"  # of a commit whose message could not hold it
SCHEMA = 1
# 1: 0.1.0. 2: limits (SAFE-8), clocks that are off (CLAIM-22), silence (TIME-1), landing (SAFE-11; of steps: LandStep),
#    answers (CLAIM-16), ids that a clone gave up (SAFE-10), parties (CLAIM-4, STEP-4, STEP-5),
#    claims of sessions that are known to be gone, by their last call of a tool, too (CLAIM-8),
#    new names without extension (decision 43), notices that name what landed (STEP-13),
#    branches that git cannot have at once (STEP-1), how long ago a holder was seen (decision 92),
#    calls of what is one's own and more, notices of a forced release (decision 93),
#    notices of an answer to a request, and which calls a refusal names (decision 92),
#    steps' paths in places of owners and in shared files (decision 94)
RULES = 2
WRITER = 2  # what this version can write; 1: 0.1.0
APPLIED_KEPT = timedelta(days=30)  # nothing that a clone sent so long ago can still be on its way


def applied_path(clone: str) -> str:
    """Return the path of a clone's counter; by first characters, since sandboxes make a new clone each."""
    return f"applied/{clone[:1]}/{clone}.json"


class Meta(Doc, frozen=True, kw_only=True):
    """`meta.json` of a ledger. `at` is the `now` of its last transaction; `seq` counts commands carried out."""

    ALWAYS_WRITTEN = ("schema", "rules", "writer_min", "seq", "grants")  # readers of other versions have other defaults

    schema: Number = SCHEMA
    rules: Number = 1
    writer_min: Number = 1
    seq: Number = 0
    grants: Number = 0
    at: datetime | None = None


class Applied(Doc, frozen=True, kw_only=True):
    """`applied/<clone>.json`: up to where a clone's commands have been applied."""

    clone: Text
    counter: Number = 0
    at: datetime | None = None
    outcomes: Mapping[str, Json] = EMPTY

    def outcome_of(self, uid: str) -> Outcome | None:
        """Return what became of a command of the last batch."""
        found = self.outcomes.get(uid)
        return Outcome.parse(found) if isinstance(found, dict) else None
