"""The parser's process: what a file can do to it, and that who asks goes on."""

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from gitcoord.source.symbols import parser
from gitcoord.source.symbols.definitions import CannotCheck, DefinitionReader, Definitions
from gitcoord.source.symbols.parser_process import LOST_S_MAX, ParserProcess, parser_command

pytestmark = pytest.mark.rule("SEC-4")

STILL: Callable[[], float] = lambda: 0.0  # noqa: E731 - the type says what it stands for
GOOD = b"def f(): pass\n"
LONG_S = 60.0  # what no machine takes for what is waited for
SIZE = 64 * 1024
# Found by an attacker who repeated short texts: each takes gigabytes, or minutes, or both.
UNITS = [
    ("a.c", b"%q("),
    ("a.h", b"%q("),
    ("a.cpp", b"%q("),
    ("a.c", b"a=>"),
    ("a.c", b"fn =>"),
    ("a.c", b";-"),
    ("a.sh", b",|"),
    ("a.sh", b":|"),
    ("a.sh", b"func |-"),
    ("a.cs", b"template<"),
    ("a.cs", b"%q(`"),
    ("a.js", b";->"),
    ("a.go", b"[|impl "),
    ("a.rs", b"%q("),
    ("a.swift", b"#"),
    ("a.ts", b"{a:"),
]


@pytest.fixture(scope="module")
def shared() -> ParserProcess:
    return ParserProcess()


def reason(reader: DefinitionReader, path: str, data: bytes) -> str:
    found = reader.definitions(path, data)
    assert isinstance(found, CannotCheck)
    return found.reason


@pytest.mark.parametrize(("path", "unit"), UNITS, ids=lambda value: value if isinstance(value, str) else repr(value))
def test_a_file_that_is_made_to_break_a_parser_breaks_nothing_else(
    shared: ParserProcess, path: str, unit: bytes
) -> None:
    reader = DefinitionReader(STILL, parse_s_max=0.2, parser=shared)

    found = reader.definitions(path, unit * (SIZE // len(unit)))
    after = reader.definitions("a.py", GOOD)

    assert isinstance(found, CannotCheck | Definitions)  # which of them depends on how fast the machine is
    assert isinstance(after, Definitions)


def test_memory_is_bounded() -> None:
    # Without the limit it takes 4 GB within a few seconds.
    reader = DefinitionReader(STILL, parse_s_max=LONG_S, parser=ParserProcess())

    assert reason(reader, "a.c", b"%q(" * (SIZE // 3)) == "cannot be parsed within the limits of memory and time"


def test_processor_time_is_bounded_where_a_grammar_does_not_look_at_it() -> None:
    # Without the limit it takes a quarter of an hour.
    reader = DefinitionReader(STILL, parse_s_max=0.1, parser=ParserProcess(wait_s=LONG_S))

    assert reason(reader, "a.swift", b"#" * 500_000) == "cannot be parsed within the limits of memory and time"


def test_a_process_that_grows_is_ended_where_the_system_has_no_limit_of_memory() -> None:
    code = (
        "from threading import Event\n"
        "from gitcoord.source.symbols.parser import watch\n"
        "class Growing(Event):\n"
        "    def wait(self, timeout=None):\n"
        "        self.kept = b'x' * 200_000_000\n"
        "        return True\n"
        "watch(Growing(), 100_000_000)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], timeout=LONG_S, check=False)

    assert done.returncode == 1


def test_a_parser_that_was_killed_is_started_again() -> None:
    process = ParserProcess()
    reader = DefinitionReader(STILL, parser=process)
    assert isinstance(reader.definitions("a.py", GOOD), Definitions)
    child = process._process
    assert child is not None
    child.kill()
    child.wait()

    assert isinstance(reader.definitions("b.js", b"function f() {}"), Definitions)


@pytest.mark.parametrize(
    "code",
    ["raise SystemExit", "print('no such thing')", "print('\\0\\0\\0\\4nope')", "print('\\x7f\\0\\0\\0')"],
    ids=["ends", "line", "text", "endless"],
)
def test_what_is_no_parser_is_no_answer(code: str) -> None:
    reader = DefinitionReader(STILL, parser=ParserProcess([sys.executable, "-c", code]))

    assert reason(reader, "a.py", GOOD) == "cannot be parsed within the limits of memory and time"


def test_a_program_that_cannot_be_started_is_no_answer(tmp_path: Path) -> None:
    reader = DefinitionReader(STILL, parser=ParserProcess([str(tmp_path / "none")]))

    assert reason(reader, "a.py", GOOD) == "cannot be parsed within the limits of memory and time"


@pytest.mark.parametrize("size", [10, 500_000], ids=["small", "larger than a pipe"])
def test_a_parser_that_never_answers_is_not_waited_for(size: int) -> None:
    hung = ParserProcess([sys.executable, "-c", "import time; time.sleep(1000)"], wait_s=0.0)
    reader = DefinitionReader(STILL, parse_s_max=0.1, parser=hung)

    assert reason(reader, "a.py", b"#" * size) == "takes more than 0.1 s to parse"
    assert hung._process is not None
    assert hung._process.returncode is not None  # no zombie


def test_who_interrupts_the_waiting_gets_no_answer_of_the_last_file() -> None:
    looks = count()

    def interrupted() -> float:
        if next(looks) == 1:
            raise KeyboardInterrupt
        return 0.0

    process = ParserProcess()
    with pytest.raises(KeyboardInterrupt):
        DefinitionReader(interrupted, parser=process).definitions("a.py", b"def first(): pass\n")

    found = DefinitionReader(STILL, parser=process).definitions("a.py", GOOD)

    assert isinstance(found, Definitions)
    assert [*found.symbols] == ["f"]


def test_what_bad_files_take_together_is_bounded_and_comes_back() -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 2.0  # of which each file takes one step
        return now

    process = ParserProcess([sys.executable, "-c", "raise SystemExit"])
    reader = DefinitionReader(clock, parser=process)
    reasons = [reason(reader, "a.py", GOOD) for _ in range(int(LOST_S_MAX))]
    now += 1000

    again = reason(reader, "a.py", GOOD)

    assert reasons[0] == again == "cannot be parsed within the limits of memory and time"
    assert reasons[-1] == "comes after too many files that cannot be parsed"


def test_a_grammar_that_is_not_there_is_named_and_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "tree_sitter_go.py").write_text("", "utf-8")  # another release, say
    process = ParserProcess(parser_command([str(tmp_path), *sys.path]))
    reader = DefinitionReader(STILL, parser=process)

    assert reason(reader, "a.go", b"package m\n") == "is Go, whose grammar is not installed here"
    assert isinstance(reader.definitions("a.py", GOOD), Definitions)


def test_nothing_of_the_working_folder_or_of_the_environment_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "tree_sitter", "tree_sitter_python", "sitecustomize", "struct"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    process = ParserProcess(parser_command(["", ".", *sys.path]))
    env = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "json.py")}

    found = DefinitionReader(STILL, env, parser=process).definitions("a.py", GOOD)

    assert isinstance(found, Definitions)
    assert not (tmp_path / "ran").exists()


def test_the_parser_ends_when_nobody_can_ask_any_more() -> None:
    done = subprocess.run(parser_command(sys.path), stdin=subprocess.DEVNULL, timeout=LONG_S, check=False)

    assert done.returncode == 0
    assert not parser.serve(BytesIO(), BytesIO(), Event())
