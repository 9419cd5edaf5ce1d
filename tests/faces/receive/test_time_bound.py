"""The time that a push may take: when it is over the push is refused, whatever caught the alarm."""

import signal
import subprocess
import sys

import pytest

JUDGES = {
    "what reads objects": "with contextlib.suppress(Exception): signal.raise_signal(signal.SIGALRM)",
    "a destructor": """
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    with contextlib.suppress(BaseException): signal.pause()
    signal.pause()
""",
}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no alarm")
@pytest.mark.rule("SEC-3")
@pytest.mark.parametrize("name", JUDGES)
def test_an_alarm_that_something_swallowed_refuses_the_push_all_the_same(name: str) -> None:
    script = f"""
import contextlib, signal, sys
from gitcoord.faces import receive
def judge(*_):
    {JUDGES[name]}
    return []
receive.judge, receive._AGAIN_S = judge, 0.01
sys.exit(receive.main([]))
"""
    done = subprocess.run([sys.executable, "-c", script], input=b"", capture_output=True, check=False, timeout=60)

    assert (done.returncode, b"it takes more than 120 s; push less at once" in done.stderr) == (1, True), done.stderr
