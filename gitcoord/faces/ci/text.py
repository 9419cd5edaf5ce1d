"""Findings as text: for people; in colour on a terminal.

finding  foreign-claim  src/auth/login.ts:12
'src/auth/login.ts' is claimed by …
Ask 'bob/claude/wt' …
"""

from typing import TYPE_CHECKING

from gitcoord.core.checks.findings import Weight
from gitcoord.faces.ci.plain import plain, sentences

if TYPE_CHECKING:
    from gitcoord.service.checks.verification import Report

_COLOURS = {Weight.FINDING: "31", Weight.NOTE: "33"}


def text(report: "Report", *, in_colour: bool = False) -> str:
    """Return the report as lines."""
    ordered = [*report.of(Weight.FINDING), *report.of(Weight.NOTE)]
    lines: list[str] = []
    for finding in ordered:
        word = f"{finding.severity:<7}"
        word = f"\x1b[{_COLOURS[finding.severity]}m{word}\x1b[0m" if in_colour else word
        place = f"  {plain(finding.path)}" + (f":{finding.line}" if finding.line else "") if finding.path else ""
        lines += [f"{word}  {finding.rule}{place}", *(f"         {sentence}" for sentence in sentences(finding))]
    return "\n".join([*lines, summary(report)]) + "\n"


def summary(report: "Report") -> str:
    """Summarize the check and its result in a sentence."""
    findings, notes = len(report.of(Weight.FINDING)), len(report.of(Weight.NOTE))
    what = f"{_count(report.commits, 'commit')}, {_count(report.files, 'file')}"
    where = f" of {plain(report.branch)}" if report.branch else ""
    where += f" against {plain(report.base_name)}" if report.base_name else ""
    if not report.ledgers:
        return f"{what}{where}: nothing is coordinated in {plain(report.remote)}"
    counts = f"{_count(findings, 'finding')}, {_count(notes, 'note')}"
    return f"{what}{where}; claims of {plain(report.remote)}: {counts}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
