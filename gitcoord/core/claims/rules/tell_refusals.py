"""Refusals: what was refused because of a claim, and how its holder learns of that.

    refused ──> noted (`ledger/transactions/carried`) ──its next commit, or TellRefusals──> counters, notices

Rules:
  * CLAIM-23: a holder gets one notice of an agent and an item within 60 s, and only of what it still holds.
  * At most UNREAD_MAX of these notices wait for a holder: one that reads none needs no more of them.

What this file does not know: how refusals are counted (`refusal_counts`), when a commit is made.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from gitcoord.core.claims.claim_commands import Refusal, TellRefusals
from gitcoord.core.claims.notice import Notice
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome, Verdict

ONCE_WITHIN = timedelta(seconds=60)
NAMED_MAX = 5  # items of one refusal whose holders get a notice
UNREAD_MAX = 20
TEXT_CHARS_MAX = 256


def in_the_way(outcome: Outcome) -> list[Json]:
    """Return the items because of which something was refused, as a clone notes them."""
    if outcome.verdict is not Verdict.REFUSED or outcome.code != "conflict":
        return []
    rows = [(conflict.claim_id, conflict.item, conflict.your_pattern) for conflict in outcome.conflicts]
    first: dict[tuple[Json, Json], Json] = {}
    for claim, item, asked in (row for row in rows if _are_short(*row)):
        first.setdefault((claim, item), [claim, item, asked])
    return [*first.values()][:NAMED_MAX]


def command_of(carried: Iterable[Mapping[str, Json]]) -> TellRefusals:
    """Return the command for what a clone noted; what it cannot read is left out."""
    rows = dict.fromkeys(row for noted in carried for row in _rows_of(noted))
    return TellRefusals(
        refused=tuple(Refusal(by=by, claim=claim, item=item, pattern=asked) for by, claim, item, asked in rows)
    )


def tell(work: Work, command: TellRefusals) -> Outcome:
    """Leave a notice for each holder because of whose claim an agent was refused."""
    unread = Counter((notice.agent, notice.clone) for notice in work.register.notices.values() if _is_one(notice))
    for refusal in command.refused:
        held = work.register.claims.get(refusal.claim)
        if held is None or refusal.item not in [item.area.pattern.text for item in held.items]:
            continue
        same = (
            notice.at
            for notice in work.register.notices.values()
            if _is_one(notice) and (notice.claim, notice.item, notice.by) == (held.id, refusal.item, refusal.by)
        )
        if any(work.context.now < at + ONCE_WITHIN for at in same):
            continue  # the holder knows that this agent was refused it
        if unread[held.holder] < UNREAD_MAX:
            unread[held.holder] += 1
            wanted = shown(refusal.pattern)
            text = f"{refusal.by} asked for {wanted} and was refused: you hold {shown(refusal.item)} ({held.id})."
            work.tell(held.holder, Event.CLAIM_REFUSED, text, claim=held.id, by=refusal.by, item=refusal.item)
    return outcomes.done("refusals_told")


def may_leave(notice: Notice, now: datetime) -> bool:
    """Whether a notice that was shown may leave the ledger: by one of a refusal the next is judged."""
    return not _is_one(notice) or now >= notice.at + ONCE_WITHIN


def _is_one(notice: Notice) -> bool:
    return notice.event == Event.CLAIM_REFUSED


def _rows_of(noted: Mapping[str, Json]) -> Iterator[tuple[str, str, str, str]]:
    """Yield who was refused, and because of which claim and item it was refused which pattern."""
    rows = noted.get("held")
    for row in rows[:NAMED_MAX] if isinstance(rows, list) else ():
        match [noted.get("by"), *(row if isinstance(row, list) else [])]:
            case [str(by), str(claim), str(item), str(asked)] if _are_short(by, claim, item, asked):
                yield by, claim, item, asked
            case _:
                pass


def _are_short(*values: Json) -> bool:
    return all(isinstance(value, str) and 0 < len(value) <= TEXT_CHARS_MAX for value in values)
