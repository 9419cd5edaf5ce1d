"""The journal of a home store with loose refs: whatever a power cut takes, what was acknowledged comes back."""

import os
import random
import shutil
import zlib
from pathlib import Path

import pytest

from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import Signature
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName, RefUpdate, SwapStatus
from gitcoord.remote.journal import loose_journal as journals
from gitcoord.remote.journal.loose_journal import Journal, JournalRecord
from gitcoord.remote.store.store import StoreMode, end_journal, ensure_store
from gitcoord.remote.transports.home import HomeTransport
from tests.conftest import Git
from tests.unit.ledger.fakes import START

REF = RefName("refs/coord/steps/app")
SIGNATURE = Signature("Test Author", "author@example.invalid")


def clocks() -> Clocks:
    ticks = iter(range(10_000_000))
    return Clocks(lambda: 1 << 62, lambda: next(ticks) / 100, lambda _: None, lambda: 0.5)


def home_at(folder: Path) -> HomeTransport:
    store = ensure_store(folder, StoreMode.HOME)
    return HomeTransport(end_journal(store) if store.is_journaled else store, clocks=clocks())


def put(home: HomeTransport, text: str, ref: RefName = REF) -> Oid:
    """Carry out one transaction and return the tip that was acknowledged."""
    old = home.read([ref]).get(ref)
    before = trees.load(home.objects, commits.read(home.objects, old).tree) if old else trees.EMPTY
    folder = trees.write(home.objects, before, {f"steps/{text}.json": text.encode(), "meta.json": text.encode()})
    assert folder.oid
    new = commits.write(home.objects, folder.oid, [old] if old else [], SIGNATURE, START, text)
    assert home.swap([RefUpdate(ref, old, new)]).status is SwapStatus.WON
    return new


def record(text: str) -> JournalRecord:
    tip = Oid(zlib.crc32(text.encode()).to_bytes(20, "big").hex())
    return JournalRecord((RefUpdate(REF, None, tip),), ((ObjectKind.BLOB, text.encode()),))


def is_whole(folder: Path, git: Git, tips: dict[RefName, Oid]) -> bool:
    bare = folder / "gitcoord" / "store.git"
    assert git(bare, "fsck", "--strict", "--no-dangling", "--no-progress") == ""
    listed = git(bare, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split(" ") for line in listed) == tips


