"""What every transport promises, on every kind of remote: the same tests, one row of `WORLDS` each."""

import shutil
from pathlib import Path

import pytest

from gitcoord.errors import CoordError, MissingObjectError
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName, RefUpdate, SwapStatus
from tests.contract.worlds import CLAIMS, CONFIG, SLOW_WORLDS, STEPS, WORLDS, World, Worlds, commit, put, put_all, won


@pytest.fixture(params=[*WORLDS, *(pytest.param(kind, marks=pytest.mark.torture) for kind in SLOW_WORLDS)])
def world(request: pytest.FixtureRequest, worlds: Worlds) -> World:
    return worlds.make(request.param)


def test_an_empty_remote_lists_nothing(world: World) -> None:
    assert dict(world.transport().read(["refs/coord/"])) == {}


def test_a_ref_that_was_created_is_seen_and_read_by_another_clone(world: World) -> None:
    ann, bob = world.transport(), world.transport()
    new = commit(ann, "one")

    won(put(ann, CLAIMS, None, new))

    assert dict(bob.read(["refs/coord/"])) == {CLAIMS: new}
    bob.fetch([new])
    kind, data = bob.objects.read(new)
    assert kind is ObjectKind.COMMIT
    tree = Oid(data[5:45].decode())
    assert bob.objects.read(tree)[0] is ObjectKind.TREE
    assert bob.objects.read(Oid(bob.objects.read(tree)[1][-20:].hex())) == (ObjectKind.BLOB, b"one\n")


def test_only_gitcli_is_without_answer_where_there_is_no_git(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = world.transport()
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))
    folder = tmp_path / "has no git"
    folder.mkdir()
    for name in ("sh", "ssh"):
        (folder / name).symlink_to(shutil.which(name) or "/nowhere")
    monkeypatch.setenv("PATH", str(folder))
    bob = world.transport()

    try:
        is_answered = dict(bob.read([CLAIMS])) == {CLAIMS: first}
    except CoordError:
        is_answered = False

    assert is_answered is (bob.name != "gitcli")


def test_a_swap_from_a_stale_version_writes_nothing(world: World) -> None:
    ann, bob = world.transport(), world.transport()
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))
    assert bob.read([CLAIMS]) == {CLAIMS: first}
    bob.fetch([first])
    second = commit(ann, "two", first)
    won(put(ann, CLAIMS, first, second))

    outcome = put(bob, CLAIMS, first, commit(bob, "late", first))

    assert outcome.status is SwapStatus.LOST
    assert world.refs() == {CLAIMS: second}


def test_creating_a_ref_that_is_there_is_lost(world: World) -> None:
    ann, bob = world.transport(), world.transport()
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))

    assert put(bob, CLAIMS, None, commit(bob, "other")).status is SwapStatus.LOST

    assert world.refs() == {CLAIMS: first}


def test_a_write_of_what_is_there_already_is_no_win(world: World) -> None:
    ann = world.transport()
    first = commit(ann, "one")
    second = commit(ann, "two", first)
    won(put(ann, CLAIMS, None, first))
    won(put(ann, CLAIMS, first, second))

    assert put(ann, CLAIMS, first, second).status is SwapStatus.LOST
    assert put(ann, CLAIMS, None, second).status is SwapStatus.LOST


def test_a_ref_may_be_replaced_by_an_unrelated_commit(world: World) -> None:
    ann = world.transport()
    first, unrelated = commit(ann, "one"), commit(ann, "rolled")
    won(put(ann, CLAIMS, None, first))

    won(put(ann, CLAIMS, first, unrelated))

    assert world.refs() == {CLAIMS: unrelated}


def test_a_deletion_compares_too(world: World) -> None:
    ann = world.transport()
    first, second = commit(ann, "one"), commit(ann, "two")
    won(put(ann, CLAIMS, None, first))
    won(put(ann, CONFIG, None, first))
    won(put(ann, CLAIMS, first, second))

    assert put(ann, CLAIMS, first, None).status is SwapStatus.LOST
    won(put(ann, CLAIMS, second, None))

    assert world.refs() == {CONFIG: first}
    assert dict(ann.read(["refs/coord/"])) == {CONFIG: first}


def test_deleting_what_is_gone_is_lost(world: World) -> None:
    ann = world.transport()
    first = commit(ann, "one")
    won(put(ann, CONFIG, None, first))

    assert put(ann, CLAIMS, first, None).status is SwapStatus.LOST


@pytest.mark.rule("SAFE-5")
def test_two_refs_land_together_or_not_at_all(world: World) -> None:
    ann = world.transport()
    first, second = commit(ann, "one"), commit(ann, "two")

    outcome = ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(STEPS, None, second)])

    assert outcome.status is (SwapStatus.WON if ann.atomic else SwapStatus.LOST)
    assert world.refs() == ({CLAIMS: first, STEPS: second} if ann.atomic else {})


def test_of_two_refs_one_stale_none_is_written(world: World) -> None:
    ann = world.transport()
    first, second, third = (commit(ann, text) for text in ("one", "two", "three"))
    won(put(ann, CLAIMS, None, first))

    outcome = ann.swap([RefUpdate(CLAIMS, None, second), RefUpdate(STEPS, None, third)])

    assert outcome.status is SwapStatus.LOST
    assert world.refs() == {CLAIMS: first}


