"""What a run of `make torture` did, counted: lines of JSON in the file that `TORTURE_REPORT` names.

    {"kind": "histories", "count": 12, "operations": 4800, "seed": 17, …}

A test adds a line for what it checked; whoever makes a report adds up the lines of a kind. Without the variable
nothing is written.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "TORTURE_REPORT"


def add(kind: str, *, count: int, operations: int, **facts: object) -> None:
    """Add a line.

    Args:
        kind: what was done, one word.
        count: how many of them.
        operations: how many single things were checked in all of them.
        facts: what else a reader wants to know: a seed, a remote.
    """
    path = os.environ.get(VARIABLE)
    if path:
        line = json.dumps({"kind": kind, "count": count, "operations": operations, **facts})
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
