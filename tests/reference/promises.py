"""What keeps each promise of `docs/guarantees.md`, and which tests hold it: a table between two marks of that page."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.unit.test_rules import PROMISES, ids_kept, ids_listed, ids_marked

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guarantees.md"
BEGIN, END = "<!-- what keeps them -->", "<!-- end of what keeps them -->"


def page() -> str:
    """Return the page with its table as the code has it."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{_table()}{END}{rest.partition(END)[2]}"


def _table() -> str:
    kept = _folders("gitcoord", ids_kept, lambda path: str(path.parent))
    held = _folders("tests", ids_marked, lambda path: path.parts[0])
    rows = ["| promise | kept in `gitcoord/` | held by tests in `tests/` |", "| --- | --- | --- |"]
    for rule in _promised():
        cells = (", ".join(f"`{name}`" for name in sorted(found[rule])) for found in (kept, held))
        rows.append(f"| {rule} | {' | '.join(cells)} |")
    return "".join(f"{row}\n" for row in rows)


def _promised() -> Iterator[str]:
    """Yield the ids of the promises, in the order of their kinds and numbers."""
    listed = ids_listed((ROOT / "gitcoord" / "DESIGN.md").read_text("utf-8"))
    for kind in PROMISES:
        yield from sorted((rule for rule in listed if rule.startswith(kind)), key=lambda rule: int(rule.split("-")[1]))


def _folders(below: str, ids_of: Callable[[str], set[str]], folder_of: Callable[[Path], str]) -> Mapping[str, set[str]]:
    """Return the folders in which each id stands."""
    found = defaultdict[str, set[str]](set)
    for path in (ROOT / below).rglob("*.py"):
        for rule in ids_of(path.read_text("utf-8")):
            found[rule].add(folder_of(path.relative_to(ROOT / below)))
    return found
