"""Comments on pull requests: each open one has one comment that says what it collides with, as long as it does.

    list (forge) ──> judge (ledgers, trial merges) ──text──> comments of each ──> create, update, delete, or nothing

Rules:
  * A comment is begun only where there is something to say; afterwards it is changed only where its text is another.
  * One pull request whose comment fails does not stop the others; a forge that fails again and again does, and so does
    one that asks for a pause.
  * One that cannot be judged keeps its comment as it is.
  * A forge is sent what changes something at most once a second, as GitHub asks for.

What this file does not know: which forge it is, and what it is asked.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from gitcoord.core.documents.json_text import Json
from gitcoord.core.relay import comment
from gitcoord.core.relay.comment import Deed, DeedWord
from gitcoord.errors import CoordError, RateLimitError
from gitcoord.ledger.clone.host import Host
from gitcoord.service.checks.collisions import Collisions, Proposal, collisions_of
from gitcoord.service.checks.read_only_view import Inspection
from gitcoord.service.relay.comment_text import Words, comment_text
from gitcoord.service.relay.forge_client import PER_PAGE
from gitcoord.service.relay.forges import Forge

LOOK_S = 120.0  # between two looks, each of which reads the last commits of all ledgers anew
AWAY_S = 300.0  # after one that failed
_BETWEEN_S = 1.0
_FAILURES_MAX = 3  # in a row


@dataclass(slots=True)
class Commenter:
    """What keeps the comments of one repository.

    Attributes:
        inspect: opens the ledgers as they are now.
        only_shows: change nothing at the forge.
        settled: the text that the comment of a pull request has, by its number, as this process left it.
    """

    forge: Forge
    host: Host
    inspect: Callable[[], AbstractContextManager[Inspection]]
    only_shows: bool = False
    settled: dict[int, str] = field(default_factory=dict[int, str])
    _author: str = ""
    _has_written: bool = False

    def look(self) -> dict[str, Json]:
        """Look once at all open pull requests, and return what became of each.

        Raises:
            CoordError: the forge or the remote cannot be asked, or the forge asks for a pause.
        """
        self._author = self._author or self.forge.author()
        proposals = self.forge.proposals()
        with self.inspect() as inspection:
            found, notes = collisions_of(inspection, proposals)
            is_private, now = inspection.policy().is_private, inspection.now
        numbers = {proposal.branch: proposal.number for proposal in proposals if proposal.branch}
        words = Words(now, self.forge.sign, numbers, is_private)
        if len(proposals) >= PER_PAGE:
            notes.append(f"No more than the {PER_PAGE} pull requests that changed last are looked at.")
        still_open = {proposal.number for proposal in proposals}
        self.settled = {number: text for number, text in self.settled.items() if number in still_open}
        return _report(self._keep(found, words), notes) | ({"dry_run": True} if self.only_shows else {})

    def forever(self, tell: Callable[[dict[str, Json]], None]) -> None:
        """Look until the process ends; `tell` is called with each look that changed something, or failed."""
        while True:
            pause = LOOK_S
            try:
                report = self.look()
            except RateLimitError as error:
                tell({"problem": str(error), "hint": error.hint})
                pause = error.after_s
            except CoordError as error:
                tell({"problem": str(error), "hint": error.hint})
                pause = AWAY_S
            else:
                if report["changed"] or report["failed"]:
                    tell(report)
            self.host.sleep(pause)

    def _keep(self, found: Sequence[Collisions], words: Words) -> list[dict[str, Json]]:
        rows: list[dict[str, Json]] = []
        failures = 0
        for collisions in found:
            text = comment_text(collisions, words)
            row: dict[str, Json] = {"number": collisions.proposal.number, "collides": bool(text)}
            row |= {"text": text} if text else {}
            rows.append(row)
            if collisions.problem:
                row |= {"comment": "unknown", "problem": collisions.problem}
                continue
            try:
                row["comment"] = self._say(collisions.proposal, text)
                failures = 0
            except RateLimitError:
                raise
            except CoordError as error:
                row |= {"comment": "failed", "problem": str(error), "hint": error.hint}
                failures += 1
                if failures >= _FAILURES_MAX:
                    raise
        return rows

    def _say(self, proposal: Proposal, text: str) -> str:
        """Make the comment of a pull request say a text; return what was done."""
        number = proposal.number
        if self.settled.get(number) == text:
            return "unchanged"
        deeds = comment.deeds(self.forge.comments(number), self._author, text)
        for deed in () if self.only_shows else deeds:
            self._do(number, deed)
        if not self.only_shows:
            self.settled[number] = text
        return _DONE[deeds[0].word] if deeds else "unchanged"

    def _do(self, number: int, deed: Deed) -> None:
        if self._has_written:
            self.host.sleep(_BETWEEN_S)
        self._has_written = True
        match deed.word:
            case DeedWord.CREATE:
                self.forge.create(number, deed.body)
            case DeedWord.UPDATE:
                self.forge.update(number, deed.comment, deed.body)
            case DeedWord.DELETE:
                self.forge.delete(number, deed.comment)


_DONE = {DeedWord.CREATE: "created", DeedWord.UPDATE: "updated", DeedWord.DELETE: "removed"}


def _report(rows: Sequence[dict[str, Json]], notes: list[str]) -> dict[str, Json]:
    words = [row["comment"] for row in rows]
    return {
        "pull_requests": [*rows],
        "count": len(rows),
        "collisions": sum(row["collides"] is True for row in rows),
        "changed": sum(word in _DONE.values() for word in words),
        "failed": words.count("failed"),
        "unknown": words.count("unknown"),
        **({"warnings": [*notes]} if notes else {}),
    }
