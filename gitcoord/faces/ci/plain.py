"""Plain text: what others wrote, without anything that a terminal, an XML parser or a CI's log acts on (SEC-1)."""

import shlex

from gitcoord.core.checks.findings import Finding
from gitcoord.core.documents.call import Call, Sentence

_ODD = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """Return text as one line of printable characters."""
    return "".join(char if char.isprintable() else _ODD for char in text)


def sentences(finding: Finding) -> list[str]:
    """Return what a finding says: what is wrong, and what to do. A reader of a log has a shell."""
    hint = finding.hint.said(_command) if isinstance(finding.hint, Sentence) else finding.hint
    return [text for text in (plain(finding.message), plain(hint)) if text]


def _command(call: Call) -> str:
    match call.tool:
        case "request_release":
            return f"gitcoord request file {shlex.quote(str(call.given['claim_id']))} --reason TEXT"
        case "claim_files":
            return "gitcoord claim add PATTERN"
        case _:
            return call.spelled
