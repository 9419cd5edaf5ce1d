"""Claims that ended: how, when and by whom, read back from the history of the claims ledger, newest first.

    commit ──its record says that c-7k… ended──> its parent's tree has the claim as it was

Rules:
  * The search is bounded by commits; the caller learns where it stopped, if that was not the beginning.
  * What is damaged in the history is passed over: commands that read claims report it.

What this file does not know: claims that are active.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_views import claim_view
from gitcoord.core.claims.notice import FORCED, forced_text
from gitcoord.core.claims.register import check_texts
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.errors import CoordError, DocumentError, MissingObjectError
from gitcoord.ledger.archive import history
from gitcoord.ledger.archive.history import Event
from gitcoord.ledger.format import claims_layout, commits, trees
from gitcoord.ledger.format.trees import Folder
from gitcoord.remote.contract.protocol import here
from gitcoord.service.session import earlier_history
from gitcoord.service.session.workspace import Workspace

COMMITS_MAX = 1_000  # of the ledger that are looked at: a third of a second
PATTERNS_NAMED = 5
ENDED_MAX = 50  # claims that a list shows
_ENDINGS = ("claim_released", "claim_expired")
_HOW: Mapping[str, str] = {
    "released": "its holder released it",
    "session": "its session ended",
    "forced": "an operator ended it",
    "time": "its time was over",
    "silence": "its session went silent",
    "idle": "its files were no longer edited",
    "merged": "its branch was merged",
    "approved": "its holder gave it to an agent that asked",
    "step": "the step that it was taken with went on",
    "unacknowledged": "it was granted from the line and not taken up in time",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """A claim that ended.

    Attributes:
        reason: a word, as `core/claims/rules/end_claim` has it.
        by: which agent ended it.
        note: what that agent said of it.
        claim: as it was when it ended; `None` where that cannot be read.
    """

    id: str
    agent: str
    at: datetime
    reason: str
    by: str = ""
    note: str = ""
    claim: Claim | None = None

    @property
    def sentence(self) -> str:
        """Say how it ended."""
        how = _HOW.get(self.reason, self.reason)
        if self.reason == FORCED and self.by:
            how = forced_text(self.by, self.note)
        return f"Claim {self.id} of {self.agent} ended at {time_text(self.at)}: {how}."

    def row(self) -> dict[str, Json]:
        """Return it as a list shows it: the claim with how it ended."""
        doc = claim_view(self.claim) if self.claim else {"id": self.id, "agent": self.agent}
        return {**doc, "ended": self.reason, "ended_at": time_text(self.at)}


@dataclass(frozen=True, slots=True)
class Past:
    """What was found. `since`: where the search stopped, if older ones may be left."""

    claims: tuple[Ended, ...] = ()
    since: datetime | None = None


def ended(workspace: Workspace, wanted: Callable[[Claim], bool]) -> Past:
    """Return the claims of that kind that ended last, newest first; a claim that cannot be read is of none."""
    found: list[Ended] = []

    def take(ended: Ended) -> bool:
        if ended.claim is not None and wanted(ended.claim):
            found.append(ended)
        return len(found) == ENDED_MAX

    since = _search(workspace, take, brings=True)
    return Past(tuple(found), since)


def how_ended(workspace: Workspace, ids: Sequence[str]) -> dict[str, Ended]:
    """Return those of these claims that are known to have ended, by what is here: a command does not wait for it."""
    found: dict[str, Ended] = {}

    def take(ended: Ended) -> bool:
        if ended.id in ids:
            found.setdefault(ended.id, ended)  # what ended later under the same id
        return len(found) == len(set(ids))

    if ids:
        _search(workspace, take)
    return found


def with_ending(workspace: Workspace, outcome: Outcome) -> Outcome:
    """Return a refusal for a claim that is not there as one that says how it ended, where that is known."""
    claim_id = outcome.facts.get("claim_id")
    if outcome.code != "not_found" or not isinstance(claim_id, str):
        return outcome
    over = how_ended(workspace, (claim_id,)).get(claim_id)
    if over is None:
        return outcome
    facts = {**outcome.facts, "ended": over.reason, "ended_at": time_text(over.at)}
    items = over.claim.items if over.claim else ()
    named = [item.pattern for item in items[:PATTERNS_NAMED]] or [...]
    claim_now = sentence("Claim now what you need of it: ", Call.of("claim_files", patterns=named), ".")
    return outcome.evolve(code="ended", message=over.sentence, hint=claim_now, facts=facts)


def _search(workspace: Workspace, take: Callable[[Ended], bool], *, brings: bool = False) -> datetime | None:
    """Hand over each claim that ended until `take` has enough; return where that stopped, if older ones may be left.

    `brings`: first what was left out of this clone.
    """
    listed = workspace.listed()
    objects = here(workspace.setting.transport.objects)
    tip = listed.get(workspace.setting.refs.claims)
    if tip is None:
        return None
    if brings:
        earlier_history.bring(workspace, (tip,))
    last = workspace.setting.host.now()
    with workspace.lock, contextlib.suppress(DocumentError, MissingObjectError):
        folder = workspace.reader.claims(listed).folder
        for number, (oid, commit) in enumerate(commits.walk(objects, tip)):
            last = commit.committed_at
            if number == COMMITS_MAX:
                return last
            over = [ended for record in history.records_of(objects, commit) for ended in _ended_by(Event(oid, record))]
            if over and commit.parents and objects.has(commit.parents[0]):
                folder = trees.load(objects, commits.read(objects, commit.parents[0]).tree, folder)
            if any(take(_with_claim(workspace, ended, folder)) for ended in over):
                return last
            if commits.before(objects, commit) is None:
                return None
    return last


def _ended_by(event: Event) -> Iterator[Ended]:
    """Yield the claims that a command ended as a whole, the last first."""
    happened = event.record.line.get("events")
    for ending in reversed(happened) if isinstance(happened, list) else ():
        if isinstance(ending, dict) and ending.get("event") in _ENDINGS and "items" not in ending:
            by = event.record.line.get("by")
            yield Ended(
                id=str(ending.get("claim")),
                agent=str(ending.get("agent")),
                at=event.record.now,
                reason=str(ending.get("reason")),
                by=str(by.get("agent") or "") if isinstance(by, dict) else "",
                note=str(ending.get("note") or ""),
            )


def _with_claim(workspace: Workspace, ended: Ended, folder: Folder) -> Ended:
    try:
        oid = folder.file(claims_layout.path_of_claim(ended.id))
        if oid is None:  # granted and ended in one commit
            return ended
        claim = Claim.decode(here(workspace.setting.transport.objects).read(oid)[1])
        check_texts(claim)
    except (CoordError, ValueError):
        return ended
    return replace(ended, claim=claim)
