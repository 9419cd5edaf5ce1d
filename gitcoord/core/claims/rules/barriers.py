"""Barriers: when a claim with pushed commits ends, remember the commit that the next holder must have.

    claim with `commit` ──ends──> barrier ──its branch landed or is gone, or 14 days──> nothing

Rules:
  * CLAIM-10: the grant of the next claim there names the commit; no one is refused for it.
  * A claim leaves one barrier, of its patterns, or of the folder that they have in common where they are many.

What this file does not know: whether the next holder has the commit already.
"""

from collections.abc import Iterable

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.notice import Barrier
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents.json_text import Json
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.path_pattern import Pattern

PATTERNS_MAX = 20  # of one barrier; beyond, their common folder says enough for a warning
NAMED_MAX = 20  # barriers that a reply names


def leave(work: Work, claim: Claim) -> None:
    """Leave word of the commit of a claim that ends, if it has one."""
    if claim.commit is None:
        return
    barrier_id = f"b-{work.fence}-{claim.id.partition('-')[2] or claim.id}"
    earlier = work.register.barriers.get(barrier_id)  # items of it that ended in this decision before the rest did
    texts = [*(earlier.patterns if earlier else ()), *(item.pattern for item in claim.items)]
    work.put(
        Barrier(
            id=barrier_id,
            patterns=_patterns(list(dict.fromkeys(texts))),
            commit=claim.commit,
            branch=claim.branch,
            agent=claim.agent,
            repo=claim.repo,
            at=work.context.now,
        )
    )


def facts(work: Work, repo: str | None, areas: Iterable[Area]) -> dict[str, Json]:
    """Return the facts of a grant that say which commits to have first."""
    near = {
        barrier.id: barrier
        for area in areas
        for barrier in work.register.barriers_near(area)
        if barrier.repo == repo and any(area.overlaps(Area(Pattern.of(text))) for text in barrier.patterns)
    }
    named: list[Json] = [
        {"commit": barrier.commit, "branch": barrier.branch, "agent": barrier.agent, "patterns": [*barrier.patterns]}
        for barrier in near.values()
    ]
    return {"barriers": named[-NAMED_MAX:]} if named else {}


def lift(work: Work, repo: str | None, ids: Iterable[str]) -> None:
    """End these barriers: what they tell of landed, or its branch is gone."""
    for barrier_id in sorted(dict.fromkeys(ids)):
        barrier = work.register.barriers.get(barrier_id)
        if barrier is not None and barrier.repo == repo:
            work.drop(barrier)


def _patterns(texts: list[str]) -> tuple[str, ...]:
    if len(texts) <= PATTERNS_MAX:
        return tuple(texts)
    shared: list[str] = []
    for names in zip(*(_folders(text) for text in texts), strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return ("/".join([*shared, "**"]),)


def _folders(text: str) -> list[str]:
    """Return the folders that a pattern begins with; what floats begins with none."""
    names = text.strip("/").split("/")[:-1]
    plain = next((index for index, name in enumerate(names) if set(name) & set("*?[")), len(names))
    return names[:plain]
