"""Archives: of each ledger the newest stay, as policy `archives_kept` says; older ones go once they are audited.

Rules:
  * An archive goes by compare-and-delete, and only if this clone's audit has a checkpoint behind it: what was never
    audited may be the one proof of who did what.
  * With `archives_kept` 0 all stay.

What this file does not know: how a ledger is audited, and rolled.
"""

from contextlib import suppress

from filelock import Timeout

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import ContendedError, CoordError, DeniedError
from gitcoord.ledger.audit.checkpoint import has_passed
from gitcoord.ledger.format.refs import ARCHIVES
from gitcoord.remote.contract.protocol import RefName, RefUpdate, SwapStatus
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.upkeep.left_alone import problem
from gitcoord.service.upkeep.roll_ledgers import with_archives


def delete_old(workspace: Workspace, *, dry_run: bool, problems: list[Json]) -> dict[str, Json]:
    """Delete archives that are too many; return which are left (`refs`), went (`deleted`), and wait for an audit."""
    setting, refs = workspace.setting, workspace.setting.refs
    listed = with_archives(workspace)
    kept = workspace.reader.policy(refs.config, listed).archives_kept
    deleted, unaudited = list[Json](), list[Json]()
    for ref in sorted(listed):
        if not kept or not setting.ledgers.is_ledger(refs, ref):
            continue
        for archive in [*refs.archives_of(ref, listed).values()][:-kept]:
            try:
                is_passed = has_passed(setting.transport.objects, setting.place_folder, ref, listed[archive])
            except CoordError:  # `audit` names it
                is_passed = False
            if not is_passed:
                unaudited.append(archive)
            elif dry_run or _is_deleted(workspace, RefUpdate(archive, listed[archive], None), problems):
                deleted.append(archive)
    gone: list[Json] = [] if dry_run else deleted
    left: list[Json] = [ref for ref in sorted(listed) if refs.is_at(ARCHIVES, ref) and ref not in gone]
    return {"refs": left, "kept": kept, "deleted": deleted, "unaudited": unaudited}


def _is_deleted(workspace: Workspace, update: RefUpdate, problems: list[Json]) -> bool:
    status, words = SwapStatus.LOST, "another process of this clone is writing"
    with suppress(Timeout), workspace.combiner.lock():
        outcome = workspace.setting.push([update])
        status, words = outcome.status, outcome.message
        if status is SwapStatus.UNKNOWN and update.ref not in workspace.setting.transport.read([update.ref]):
            return True
    if status is not SwapStatus.WON:
        kind = DeniedError if status is SwapStatus.DENIED else ContendedError
        text = f"{RefName(update.ref)} was not deleted: {words.rstrip('.')}."
        problems.append(problem(kind(text, hint="Run it again."), update.ref))
    return status is SwapStatus.WON
