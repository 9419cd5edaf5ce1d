"""Deadlock: holders who wait for each other, so that none would ever be served.

Rules:
  * A waiter waits for the holders of what it asks for, and for those better placed in the line that it overlaps.
  * Two readers who both want to write wait for each other: the second is refused.

What this file does not know: why a holder waits.
"""

from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.register import Holder
from gitcoord.core.claims.rules import grant, serve
from gitcoord.core.claims.working_copy import Work


def closed_by(work: Work, entry: QueueEntry) -> list[Holder]:
    """Return the circle that an entry closes, from its holder back to it; or nothing."""
    start = entry.holder
    came_from: dict[Holder, Holder] = dict.fromkeys(sorted(_blockers(work, entry)), start)
    todo = list(came_from)
    entries: dict[Holder, list[QueueEntry]] = {}
    for waiting in sorted(work.register.entries.values(), key=lambda waiting: waiting.number):
        entries.setdefault(waiting.holder, []).append(waiting)
    # Breadth first, so that the circle is a shortest one; sorted, so that every clone finds the same.
    while todo:
        holder = todo.pop(0)
        blockers = {other for entry in entries.get(holder, ()) for other in _blockers(work, entry)}
        if start in blockers:
            circle = [holder]
            while came_from[circle[-1]] != start:
                circle.append(came_from[circle[-1]])
            return [start, *reversed(circle), start]
        for other in sorted(blockers - came_from.keys()):
            came_from[other] = holder
            todo.append(other)
    return []


def _blockers(work: Work, entry: QueueEntry) -> set[Holder]:
    blocks = grant.around(work, entry.actor, entry.call).blocks
    ahead = serve.ahead_of(work, entry.actor, entry.call, serve.place_of(work, entry))
    return {block.claim.holder for block in blocks} | {entry.holder for entry in ahead}
