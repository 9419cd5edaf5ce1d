"""The lock of a file: one holder, the same lock as filelock's, and free whenever its holder has ended."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from gitcoord.ledger.clone import file_locks

TAKE = "import sys; from gitcoord.ledger.clone.file_locks import take; print(take(sys.argv[1]) is not None, flush=True)"


@pytest.fixture(params=["flock", "no flock"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a lock may be, on a system that has flock, and on one where it is the lock of the library."""

    def missing(_handle: int, _operation: int) -> None:
        raise OSError(errno.ENOSYS, "no flock")

    if request.param == "no flock":
        monkeypatch.setattr(file_locks.fcntl, "flock", missing)
    return tmp_path / "lock"


@pytest.mark.filterwarnings("ignore:flock not supported")
def test_a_lock_has_one_holder_until_that_frees_it(path: Path) -> None:
    first, second = file_locks.take(path), file_locks.take(path)
    assert first is not None
    first()
    third = file_locks.take(path)

    assert second is None
    assert third is not None
    third()


def test_it_is_the_lock_of_the_library_which_other_versions_take(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    free = file_locks.take(path)

    with pytest.raises(Timeout):
        FileLock(path, timeout=0).acquire()
    assert free is not None
    free()
    with FileLock(path, timeout=0, thread_local=False):
        assert file_locks.take(path) is None
        assert file_locks.is_held(path)


def test_a_process_that_ends_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    done = subprocess.run([sys.executable, "-c", TAKE, str(path)], capture_output=True, encoding="utf-8", check=True)
    free = file_locks.take(path)

    assert done.stdout == "True\n"
    assert free is not None
    free()


def test_who_takes_a_file_that_was_replaced_meanwhile_does_not_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    path.touch()
    flock = file_locks.fcntl.flock

    def late(handle: int, operation: int) -> None:
        (tmp_path / "new").touch()
        (tmp_path / "new").replace(path)
        flock(handle, operation)

    monkeypatch.setattr(file_locks.fcntl, "flock", late)
    lost = file_locks.take(path)
    monkeypatch.undo()

    assert lost is None
    assert file_locks.take(path) is not None


def test_a_lock_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_locks.take(tmp_path / "gone" / "lock")
