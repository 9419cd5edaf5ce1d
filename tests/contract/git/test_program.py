"""A program that is asked one question: whatever it does, the answer is bounded and nothing of it stays."""

import os
import time
from pathlib import Path

import pytest

from gitcoord.remote.git.program import Answered, ask_program, output_of

PATH = {"PATH": "/usr/bin:/bin"}
QUESTION = {"jsonrpc": "2.0", "id": 1, "method": "initialize"}


def _asked(folder: Path, script: str, timeout_s: float = 30.0) -> Answered:
    command = ["/bin/sh", "-c", script]
    return ask_program(command, QUESTION, cwd=folder, env=PATH, timeout_s=timeout_s, monotonic=time.monotonic)


def test_the_answer_is_found_behind_what_else_is_written(tmp_path: Path) -> None:
    noise = """echo loading; echo '[1]'; echo '{"id": 7}'; echo log >&2; read line; echo '{"id": 1, "result": {}}'"""

    found = _asked(tmp_path, noise)

    assert found == Answered({"id": 1, "result": {}})


def test_the_question_is_one_line_of_json(tmp_path: Path) -> None:
    _asked(tmp_path, f"""read -r line; printf '%s' "$line" >{tmp_path}/heard; echo '{{"id": 1}}'""")

    assert (tmp_path / "heard").read_text() == '{"jsonrpc": "2.0", "id": 1, "method": "initialize"}'


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "it ended with status 3"),
        ("echo 'no such module' >&2; exit 1", "it ended with status 1: no such module"),
        ("read line; echo 'https://ann:hunter2@example.invalid' >&2; exit 1", "it ended with status 1: https://***@"),
        ("exec >&- 2>&-; exec sleep 60", "it did not answer"),
    ],
)
@pytest.mark.rule("SEC-2")
def test_one_that_does_not_answer_says_why(tmp_path: Path, script: str, why: str) -> None:
    found = _asked(tmp_path, script, timeout_s=2.0 if "sleep" in script else 30.0)

    assert (found.answer, found.why.startswith(why)) == (None, True)


def test_one_that_never_stops_writing_is_left(tmp_path: Path) -> None:
    assert _asked(tmp_path, "exec yes").answer is None


def test_one_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    noted = tmp_path / "child"
    command = ["/bin/sh", "-c", f"sleep 600 & echo $! >{noted}; echo begun; wait"]
    begin = [0.0]

    def monotonic() -> float:
        """Let the time be over as soon as the child runs, however busy the machine is."""
        return begin.pop() if begin else 100.0 * noted.exists()

    found = ask_program(command, QUESTION, cwd=tmp_path, env=PATH, timeout_s=60.0, monotonic=monotonic)

    assert found.why == "it did not answer"
    child = int(noted.read_text())
    end = time.monotonic() + 30.0
    while _runs(child) and time.monotonic() < end:  # it was sent the signal; it dies when it is scheduled
        time.sleep(0.01)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    """Whether it is there and no zombie that nobody has collected yet."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:  # it ended in between, or this system has no such files
        return not Path("/proc/self/stat").exists()


@pytest.mark.parametrize("command", [["/nowhere/at/all"], ["/"], ["a\0b"]])
def test_what_cannot_be_started_says_so(tmp_path: Path, command: list[str]) -> None:
    found = ask_program(command, QUESTION, cwd=tmp_path, env=PATH, timeout_s=5, monotonic=time.monotonic)

    assert (found.answer, found.why.startswith("it cannot be started: ")) == (None, True)
    assert output_of(command, cwd=tmp_path, env=PATH, timeout_s=5) is None


def test_what_a_program_writes_is_returned_unless_it_fails_or_hangs(tmp_path: Path) -> None:
    said = [output_of(["/bin/sh", "-c", one], cwd=tmp_path, env=PATH, timeout_s=30) for one in ("echo x", "exit 1")]

    assert said == ["x\n", None]
    assert output_of(["sleep", "60"], cwd=tmp_path, env=PATH, timeout_s=0.6) is None
