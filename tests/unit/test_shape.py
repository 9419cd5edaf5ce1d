"""Files and functions of the package stay small enough to read whole; what does not says why, here."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

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
