"""Packs that are read without a library, by several threads."""

import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import pytest

from gitcoord.remote.contract.protocol import ObjectKind, Oid
from gitcoord.remote.journal import plain_packs
from gitcoord.remote.journal.pack_files import PackedObject, oid_of, write_pack
from gitcoord.remote.journal.plain_packs import PlainPacks
from tests.contract.store.damage import emptied

WAIT_S = 30


def kept(objects: Path, data: bytes) -> Oid:
    oid = oid_of(ObjectKind.BLOB, data)
    write_pack(objects, [PackedObject.of(oid, ObjectKind.BLOB, data)], is_copy=True)
    return oid


def test_who_reads_packs_is_not_disturbed_by_a_thread_that_finds_more_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pack").mkdir()
    packs, oid = PlainPacks(tmp_path), kept(tmp_path, b"one")
    emptied(next((tmp_path / "pack").glob("*.pack")))  # so that the reader goes on to the next one
    assert packs.find(oid) is None
    found, opened = list[object](), list[str]()
    looked, half_found, reads, all_found = (threading.Event() for _ in range(4))
    reader = threading.Thread(target=lambda: found.append(packs.find(oid)))

    def stat(path: str) -> os.stat_result:
        status = Path(path).stat()
        if threading.current_thread() is reader:
            looked.set()
            half_found.wait(WAIT_S)
        return status

    def opening(path: str, *_: str, **__: int) -> IO[bytes]:
        if threading.current_thread() is reader:
            reads.set()
            all_found.wait(WAIT_S)
        else:
            opened.append(path)
            if len(opened) == 2:
                half_found.set()
                reads.wait(WAIT_S)
        return Path(path).open("rb")

    monkeypatch.setattr(plain_packs, "os", SimpleNamespace(stat=stat, listdir=os.listdir))
    monkeypatch.setattr(plain_packs, "open", opening, raising=False)
    reader.start()
    looked.wait(WAIT_S)
    new = [kept(tmp_path, data) for data in (b"two", b"three")]
    is_found = packs.find(new[0]) is not None
    all_found.set()
    reader.join()

    assert (found, is_found) == ([None], True)
