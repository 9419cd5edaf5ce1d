"""Touched: which symbols changed lines touch, on both sides."""

import time
from pathlib import Path

from gitcoord.source.history.changes import Range, changed_files
from gitcoord.source.symbols.definitions import DefinitionReader
from gitcoord.source.symbols.touched import TouchedFile, touched
from tests.conftest import Git, MakeRepo
from tests.unit.source.places import commit, opened

CODE = """\
import os


def one():
    return 1


def two():
    return 2


class Three:
    def run(self):
        pass
"""


def look(repo: Path, base: str) -> dict[str, TouchedFile]:
    what = Range((base,), "HEAD")
    return touched(opened(repo), what, changed_files(opened(repo), what), DefinitionReader(time.monotonic))


def test_a_changed_body_touches_its_function_alone(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = commit(git, repo, "a", a__py=CODE)
    commit(git, repo, "b", a__py=CODE.replace("return 2", "return 22").replace("pass", "print()"))

    assert look(repo, base) == {
        "a.py": TouchedFile(("Three::run", "two"), line=9, lines={"two": 9, "Three::run": 14}),
    }


def test_a_removed_function_is_touched_by_its_old_lines(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = commit(git, repo, "a", a__py=CODE)
    commit(git, repo, "b", a__py=CODE.replace("def two():\n    return 2\n\n\n", ""))

    found = look(repo, base)["a.py"]

    assert found.symbols == ("two",)
    assert found.lines == {}
    assert not found.unread


def test_an_import_is_a_module_level_line(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = commit(git, repo, "a", a__py=CODE)
    commit(git, repo, "b", a__py=CODE.replace("import os", "import sys"))

    assert look(repo, base) == {"a.py": TouchedFile((), module_level=True, line=1)}


def test_a_mode_touches_no_symbol_and_a_new_file_all_of_its_own(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = commit(git, repo, "a", a__py=CODE)
    (repo / "a.py").chmod(0o755)
    commit(git, repo, "b", b__py="def new():\n    pass\n")

    assert look(repo, base) == {
        "a.py": TouchedFile((), module_level=True, line=1),
        "b.py": TouchedFile(("new",), line=1, lines={"new": 1}),
    }


def test_what_is_gone_binary_or_of_no_known_language_is_touched_as_a_whole(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = commit(git, repo, "a", a__py=CODE, b__py="1\n", c__md="1\n")
    (repo / "b.py").write_bytes(b"\0")
    commit(git, repo, "b", a__py=None, c__md="2\n")

    found = look(repo, base)

    assert found["a.py"] == TouchedFile()
    assert found["b.py"] == TouchedFile(line=1, unread="is not text, or too large")
    assert found["c.md"] == TouchedFile(line=1, unread="is of a language whose definitions gitcoord cannot read")


SHARED = """\
class M {
  m() { return 1 }
}
function a() {
  return foo();
}
function b() {
  return 2;
}
"""


def test_a_syntax_error_in_which_the_changed_lines_are_makes_it_the_whole_file(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = commit(git, repo, "a", e__ts=SHARED)
    broken = SHARED.replace("return foo();", "return foo(").replace("  return 2", "  x();\n  return 2")
    commit(git, repo, "b", e__ts=broken)

    assert look(repo, base) == {"e.ts": TouchedFile(line=5, unread="has a syntax error in line 4")}


def test_a_declaration_that_an_error_hides_is_touched_wherever_the_lines_are(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = commit(git, repo, "a", e__ts=SHARED)
    commit(git, repo, "b", e__ts=SHARED.replace("function a", "/*\nfunction a") + "*/\n")

    found = look(repo, base)["e.ts"]

    assert found.symbols == ("a", "b")


def test_lines_beside_an_error_that_was_there_are_told_by_symbol(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    text = (
        "def a():\n    return foo(\n\ndef b():\n    return 2\n\ndef c():\n    type X[T = int] = list[T]\n    return 3\n"
    )
    base = commit(git, repo, "a", a__py=text)
    commit(git, repo, "b", a__py=text.replace("return 2", "return 22").replace("return 3", "return 33"))

    assert look(repo, base)["a.py"].symbols == ("b", "c")


def test_a_change_in_a_declaration_that_was_broken_before_and_still_is_touches_the_file(
    make_repo: MakeRepo, git: Git
) -> None:
    repo = make_repo()
    text = "package m\n\nfunc a() {\n\tif x {\n}\n\nfunc b() int {\n\treturn 2\n}\n"
    base = commit(git, repo, "a", a__go=text)
    commit(git, repo, "b", a__go=text.replace("return 2", "return 22"))

    assert look(repo, base) == {"a.go": TouchedFile(line=8, unread="has a syntax error in line 7")}
