"""Looking back: rolls and joined histories are not back; what others saw counts from the listing before."""

from pathlib import Path

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import canonical
from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.core.documents.names import is_line
from gitcoord.core.documents.rewind import Mark
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.meta import META, Applied, Meta, applied_path
from gitcoord.ledger.kinds.ledger import absent
from gitcoord.ledger.kinds.steps import STEPS
from gitcoord.ledger.rewinds.lookback import Lookback, descends
from gitcoord.ledger.rewinds.marks import BYTES_MAX, TOLD_MAX, Marks
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.copies.whole_history import AGAIN_S
from gitcoord.remote.transports.memory import MemoryObjects
from tests.unit.ledger.fakes import REFS, SIGNATURE, START, Member, World
from tests.unit.left_out import LeftOut

APP = REFS.steps("app")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def roll(world: World, *, replaces: Oid | None, tree: Oid | None = None) -> Oid:
    """Let somebody put a commit without parents where the project is."""
    tip = world.remote.refs[APP]
    objects = world.remote.objects
    head = f'{{"now":"2026-11-21T09:30:00.000Z","replaces":"{replaces}","rules":1}}' if replaces else "{}"
    kept = tree or commits.read(objects, tip).tree
    world.remote.refs[APP] = commits.write(objects, kept, [], SIGNATURE, START, f"roll app\n\n{head}")
    return world.remote.refs[APP]


def code(member: Member) -> str:
    reply = member.claim("app")
    return reply.failure.code if reply.failure else reply.outcome.code if reply.outcome else ""


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize(
    ("named", "expected"), [("the tip", "step_claimed"), ("none", "rewound"), ("an older one", "rewound")]
)
def test_a_roll_is_not_back_if_it_names_the_tip_that_it_replaces(world: World, named: str, expected: str) -> None:
    ann = world.clone("ann")
    ann.create("app")
    before = world.remote.refs[APP]
    ann.claim("app", "ann/1")
    roll(world, replaces={"the tip": world.remote.refs[APP], "none": None, "an older one": before}[named])

    assert code(ann) == expected


@pytest.mark.rule("SAFE-9")
def test_a_roll_with_another_tree_is_back(world: World) -> None:
    ann = world.clone("ann")
    ann.create("app")
    ann.claim("app", "ann/1")
    objects, tip = world.remote.objects, world.remote.refs[APP]
    folder = trees.load(objects, commits.read(objects, tip).tree)
    other = trees.write(objects, folder, {"meta.json": canonical(Meta(seq=50).dump())}).oid

    roll(world, replaces=tip, tree=other)

    assert code(ann) == "rewound"


def test_the_posts_that_a_commit_carried_out_are_not_read_to_find_what_was_before_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects, read = world.remote.objects, list[Oid]()
    tree = trees.write(objects, trees.EMPTY, {"meta.json": b"{}"}).oid or Oid("")
    first = seen = commits.write(objects, tree, [], SIGNATURE, START, "first")
    posts = [commits.write(objects, tree, [], SIGNATURE, START, f"post {number}") for number in range(9)]
    for number in range(3):
        first = commits.write(objects, tree, [first, *posts], SIGNATURE, START, f"fold {number}")
    plain = MemoryObjects.read
    monkeypatch.setattr(MemoryObjects, "read", lambda self, oid: (read.append(oid), plain(self, oid))[1])

    assert descends(objects, first, seen)
    assert not {*read} & {*posts}


