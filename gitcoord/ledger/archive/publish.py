"""Publishing: what was coordinated in one clone's store moves to a remote that was named later.

Rules:
  * STORE-2: a ledger is published as a parentless commit of its tree; its history and archives stay in the store.
  * A project whose name is taken on the remote is not touched there: it is refused by name and kept here,
    under `refs/kept/…` of the store. While anything is kept there, the store may not be deleted.
  * What was put aside before is never overwritten: the next of that name gets `@2`, `@3` ….
  * A ledger there that begins with our tree is ours: it landed, and we did not get to know it or to note it.
  * A heartbeat is not published: the next beat goes to the remote.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from gitcoord.errors import DeniedError, StorageError, UnreachableError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import WALK_MAX, Signature
from gitcoord.ledger.format.refs import ARCHIVES, Refs
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid, RefName, RefUpdate, SwapStatus, Transport

KEPT = "refs/kept/"
PUBLISHED = "refs/published/"


class Published(NamedTuple):
    """What became of the ledgers of a store: names of refs."""

    published: tuple[RefName, ...]
    kept: tuple[RefName, ...]


def publish(home: Transport, remote: Transport, refs: Refs, signature: Signature, now: datetime) -> Published:
    """Publish every ledger of `home`. Safe to repeat: what was published is gone from `home`.

    Raises:
        UnreachableError, DeniedError: the remote could not take them; nothing is lost, call again.
        StorageError: the remote has one that cannot be set aside in the store of this clone; call again.
    """
    own_tips = home.read(refs.everything)
    theirs = remote.read(refs.everything)
    published: list[RefName] = []
    kept: list[RefName] = []
    for ref, tip in sorted(own_tips.items()):
        if refs.clone_of(ref) is not None:
            _set_aside(home, ref, tip, None)
        elif refs.is_at(ARCHIVES, ref):
            _set_aside(home, ref, tip, RefName(f"{PUBLISHED}{ref.removeprefix('refs/')}"))
        elif not _is_there(home, remote, tip, theirs.get(ref)) and (
            ref in theirs or not _publish_one(home, remote, ref, tip, signature, now)
        ):
            _set_aside(home, ref, tip, RefName(f"{KEPT}{ref.removeprefix('refs/')}"))
            kept.append(ref)
        else:
            _set_aside(home, ref, tip, RefName(f"{PUBLISHED}{ref.removeprefix('refs/')}"))
            published.append(ref)
    return Published(tuple(published), tuple(kept))


def _is_there(home: Transport, remote: Transport, tip: Oid, theirs: Oid | None) -> bool:
    """Whether the remote's ledger is one that we published: its first commit has our tree."""
    if theirs is None:
        return False
    remote.fetch([theirs])
    ours = commits.read(home.objects, tip).tree
    commit_id = theirs
    for _ in range(WALK_MAX):
        if not remote.objects.has(commit_id):
            return False
        commit = commits.read(remote.objects, commit_id)
        earlier = commits.before(remote.objects, commit)
        if earlier is None:
            return commit.tree == ours
        commit_id = earlier
    return False


def _publish_one(
    home: Transport, remote: Transport, ref: RefName, tip: Oid, signature: Signature, now: datetime
) -> bool:
    tree = commits.read(home.objects, tip).tree
    copy_tree(home.objects, remote.objects, tree)
    title = f"publish {ref.rsplit('/', 1)[1]}"
    outcome = remote.swap([RefUpdate(ref, None, commits.write(remote.objects, tree, [], signature, now, title))])
    if outcome.status is SwapStatus.DENIED:
        raise DeniedError(f"The remote declined {ref}: {outcome.message}.", hint="Nothing is lost; it stays here.")
    if outcome.status in (SwapStatus.UNREACHABLE, SwapStatus.UNKNOWN):
        raise UnreachableError(f"{ref} could not be published: {outcome.message}.", hint="Nothing is lost; try again.")
    return outcome.status is SwapStatus.WON


def _set_aside(home: Transport, ref: RefName, tip: Oid, new_name: RefName | None) -> None:
    updates: Sequence[RefUpdate] = [RefUpdate(ref, tip, None)]
    if new_name is not None:
        taken = home.read([new_name[: new_name.rindex("/") + 1]])
        if tip not in taken.values():  # else we died after that, and before the deletion
            # No project's name has an `@`.
            numbered = (RefName(f"{new_name}@{suffix}") for suffix in range(2, len(taken) + 3))
            name = new_name if new_name not in taken else next(ref for ref in numbered if ref not in taken)
            updates = [RefUpdate(name, None, tip), *updates]
    outcome = home.swap(updates)
    if outcome.status is not SwapStatus.WON:
        message = f"{ref} could not be set aside in this clone's store: {(outcome.message or 'no reason').rstrip('.')}."
        hint = outcome.cause.hint if outcome.cause else "Nothing is lost; try again."
        raise StorageError(message, hint=hint)


def copy_tree(source: Objects, target: Objects, tree: Oid) -> None:
    """Copy a tree and what is below it, unless it is there."""
    if target.has(tree):
        return
    kind, data = source.read(tree)
    if kind is ObjectKind.TREE:
        for child in trees.children(data, len(tree) // 2):
            copy_tree(source, target, child)
    target.write(kind, data)


def copy_whole(source: Objects, target: Objects, tree: Oid) -> None:
    """Copy a tree and all that is below it, whatever is there: a tree may be there without what it names.

    Raises:
        CoordError: the source does not have it whole.
    """
    kind, data = source.read(tree)
    if kind is ObjectKind.TREE:
        for child in trees.children(data, len(tree) // 2):
            copy_whole(source, target, child)
    target.write(kind, data)
