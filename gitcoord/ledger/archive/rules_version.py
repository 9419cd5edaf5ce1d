"""The versions that a ledger asks of its writers, raised for all ledgers of a place by a person's command.

Rules:
  * Nothing else raises them: a team upgrades its clones one by one, and older ones write until the person decides.
  * The team's ref is raised with the others, made where there is none: ledgers that come later begin with it.
  * Each ledger gets a commit of its own with a record; what cannot be read is left alone and named.

What this file does not know: who is at work.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.documents.outcomes import done
from gitcoord.errors import CoordError, DocumentError, MissingObjectError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.meta import META, RECORD, RULES, SCHEMA, WRITER, Meta
from gitcoord.ledger.format.records import RecordHead, head_line
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.readers.team_rules import check_is_rules
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, RefUpdate


@dataclass(frozen=True, slots=True)
class Raising:
    """What has to be swapped, and the ledgers that could not be read."""

    updates: tuple[RefUpdate, ...]
    unread: Mapping[RefName, CoordError]


def prepare(
    objects: Objects, refs: Refs, listed: Mapping[RefName, Oid], actor: Actor, by: Signature, read: RecordHead
) -> Raising:
    """Write the commits that raise every ledger to this version; none for one that is there already."""
    ledgers = [ref for ref in listed if LEDGERS.is_ledger(refs, ref)]
    updates: list[RefUpdate] = []
    unread: dict[RefName, CoordError] = {}
    for ref in sorted({refs.config, *ledgers}):
        try:
            tip = _raised(objects, refs, ref, listed.get(ref), actor, by, read)
        except (DocumentError, MissingObjectError) as error:
            unread[ref] = error
            continue
        if tip is not None:
            updates.append(RefUpdate(ref, listed.get(ref), tip))
    return Raising(tuple(updates), unread)


def _raised(
    objects: Objects, refs: Refs, ref: RefName, tip: Oid | None, actor: Actor, by: Signature, read: RecordHead
) -> Oid | None:
    folder = trees.load(objects, commits.read(objects, tip).tree) if tip else trees.EMPTY
    if ref == refs.config:
        check_is_rules(folder, ref, tip)
    oid = folder.file(META)
    if tip is not None and oid is None:
        message = f"{ref} is not a ledger: it has no {META}."
        raise DocumentError(message, where=ref)
    meta = Meta.decode(objects.read(oid)[1]) if oid else Meta()
    if meta.schema > SCHEMA or (meta.rules >= RULES and meta.writer_min >= WRITER):
        return None
    raised = meta.evolve(rules=max(meta.rules, RULES), writer_min=max(meta.writer_min, WRITER), at=read.now)
    edits: dict[str, bytes | None] = {META: raised.encode()}
    if folder.file(RECORD):
        edits[RECORD] = None  # it belongs to the commit before
    args: dict[str, Json] = {"rules": raised.rules, "writer_min": raised.writer_min}
    line = compact(
        {"do": "raise_rules", "by": actor.dump(), "args": args, "outcome": done("rules_raised", **args).dump()}
    )
    message = f"raise the rules of {ref} to {raised.rules} for {actor.agent}\n\n{head_line(read)}\n{line}"
    tree = trees.write(objects, folder, edits).oid or Oid("")
    return commits.write(objects, tree, [tip] if tip else [], by, read.now, message)
