"""Who holds a lock is named: which process, what it runs, and whether somebody suspended it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitcoord.ledger.clone.lock_holder import holder_of

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells who holds a lock")
HOLD = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(flush=True); input()"


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", HOLD, str(tmp_path / "lock"), "https://ann:secret@example.com/x.git"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def stop(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)


def test_the_process_is_named_with_what_it_runs_and_no_password(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    found = holder_of(tmp_path / "lock")

    assert found is not None
    assert (found.pid, found.is_suspended) == (holder.pid, False)
    assert found.sentence.startswith(f"process {holder.pid} ('{sys.executable} -c ")
    assert "secret" not in found.sentence
    assert found.hint == f"Try again; if it hangs, end process {holder.pid}."


def test_a_suspended_process_is_said_to_be_suspended(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    stop(holder)

    found = holder_of(tmp_path / "lock")

    assert found is not None
    assert found.is_suspended
    assert found.sentence.endswith("), which is suspended")
    assert f"kill -CONT {holder.pid}" in found.hint


def test_of_a_free_lock_and_where_the_kernel_does_not_tell_nothing_is_said(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    (tmp_path / "free").touch()

    assert holder_of(tmp_path / "free") is None
    assert holder_of(tmp_path / "not-there") is None
    assert holder_of(tmp_path / "lock", proc=tmp_path / "no-proc") is None
