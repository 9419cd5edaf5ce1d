"""The verdict on claims: whether their history has what must have happened, and nothing that must not. Pure.

What happened is found in the documents of two commits that follow each other: a claim that is there and was not, an
entry of the line that is gone. That no two claims overlap is looked at in every commit, by their patterns and symbols
alone, without the table by which they were granted.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise

from gitcoord.core.claims.claim import Claim, Item, Mode
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.release_request import ReleaseRequest, RequestState
from gitcoord.core.documents import party
from gitcoord.core.documents.json_text import Json
from gitcoord.core.patterns import path_pattern, symbols
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.faces.demo.ledger import ClaimsEntry, Entry
from gitcoord.faces.demo.verdict import Check

_START = ClaimsEntry("")
_HELD = ("claimed", "in_progress")


def checks_of_claims(entries: Sequence[ClaimsEntry], steps: Sequence[Entry], killed: str) -> list[Check]:
    """Judge the claims; `steps`: the project's ledger."""
    return [
        _never_two(entries),
        _carved(entries),
        _refused(entries),
        _served(entries),
        _approved(entries),
        _passed_over(steps),
        _went_along(entries, killed),
        _ended(entries),
    ]


def _never_two(entries: Sequence[ClaimsEntry]) -> Check:
    wrong: list[str] = []
    pairs = 0
    for entry in entries:
        for claim, other in combinations(_claims(entry).values(), 2):
            if party.is_one(claim.holder, other.holder):
                continue
            pairs += 1
            if any(_both_have(claim, a, other, b) for a in claim.items for b in other.items):
                wrong.append(f"{claim.agent} and {other.agent} at {entry.commit[:9]}")
    detail = "; ".join(wrong) or f"{pairs} pairs of claims looked at, in {len(entries)} commits"
    return Check("no two agents held the same at any commit", bool(entries) and not wrong, detail)


def _both_have(claim: Claim, a: Item, other: Claim, b: Item) -> bool:
    """Whether both may write some file, or some declaration in one."""
    if Mode.READ in {a.mode, b.mode} or not path_pattern.overlaps(a.area.pattern, b.area.pattern):
        return False
    if a.symbols and b.symbols:
        return bool(symbols.meeting(a.symbols, b.symbols))
    if not a.symbols and not b.symbols:
        return True
    whole, part, owner = (b, a, claim) if a.symbols else (a, b, other)
    given = {symbol for carved in whole.carved if carved.claim == owner.id for symbol in carved.symbols}
    return not all(symbols.is_within(symbol, given) for symbol in part.symbols)


def _carved(entries: Sequence[ClaimsEntry]) -> Check:
    name = "an agent got a function out of a file that another held"
    for index, (before, after) in enumerate(_pairs(entries)):
        for held in _claims(after).values():
            part = next((part for item in held.items for part in item.carved if part.symbols), None)
            got = _claims(after).get(part.claim) if part else None
            if part is None or got is None or got.id in before.docs or not _happened(after, "auto_narrow", held.id):
                continue
            if not _came_back(entries[index:], held.id, got.id):
                return Check(name, is_ok=False, detail=f"{', '.join(part.symbols)} never came back to {held.agent}")
            what = f"{', '.join(part.symbols)} of {part.pattern}"
            return Check(name, is_ok=True, detail=f"{got.agent} {what} from {held.agent}, who got it back")
    return Check(name, is_ok=False, detail="nothing was carved")


def _came_back(entries: Sequence[ClaimsEntry], held: str, got: str) -> bool:
    """Whether the first commit without the carving claim has the other one whole."""
    after = next((entry for entry in entries if got not in entry.docs), None)
    claim = _claims(after).get(held) if after else None
    return claim is not None and not any(part.claim == got for item in claim.items for part in item.carved)


def _refused(entries: Sequence[ClaimsEntry]) -> Check:
    """A later commit records a refusal; what blocked it is in the commits before."""
    name = "an agent was refused what another held"
    count, seen = 0, ""
    for index, entry in enumerate(entries):
        for row in entry.refusals:
            asked = row.get("patterns")
            if (row.get("do"), row.get("code")) != ("claim_files", "conflict") or not isinstance(asked, list):
                continue
            holders = {
                claim.agent for before in entries[:index] for claim in _holding(before, str(row.get("by")), asked)
            }
            if holders:
                count += int(str(row.get("count")))
                seen = seen or f"{row.get('by')} {', '.join(map(str, asked))}, which {', '.join(sorted(holders))} held"
    return Check(name, count > 0, f"{count} times, first {seen}" if count else "no refusal is in the ledger")


def _holding(entry: ClaimsEntry, by: str, asked: Sequence[Json]) -> Iterator[Claim]:
    wanted = [Pattern.of(str(pattern)) for pattern in asked]
    for claim in _claims(entry).values():
        if claim.agent != by and any(
            path_pattern.overlaps(item.area.pattern, pattern) for item in claim.items for pattern in wanted
        ):
            yield claim


