"""Each library that is declared is imported and has its row in DESIGN.md, and each that is imported is declared."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import files, packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from gitcoord.service.doctor.machine import PACKAGES
from gitcoord.source.symbols.languages import LANGUAGES
from tests.packaging import pins

DISTRIBUTIONS = packages_distributions()
_OWN = sys.stdlib_module_names | {"gitcoord", "tests", "_typeshed"}  # which only checkers of types have
_RUNTIME = [requirement.name for requirement in pins.runtime()]
_OF_WHEEL = [*_RUNTIME, *(requirement.name for requirement in pins.extras())]
_GRAMMAR = "tree-sitter-"
_ALL_GRAMMARS = "tree-sitter-…"  # one row for all of them; decision 13 says why they are several


@cache
def imported(folder: str) -> dict[str, str]:
    """Return the distributions that the modules of a folder import, each with one of those modules."""
    modules = sorted((pins.ROOT / folder).rglob("*.py"))
    found = {name: str(module) for module in modules for name in _imported_by(module)}
    if folder == "gitcoord":
        found |= dict.fromkeys((language.module for language in LANGUAGES), "gitcoord/source/symbols/languages.py")
    return {canonicalize_name(dist): path for name, path in found.items() for dist in _distributions(name)}


def _distributions(module: str) -> list[str]:
    """Return the distribution that a module is from: of those that share its first name, the one that has its files."""
    top = module.partition(".")[0]
    names, path = DISTRIBUTIONS.get(top, [top]), module.replace(".", "/")
    if len(names) == 1:
        return names
    return [name for name in names if any(str(file).startswith(path) for file in files(name) or ())]


def _imported_by(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_bytes())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        yield from {name for name in names if name.partition(".")[0] not in _OWN}


def table() -> dict[str, str]:
    """Return what DESIGN.md says of each library: what it is for."""
    section = (pins.ROOT / "gitcoord" / "DESIGN.md").read_text("utf-8").partition("## Dependencies, and why\n")[2]
    rows = re.findall(r"^\| (?!package|-)([^|]+) \| ([^|]+) \| [^|]+ \|$", section.partition("\n## ")[0], re.MULTILINE)
    return {name: purpose for names, purpose in rows for name in names.split(", ") if "(developers)" not in names}


def test_each_declared_library_is_imported() -> None:
    assert set(map(canonicalize_name, _OF_WHEEL)) - set(imported("gitcoord")) == set()


@pytest.mark.parametrize("folder", ["gitcoord", "tests"])
def test_each_library_that_is_imported_is_declared(folder: str) -> None:
    declared = _OF_WHEEL if folder == "gitcoord" else [requirement.name for requirement in pins.wanted()]

    found = imported(folder)

    assert {name: found[name] for name in found.keys() - set(map(canonicalize_name, declared))} == {}


def test_the_table_of_libraries_has_those_that_are_declared() -> None:
    expected = {_ALL_GRAMMARS if name.startswith(_GRAMMAR) else name for name in _OF_WHEEL}

    assert table().keys() == expected
    assert "" not in table().values()


def test_doctor_looks_for_those_that_are_declared() -> None:
    assert [*PACKAGES] == [name for name in _RUNTIME if not name.startswith(_GRAMMAR)]
