"""Reading: what changed is read, what is damaged is named, and everything else goes on."""

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.documents import limits
from gitcoord.core.documents.json_text import Json, canonical
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.step_commands import FailStep, RecoverStep, SkipStep
from gitcoord.errors import DocumentError, SchemaError
from gitcoord.ledger.format import commits, steps_layout, trees
from gitcoord.ledger.format.meta import WRITER
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.readers import reader as reader_module
from gitcoord.ledger.readers.reader import Reader
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName
from tests.unit.ledger.fakes import REFS, SIGNATURE, START, Member, World, add, code, fact

APP, WEB = REFS.steps("app"), REFS.steps("web")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def rewrite(world: World, edits: Mapping[str, bytes | None], ref: RefName = APP) -> Oid:
    """Change files of a ledger as somebody may who has a git client and no manners."""
    objects = world.remote.objects
    folder = trees.load(objects, commits.read(objects, world.remote.refs[ref]).tree)
    tree = trees.write(objects, folder, edits).oid
    assert tree
    tip = commits.write(objects, tree, [world.remote.refs[ref]], SIGNATURE, START, "by hand")
    world.remote.refs[ref] = tip
    return tip


def read(reader: Reader, world: World, ref: RefName = APP) -> LedgerState[Any]:
    return reader.ledger(ref, world.remote.refs[ref])


@pytest.mark.rule("TXN-1")
@pytest.mark.parametrize("seed", range(6))
def test_reading_what_changed_gives_the_same_as_reading_everything(world: World, seed: int) -> None:
    chance = random.Random(seed)
    ann, bob = world.clone("ann"), world.clone("bob")
    ann.create("app", 6)
    reader = world.reader()
    for at in range(30):
        one_command(chance, chance.choice([ann, bob]), at)
        if chance.random() < 0.6:
            mine, theirs = read(reader, world), world.state()
            assert mine.content == theirs.content
            assert (mine.tip, mine.meta) == (theirs.tip, theirs.meta)

    remembered = ann.transactions.reader.project(APP, world.remote.refs[APP])
    assert remembered.content == world.board() == bob.transactions.reader.project(APP, world.remote.refs[APP]).content


def one_command(chance: random.Random, member: Member, at: int) -> None:
    num = chance.randrange(1, 8)
    match chance.randrange(6):
        case 0:
            member.do(add(100 + at))
        case 1:
            member.do(SkipStep(step_num=num, reason="not needed"))
        case 2:
            member.do(FailStep(step_num=num, reason="no time", fence=1))
        case 3:
            member.do(RecoverStep(step_num=num, force=True))
        case 4:
            member.complete(num, 1)
        case _:
            member.claim(agent=f"{member.name}/{num}")


def test_a_tip_that_is_known_costs_nothing_and_a_changed_one_only_what_changed(world: World) -> None:
    ann = world.clone("ann")
    ann.create("app", 300)
    reader = Reader(Counting(world), REFS)  # pyright: ignore[reportArgumentType]
    counted = reader._transport
    read(reader, world)
    first = counted.reads()  # pyright: ignore[reportAttributeAccessIssue]
    read(reader, world)
    same = counted.reads()  # pyright: ignore[reportAttributeAccessIssue]
    ann.claim()
    read(reader, world)
    changed = counted.reads()  # pyright: ignore[reportAttributeAccessIssue]

    assert first > 300
    assert same == 0
    assert changed <= 8


class Counting:
    """The remote's own objects, counted as they are read."""

    name, is_far, atomic, sends_checks = "memory", False, True, True

    def __init__(self, world: World) -> None:
        self._world = world
        self._reads = 0
        self.objects = self
        self.object_format = "sha1"

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        self._reads += 1
        return self._world.remote.objects.read(oid)

    def has(self, oid: Oid) -> bool:
        return self._world.remote.objects.has(oid)

    def reads(self) -> int:
        count, self._reads = self._reads, 0
        return count


def _step(**changes: Json) -> bytes:
    return canonical({"id": "app/1", "step_num": 1, **changes})


