"""Hot files: what was refused most, by the counters of the claims ledger and what this clone was refused since."""

from collections.abc import Mapping

from gitcoord.core.documents.json_text import Json
from gitcoord.core.owners import refusal_counts
from gitcoord.core.owners.refusal_counts import Counter
from gitcoord.errors import DocumentError, InvalidError, MissingObjectError
from gitcoord.ledger.format import trees
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team import owner_lookup


def hotspots(workspace: Workspace, *, days: int = 30, least: int = 5, limit: int = 50) -> dict[str, Json]:
    """Return the patterns refused at least so often within the last days, most refused first, with suggestions.

    Raises:
        InvalidError: a number is outside what can be.
    """
    return hotspots_at(workspace, workspace.listed(), days=days, least=least, limit=limit)


def hotspots_at(
    workspace: Workspace, listed: Mapping[RefName, Oid], *, days: int = 30, least: int = 5, limit: int = 50
) -> dict[str, Json]:
    """Return the same of ledgers as they were listed.

    Raises:
        InvalidError: a number is outside what can be.
    """
    if not 1 <= days <= refusal_counts.KEPT_DAYS:
        raise InvalidError(f"days is {days}; it is from 1 to {refusal_counts.KEPT_DAYS}.", hint="30 is a good number.")
    if least < 1 or limit < 1:
        raise InvalidError("min and limit are at least 1.")
    found = owner_lookup.owned(workspace, listed)
    today = workspace.setting.host.now().date()
    counters = counters_of(workspace, listed)
    noted = workspace.setting.refusals.noted(workspace.setting.refs.claims)
    refusals = [
        refusal
        for refusal in map(refusal_counts.refusal_of, noted)
        if refusal is not None and refusal.repo == workspace.repo
    ]
    here = refusal_counts.merge(counters, refusals, today)
    rows = refusal_counts.hotspots({**counters, **here}, today, days, least, found.rules)
    shown: list[Json] = [row.as_json() for row in rows[:limit]]
    return {"hotspots": shown, "count": len(rows), "days": days, "warnings": [*found.problems]}


def counters_of(workspace: Workspace, listed: Mapping[RefName, Oid]) -> dict[str, Counter]:
    """Return the counters of this repository in the claims ledger by path; damaged ones are left out."""
    objects = workspace.setting.transport.objects
    with workspace.lock:
        folder = workspace.reader.claims(listed).folder.folders.get("counters", trees.EMPTY)
    out: dict[str, Counter] = {}
    for path, oid in trees.changes(trees.EMPTY, folder, "counters/"):
        if oid is None or not refusal_counts.is_of(path, workspace.repo):
            continue
        try:
            out[path] = Counter.decode(objects.read(oid)[1])
        except (DocumentError, MissingObjectError):
            continue
    return out
