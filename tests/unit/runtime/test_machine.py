"""This machine's clock and sleep."""

import _thread
import sys
import threading
import time

import pytest

from gitcoord.runtime import machine


def test_a_sleep_ends_at_a_signal_that_interrupts_no_system_call() -> None:
    sleeper = threading.get_ident()

    def signal_once_it_sleeps() -> None:
        while sys._current_frames()[sleeper].f_code is not machine.sleep.__code__:
            time.sleep(0.001)
        _thread.interrupt_main()  # sets the flag, as a signal does that comes just before the call

    thread = threading.Thread(target=signal_once_it_sleeps)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        machine.sleep(3600)
    thread.join()