def _served(entries: Sequence[ClaimsEntry]) -> Check:
    name = "an agent waited in line and was granted by the commit that freed it"
    for before, after in _pairs(entries):
        for claim in _new(before, after):
            entry = before.docs.get(claim.queue_id or "")
            if entry is None or claim.queue_id in after.docs or not _happened(after, "queue_grant", claim.id):
                continue
            waiter = QueueEntry.parse(entry)
            gone = [old for old in _left(before, after) if old.holder != claim.holder and _overlap(old, claim)]
            if waiter.holder == claim.holder and gone:
                return Check(name, is_ok=True, detail=f"{claim.agent} {claim.items[0].pattern}, after {gone[0].agent}")
    return Check(name, is_ok=False, detail="no entry of the line was served by an ending")


def _approved(entries: Sequence[ClaimsEntry]) -> Check:
    name = "a holder was asked for its claim and handed it over in one commit"
    for before, after in _pairs(entries):
        for asked in _requests(after).values():
            was = _requests(before).get(asked.id)
            if asked.decision is not RequestState.APPROVED or was is None or not was.is_pending:
                continue
            got = next((claim for claim in _new(before, after) if claim.id == asked.granted), None)
            gave = next((claim for claim in _left(before, after) if claim.id == asked.claim), None)
            if got and gave and (got.agent, gave.agent) == (asked.agent, asked.holder_agent) and _overlap(gave, got):
                return Check(name, is_ok=True, detail=f"{gave.agent} {got.items[0].pattern} to {got.agent}")
    return Check(name, is_ok=False, detail="no request was approved and granted")


def _passed_over(steps: Sequence[Entry]) -> Check:
    name = "a step whose paths were held was passed over"
    found: list[str] = []
    for before, after in pairwise(steps):
        for num in _named_as_passed(after):
            held = [step for step in before.steps.values() if step.get("status") in _HELD]
            holder = next((step for step in held if _share(step, before.steps.get(num, {}))), None)
            if holder is not None:
                found.append(f"step {num}, while {holder.get('agent_id')} had step {holder.get('step_num')}")
    detail = f"{len(found)} times, first {found[0]}" if found else "no claim of a step tells of one"
    return Check(name, bool(found), detail)


def _named_as_passed(entry: Entry) -> Iterator[int]:
    for record in entry.records:
        outcome = record.get("outcome")
        facts = outcome.get("facts") if isinstance(outcome, dict) else None
        rows = facts.get("passed_over") if isinstance(facts, dict) else None
        named = rows if isinstance(rows, list) else []
        yield from (int(str(row.get("step_num"))) for row in named if isinstance(row, dict))


def _share(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    mine, theirs = one.get("paths"), other.get("paths")
    if not isinstance(mine, list) or not isinstance(theirs, list):
        return False
    return any(path_pattern.overlaps(Pattern.of(str(a)), Pattern.of(str(b))) for a in mine for b in theirs)


def _went_along(entries: Sequence[ClaimsEntry], killed: str) -> Check:
    name = "the killed agent's paths went with its step"
    for before, after in _pairs(entries):
        for old in _left(before, after):
            new = next((claim for claim in _new(before, after) if claim.step == old.step), None)
            if old.agent == killed and old.step and new and new.agent != killed:
                return Check(name, is_ok=True, detail=f"{new.items[0].pattern}: {killed} → {new.agent}, in one commit")
    return Check(name, is_ok=False, detail=f"no claim of {killed} passed to another agent with its step")


def _ended(entries: Sequence[ClaimsEntry]) -> Check:
    left = (
        [f"{claim.agent} {claim.items[0].pattern}" for claim in _claims(entries[-1]).values()]
        if entries
        else ["no ledger"]
    )
    claim_ids = {claim_id for entry in entries for claim_id in _claims(entry)}
    return Check("every claim ended", not left, "; ".join(left) or f"{len(claim_ids)} were made, none is left")


def _pairs(entries: Sequence[ClaimsEntry]) -> Iterator[tuple[ClaimsEntry, ClaimsEntry]]:
    return pairwise([_START, *entries])


def _claims(entry: ClaimsEntry) -> dict[str, Claim]:
    return {doc_id: Claim.parse(doc) for doc_id, doc in entry.docs.items() if doc_id.startswith("c-")}


def _requests(entry: ClaimsEntry) -> dict[str, ReleaseRequest]:
    return {doc_id: ReleaseRequest.parse(doc) for doc_id, doc in entry.docs.items() if doc_id.startswith("r-")}


def _new(before: ClaimsEntry, after: ClaimsEntry) -> list[Claim]:
    return [claim for claim_id, claim in _claims(after).items() if claim_id not in before.docs]


def _left(before: ClaimsEntry, after: ClaimsEntry) -> list[Claim]:
    return [claim for claim_id, claim in _claims(before).items() if claim_id not in after.docs]


def _overlap(claim: Claim, other: Claim) -> bool:
    return any(a.area.overlaps(b.area) for a in claim.items for b in other.items)


def _happened(entry: ClaimsEntry, event: str, claim: str) -> bool:
    return any((row.get("event"), row.get("claim")) == (event, claim) for row in entry.events)
