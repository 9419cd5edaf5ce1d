"""Figures of a run: collected by name, shown as a table, written to bench.json with machine and versions."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import gitcoord


@dataclass(slots=True)
class Figure:
    """One measured thing. Samples are in milliseconds unless `unit` says otherwise."""

    id: str
    work: str
    samples: list[float]
    unit: str = "ms"
    target: str = ""
    met: bool | None = None
    notes: dict[str, object] = field(default_factory=dict)

    def at(self, share: float) -> float:
        """Return a percentile by nearest rank."""
        ranked = sorted(self.samples)
        return ranked[min(len(ranked) - 1, max(0, -(-int(share * 1000) * len(ranked) // 1000) - 1))]

    def as_json(self) -> dict[str, object]:
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
        }


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as lines of text."""
    rows = [["id", "work", "median", "p95", "p99", "n", "target", "met"]]
    for one in figures:
        met = "" if one.met is None else "yes" if one.met else "NO"
        numbers = (f"{one.at(share):.2f} {one.unit}" for share in (0.5, 0.95, 0.99))
        rows.append([one.id, one.work, *numbers, str(len(one.samples)), one.target, met])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    notes = [f"{one.id}: {json.dumps(one.notes)}" for one in figures if one.notes]
    return "\n".join([*lines, "", *notes, f"machine: {json.dumps(machine())}"])


def machine() -> dict[str, object]:
    """Return where this runs. The load says what else does: with one far above 0, only ratios mean something."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "load": [round(one, 1) for one in os.getloadavg()],
        "python": platform.python_version(),
        "git": git,
        "pygit2": version("pygit2"),
        "tree_sitter": version("tree-sitter"),
        "gitcoord": gitcoord.__version__,
    }


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write bench.json."""
    content = {"machine": machine(), "figures": [one.as_json() for one in figures]}
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