_DAMAGE: dict[str, dict[str, bytes | None]] = {
    "no meta": {"meta.json": None},
    "no project": {"project.json": None},
    "another project": {"project.json": b'{"name":"web","base_commit":"1","created_at":"2026-01-01T00:00:00Z"}'},
    "not JSON": {"steps/0/1.json": b"{"},
    "not UTF-8": {"steps/0/1.json": b'{"id":"\xff"}'},
    "not an object": {"steps/0/1.json": b"[]"},
    "a key twice": {"steps/0/1.json": b'{"id":"app/1","id":"app/2","step_num":1}'},
    "NaN": {"steps/0/1.json": b'{"id":"app/1","step_num":1,"priority":NaN}'},
    "a wrong type": {"steps/0/1.json": _step(priority="high")},
    "a large number": {"steps/0/1.json": _step(fence=1 << 60)},
    "an unknown status": {"steps/0/1.json": _step(status="paused")},
    "deep": {"steps/0/1.json": b'{"x":' * 10_000 + b"1" + b"}" * 10_000},
    "huge": {"steps/0/1.json": b'{"x":"' + b"y" * (5 << 20) + b'"}'},
    "at another's place": {"steps/0/2.json": _step()},
    "a dependency that is not there": {"steps/0/1.json": _step(depends_on=[99])},
    "meta of a wrong type": {"meta.json": b'{"schema":"one"}'},
}


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("known", [False, True], ids=["fresh", "known"])
@pytest.mark.parametrize("damage", _DAMAGE.values(), ids=_DAMAGE.keys())
def test_damage_is_named_with_ref_and_object_while_other_projects_go_on(
    world: World, damage: dict[str, bytes | None], known: bool
) -> None:
    ann = world.clone("ann")
    ann.create("app")
    ann.create("web")
    reader = world.reader()
    if known:
        reader.projects(world.remote.refs)
    tip = rewrite(world, damage)

    states = reader.projects(world.remote.refs)

    problem = reader.problems[APP]
    assert [state.ref for state in states] == [WEB]
    assert isinstance(problem, DocumentError)
    assert problem.where == APP
    assert APP in str(problem)
    assert len(str(problem)) < 1000
    replies = [ann.claim("app"), ann.claim("web", "ann/w"), ann.claim(None, "ann/x")]
    assert [code(reply) for reply in replies] == ["damaged", "step_claimed", "step_claimed"]
    assert world.remote.refs[APP] == tip


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("others", [[1], [2]], ids=["itself", "a cycle"])
def test_steps_that_wait_for_each_other_are_never_available_and_stop_nobody(world: World, others: list[Json]) -> None:
    ann = world.clone("ann")
    ann.create("app")
    second = canonical({"id": "app/2", "step_num": 2, "depends_on": [1]})
    rewrite(world, {"steps/0/1.json": _step(depends_on=others), "steps/0/2.json": second})

    replies = [ann.claim(), ann.claim(agent="ann/2")]

    assert [fact(reply, "step_num") for reply in replies[:1]] == [3]
    assert code(replies[1]) == "nothing_available"


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("kind", [ObjectKind.BLOB, ObjectKind.TREE, ObjectKind.COMMIT])
def test_a_tip_that_is_nonsense_is_named_and_others_go_on(world: World, kind: ObjectKind) -> None:
    ann = world.clone("ann")
    ann.create("web")
    world.remote.refs[APP] = world.remote.objects.write(kind, b"")

    reply, other = ann.claim("app"), ann.claim("web")

    assert (code(reply), code(other)) == ("damaged", "step_claimed")


@pytest.mark.rule("SAFE-6")
def test_damage_that_was_repaired_is_forgotten(world: World) -> None:
    ann = world.clone("ann")
    ann.create("app")
    good = world.remote.refs[APP]
    rewrite(world, {"steps/0/1.json": b"{"})
    broken = ann.claim()
    world.remote.refs[APP] = good

    assert (code(broken), code(ann.claim())) == ("damaged", "step_claimed")


@pytest.mark.rule("SAFE-6")
def test_a_step_that_somebody_deleted_by_hand_is_gone_and_the_rest_goes_on(world: World) -> None:
    ann = world.clone("ann")
    ann.create("app")
    ann.claim()
    rewrite(world, {"steps/0/2.json": None})

    reply = ann.claim(agent="ann/2")

    assert fact(reply, "step_num") == 3
    assert sorted(world.board().steps) == [1, 3]


