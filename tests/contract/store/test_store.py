"""The clone's private store: made once, opened as it is, kept when it is the truth."""

import json
import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pygit2
import pytest

from gitcoord.errors import StoreDamagedError, UsageError
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate
from gitcoord.remote.store.home_tips import TIPS_BYTES_MAX, TIPS_KEPT, home_tips, record_home_tips
from gitcoord.remote.store.store import (
    Store,
    StoreMode,
    ensure_store,
    open_store,
    set_mode,
)
from tests.contract.worlds import CLAIMS, CONFIG, commit, local, put, won

WAIT_S = 60.0


def tip(number: int) -> Oid:
    return Oid(f"{number:040x}")


def damage(store: Store) -> None:
    (store.path / "HEAD").unlink()


def test_a_store_is_made_on_first_use_and_then_opened(tmp_path: Path) -> None:
    assert open_store(tmp_path) is None

    made = ensure_store(tmp_path, StoreMode.HOME)

    assert made == open_store(tmp_path) == ensure_store(tmp_path, StoreMode.CACHE, remote="/other")
    assert made.path == tmp_path / "gitcoord" / "store.git"
    assert sorted(path.name for path in made.folder.iterdir()) == ["store.git", "store.json"]


@pytest.mark.parametrize(("mode", "flushed"), [(StoreMode.HOME, True), (StoreMode.CACHE, False)])
def test_only_a_home_is_flushed(tmp_path: Path, mode: StoreMode, flushed: bool) -> None:
    config = pygit2.Repository(str(ensure_store(tmp_path, mode).path)).config

    assert ("core.fsync" in config) is flushed
    assert config.get_int("gc.auto") == 0


def test_the_remote_is_kept_without_its_credentials(tmp_path: Path) -> None:
    store = ensure_store(tmp_path, StoreMode.CACHE, remote="https://ann:s3cret@host/x.git")

    assert store.remote == "https://***@host/x.git"
    assert "s3cret" not in (store.folder / "store.json").read_text()


def test_a_home_becomes_a_cache_when_it_is_published(tmp_path: Path) -> None:
    store = ensure_store(tmp_path, StoreMode.HOME)

    changed = set_mode(store, StoreMode.CACHE, remote="/srv/r.git")

    assert open_store(tmp_path) == changed
    assert "core.fsync" not in pygit2.Repository(str(store.path)).config


def test_a_damaged_cache_is_made_again(tmp_path: Path) -> None:
    store = ensure_store(tmp_path, StoreMode.CACHE, remote="/srv/r.git")
    damage(store)

    with pytest.raises(StoreDamagedError):
        open_store(tmp_path)
    ensure_store(tmp_path, StoreMode.CACHE, remote="/srv/r.git")

    assert open_store(tmp_path) == store


def test_a_damaged_home_is_never_touched(tmp_path: Path) -> None:
    store = ensure_store(tmp_path, StoreMode.HOME)
    won(put(local(store.path), CLAIMS, None, commit(local(store.path), "one")))
    damage(store)

    with pytest.raises(StoreDamagedError) as caught:
        ensure_store(tmp_path, StoreMode.CACHE)

    assert caught.value.hint == "" or "home-tips" in caught.value.hint
    assert (store.path / CLAIMS).exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"mode": "other", "object_format": "sha1"}'])
def test_a_damaged_description_is_said_and_harms_nothing(tmp_path: Path, content: str) -> None:
    store = ensure_store(tmp_path, StoreMode.CACHE)
    (store.folder / "store.json").write_text(content)

    with pytest.raises(StoreDamagedError, match=r"store\.json") as caught:
        ensure_store(tmp_path, StoreMode.CACHE)

    assert "gitcoord" in caught.value.hint
    assert "home-tips" in caught.value.hint
    assert store.path.exists()


def test_refs_without_a_description_are_not_taken_over(tmp_path: Path) -> None:
    store = ensure_store(tmp_path, StoreMode.HOME)
    (store.folder / "store.json").unlink()
    assert open_store(tmp_path) is None  # a crash between the two steps of making it
    won(put(local(store.path), CLAIMS, None, commit(local(store.path), "one")))

    with pytest.raises(StoreDamagedError):
        ensure_store(tmp_path, StoreMode.HOME)


def test_a_format_that_libgit2_cannot_read_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sha256") as caught:
        ensure_store(tmp_path, StoreMode.CACHE, object_format="sha256")

    assert "gitcoord.remote" in caught.value.hint


def make_store(common_dir: Path, barrier: Barrier) -> None:
    barrier.wait(WAIT_S)
    store = ensure_store(common_dir, StoreMode.HOME)
    transport = local(store.path)
    ref = RefName(f"refs/coord/heartbeats/{multiprocessing.current_process().name.lower()}")
    won(put(transport, ref, None, commit(transport, ref)))


def test_processes_that_make_the_store_at_once_share_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    makers = [context.Process(target=make_store, args=(tmp_path, barrier)) for _ in range(4)]

    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(WAIT_S)

    assert [maker.exitcode for maker in makers] == [0] * 4
    store = open_store(tmp_path)
    assert store is not None
    assert len(local(store.path).read(["refs/coord/"])) == 4
    assert sorted(path.name for path in store.folder.iterdir()) == ["store.git", "store.json"]


def test_the_last_tips_of_home_refs_are_kept(tmp_path: Path) -> None:
    store = ensure_store(tmp_path, StoreMode.HOME)
    for number in range(TIPS_KEPT + 5):
        check = RefUpdate(CONFIG, tip(7), tip(7))
        record_home_tips(store.folder, [RefUpdate(CLAIMS, tip(number), tip(number + 1)), check])
    record_home_tips(store.folder, [RefUpdate(CLAIMS, tip(25), None)])

    assert home_tips(store.folder) == {CLAIMS: [*(tip(number) for number in range(7, 26)), None]}


def test_a_torn_line_loses_only_itself(tmp_path: Path) -> None:
    store = ensure_store(tmp_path, StoreMode.HOME)
    record_home_tips(store.folder, [RefUpdate(CLAIMS, None, tip(1))])
    with (store.folder / "home-tips").open("ab") as file:
        file.write(b"00000000\xff")
    record_home_tips(store.folder, [RefUpdate(CLAIMS, tip(1), tip(2))])

    assert home_tips(store.folder) == {CLAIMS: [tip(1), tip(2)]}


def test_the_file_of_tips_stays_bounded(tmp_path: Path) -> None:
    store = ensure_store(tmp_path, StoreMode.HOME)
    path = store.folder / "home-tips"
    gone = "refs/coord/heartbeats/gone"
    path.write_text(f"{tip(1)} {gone}\n- {gone}\n" + f"{tip(2)} {CLAIMS}\n" * (TIPS_BYTES_MAX // 50))

    record_home_tips(store.folder, [RefUpdate(CLAIMS, tip(2), tip(3))])

    assert path.stat().st_size < TIPS_BYTES_MAX / 50
    assert home_tips(store.folder) == {CLAIMS: [*[tip(2)] * (TIPS_KEPT - 1), tip(3)]}


def test_the_description_is_plain_json(tmp_path: Path) -> None:
    store = ensure_store(tmp_path, StoreMode.HOME)

    assert json.loads((store.folder / "store.json").read_text()) == {
        "mode": "journal",
        "object_format": "sha1",
        "remote": "",
        "schema": 2,
    }
