"""Leftovers: refs that no one has touched for a week, and files of this clone that no process comes back for.

Each swap of each clone deletes five of the refs (`ledger/liveness/cleanup`); here all of them go, in as few swaps as
the remote takes. Under `refs/heads/` none does.
"""

from contextlib import suppress

from filelock import Timeout

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import ContendedError, DeniedError
from gitcoord.ledger.clone import files
from gitcoord.ledger.leader.lead_time import delays
from gitcoord.ledger.liveness.cleanup import Sweeper, untouched
from gitcoord.remote.contract.protocol import RefName, RefUpdate, SwapStatus
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.upkeep.left_alone import problem

SWAP_MAX = 100  # GitHub lets a push change so many refs and more; a request of them is 10 KB


def delete_refs(workspace: Workspace, *, dry_run: bool, problems: list[Json]) -> list[RefName]:
    """Delete what was not touched for a week, and return it; `dry_run`: what would go."""
    if dry_run:
        return [update.ref for update in _wanted(workspace)]
    setting, deleted = workspace.setting, list[RefName]()
    for delay in delays(setting.host.chance):
        with suppress(Timeout), workspace.combiner.lock():
            wanted = _wanted(workspace)
            if not wanted:
                return deleted
            size = SWAP_MAX if setting.transport.atomic else 1
            for start in range(0, len(wanted), size):
                batch = wanted[start : start + size]
                outcome = setting.push(batch)
                if outcome.status is SwapStatus.WON:
                    deleted += [update.ref for update in batch]
                elif outcome.status is SwapStatus.DENIED:
                    text = f"The remote does not let us delete {batch[0].ref}: {outcome.message}."
                    problems.append(problem(DeniedError(text, hint="Ask for the right to push refs/coord/*.")))
                    return deleted
            if len(wanted) == len(deleted):
                return deleted
        setting.host.sleep(delay)
    text = "Some refs that were not touched for a week are still there: others wrote at every attempt."
    problems.append(problem(ContendedError(text, hint="Run it again.")))
    return deleted


def _wanted(workspace: Workspace) -> list[RefUpdate]:
    setting = workspace.setting
    own = {setting.refs.heartbeat(clone) for clone in setting.clone.ids}
    found = untouched(setting.transport.objects, setting.refs, workspace.listed(), setting.host.now())
    return [update for update in found if update.ref not in own]


def remove_files(workspace: Workspace, *, dry_run: bool) -> int:
    """Remove files of this clone that are left of sessions and commands that are over; return how many."""
    setting = workspace.setting
    paths = [*Sweeper(setting.refs, setting.sessions, setting.clone.folder).untouched_files(setting.host.now())]
    for path in () if dry_run else paths:
        files.remove(path)
    return len(paths)