@pytest.mark.rule("SAFE-9")
def test_a_commit_that_joins_two_histories_has_what_either_saw(world: World) -> None:
    objects = world.remote.objects
    tree = trees.write(objects, trees.EMPTY, {"meta.json": b"{}"}).oid or Oid("")

    def commit(title: str, *parents: Oid) -> Oid:
        return commits.write(objects, tree, parents, SIGNATURE, START, title)

    first = commit("first")
    ours, theirs = commit("ours", first), commit("theirs", first)
    joined = commit("joined", ours, theirs)
    further = commit("further", joined)

    assert [descends(objects, further, seen) for seen in (ours, theirs, first)] == [True, True, True]
    assert [descends(objects, joined, seen) for seen in (ours, theirs, first)] == [True, True, True]
    assert [descends(objects, ours, theirs), descends(objects, commit("on", Oid("9" * 40)), ours)] == [False, None]


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("writes", [False, True], ids=["looks", "writes"])
def test_what_cannot_be_judged_while_the_remote_is_away_is_judged_later(tmp_path: Path, *, writes: bool) -> None:
    """The history that comes again was left out of the clone, and its successor was not."""
    objects = MemoryObjects()

    def commit(seq: int, *parents: Oid) -> Oid:
        files = {META: Meta(seq=seq).encode(), applied_path("ann"): Applied(clone="ann", counter=seq).encode()}
        tree = trees.write(objects, trees.EMPTY, files).oid or Oid("")
        return commits.write(objects, tree, parents, SIGNATURE, START, str(seq))

    left_out, seen = commit(1), commit(5, commit(4))
    tip = boundary = commit(9, left_out)
    remote = LeftOut(objects, {left_out}, is_away=True)
    marks = Marks(tmp_path, "url", REFS.namespace, None)
    lookback = Lookback(remote.objects(tmp_path, [boundary]), REFS, marks)
    marks.note(APP, Mark(seen, 5))

    assert lookback.find(APP, {APP: tip}, START) is None
    if writes:
        tip = commit(10, tip)
        lookback.acknowledge(replace(absent(STEPS, APP), tip=tip, meta=Meta(seq=10)), "ann.10", START)
    remote.is_away, remote.now = False, remote.now + AGAIN_S
    found = lookback.find(APP, {APP: tip}, START)

    assert found is not None
    assert (lookback.mark_of(APP).tip, lookback.mark_of(APP).counter) == (seen, 10 * writes)


@pytest.mark.rule("SAFE-9")
def test_what_another_clone_saw_a_moment_after_the_ledger_was_listed_is_no_proof(world: World, tmp_path: Path) -> None:
    world.clone("ann").create("app")
    listed = {**world.remote.refs}
    eve = Lookback(world.remote.objects, REFS, Marks(tmp_path / "eve", "url", REFS.namespace, None))

    def look(seq: int) -> bool:
        eve.begin()
        beat = Heartbeat(clone="ann", beaten_at=START, seen={"steps/app": seq})
        eve.hear({"ann": (Oid("1" * 40), beat)})
        return eve.find(APP, listed, START) is not None

    assert look(1) is False
    assert look(2) is False  # it has landed since this listing's ledgers were read
    assert look(2) is True  # the listing before told of it


@pytest.mark.rule("SEC-1", "SEC-4")
@pytest.mark.parametrize(
    "seen",
    [
        {"steps/x\nnotice: y": 5},
        {"steps/x\x1b[2J": 5},
        {"steps/" + "x" * 2000: 5},
        {f"steps/x{number}": 5 for number in range(5_000)},
    ],
    ids=["lines", "escapes", "long", "many"],
)
def test_a_heartbeat_names_few_ledgers_each_on_a_line(tmp_path: Path, seen: dict[str, int]) -> None:
    eve = Lookback(MemoryObjects(), REFS, Marks(tmp_path, "url", REFS.namespace, None))

    eve.hear({"ann": (Oid("1" * 40), Heartbeat(clone="ann", beaten_at=START, seen=seen))})

    named = [error.where for error in eve.rewound({}, START)]
    assert len(named) <= TOLD_MAX
    assert all(map(is_line, named))


@pytest.mark.rule("SAFE-9")
def test_the_file_of_marks_stays_small_and_says_the_same(tmp_path: Path) -> None:
    marks = Marks(tmp_path, "url", REFS.namespace, None)
    refs = [RefName(f"refs/coord/steps/p{num}") for num in range(5)]
    seq = 0
    while seq < 2000:
        for ref in refs:
            seq += 1
            marks.load()
            marks.note(ref, Mark(f"{seq:040x}", seq, "ann", seq, 7))
            marks.compact("1")
    again = Marks(tmp_path, "url", REFS.namespace, None)

    again.load()

    (file,) = (tmp_path / "seen").iterdir()
    assert file.stat().st_size < BYTES_MAX + 1000
    assert [again.of(ref) for ref in refs] == [marks.of(ref) for ref in refs]
    assert again.tips(refs[-1])[:2] == [f"{seq:040x}", f"{seq - 5:040x}"]
    assert [again.tips(ref)[-1] for ref in refs] == [f"{first:040x}" for first in range(1, 6)]


@pytest.mark.rule("SAFE-9")
def test_a_line_that_a_crash_tore_off_costs_only_itself(world: World) -> None:
    ann = world.clone("ann")
    ann.create("app")
    before = world.remote.refs[APP]
    (file,) = (ann.setting.clone.folder / "seen").iterdir()
    with file.open("a") as torn:
        torn.write("home 99 ")
    ann.restarted().claim("app", "ann/1")
    world.remote.refs[APP] = before

    assert code(Member("ann", ann.setting, Transactions(ann.setting), ann.clock, ann.sessions)) == "rewound"
