"""The files of a clone that its processes write for each other: the spool, and the snapshot that hooks read."""

import json
from collections.abc import Iterator
from pathlib import Path

from gitcoord.core.claims.claim import Claim, Item, Mode, Part
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import done
from gitcoord.core.steps.step_commands import ClaimStep
from gitcoord.ledger.format.entry import Reply
from gitcoord.ledger.leader.spool import Spool, Waiting
from gitcoord.service.watch.snapshot import Snapshot
from tests.bench.places import repository, workspace
from tests.golden import samples
from tests.unit.ledger.fakes import World, host_of

_PATTERNS = ("src/a.py", "src/**", "docs/*.md", "**/test_*_[ab].py", "naïve/100%/x y.py", "package.json")


def written(folder: Path) -> dict[str, Json]:
    """Return path and text of each file; what differs between two clones is spelled `<clone>`."""
    return {**_spool(folder), **_snapshot()}


def _spool(folder: Path) -> dict[str, Json]:
    world = World(folder / "world")
    ann = world.clone("ann")
    spool = Spool(folder, host_of(world.clock))
    entry = ann.entry(ClaimStep(scope="api"), "app")
    name = spool.put(entry)
    outcome = done("step_claimed", step_num=1)
    spool.deliver([Waiting(ann.entry(ClaimStep(), "app", uid="other"), "other")], {"other": Reply(outcome=outcome)})
    spool.leave(entry.uid)
    return {f"spool/{name}": _text(folder / "spool" / name), "replies/other.json": _text(folder / "replies/other.json")}


def _snapshot() -> dict[str, Json]:
    with repository() as (top, env):
        place = workspace(top, env, "ann/cli/wt")
        Snapshot(place).write(Register().with_changes([*_claims()]), place.listed())
        files = sorted((top / ".git/gitcoord/snapshot").iterdir())
        texts: dict[str, Json] = {f"snapshot/{file.name}": _text(file) for file in files}
        me = json.loads(_text(top / ".git/gitcoord/snapshot/me.json").replace(place.clone_id, "<clone>"))
        me["gone"] = sorted(me["gone"])  # sentences with times, which go on
        return {**texts, "snapshot/me.json": json.dumps(me)}


def _claims() -> Iterator[Claim]:
    """Yield claims of every form that a line of the snapshot has."""
    for number, pattern in enumerate(_PATTERNS):
        item = Item(pattern=pattern, expires_at=samples.MOMENT)
        yield Claim(
            id=f"c-0000000{number}",
            agent="bob/codex/wt",
            clone="other",
            session=f"s-{number}",
            branch="feat/x",
            description="a \x1b[31mlogin\n" * number,
            items=(item, _half()) if number == 0 else (item,),
            created_at=samples.MOMENT,
            expires_at=samples.MOMENT,
            last_activity=samples.MOMENT,
        )


def _half() -> Item:
    part = Part(claim="c-00000001", pattern="src/b.py", symbols=("C",))
    return Item(pattern="src/b.py", symbols=("A::b",), mode=Mode.READ, expires_at=samples.MOMENT, carved=(part,))


def _text(file: Path) -> str:
    return file.read_text("utf-8")
