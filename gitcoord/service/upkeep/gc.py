"""`gc`: everything that grows is brought back within its bounds, and what was done is said.

    ledgers with a long history ──> rolled, each in one swap          (`roll_ledgers`)
    archives beyond those that are kept ──> deleted, once an audit has passed them   (`old_archives`)
    heartbeats, probes, posts of a week ago ──> deleted; files of this clone as well     (`leftovers`)
    the clone's store ──> packed; what nothing names any more goes    (`pack_store`)

Rules:
  * Agents go on meanwhile: nothing here holds the clone's lock for longer than a swap.
  * One part that fails stops no other; its sentence is among the `problems`.
  * It may be run at any time, by any clone, and by several at once; what is done already is done.

What this file does not know: who runs it, and how often.
"""

from filelock import FileLock, Timeout

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import ContendedError, CoordError, unwritable
from gitcoord.ledger.format.commits import ROLLED_AFTER
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.upkeep import leftovers, old_archives, pack_store, roll_ledgers
from gitcoord.service.upkeep.left_alone import problem

LOCK = "gc.lock"  # in the clone's folder


def gc(workspace: Workspace, *, dry_run: bool = False, rolled_after: int = ROLLED_AFTER) -> dict[str, Json]:
    """Bring what grows within its bounds; `dry_run`: only say what would be done.

    Returns: `rolled`, `archives`, `deleted` (refs), `files` (how many of this clone were removed), `store` (its size
    before and after), `problems`.

    Raises:
        ContendedError: this clone is doing it already.
        UnreachableError: the remote cannot be read.
    """
    workspace.follow()
    problems: list[Json] = []
    lock = FileLock(workspace.setting.clone.folder / LOCK, timeout=0, thread_local=False)
    try:
        held = lock.acquire()
    except Timeout:
        message = "Another gitcoord gc is at work in this clone; nothing was changed."
        raise ContendedError(message, hint="Let it end.") from None
    except OSError as error:
        raise unwritable(f"The lock {lock.lock_file!r}", error.strerror or error) from error
    with held:
        rolled: list[Json] = [
            *roll_ledgers.roll_ledgers(workspace, rolled_after=rolled_after, dry_run=dry_run, problems=problems)
        ]
        archives = old_archives.delete_old(workspace, dry_run=dry_run, problems=problems)
        deleted = leftovers.delete_refs(workspace, dry_run=dry_run, problems=problems)
        files = leftovers.remove_files(workspace, dry_run=dry_run)
        store: Json = None
        try:
            store = pack_store.pack_store(workspace, dry_run=dry_run)
        except CoordError as error:
            problems.append(problem(error))
    return {
        "dry_run": dry_run,
        "rolled": rolled,
        "archives": archives,
        "deleted": [*deleted],
        "files": files,
        "store": store,
        "problems": problems,
    }
