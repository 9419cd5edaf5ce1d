"""Rolling: a ledger with a long history goes on from a commit without parents, and its old tip is kept as an archive.

    …o──o──T   refs/coord/claims    ──one swap──>    …o──o──T   refs/coord/archive/claims/1
                                                            R   refs/coord/claims: the tree of T, and `replaces` T

Rules:
  * SAFE-9: tree, numbers and what was applied are as before, and the record names the tip that is replaced; so no clone
    takes it for a loss, and a command that is on its way is decided on it as on any other tip.
  * Under `refs/heads/` nothing is rolled: branches are not rewound there.
  * Where what came before a commit is nowhere any more, its roll names no archive; an audit begins there.
  * An archive is written before its ledger, where the remote takes one ref at a time. One that is left of a roll that
    never came names a commit that its ledger still has, and may go.

What this file does not know: who asks, and when an archive is old enough to go.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from gitcoord.core.documents.json_text import compact, time_text
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.meta import RULES
from gitcoord.ledger.format.refs import Refs
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, RefUpdate


class Length(NamedTuple):
    """How long a ledger's history is since it was rolled last, or began, as far as it is here.

    Attributes:
        commits: how many.
        passed: which of the commits that were asked for are among them.
    """

    commits: int
    passed: frozenset[Oid] = frozenset()


def length_of(objects: Objects, tip: Oid, asked: Collection[Oid] = ()) -> Length:
    """Count a ledger's commits, 35 µs each.

    Raises:
        DocumentError: one is damaged.
    """
    count, passed, commit_id = 0, set[Oid](), tip
    while objects.has(commit_id):
        count += 1
        passed.update({commit_id}.intersection(asked))
        parents = commits.read(objects, commit_id).parents
        if not parents:
            break
        commit_id = parents[0]
    return Length(count, frozenset(passed))


def added_since(objects: Objects, tip: Oid, earlier: Oid) -> int | None:
    """Return how many commits came after an earlier tip; `None`: it is not the same history, for it was rolled."""
    count, commit_id = 0, tip
    while commit_id != earlier:
        parents = commits.read(objects, commit_id).parents if objects.has(commit_id) else ()
        if not parents:
            return None
        count, commit_id = count + 1, parents[0]
    return count


class Roll(NamedTuple):
    """A roll that is ready to be swapped: the archive first, then the ledger, which is at `tip` then."""

    archive: RefUpdate
    ledger: RefUpdate
    tip: Oid


def lacks_history(objects: Objects, tip: Oid, there: Oid | None) -> bool:
    """Whether a part of a history is neither here nor behind what the remote has, `there`: it cannot be sent.

    Raises:
        DocumentError: a commit is damaged.
        UnreachableError: the remote may have that part, and does not give it now.
    """
    waiting, known = [tip], {there}
    while waiting:
        oid = waiting.pop()
        if oid in known:
            continue
        if not objects.has(oid):
            return True
        known.add(oid)
        waiting += commits.read(objects, oid).parents
    return False


def without_history(objects: Objects, tip: Oid, agent: str, signature: Signature, now: datetime, name: str) -> Oid:
    """Write the roll of a commit whose history no one has any more; return its id.

    Raises:
        DocumentError: the commit is damaged.
    """
    head = {"by": agent, "now": time_text(now), "replaces": tip, "rules": RULES}
    title = f"roll {name} for {agent}: what came before is not here"
    return commits.write(
        objects, commits.read(objects, tip).tree, [], signature, now, f"{title}\n\n{compact({**head})}"
    )


def next_archive(refs: Refs, ref: RefName, listed: Mapping[RefName, Oid]) -> RefName:
    """Return where the next roll of a ledger puts its old tip."""
    return refs.archive(ref, max(refs.archives_of(ref, listed), default=0) + 1)


def prepare(  # noqa: PLR0913 - what a commit of ours says, by name
    objects: Objects,
    refs: Refs,
    ref: RefName,
    listed: Mapping[RefName, Oid],
    *,
    commits_count: int,
    agent: str,
    signature: Signature,
    now: datetime,
) -> Roll:
    """Write the commit that a ledger goes on from. `listed`: with the archives.

    Raises:
        DocumentError: the ledger's tip is damaged.
    """
    tip = listed[ref]
    name = next_archive(refs, ref, listed)
    head = {"archive": name, "by": agent, "now": time_text(now), "replaces": tip, "rules": RULES}
    title = f"roll {ref.removeprefix(f'{refs.namespace}/')} for {agent}: {commits_count:,} commits"
    tree = commits.read(objects, tip).tree
    rolled = commits.write(objects, tree, [], signature, now, f"{title}\n\n{compact({**head})}")
    return Roll(RefUpdate(name, None, tip), RefUpdate(ref, tip, rolled), rolled)