def cut_power(folder: Path, chance: random.Random) -> None:
    """Spoil what was not flushed: loose objects and refs become empty, all zero, short or are gone."""
    bare = folder / "gitcoord" / "store.git"
    loose = [path for path in (bare / "objects").rglob("*") if path.is_file() and len(path.parent.name) == 2]
    for path in [*loose, *(path for path in (bare / "refs").rglob("*") if path.is_file())]:
        spoil = chance.choice(["keep", "gone", "empty", "zero", "short"])
        size = path.stat().st_size
        if spoil == "gone":
            path.unlink()
        elif spoil != "keep":
            path.chmod(0o644)
            content = {"empty": b"", "zero": b"\0" * size, "short": path.read_bytes()[: size // 2]}[spoil]
            path.write_bytes(content)


@pytest.mark.rule("STORE-1", "SAFE-3")
@pytest.mark.parametrize("seed", range(10))
def test_after_a_power_cut_every_acknowledged_transaction_is_there(tmp_path: Path, git: Git, seed: int) -> None:
    home = home_at(tmp_path)
    home.replay("first boot")
    tips = {}
    for at in range(12):
        ref = RefName(f"refs/coord/steps/p{at % 3}")
        tips[ref] = put(home, f"{at}", ref)
    cut_power(tmp_path, random.Random(seed))

    again = home_at(tmp_path)
    assert not again.is_whole("second boot")
    again.replay("second boot")

    assert again.is_whole("second boot")
    assert is_whole(tmp_path, git, tips)
    put(again, "after", REF)


@pytest.mark.rule("STORE-1")
def test_a_replay_of_what_is_whole_moves_nothing(tmp_path: Path) -> None:
    home = home_at(tmp_path)
    put(home, "a")

    assert home.replay("boot") == 0
    assert home_at(tmp_path).is_whole("boot")


@pytest.mark.rule("STORE-1")
def test_a_deleted_ref_stays_deleted_after_a_power_cut(tmp_path: Path, git: Git) -> None:
    home = home_at(tmp_path)
    tip = put(home, "a")
    other = put(home, "b", RefName("refs/coord/steps/web"))
    assert home.swap([RefUpdate(REF, tip, None)]).status is SwapStatus.WON
    path = tmp_path / "gitcoord" / "store.git" / REF
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{tip}\n")  # the power cut took the deletion back

    home_at(tmp_path).replay("boot")

    assert is_whole(tmp_path, git, {RefName("refs/coord/steps/web"): other})


@pytest.mark.rule("STORE-1", "SAFE-3")
@pytest.mark.rule("STORE-1")
@pytest.mark.parametrize("what", ["older", "gone", "back", "empty"])
def test_without_an_id_of_the_boot_a_ref_that_a_power_cut_took_back_is_found(
    tmp_path: Path, git: Git, what: str
) -> None:
    home = home_at(tmp_path)
    web = RefName("refs/coord/steps/web")
    tips = [put(home, text) for text in ("one", "two")]
    gone = put(home, "three", web)
    assert home.swap([RefUpdate(web, gone, None)]).status is SwapStatus.WON
    assert home_at(tmp_path).is_whole("")
    bare = tmp_path / "gitcoord" / "store.git"
    match what:
        case "older":
            (bare / REF).write_text(f"{tips[0]}\n")
        case "gone":
            (bare / REF).unlink()
        case "empty":
            (bare / REF).write_bytes(b"")
        case _:
            (bare / web).write_text(f"{gone}\n")

    again = home_at(tmp_path)
    assert not again.is_whole("")
    assert again.replay("") == 1

    assert again.is_whole("")
    assert is_whole(tmp_path, git, {REF: tips[1]})


@pytest.mark.rule("STORE-1")
@pytest.mark.parametrize("packed", [False, True])
def test_the_locks_of_a_swap_that_a_power_cut_stopped_do_not_stop_the_replay(
    tmp_path: Path, git: Git, packed: bool
) -> None:
    home = home_at(tmp_path)
    web = RefName("refs/coord/steps/web")
    tip, gone = put(home, "one"), put(home, "two", web)
    assert home.swap([RefUpdate(web, gone, None)]).status is SwapStatus.WON
    bare = tmp_path / "gitcoord" / "store.git"
    (bare / web).write_text(f"{gone}\n")
    if packed:
        git(bare, "pack-refs", "--all")
    for lock in (bare / f"{REF}.lock", bare / f"{web}.lock", bare / "packed-refs.lock"):
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()

    assert home_at(tmp_path).replay("second boot") == 1

    assert is_whole(tmp_path, git, {REF: tip})
    assert not list(bare.rglob("*.lock"))


def test_where_refs_were_put_is_read_without_the_objects(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    names = [RefName(f"refs/coord/steps/{'x' * 200}-{at}") for at in range(50)]  # more than is unpacked at once
    tip = Oid("1" * 40)
    journal.append(
        JournalRecord(tuple(RefUpdate(name, None, tip) for name in names), ((ObjectKind.BLOB, b"x" * 9999),))
    )
    journal.append(record("one"))
    journal.append(JournalRecord((RefUpdate(names[0], tip, None),), ()))

    assert journal.last_tips() == journals.last_tips(list(journal.records()))
    assert journal.last_tips()[names[0]] is None


def test_a_record_behind_a_torn_one_is_not_lost(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(record("a"))
    with (tmp_path / "journal").open("ab") as file:
        file.write(b"GCJ1\0\0\1\0torn off by a power cut")
    journal.append(record("b"))

    assert list(journal.records()) == [record("a"), record("b")]


@pytest.mark.rule("STORE-1", "SAFE-3")
def test_two_power_cuts_in_a_row_lose_nothing(tmp_path: Path, git: Git) -> None:
    home = home_at(tmp_path)
    put(home, "a")
    with (tmp_path / "gitcoord" / "journal").open("ab") as file:
        file.write(b"GCJ1\0\0")
    home_at(tmp_path).replay("second boot")
    tip = put(home_at(tmp_path), "b")
    cut_power(tmp_path, random.Random(1))

    home_at(tmp_path).replay("third boot")

    assert is_whole(tmp_path, git, {REF: tip})


@pytest.mark.rule("STORE-1", "SAFE-6")
@pytest.mark.parametrize("cut", [1, 5, 12, 13, 40])
def test_a_torn_tail_ends_the_replay_and_its_swap_never_happened(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path)
    journal.append(record("a"))
    whole = (tmp_path / "journal").stat().st_size
    journal.append(record("b"))
    size = (tmp_path / "journal").stat().st_size
    os.truncate(tmp_path / "journal", max(size - cut, whole))

    assert list(journal.records()) == [record("a")]


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_journal_gives_only_whole_records_and_never_breaks(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    journal = Journal(tmp_path)
    written = [record(f"{at}") for at in range(5)]
    for one in written:
        journal.append(one)
    data = bytearray((tmp_path / "journal").read_bytes())
    for _ in range(3):
        data[chance.randrange(len(data))] = chance.randrange(256)
    (tmp_path / "journal").write_bytes(data)

    assert all(one in written for one in journal.records())


@pytest.mark.rule("STORE-1")
def test_what_a_full_disk_did_not_take_does_not_come_back_after_a_power_cut(
    tmp_path: Path, small_disk: Path, git: Git
) -> None:
    home = home_at(small_disk)
    tip = put(home, "a")
    size = (small_disk / "gitcoord" / "journal").stat().st_size
    objects = home.objects
    old = commits.read(objects, tip)
    new = commits.write(objects, old.tree, [tip], SIGNATURE, START, "b")
    fill(small_disk)

    outcome = home.swap([RefUpdate(REF, tip, new)])
    after = (small_disk / "gitcoord" / "journal").stat().st_size
    (small_disk / "filler").unlink()
    shutil.copytree(small_disk, tmp_path / "copy")
    home_at(tmp_path / "copy").replay("boot")

    assert outcome.status is not SwapStatus.WON
    assert after == size
    assert is_whole(tmp_path / "copy", git, {REF: tip})
    assert home.swap([RefUpdate(REF, tip, new)]).status is SwapStatus.WON
    cut_power(small_disk, random.Random(3))
    home_at(small_disk).replay("boot")
    assert is_whole(small_disk, git, {REF: new})


def fill(folder: Path) -> None:
    """Leave a few bytes: what is appended to a file's last block still fits, a block more does not."""
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 512):
                pass
        except OSError:
            return


@pytest.mark.rule("STORE-1", "SAFE-3")
def test_a_record_of_which_only_a_part_fits_counts_for_nothing_and_spoils_nothing(small_disk: Path) -> None:
    journal = Journal(small_disk)
    journal.append(record("a"))
    fill(small_disk)
    large = JournalRecord(
        (RefUpdate(REF, None, Oid("1" * 40)),), ((ObjectKind.BLOB, random.Random(1).randbytes(9000)),)
    )

    with pytest.raises(OSError, match="No space"):
        journal.append(large)
    (small_disk / "filler").unlink()
    journal.append(record("b"))

    assert list(journal.records()) == [record("a"), record("b")]


@pytest.mark.rule("STORE-1")
def test_a_long_journal_is_begun_anew_and_replays_what_came_since(tmp_path: Path, git: Git) -> None:
    home = home_at(tmp_path)
    put(home, "a")
    with (tmp_path / "gitcoord" / "journal").open("ab") as file:
        file.truncate(journals.SIZE_BYTES_MAX + 1)
    tip = put(home, "b")

    assert (tmp_path / "gitcoord" / "journal").stat().st_size < 4096
    (tmp_path / "gitcoord" / "store.git" / REF).write_bytes(b"")
    home_at(tmp_path).replay("boot")
    assert is_whole(tmp_path, git, {REF: tip})
