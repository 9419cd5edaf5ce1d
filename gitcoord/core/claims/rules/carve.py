"""Parts: what two claims have to do with each other: carved out of one for the other, or agreed to be both's.

    item of held  ── carved: (by, F, g) ──>  by       "g in F is theirs until their claim ends"
    held.partners    (by, F, g)    by.partners  (held, F, g)      both can be found from either

Rules:
  * Every carved part, and every partner, names a claim that exists; only what a writer outdated stays when it is gone.
  * CLAIM-3: when a claim ends, what was carved for it returns; when an item of it ends or shrinks, what that item had
    carved.
  * What is said of two claims is said in both.

What this file does not know: what is carved when; see `overlap_table`.
"""

from gitcoord.core.claims.claim import Claim, Item, Mode, Part, Why
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.patterns.area import Area


def part_of(area: Area, claim: str, why: Why) -> Part:
    """Return an area as a part that another claim has."""
    return Part(claim=claim, pattern=area.pattern.text, reading=area.pattern.stored, symbols=area.symbols, why=why)


def carve(held: Claim, index: int, part: Part) -> Claim:
    """Return the held claim with a part of one of its items carved out for another holder, and known as such."""
    items = list(held.items)
    items[index] = items[index].evolve(carved=_with(items[index].carved, part))
    held = held.evolve(items=tuple(items))
    # What a writer outdated is so whether or not the writer's claim goes on: it is no partner.
    return held if part.why is Why.STALE else held.evolve(partners=_with(held.partners, part))


def agree(claim: Claim, part: Part) -> Claim:
    """Return the claim with a part that another has as well."""
    return claim.evolve(partners=_with(claim.partners, part))


def give_back(work: Work, gone: Claim) -> None:
    """Return to the other holders what was carved for a claim that ended, and drop the mentions of it."""
    work.put(
        *(
            other.evolve(
                items=tuple(item.evolve(carved=_not_for(item.carved, gone.id)) for item in other.items),
                partners=tuple(part for part in other.partners if part.claim != gone.id),
            )
            for other in _others(work, gone)
        )
    )


def give_back_rest(work: Work, claim: Claim) -> Claim:
    """Return to others what a claim does not cover any more, since items of it ended or shrank."""
    changed: list[Claim] = []
    for other in _others(work, claim):
        items: list[Item] = []
        back = other.evolve(items=tuple(_recarved(item, claim, other) for item in other.items))
        for item in claim.items:  # what another had of it stays its part only where they still overlap
            kept = tuple(part for part in item.carved if part.claim != back.id or part.area.overlaps(item.area))
            items.append(item.evolve(carved=kept))
        claim = claim.evolve(items=tuple(items))
        claim, back = _as_partners(claim, back), _as_partners(back, claim)
        changed.append(back)
    work.put(*changed, claim)
    return claim


def _with(parts: tuple[Part, ...], part: Part) -> tuple[Part, ...]:
    return parts if part in parts else (*parts, part)


def _others(work: Work, claim: Claim) -> list[Claim]:
    ids = dict.fromkeys(part.claim for part in claim.partners)
    return [work.register.claims[claim_id] for claim_id in ids if claim_id in work.register.claims]


def _not_for(parts: tuple[Part, ...], claim: str) -> tuple[Part, ...]:
    return tuple(part for part in parts if part.claim != claim or part.why is Why.STALE)


def _recarved(item: Item, by: Claim, held: Claim) -> Item:
    """Return an item of the other with just that carved which the claim still has there."""
    others = _not_for(item.carved, by.id)
    if others == item.carved:
        return item
    writing = [item.area for item in by.items if item.symbols and item.mode is Mode.WRITE]
    # What both agreed to have was never carved, so it is not put back as carved either.
    shared = [part.area for part in held.partners if part.claim == by.id and part.why is Why.AGREED]
    has = [
        area
        for area in writing
        if area.overlaps(item.area) and not any(agreed.surely_contains(area) for agreed in shared)
    ]
    return item.evolve(carved=(*others, *(part_of(area, by.id, Why.CARVED) for area in dict.fromkeys(has))))


def _as_partners(claim: Claim, other: Claim) -> Claim:
    """Return the claim with those parts of its partners that still are: carved from either, or agreed and held."""
    carved_parts = [part for item in claim.items for part in item.carved if _is_carved_for(part, other)]
    theirs = [part for item in other.items for part in item.carved if _is_carved_for(part, claim)]
    carved = [part.evolve(claim=other.id) for part in (*carved_parts, *theirs)]
    shared = [part for part in claim.partners if part.claim == other.id and part.why is Why.AGREED]
    agreed = [part for part in shared if _is_in(claim, part) and _is_in(other, part)]
    rest = [part for part in claim.partners if part.claim != other.id]
    parts = (*rest, *carved, *agreed)
    out: list[Part] = []
    for part in parts:
        if part not in out:
            out.append(part)
    return claim.evolve(partners=tuple(out))


def _is_carved_for(part: Part, claim: Claim) -> bool:
    return part.claim == claim.id and part.why is Why.CARVED


def _is_in(claim: Claim, part: Part) -> bool:
    return any(item.area.overlaps(part.area) for item in claim.items)
