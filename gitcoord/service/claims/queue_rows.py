"""Rows of the line of waiters, as every face shows them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.ledger.liveness.holder_view import Sight
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.claims.dry_run import context_of
from gitcoord.service.session.workspace import Workspace

if TYPE_CHECKING:
    from gitcoord.core.claims.working_copy import Work


PATTERNS_SHOWN = 20
HOLDERS_SHOWN = 5  # of those that one call waits for


def queue_rows(
    workspace: Workspace,
    register: Register,
    listed: Mapping[RefName, Oid],
    *,
    every_repo: bool = False,
    sight: Sight | None = None,
) -> list[dict[str, Json]]:
    """Return the calls of this repository, or of all, that wait, each with its place and whom it waits for."""
    now = workspace.setting.host.now()
    waiting = [entry for entry in register.entries.values() if entry.ends_at > now]
    here = [entry for entry in waiting if every_repo or entry.call.repo == workspace.repo]
    if not here:
        return []
    from gitcoord.core.claims.working_copy import Work

    work = Work(register, context_of(workspace, workspace.actor(), listed, is_shown=True, sight=sight))
    return [
        {**waiting_view(entry), **_waits_for(work, entry), **({"repo": entry.call.repo} if every_repo else {})}
        for entry in sorted(here, key=lambda entry: (entry.number, entry.id))
    ]


def _waits_for(work: "Work", entry: QueueEntry) -> dict[str, Json]:
    from gitcoord.core.claims.rules import grant, serve

    line = serve.ahead_of(work, entry.actor, entry.call, serve.place_of(work, entry))
    blocks = grant.around(work, entry.actor, entry.call).blocks
    holders: list[Json] = [
        {
            "agent": block.claim.agent,
            "claim_id": block.claim.id,
            "item": block.item.area.pattern.text,
            "expires_at": time_text(block.item.expires_at),
        }
        for block in blocks[:HOLDERS_SHOWN]
    ]
    behind: list[Json] = [entry.agent for entry in line[:HOLDERS_SHOWN]]
    return {"position": 1 + len(line), "behind": behind, "waits_for": holders}


def waiting_view(entry: QueueEntry) -> dict[str, Json]:
    """Return a call that waits as a caller sees it."""
    return {
        "queue_id": entry.id,
        "agent": entry.agent,
        "clone": entry.clone,
        "patterns": [wish.pattern for wish in entry.call.wishes[:PATTERNS_SHOWN]],
        "urgency": entry.call.urgency,
        "description": entry.call.description,
        "created_at": time_text(entry.created_at),
        "expires_at": time_text(entry.expires_at),
    }
