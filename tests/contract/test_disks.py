"""Disks of this machine that are full, read-only or somebody else's: a sentence that says what to do, nothing sent."""

import errno
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitcoord.errors import CoordError, StorageError
from gitcoord.ledger.clone import clone_id
from gitcoord.remote.contract.protocol import RefUpdate, SwapOutcome, SwapStatus
from gitcoord.remote.store.store import StoreMode, end_journal, ensure_store, open_store, set_mode
from gitcoord.remote.transports.home import HomeTransport
from gitcoord.remote.transports.local import LocalTransport
from tests.contract.worlds import CLAIMS, WAITING, Worlds, commit, put, won
from tests.servers.fixtures import Servers


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    """Make a folder's file system read-only; skip where that cannot be done."""
    mounted = subprocess.run(["mount", "--bind", str(folder), str(folder)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], capture_output=True, check=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], capture_output=True, check=True)


def is_sentence(error: CoordError) -> bool:
    return str(error).isprintable() and str(error).endswith(".") and not str(error).endswith("..") and bool(error.hint)


def test_a_store_cannot_be_made_or_changed_on_a_read_only_disk(tmp_path: Path) -> None:
    store = ensure_store(tmp_path / "ann", StoreMode.CACHE, remote="/srv/r.git")

    with read_only(tmp_path):
        for call in (
            lambda: ensure_store(tmp_path / "bob", StoreMode.HOME),
            lambda: set_mode(store, StoreMode.HOME),
            lambda: set_mode(store, StoreMode.CACHE, remote="/srv/other.git"),
        ):
            with pytest.raises(StorageError, match="Read-only file system") as caught:
                call()
            assert is_sentence(caught.value)
        assert open_store(tmp_path / "ann") == store


@pytest.mark.parametrize("exists", [True, False])
def test_the_id_of_a_clone_cannot_be_drawn_on_a_read_only_disk(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "gitcoord"
    if exists:
        folder.mkdir()

    with read_only(tmp_path), pytest.raises(StorageError, match="Read-only file system") as caught:
        clone_id.load_or_draw(folder, "machine", lambda: "0123456789", "1")

    assert is_sentence(caught.value)


def test_a_file_in_the_place_of_our_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "gitcoord").touch()

    with pytest.raises(StorageError, match="File exists") as caught:
        clone_id.load_or_draw(tmp_path / "gitcoord", "machine", lambda: "0123456789", "1")

    assert is_sentence(caught.value)


def test_a_journal_that_cannot_be_written_is_this_machine_s_fault_and_not_the_network_s(tmp_path: Path) -> None:
    store = ensure_store(tmp_path, StoreMode.HOME)
    home = HomeTransport(store, clocks=WAITING)
    new = commit(home, "one")
    (store.folder / "journal").mkdir()

    outcome = put(home, CLAIMS, None, new)

    assert outcome.status is SwapStatus.UNREACHABLE
    assert isinstance(outcome.cause, StorageError)
    assert "journal" in str(outcome.cause)
    assert is_sentence(outcome.cause)
    with pytest.raises(StorageError, match="journal"):
        home.read(["refs/"])
    (store.folder / "journal").rmdir()
    assert dict(home.read(["refs/"])) == {}


@pytest.mark.rule("SAFE-3", "TXN-4")
@pytest.mark.parametrize("at_flush", [True, False])
def test_a_record_that_cannot_be_taken_back_from_the_journal_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_flush: bool
) -> None:
    home = HomeTransport(end_journal(ensure_store(tmp_path, StoreMode.HOME)), clocks=WAITING)
    new = commit(home, "one")

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(os, "ftruncate" if at_flush else "truncate", broken)
        disk.setattr(os, "fdatasync", broken) if at_flush else disk.setattr(LocalTransport, "_write", _unreachable)
        outcome = put(home, CLAIMS, None, new)

    assert outcome.status is SwapStatus.UNKNOWN
    assert "cannot be cut" in outcome.message
    assert dict(home.read(["refs/"])) == {}
    won(put(home, CLAIMS, None, new))


def _unreachable(*_: object) -> SwapOutcome:
    return SwapOutcome(SwapStatus.UNREACHABLE, "the disk is full")


def test_a_lock_that_the_disk_does_not_take_is_not_a_no_of_the_remote(tmp_path: Path) -> None:
    store = ensure_store(tmp_path, StoreMode.HOME)
    home = HomeTransport(store, clocks=WAITING)
    new = commit(home, "one")

    with read_only(tmp_path):
        outcome = home.swap([RefUpdate(CLAIMS, None, new)])

    assert outcome.status is SwapStatus.UNREACHABLE
    assert isinstance(outcome.cause, StorageError)
    assert is_sentence(outcome.cause)


def test_a_store_on_a_read_only_disk_lists_the_remote_and_says_what_cannot_be_written(
    worlds: Worlds, servers: Servers
) -> None:
    remote = servers.remote("path-hook")
    ann, bob = worlds.gitcli(remote), worlds.gitcli(remote)
    new = commit(ann, "one")
    won(put(ann, CLAIMS, None, new))

    with read_only(bob._store.parent):
        assert dict(bob.read(["refs/coord/"])) == {CLAIMS: new}
        with pytest.raises(StorageError, match="cannot be written: Read-only file system") as caught:
            bob.fetch([new])

    assert is_sentence(caught.value)
