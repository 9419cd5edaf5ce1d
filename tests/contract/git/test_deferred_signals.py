"""Signals that come while a process is started: they are there as soon as it is known, and not before."""

import signal
import threading

import pytest

from gitcoord.remote.git.git_process import signals_deferred


def test_a_signal_waits_for_the_end_of_the_block() -> None:
    reached: list[str] = []

    def start() -> None:
        with signals_deferred():
            signal.raise_signal(signal.SIGINT)
            reached.append("the end of the block")

    with pytest.raises(KeyboardInterrupt):
        start()

    assert reached == ["the end of the block"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_of_the_block_does_not_lose_a_signal() -> None:
    def fail() -> None:
        with signals_deferred():
            signal.raise_signal(signal.SIGINT)
            raise FileNotFoundError

    with pytest.raises(KeyboardInterrupt):
        fail()


def test_another_thread_has_no_handlers_to_keep() -> None:
    done: list[bool] = []

    def start() -> None:
        with signals_deferred():
            done.append(True)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert done == [True]