def meta_with(**changes: Json) -> Callable[[World], bytes]:
    return lambda world: canonical({**world.state().meta.dump(), **changes})


@pytest.mark.rule("SAFE-6")
def test_a_ledger_of_a_newer_schema_is_not_read_and_says_what_to_do(world: World) -> None:
    ann = world.clone("ann")
    ann.create("app")
    ann.create("web")
    rewrite(world, {"meta.json": meta_with(schema=2)(world)})
    reader = world.reader()

    with pytest.raises(SchemaError, match="schema 2") as caught:
        read(reader, world)

    assert caught.value.exit_status == 1
    assert "Upgrade" in caught.value.hint
    assert [state.ref for state in reader.projects(world.remote.refs)] == [WEB]
    assert code(ann.claim("app")) == "newer_schema"


def test_a_ledger_for_newer_writers_is_read_and_not_written(world: World) -> None:
    ann = world.clone("ann")
    ann.create("app")
    tip = rewrite(world, {"meta.json": meta_with(writer_min=WRITER + 1)(world)})

    reply = ann.claim()

    assert len(world.board().steps) == 3
    assert code(reply) == "newer_schema"
    assert reply.failure is not None
    assert reply.failure.as_error().exit_status == 1
    assert world.remote.refs[APP] == tip


def test_what_a_newer_version_added_survives_our_writing(world: World) -> None:
    ann = world.clone("ann")
    ann.create("app")
    old = json.loads(world.remote.objects.read(world.state().folder.file("steps/0/1.json") or Oid(""))[1])
    rewrite(world, {"future/x.json": b"{}\n", "steps/0/1.json": canonical({**old, "mood": ["calm"]})})

    ann.claim()

    state = world.state()
    assert state.folder.file("future/x.json")
    assert world.step(1).extra == {"mood": ["calm"]}
    assert world.step(1).agent_id == "ann"


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"clone":7}', b'{"clone":"bob","beaten_at":"soon"}', b'{"clone":"bob"}', b'"' * 99, None],
)
def test_a_heartbeat_that_is_garbage_is_as_good_as_none(world: World, data: bytes | None) -> None:
    bob = world.clone("bob")
    bob.create("app", 1)
    bob.claim()
    objects = world.remote.objects
    name = "heartbeat.json" if data is not None else "other.json"
    tree = trees.write(objects, trees.EMPTY, {name: data or b""}).oid
    assert tree
    world.remote.refs[REFS.heartbeat("bob")] = commits.write(objects, tree, [], SIGNATURE, START, "?")
    ann = world.clone("ann")

    early = ann.claim()
    world.clock.advance(minutes=61)
    late = ann.claim()

    assert (code(early), code(late)) == ("nothing_available", "step_claimed")


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("data", [b"{", b"[]", b'{"auto_recover":"maybe"}', None])
def test_a_damaged_policy_is_the_default_and_says_so(world: World, data: bytes | None) -> None:
    ann = world.clone("ann")
    ann.create("app")
    objects = world.remote.objects
    tree = trees.write(objects, trees.EMPTY, {"policy.json": data or b""}).oid
    assert tree
    world.remote.refs[REFS.config] = commits.write(objects, tree, [], SIGNATURE, START, "?") if data else tree

    reply = ann.claim()

    assert code(reply) == "step_claimed"
    assert REFS.config in ann.transactions.reader.problems


@pytest.mark.rule("SEC-4")
def test_documents_that_are_too_many_bytes_together_are_read_up_to_the_limit(world: World) -> None:
    ann = world.clone("ann")
    ann.create("app", 2)
    ann.create("web", 1)
    known = world.reader()
    read(known, world)
    size, count = limits.DOCUMENT_BYTES, limits.LEDGER_BYTES // limits.DOCUMENT_BYTES + 5
    rewrite(world, {f"steps/9/{num}.json": step_of(size, num=num) for num in range(900, 900 + count)})

    for reader in (known, world.reader()):
        before = reader.parsed
        with pytest.raises(DocumentError, match="too large: its documents have more than"):
            read(reader, world)
        assert reader.parsed - before < count
        assert read(reader, world, WEB).content


