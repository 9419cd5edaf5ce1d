"""A program that the fork server starts is to the test, and to itself, as one that was started as ever."""

import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from tests import fork_server

TOLD = """
import json, os, sys
print(json.dumps([
    os.getppid(), os.getcwd(), sys.argv, sys.path[0], dict(os.environ), __name__, sys.stdin.read(),
    sorted(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")),
]))
sys.exit(sys.argv[1])
"""
AT_ONCE = """
import json, os, pathlib, sys, threading
from concurrent.futures import ThreadPoolExecutor
from tests import fork_server

all_here = threading.Barrier(6)

def status(_):
    all_here.wait(50)
    words = [sys.executable, "-c", "raise SystemExit(3)"]
    return fork_server.run(words, cwd=pathlib.Path.cwd(), env=os.environ, stdin=b"", timeout_s=50).returncode

with ThreadPoolExecutor(6) as pool:
    print(json.dumps(list(pool.map(status, range(6)))))
"""
WAIT_S = 60  # a bound for a hang


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")
@pytest.mark.parametrize("as_file", [False, True])
def test_what_is_forked_finds_what_a_new_process_finds(tmp_path: Path, as_file: bool) -> None:
    (tmp_path / "told.py").write_text(TOLD)
    words = [sys.executable, *([str(tmp_path / "told.py")] if as_file else ["-c", TOLD]), "that is wrong", "é"]
    env = {**os.environ, "PYTHONPATH": str(fork_server.ROOT), "MORE": "1"}

    forked = fork_server.run(words, cwd=tmp_path, env=env, stdin="in", timeout_s=WAIT_S, encoding="utf-8")
    with subprocess.Popen(words, cwd=tmp_path, env=env, stdin=PIPE, stdout=PIPE, stderr=PIPE, encoding="utf-8") as new:
        out, err = new.communicate("in", timeout=WAIT_S)

    assert json.loads(out)[0] == os.getpid()
    assert json.loads(forked.stdout) == json.loads(out)
    assert (forked.stderr, forked.returncode) == (err, new.returncode) == ("that is wrong\n", 1)


def test_where_the_interpreter_is_to_behave_differently_a_new_one_is_started(tmp_path: Path) -> None:
    (tmp_path / "gitcoord.py").write_text("print('another')")
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}:{fork_server.ROOT}"}

    done = fork_server.run([sys.executable, "-m", "gitcoord"], cwd=tmp_path, env=env, stdin=b"", timeout_s=WAIT_S)

    assert done.stdout == b"another\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")
def test_threads_that_start_their_first_programs_at_once_each_get_the_exit_status_of_their_own(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(fork_server.ROOT)}

    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE], check=False, cwd=tmp_path, env=env, capture_output=True, timeout=WAIT_S
    )

    assert json.loads(done.stdout) == [3] * 6, done.stderr