@pytest.mark.rule("SAFE-5")
def test_the_first_of_two_refs_is_not_written_without_the_second(world: World) -> None:
    ann = world.transport()
    first, second, third = (commit(ann, text) for text in ("one", "two", "three"))
    won(put(ann, STEPS, None, first))

    outcome = ann.swap([RefUpdate(CLAIMS, None, second), RefUpdate(STEPS, None, third)])

    assert outcome.status is SwapStatus.LOST
    assert world.refs() == {STEPS: first}


def test_a_check_that_holds_lets_the_write_land(world: World) -> None:
    ann = world.transport()
    first, second = commit(ann, "one"), commit(ann, "two")
    won(put(ann, CONFIG, None, first))

    won(ann.swap([RefUpdate(CLAIMS, None, second), RefUpdate(CONFIG, first, first)]))

    assert world.refs() == {CONFIG: first, CLAIMS: second}


def test_a_check_of_a_ref_that_moved_stops_the_write(world: World) -> None:
    ann, bob = world.transport(), world.transport()
    first, second = commit(ann, "one"), commit(ann, "two")
    won(put(ann, CONFIG, None, first))
    won(put(ann, CONFIG, first, second))

    outcome = ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(CONFIG, first, first)])
    from_afar = bob.swap([RefUpdate(CLAIMS, None, commit(bob, "x")), RefUpdate(CONFIG, first, first)])

    assert (outcome.status, from_afar.status) == (SwapStatus.LOST, SwapStatus.LOST)
    assert world.refs() == {CONFIG: second}


def test_a_check_of_a_ref_whose_object_is_not_here_holds(world: World) -> None:
    ann, bob = world.transport(), world.transport()
    first = commit(ann, "one")
    won(put(ann, CONFIG, None, first))

    won(bob.swap([RefUpdate(CLAIMS, None, commit(bob, "x")), RefUpdate(CONFIG, first, first)]))

    assert set(world.refs()) == {CONFIG, CLAIMS}


@pytest.mark.parametrize("there", [True, False])
def test_absence_can_be_checked(world: World, there: bool) -> None:
    ann = world.transport()
    first = commit(ann, "one")
    if there:
        won(put(ann, CONFIG, None, first))

    outcome = ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(CONFIG, None, None)])

    assert outcome.status is (SwapStatus.LOST if there else SwapStatus.WON)
    assert set(world.refs()) == ({CONFIG} if there else {CLAIMS})


def test_writes_and_deletions_share_a_swap(world: World) -> None:
    ann = world.transport()
    first, second = commit(ann, "one"), commit(ann, "two")
    inbox = RefName("refs/coord/inbox/claims/k-1")
    put_all(ann, RefUpdate(CLAIMS, None, first), RefUpdate(inbox, None, second))

    put_all(ann, RefUpdate(CLAIMS, first, second), RefUpdate(inbox, second, None))

    assert world.refs() == {CLAIMS: second}


def test_a_listing_is_of_the_prefixes_asked_for(world: World) -> None:
    ann = world.transport()
    first = commit(ann, "one")
    twin = RefName("refs/coord/claims-2")
    put_all(ann, *(RefUpdate(ref, None, first) for ref in (CLAIMS, twin, CONFIG, STEPS)))

    assert dict(ann.read([CLAIMS])) == {CLAIMS: first}
    assert dict(ann.read(["refs/coord/steps/", CONFIG])) == {STEPS: first, CONFIG: first}
    assert dict(ann.read(["refs/coord/steps/none", "refs/elsewhere/"])) == {}
    assert set(ann.read(["refs/coord/"])) == {CLAIMS, twin, CONFIG, STEPS}


def test_a_listing_follows_every_change(world: World) -> None:
    ann, bob = world.transport(), world.transport()
    tip: Oid | None = None
    for text in ("one", "two", "three"):
        new = commit(ann, text, tip)
        won(put(ann, CLAIMS, tip, new))
        tip = new
        assert dict(bob.read(["refs/coord/"])) == {CLAIMS: new}
    won(put(ann, CLAIMS, tip, None))

    assert dict(bob.read(["refs/coord/"])) == {}


def test_only_what_is_new_is_needed_to_write(world: World) -> None:
    ann, bob = world.transport(), world.transport()
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))
    bob.fetch(bob.read([CLAIMS]).values())

    won(put(bob, CLAIMS, first, commit(bob, "two", first)))


def test_an_object_that_the_remote_never_had_is_missing(world: World) -> None:
    with pytest.raises(MissingObjectError):
        world.transport().fetch([Oid("1" * 40)])


def test_a_new_tip_that_is_not_here_is_lost(world: World) -> None:
    assert put(world.transport(), CLAIMS, None, Oid("1" * 40)).status is SwapStatus.LOST
    assert world.refs() == {}


def test_other_refs_of_the_remote_are_left_alone(world: World) -> None:
    ann = world.transport()
    first = commit(ann, "one")
    elsewhere = RefName("refs/heads/main")
    won(put(ann, elsewhere, None, first))
    won(put(ann, CLAIMS, None, first))

    assert dict(ann.read(["refs/coord/"])) == {CLAIMS: first}
    assert dict(ann.read(["refs/heads/"])) == {elsewhere: first}