@pytest.mark.rule("SEC-4")
def test_what_a_ledger_has_together_is_the_same_for_who_read_all_and_who_read_what_changed(world: World) -> None:
    ann, bob = world.clone("ann"), world.clone("bob")
    ann.create("app", 3)
    reader = world.reader()
    read(reader, world)
    ann.claim()
    bob.claim()
    rewrite(world, {"steps/0/3.json": None, "steps/0/2.json": step_of(5_000, num=2)})

    sizes = {read(one, world).size_bytes for one in (reader, world.reader(), ann.transactions.reader)}

    assert sizes == {sum(len(data) for data in documents(world))}


@pytest.mark.rule("SEC-4", "SAFE-8")
def test_a_command_beyond_what_a_ledger_may_have_is_refused_and_one_that_makes_it_less_is_not(world: World) -> None:
    ann = world.clone("ann")
    ann.create("app", 2)
    have = sum(len(data) for data in documents(world))
    part = (limits.LEDGER_BYTES - have) // 32 - 5
    rewrite(world, {f"steps/1/{num}.json": step_of(part, num=num) for num in range(100, 132)})
    tip = world.remote.refs[APP]

    refused = ann.claim()
    smaller = ann.do(SkipStep(step_num=100, reason="x"), "app")

    assert code(refused) == "beyond_limits"
    assert "no client could read it" in str(refused.failure)
    assert (code(smaller), world.remote.refs[APP] == tip) == ("step_skipped", False)
    assert read(world.reader(), world).size_bytes < limits.LEDGER_BYTES


@pytest.mark.rule("SEC-4")
def test_of_a_heartbeat_and_the_rules_only_the_one_file_is_read_and_damage_once(world: World) -> None:
    objects = world.remote.objects
    bomb = objects.write(ObjectKind.TREE, b"")
    for _ in range(8):
        bomb = objects.write(ObjectKind.TREE, b"".join(b"40000 d%02d\0" % at + bytes.fromhex(bomb) for at in range(40)))
    for ref, name in ((REFS.config, b"policy.json"), (REFS.heartbeat("eve"), b"heartbeat.json")):
        bad = objects.write(ObjectKind.BLOB, b"{" * 100)
        tree = b"40000 bomb\0" + bytes.fromhex(bomb) + b"100644 " + name + b"\0" + bytes.fromhex(bad)
        tip = commits.write(objects, objects.write(ObjectKind.TREE, tree), [], SIGNATURE, START, "by hand")
        world.remote.refs[ref] = tip
    reader, refs = world.reader(), dict(world.remote.refs)

    for _ in range(2):
        assert (reader.policy(REFS.config, refs), reader.heartbeats(refs)) == (Policy(), {})
        assert {*reader.problems} == {REFS.config, REFS.heartbeat("eve")}
        reader.problems.clear()


def step_of(size: int, *, num: int) -> bytes:
    """Return a document of a step with blanks, as nobody of ours writes it."""
    fields: Json = {"title": "t", "step_num": num, "id": f"app/{num}", "status": "not_started"}
    data = canonical(fields)
    return data + b" " * (size - len(data))


def documents(world: World) -> list[bytes]:
    """Return the documents of project `app`, without what is kept beside them."""
    objects = world.remote.objects
    folder = trees.load(objects, commits.read(objects, world.remote.refs[APP]).tree)
    paths = ((path, oid) for path, oid in trees.changes(trees.EMPTY, folder) if oid)
    return [objects.read(oid)[1] for path, oid in paths if path == steps_layout.PROJECT or steps_layout.is_step(path)]


def test_a_reader_keeps_few_documents_however_many_it_has_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "DOCS_MAX", 2)
    ann = world.clone("ann")
    ann.create(steps=9)
    reader = world.reader()

    for number in range(1, 6):
        assert fact(ann.claim(agent=f"ann/{number}"), "step_num") == number
        ref = REFS.steps("app")
        board = reader.project(ref, world.remote.refs[ref]).content
        assert board == world.board()
        parsed = reader.parsed
        assert reader.project(ref, world.remote.refs[ref]).content == board
        assert reader.parsed == parsed
