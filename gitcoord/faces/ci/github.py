"""Findings as workflow commands of GitHub Actions: annotations at the lines that they are about.

    ::error file=src/a.py,line=7,title=foreign-claim::'src/a.py' is claimed by …

Data and properties are escaped as the runner's own toolkit does; nothing else of a finding begins a line.
"""

from typing import TYPE_CHECKING

from gitcoord.core.checks.findings import Finding, Weight
from gitcoord.faces.ci.plain import plain, sentences
from gitcoord.faces.ci.text import summary

if TYPE_CHECKING:
    from gitcoord.service.checks.verification import Report

_COMMANDS = {Weight.FINDING: "error", Weight.NOTE: "notice"}


def github(report: "Report") -> str:
    """Return the report as commands, findings first, and its summary."""
    ordered = [*report.of(Weight.FINDING), *report.of(Weight.NOTE)]
    return "".join(f"{line}\n" for line in [*map(_command, ordered), summary(report)])


def _command(finding: Finding) -> str:
    properties = {
        "file": plain(finding.path) if finding.path else "",
        "line": str(finding.line) if finding.line else "",
        "title": f"gitcoord {finding.rule}",
    }
    given = ((name, _data(value)) for name, value in properties.items() if value)
    named = ",".join(name + "=" + data.replace(":", "%3A").replace(",", "%2C") for name, data in given)
    words = " ".join(sentences(finding))
    return f"::{_COMMANDS[finding.severity]} {named}::{_data(words)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
