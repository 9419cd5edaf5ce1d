"""Commits that no command of the rules made: a person's or a repair's. Each has a shape, and may change what it says.

    raise_rules      the versions in `meta.json`
    remove_damage    the files that no reader takes
    repaired         numbers that go on above all that is known: the sequence number, counters, fences (SAFE-9); the
                     fence of a held step where the other history has that step otherwise, or is not here whole
    publish          the first commit of a ledger that a clone's store had before; its tree is taken as it is
    a roll           no parent, names the tip that it replaces, and has the same tree

What this file does not know: commits of commands (`replay`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.rewind import Present, is_possible
from gitcoord.core.steps.step import Step
from gitcoord.ledger.audit.problem import Problem, UnsoundError
from gitcoord.ledger.audit.recorded_batch import Head
from gitcoord.ledger.audit.replay import Replay
from gitcoord.ledger.format import commits, steps_layout, trees
from gitcoord.ledger.format.commits import Commit
from gitcoord.ledger.format.meta import META, RECORD, RULES, WRITER, Applied, Meta, applied_path
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.rewinds.restore import RESERVE
from gitcoord.remote.contract.protocol import Objects

RAISE, REMOVE, REPAIRED = "raise_rules", "remove_damage", "repaired"


def is_special(line: Mapping[str, Json]) -> bool:
    """Whether this line of a record, its second one, is none of a command of the rules."""
    return line.get("do") in (RAISE, REMOVE) or REPAIRED in line


def check(
    replay: Replay, before: LedgerState[Any], commit: Commit, head: Head, line: Mapping[str, Json], apart: bytes | None
) -> None:
    """Look whether such a commit changes what it says, and nothing else.

    Raises:
        UnsoundError: it does not.
        CoordError: something in it cannot be read.
    """
    if REPAIRED in line:
        _check_repair(replay.objects, before, commit, head, line[REPAIRED])
        return
    edits: dict[str, bytes | None] = {}
    args = line.get("args")
    facts = args if isinstance(args, dict) else {}
    if line.get("do") == RAISE:
        rules, writer_min = facts.get("rules"), facts.get("writer_min")
        if not isinstance(rules, int) or not isinstance(writer_min, int):
            raise UnsoundError(Problem.RECORD, "raises the rules to no number")
        if rules > RULES or writer_min > WRITER:
            raise UnsoundError(Problem.RULES, f"raises the rules to {rules}, which its writer did not have")
        raised = max(before.meta.rules, rules), max(before.meta.writer_min, writer_min)
        edits[META] = before.meta.evolve(rules=raised[0], writer_min=raised[1], at=head.now).encode()
        if before.folder.file(RECORD):
            edits[RECORD] = None
    else:
        at = max(head.now, before.meta.at or head.now)
        edits |= dict.fromkeys(before.left_out)
        if apart is not None or before.folder.file(RECORD):
            edits[RECORD] = apart
        edits[META] = before.meta.evolve(at=at).encode()
    folder = trees.write(replay.objects, before.folder, edits)
    if folder.oid != commit.tree:
        replay.explain(before.folder, edits, folder, commit.tree)


def _check_repair(objects: Objects, before: LedgerState[Any], commit: Commit, head: Head, said: Json) -> None:
    found = trees.load(objects, commit.tree, before.folder)
    further = commit.parents[1:]
    others = [commits.read(objects, parent).tree for parent in further if objects.has(parent)]
    other = said.get("other", before.tip) if isinstance(said, dict) else before.tip
    is_apart = len(others) < len(further) or (not further and other != before.tip)
    for path, oid in trees.changes(before.folder, found):
        was = before.folder.file(path)
        data = (objects.read(was)[1] if was else None), (objects.read(oid)[1] if oid else None)
        if not _is_renumbered(path, *data, before.meta, head.now):
            raise UnsoundError(Problem.REPAIR, f"says that it repairs the ledger, and changes {path}")
        is_held = steps_layout.is_step(path) and data[0] is not None and Step.decode(data[0]).is_held
        if is_held and not is_apart and all(trees.find(objects, tree, path) == was for tree in others):
            what = f"says that it repairs the ledger, and gives {path} a new fence, which both histories have alike"
            raise UnsoundError(Problem.REPAIR, what)


def _is_renumbered(path: str, was: bytes | None, data: bytes | None, meta: Meta, now: datetime) -> bool:
    """Whether a document of a ledger differs in its numbers alone, which go up as far as they can have been."""
    if data is None:
        return False
    if path == META and was:
        new = Meta.decode(data)
        pairs = (meta.seq, new.seq), (meta.grants, new.grants)
        is_same = meta.evolve(seq=new.seq, grants=new.grants, at=now) == new
    elif path.startswith("applied/"):
        counted = Applied.decode(data)
        known = Applied.decode(was) if was else counted.evolve(counter=0)
        pairs = ((known.counter, counted.counter),)
        is_same = known.evolve(counter=counted.counter) == counted and path == applied_path(counted.clone)
    elif steps_layout.is_step(path) and was:
        old, step = Step.decode(was), Step.decode(data)
        pairs = ((old.fence, step.fence),)
        is_same = old.evolve(fence=step.fence) == step
    else:
        return False
    return is_same and all(
        low <= high and is_possible(high - RESERVE, Present(low, at=meta.at), now) for low, high in pairs
    )
