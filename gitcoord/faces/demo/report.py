"""The report of a demonstration, as data."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.demo.verdict import Check, Recovery


@dataclass(slots=True)
class Report:
    """What came of it."""

    project: str
    agents: list[str]
    killed: str
    seconds: float = 0.0
    checks: list[Check] = field(default_factory=list[Check])
    refused: Counter[str] = field(default_factory=Counter[str])
    recovery: Recovery | None = None
    commits: int = 0
    claims_commits: int = 0
    combined: int = 0
    lost_swaps: int = 0
    log: list[str] = field(default_factory=list[str])

    @property
    def is_ok(self) -> bool:
        """Whether every check holds."""
        return bool(self.checks) and all(check.is_ok for check in self.checks)


def as_json(report: Report, kept: Iterable[Path]) -> dict[str, Json]:
    """Return a report as one JSON object."""
    found = report.recovery
    return {
        "ok": report.is_ok,
        "project": report.project,
        "agents": [*report.agents],
        "seconds": report.seconds,
        "checks": [{"name": check.name, "ok": check.is_ok, "detail": check.detail} for check in report.checks],
        "killed": report.killed,
        "recovered": {"step": found.step, "from": found.before, "by": found.after, "checkpoint": found.checkpoint}
        if found
        else None,
        "refused": dict(report.refused),
        "commits": report.commits,
        "claims_commits": report.claims_commits,
        "combined": report.combined,
        "lost_swaps": report.lost_swaps,
        "log": [*report.log],
        "kept": next((str(path) for path in kept), None),
    }
