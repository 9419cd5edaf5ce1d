"""What a run of `make torture` did, counted: lines of JSON in the file that `TORTURE_REPORT` names.

    {"kind": "histories", "count": 12, "operations": 4800, "test": "tests/race/test_histories.py::…", "seed": 17, …}

A test adds a line for what it checked; whoever makes a report adds up the lines of a kind. Without the variable
nothing is written. A part that is to run again takes its lines out first, so that nothing counts twice.

    python -m tests.torture_report FILE                     prints a table of the sums
    python -m tests.torture_report FILE --without tests/fuzz     takes out the lines of a folder, or of a file
    python -m tests.torture_report FILE PAGE "WHEN, WHERE"  writes it into a page, between its two marks
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "TORTURE_REPORT"


def add(kind: str, *, count: int, operations: int, test: str = "", **facts: object) -> None:
    """Add a line.

    Args:
        kind: what was done, one word.
        count: how many of them.
        operations: how many single things were checked in all of them.
        test: the id of the test, or its file; the one that runs, if not given.
        facts: what else a reader wants to know: a seed, a remote.
    """
    path = os.environ.get(VARIABLE)
    if path:
        test = test or os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        line = json.dumps({"kind": kind, "count": count, "operations": operations, "test": test, **facts})
        with Path(path).open("a", encoding="utf-8") as report:
            report.write(line + "\n")  # one write, appended: other processes add theirs


def totals(path: Path) -> Mapping[str, Mapping[str, int]]:
    """Return the sums of `count` and `operations` by kind."""
    sums: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        added = json.loads(line)
        of_kind = sums.setdefault(added["kind"], {"count": 0, "operations": 0})
        for name in of_kind:
            of_kind[name] += added[name]
    return sums


def take_out(path: Path, part: str) -> None:
    """Take out the lines of the tests below a folder, or in a file, which are to run again."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    below = (f"{part.rstrip('/')}/", f"{part}::")
    tests = [(line, json.loads(line).get("test", "")) for line in lines]
    kept = [line for line, test in tests if test != part and not test.startswith(below)]
    path.write_text("".join(kept), encoding="utf-8")


BEGIN, END = "<!-- torture -->", "<!-- end of torture -->"
_WORDS: Mapping[str, tuple[str, str]] = {
    "histories": ("histories of several processes, for which an order exists that the rules allow", "calls"),
    "faults": ("faults injected: ends, exceptions, full disks, bad networks, calamities", "commits"),
    "fuzz": ("parsers fuzzed", "inputs"),
    "branches": ("branches of these parsers that the inputs took", "branches"),
    "mutants": ("faults planted in the code, each found", "inputs or runs until then"),
    "soak": ("seconds under a load, with nothing that grows", "calls and commands"),
    "violations": ("violations", "tests that ran"),
}


def table(path: Path) -> str:
    """Return a table of the sums, in Markdown."""
    rows = [("what", "count", "of what", "how many")]
    sums_of = totals(path)
    for kind in sorted(sums_of, key=[*_WORDS, *sums_of].index):
        sums = sums_of[kind]
        what, of = _WORDS.get(kind, (kind, "operations"))
        rows.append((what, f"{sums['count']:,}", of, f"{sums['operations']:,}"))
    rows.insert(1, ("---", "--:", "---", "--:"))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def within(page: str, table: str, where: str) -> str:
    """Return a page with the table between its marks. `where`: when it was measured, and on what."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{where}:\n\n{table}{END}{after}"


if __name__ == "__main__":
    if sys.argv[2:3] == ["--without"]:
        take_out(Path(sys.argv[1]), sys.argv[3])
        sys.exit()
    made = table(Path(sys.argv[1]))
    if len(sys.argv) > len(("program", "FILE")):
        target = Path(sys.argv[2])
        target.write_text(within(target.read_text("utf-8"), made, sys.argv[3]), "utf-8")
    sys.stdout.write(made)
