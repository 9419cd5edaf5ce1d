"""Earlier history: what was left out of this clone is brought before it is read, never under `workspace.lock`.

    bring ──> walk back to where it was left out ──> the remote gives the rest, or not
                                                               │
    workspace.lock: the walk itself, of what is here <─────────┘

What this file does not know: what is read of it, and how it comes.
"""

from collections.abc import Iterable
from contextlib import nullcontext

from gitcoord.errors import CoordError, UnreachableError
from gitcoord.ledger.format import commits
from gitcoord.remote.contract.deadline import asking_until
from gitcoord.remote.contract.protocol import LeavesOut, Oid
from gitcoord.service.session import freshness
from gitcoord.service.session.workspace import Workspace


def bring(workspace: Workspace, tips: Iterable[Oid]) -> bool:
    """Bring what these ledgers came from, as far as it was left out; tell whether all of it is here.

    It is waited for beyond what a look may take, since it comes once; not where the remote did not answer the look.
    What does not come now is said by the walk that comes after, as what is damaged is. The boundary of a ledger that
    is deleted stays for good, and a session looks often: so of what was whole no commit is read again.
    """
    objects = workspace.setting.transport.objects
    if not isinstance(objects, LeavesOut):
        return True
    is_whole = True
    with nullcontext() if freshness.is_old() else asking_until(None):
        for tip in tips:
            if not objects.leaves_out():
                break
            try:
                for oid, _ in commits.walk(objects, tip):
                    if oid in workspace.whole:
                        workspace.whole.discard(oid)  # the new tip stands for it
                        break
                workspace.whole.add(tip)
            except UnreachableError:
                is_whole = False
            except CoordError:
                continue
    return is_whole
