"""Figures of a run as rows: shown as a table, written to bench.json with machine and versions."""

import json
import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import gitcoord

Row = Mapping[str, Any]  # a figure as bench.json has it


@dataclass(slots=True)
class Figure:
    """One measured thing. Samples are in milliseconds unless `unit` says otherwise.

    What it must reach is said once, by `at_most`, `at_least` and `must`: the text of the target and the verdict.
    """

    id: str
    work: str
    samples: list[float]
    unit: str = "ms"
    target: str = ""
    met: bool | None = None
    notes: dict[str, object] = field(default_factory=dict)
    point: dict[str, object] | None = None

    def at(self, share: float) -> float:
        """Return a percentile by nearest rank."""
        ranked = sorted(self.samples)
        return ranked[min(len(ranked) - 1, max(0, -(-int(share * 1000) * len(ranked) // 1000) - 1))]

    def at_most(self, limit: float, share: float = 0.5) -> Self:
        """Let a percentile have an upper limit, in the unit of the samples."""
        return self.must(f"{_percentile(share)} <= {limit:g} {self.unit}", self.at(share) <= limit)

    def at_least(self, limit: float, share: float = 0.5) -> Self:
        """Let a percentile have a lower limit, in the unit of the samples."""
        return self.must(f"{_percentile(share)} >= {limit:g} {self.unit}", self.at(share) >= limit)

    def must(self, target: str, is_met: bool) -> Self:
        """Add what must be reached; all of it has to be met."""
        self.target = f"{self.target}; {target}" if self.target else target
        self.met = is_met if self.met is None else self.met and is_met
        return self

    def over(self, what: str, x: float, line: str) -> Self:
        """Make this a point of a plot: on this line, where so much is there of what grows."""
        self.point = {"over": what, "x": x, "line": line}
        return self

    def as_json(self) -> dict[str, Any]:
        """Return what goes into bench.json."""
        return {
            "id": self.id,
            "work": self.work,
            "unit": self.unit,
            "n": len(self.samples),
            "median": round(self.at(0.5), 3),
            "p95": round(self.at(0.95), 3),
            "p99": round(self.at(0.99), 3),
            "target": self.target,
            "met": self.met,
            "notes": self.notes,
            "point": self.point,
        }


def not_measured(name: str, why: str) -> dict[str, Any]:
    """Return the row of a measurement that did not come about."""
    return {"id": name, "work": f"not measured: {why}", "n": 0, "target": "", "met": False, "notes": {}}


def is_of_peers(row: Row) -> bool:
    """Return whether a row is of what others take, or of ours in turn with them."""
    return "+peers" in row.get("run", {}).get("part", "")


def table(rows: Sequence[Row]) -> str:
    """Return rows as lines of text."""
    cells = [["id", "work", "median", "p95", "p99", "n", "target", "met"]]
    for row in rows:
        met = {True: "yes", False: "NO"}.get(row["met"], "")
        numbers = (f"{row[name]:.2f} {row['unit']}" if row["n"] else "" for name in ("median", "p95", "p99"))
        cells.append([row["id"], row["work"], *numbers, str(row["n"]), row["target"], met])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    notes = [f"{row['id']}: {json.dumps(row['notes'])}" for row in rows if row["notes"]]
    return "\n".join([*lines, "", *notes])


def machine() -> dict[str, object]:
    """Return where this runs."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": processor(),
        "processors": os.cpu_count(),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "measured_on": file_system(Path(tempfile.gettempdir())),
        "python": platform.python_version(),
        "git": git.removeprefix("git version "),
        "pygit2": version("pygit2"),
        "tree_sitter": version("tree-sitter"),
        "gitcoord": gitcoord.__version__,
    }


def read(path: Path) -> dict[str, Any]:
    """Return what a run wrote: its machine and its figures."""
    return json.loads(path.read_text("utf-8"))


def write(rows: Iterable[Row], path: Path) -> None:
    """Write bench.json."""
    content = {"machine": machine(), "figures": [*rows]}
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")


def _percentile(share: float) -> str:
    return {0.0: "least", 1.0: "most"}.get(share, f"p{share * 100:g}")


def processor() -> str:
    """Return the name of this machine's processor."""
    path = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.*)$", path.read_text("utf-8"), re.MULTILINE) if path.is_file() else None
    return found[1] if found else platform.processor()


def file_system(folder: Path) -> str:
    """Return what a folder is on: kind and device, as `df` names them."""
    words = ["df", "-PT" if platform.system() == "Linux" else "-P", str(folder)]
    fields = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()[-1].split()
    return f"{fields[1]} on {fields[0]}" if platform.system() == "Linux" else fields[0]
