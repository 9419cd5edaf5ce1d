"""Files and functions of the package stay small enough to read whole; what does not says why, here.

A loop variable says what it holds, and a private function that is used once is worth its name.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

# Of all functions, those that are private and used exactly once: each is a hop and a name. It was 30.3 %; what is left
# is an element of a comprehension, a condition or a callback, or its name says more than its code. It only falls: this
# is what there is, rounded up to half a percent. It is no lower, since the next ones to be inlined would make callers
# long, or leave a branch of a rule without its name.
USED_ONCE_MAX = 0.195

# A claim, an entry, a path and a commit were all called `one`: the type was known, and the reader was not told.
SAYS_NOTHING = {"one"}

# Path -> the reason that one subject takes more lines.
LONG_FILES: dict[str, str] = {}

# `path::Class.function` -> the reason that it is no better in parts.
LONG_FUNCTIONS: dict[str, str] = {}


def lines_of_files(package: Path) -> dict[str, int]:
    return {_name(package, path): len(path.read_text(encoding="utf-8").splitlines()) for path in package.rglob("*.py")}


def lines_of_functions(package: Path) -> dict[str, int]:
    return {
        f"{_name(package, path)}::{name}": lines
        for path in package.rglob("*.py")
        for name, lines in _functions(ast.parse(path.read_text(encoding="utf-8")), "")
    }


def complaints(sizes: dict[str, int], size_max: int, excused: dict[str, str]) -> list[str]:
    """List what is too long without an excuse, and excuses that nothing needs any more."""
    long = {name for name, size in sizes.items() if size > size_max}
    return [
        *(f"{name} has {sizes[name]} lines, more than {size_max}" for name in sorted(long - excused.keys())),
        *(f"{name} is excused and need not be" for name in sorted(excused.keys() - long)),
        *(f"{name} is excused without a reason" for name, reason in excused.items() if not reason.strip()),
    ]


def empty_loop_variables(package: Path) -> list[str]:
    """List the variables of loops and comprehensions whose name says nothing of what they hold."""
    return sorted(
        f"{_name(package, path)}:{variable.lineno} {variable.id}"
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension)
        for variable in ast.walk(node.target)
        if isinstance(variable, ast.Name) and variable.id in SAYS_NOTHING
    )


def used_once(package: Path) -> tuple[list[str], int]:
    """List the private functions that their module uses exactly once, and count all functions."""
    names: list[str] = []
    count = 0
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        uses = _uses(tree)
        count += len(functions)
        for function in functions:
            if function.name.startswith("_") and not function.name.endswith("__"):
                by_others = uses[function.name] - _uses(function)[function.name]  # to call itself is no use
                names += [f"{_name(package, path)}::{function.name}"] * (by_others == 1)
    return sorted(names), count


def _uses(tree: ast.AST) -> Counter[str]:
    return Counter(
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    )


def _name(package: Path, path: Path) -> str:
    return path.relative_to(package.parent).as_posix()


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name, (child.end_lineno or child.lineno) - child.lineno + 1
                yield from _functions(child, f"{prefix}{name}.")
            case ast.ClassDef(name=name):
                yield from _functions(child, f"{prefix}{name}.")
            case _:
                yield from _functions(child, prefix)


def test_every_file_is_short_or_says_why_not() -> None:
    assert complaints(lines_of_files(ROOT / "gitcoord"), FILE_LINES_MAX, LONG_FILES) == []


def test_every_function_is_short_or_says_why_not() -> None:
    assert complaints(lines_of_functions(ROOT / "gitcoord"), FUNCTION_LINES_MAX, LONG_FUNCTIONS) == []


def test_a_loop_variable_says_what_it_holds() -> None:
    assert empty_loop_variables(ROOT / "gitcoord") == []


def test_few_private_functions_are_used_only_once() -> None:
    names, count = used_once(ROOT / "gitcoord")

    assert len(names) / count <= USED_ONCE_MAX, "inline one of yours, if its name says no more than its code"


@pytest.mark.parametrize(
    ("excused", "expected"),
    [
        ({}, ["pkg/a.py::C.long has 4 lines, more than 3"]),
        ({"pkg/a.py::C.long": "a table"}, []),
        ({"pkg/a.py::C.long": " "}, ["pkg/a.py::C.long is excused without a reason"]),
        (
            {"pkg/a.py::C.long": "a table", "pkg/a.py::C.long.inner": "once was long"},
            ["pkg/a.py::C.long.inner is excused and need not be"],
        ),
    ],
)
def test_a_long_function_needs_an_excuse_and_a_stale_excuse_is_reported(
    tmp_path: Path, excused: dict[str, str], expected: list[str]
) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    source = "class C:\n    def long(self):\n        def inner():\n            pass\n        inner()\n"
    (package / "a.py").write_text(source)

    found = complaints(lines_of_functions(package), 3, excused)

    assert expected == found


def test_a_long_file_is_found_at_any_depth(tmp_path: Path) -> None:
    folder = tmp_path / "pkg" / "deep"
    folder.mkdir(parents=True)
    (folder / "b.py").write_text("x = 1\n" * 5)

    found = complaints(lines_of_files(tmp_path / "pkg"), 4, {})

    assert found == ["pkg/deep/b.py has 5 lines, more than 4"]


def test_a_loop_variable_that_says_nothing_is_found_in_loops_and_comprehensions(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "a.py").write_text("for key, one in rows:\n    pass\nids = [one for one in rows]\none = 1\n")

    found = empty_loop_variables(package)

    assert found == ["pkg/a.py:1 one", "pkg/a.py:3 one"]


def test_a_function_is_used_once_if_one_other_place_names_it(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    source = """
def top(a):
    return _once(a) + _twice(a) + _twice(a)
def _once(a):
    return _once(a - 1) if a else 0
def _twice(a):
    return a
def _unused():
    return 0
"""
    (package / "a.py").write_text(source)

    found = used_once(package)

    assert found == (["pkg/a.py::_once"], 4)
