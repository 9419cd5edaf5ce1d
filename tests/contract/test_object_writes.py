"""Objects that cannot be written: at a first try, or at all; the hint says what is really in the way."""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pygit2
import pytest

from gitcoord.errors import StorageError, unwritable
from gitcoord.remote.contract.protocol import ObjectKind, Oid
from gitcoord.remote.store.pygit_objects import PygitObjects

SWEPT = "failed to rename lockfile to '/srv/hub.git/objects/9f/3f89': No such file or directory"


class Swept(PygitObjects):
    """Writes meet a folder that `git gc` has just removed, so many times; in the words of libgit2 1.9.7."""

    def __init__(self, path: Path, times: int, at_failure: Callable[[], object] = lambda: None) -> None:
        super().__init__(path)
        self.times, self.at_failure = times, at_failure

    def _opened(self) -> Any:  # noqa: ANN401 - a repository, or this in its place
        return self if self.times > 0 else super()._opened()

    def write(self, kind: Any, data: bytes) -> Oid:  # noqa: ANN401 - our kind, or libgit2's
        if isinstance(kind, ObjectKind):
            return super().write(kind, data)
        self.times -= 1
        self.at_failure()
        raise pygit2.GitError(SWEPT)


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "hub.git")], check=True, timeout=30)
    return tmp_path / "hub.git"


@pytest.mark.rule("LIVE-1")
def test_a_folder_that_was_removed_meanwhile_is_made_again(hub: Path) -> None:
    objects = Swept(hub, times=3)

    oid = objects.write(ObjectKind.BLOB, b"document")

    assert PygitObjects(hub).read(oid) == (ObjectKind.BLOB, b"document")
    assert [path for path in (hub / "objects").iterdir() if path.name.startswith("tmp_")] == []


def test_a_write_that_fails_though_the_disk_takes_it_says_nothing_of_room(hub: Path) -> None:
    with pytest.raises(StorageError, match="No such file or directory") as caught:
        Swept(hub, times=100).write(ObjectKind.BLOB, b"document")

    assert "room" not in caught.value.hint
    assert "git fsck" in caught.value.hint


def test_what_the_disk_does_not_take_is_said_in_the_system_s_words(hub: Path) -> None:
    def gone() -> None:
        (hub / "objects").rename(hub / "moved")

    with pytest.raises(StorageError, match="cannot be written: No such file or directory") as caught:
        Swept(hub, times=1, at_failure=gone).write(ObjectKind.BLOB, b"document")

    assert caught.value.hint


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "Make room on the disk."),
        (errno.EDQUOT, "Make room on the disk."),
        (errno.EROFS, "Make the folder writable."),
        (errno.EACCES, "Make the folder writable."),
        (errno.EIO, "Make room on the disk, or make the folder writable."),
    ],
)
def test_the_hint_follows_the_system_s_number(number: int, hint: str) -> None:
    error = unwritable("The repository 'hub.git'", OSError(number, os.strerror(number)))

    assert error.hint == hint
    assert str(error) == f"The repository 'hub.git' cannot be written: {os.strerror(number)}."
