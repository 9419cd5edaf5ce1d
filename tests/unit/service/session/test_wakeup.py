"""The bell of a session: a pipe that wakes its server, and that leaves nothing open when it is taken down."""

import threading
from pathlib import Path

from gitcoord.service.session.wakeup import Bell, ring
from tests.open_files import open_below

WAIT_S = 60.0  # a bound for a hang


def test_a_bell_is_heard_that_another_process_rang(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "s-1.bell")

    ring(tmp_path, "s-1")

    assert bell.is_rung()
    bell.wait(WAIT_S)
    assert not bell.is_rung()
    bell.close()


def test_a_bell_that_was_taken_down_leaves_no_file_open(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "s-1.bell")
    before = open_below(tmp_path)

    bell.close()

    assert (before, open_below(tmp_path)) == (["s-1.bell"], [])
    assert [*tmp_path.iterdir()] == []


def test_who_waits_for_a_bell_that_is_taken_down_goes_on_and_leaves_no_file_open(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "s-1.bell")
    thread = threading.Thread(target=bell.wait, args=(WAIT_S,))
    thread.start()

    bell.close()
    thread.join(WAIT_S / 2)

    assert not thread.is_alive()
    assert open_below(tmp_path) == []


def test_a_bell_that_was_taken_down_can_be_rung_and_closed_again_and_nobody_waits_for_it(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "s-1.bell")
    bell.close()

    with (tmp_path / "another").open("wb") as another:  # gets the number that the pipe had
        bell.ring()
        bell.close()
        waits = threading.Thread(target=bell.wait, args=(WAIT_S,))
        waits.start()
        waits.join(WAIT_S / 2)

        assert not waits.is_alive()
        assert another.tell() == 0
    assert (tmp_path / "another").read_bytes() == b""


def test_where_there_can_be_no_pipe_threads_of_the_process_ring(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "no-such-folder" / "s-1.bell")

    bell.ring()

    assert bell.is_rung()
    bell.wait(WAIT_S)
    assert not bell.is_rung()
    bell.close()
