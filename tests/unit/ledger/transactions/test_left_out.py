"""Files of a ledger that cannot be read: left out by name, left alone in the tree, removed by a repair."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gitcoord.core.claims.claim_commands import ReleaseClaims
from gitcoord.core.documents import limits
from gitcoord.core.documents.actor import Actor
from gitcoord.ledger.archive import integrity, remove
from gitcoord.ledger.format import claims_layout
from gitcoord.ledger.format.records import RecordHead
from gitcoord.remote.contract.protocol import RefName, SwapStatus
from tests.unit.ledger.fakes import REFS, SIGNATURE, START, World, code
from tests.unit.ledger.format.test_limits import call, changed, register, state_of, write_by_hand

STRAY = {"claims/q/q/x.json": b"{", "queue/x.json": b"[]", "notices/n.json": b"", "claims/a/b/c-ab.json": b"\xff"}


def with_damage(folder: Path, files: Mapping[str, bytes], ref: RefName = REFS.claims) -> World:
    world = World(folder)
    ann = world.clone("ann")
    ann.create()
    ann.do(call(1, "a.py"))
    write_by_hand(world, ref, files)
    return world


@pytest.mark.rule("SAFE-6", "SAFE-1")
@pytest.mark.parametrize("path", STRAY)
def test_a_file_that_cannot_be_read_stops_nobody_and_is_named(tmp_path: Path, path: str) -> None:
    world = with_damage(tmp_path, {path: STRAY[path]})
    bob = world.clone("bob")

    replies = [bob.do(call(2, "b.py")), bob.do(call(3, "a.py")), bob.do(ReleaseClaims()), bob.claim()]

    assert [code(reply) for reply in replies] == ["claim_granted", "conflict", "claim_released", "step_claimed"]
    oid = state_of(world, REFS.claims).folder.file(path)
    for reply in replies[:3]:
        notice = next(notice for notice in reply.notices if notice.notice == "left_out").extra
        assert (notice["ref"], notice["path"], notice["object"]) == (REFS.claims, path, oid)
    assert list(register(world).claims) == ["c-00000001"]


@pytest.mark.rule("SAFE-6")
def test_a_claim_that_became_unreadable_confers_nothing_until_it_can_be_read_again(tmp_path: Path) -> None:
    """A reader that knew it sees the same as one that reads for the first time."""
    world = with_damage(tmp_path, {})
    bob = world.clone("bob")
    assert code(bob.do(call(2, "a.py"))) == "conflict"
    claim, path = register(world).claims["c-00000001"], claims_layout.path_of_claim("c-00000001")
    good = changed(claim)

    write_by_hand(world, REFS.claims, {path: changed(claim, fence=limits.INTEGER + 1)})
    unread = [state_of(world, REFS.claims).left_out, bob.transactions.reader.claims(world.remote.refs).left_out]
    granted = code(bob.do(call(3, "c.py")))
    write_by_hand(world, REFS.claims, {path: good})

    assert [[*left] for left in unread] == [[path], [path]]
    assert granted == "claim_granted"
    assert code(bob.do(call(4, "a.py"))) == "conflict"
    assert not state_of(world, REFS.claims).left_out


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("path", ["steps/extra.json", "steps/0/1.txt.json", "steps/7.json"])
def test_a_file_among_the_steps_that_is_none_stops_no_project(tmp_path: Path, path: str) -> None:
    world = with_damage(tmp_path, {path: b"{"}, REFS.steps("app"))

    reply = world.clone("bob").claim()

    assert code(reply) == "step_claimed"
    assert [notice.extra["path"] for notice in reply.notices if notice.notice == "left_out"] == [path]


@pytest.mark.rule("SAFE-6")
def test_a_repair_removes_what_cannot_be_read_and_keeps_a_copy(tmp_path: Path) -> None:
    world = with_damage(tmp_path, STRAY)
    transport, state = world.plain(), state_of(world, REFS.claims)
    actor = Actor(agent="ann/doctor", clone="ann", session="")
    transport.fetch([world.remote.refs[REFS.claims]])

    kept = remove.keep(transport.objects, state, tmp_path / "removed")
    update = remove.prepare(transport.objects, state, actor, SIGNATURE, RecordHead(START, {}))

    assert transport.swap([update]).status is SwapStatus.WON
    assert sorted(file.read_bytes() for file in kept) == sorted(STRAY.values())
    after = state_of(world, REFS.claims)
    assert (not after.left_out, [*register(world).claims]) == (True, ["c-00000001"])
    assert not list(integrity.faults(transport.objects, world.remote.refs[REFS.claims]))
    assert code(world.clone("bob").do(call(2, "b.py"))) == "claim_granted"


@pytest.mark.rule("SAFE-6")
def test_a_damaged_counter_of_another_clone_stops_nobody(tmp_path: Path) -> None:
    world = with_damage(tmp_path, {"applied/x/x.json": b"{"})
    meta = state_of(world, REFS.claims).meta
    write_by_hand(world, REFS.claims, {"meta.json": changed(meta, seq=64)})

    assert code(world.clone("bob").do(call(2, "b.py"))) == "claim_granted"
