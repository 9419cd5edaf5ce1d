"""Plain text: what others wrote, without anything that a terminal, an XML parser or a CI's log acts on (SEC-1)."""

import re
import unicodedata

from gitcoord.core.checks.findings import Finding

_ODD = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """Return text as one line of printable characters."""
    return "".join(char if char.isprintable() and unicodedata.category(char) != "Cf" else _ODD for char in text)


# The check names the next call as a tool of the MCP server; a reader of a log has a shell.
_CALLS = (
    (re.compile(r"request_release\(claim_id='([^']*)', [^()]*\)"), r"gitcoord request file \1 --reason TEXT"),
    (re.compile(r"claim_files\([^()]*\)"), "gitcoord claim add PATTERN"),
)


def sentences(finding: Finding) -> list[str]:
    """Return what a finding says: what is wrong, and what to do."""
    hint = plain(finding.hint)
    for call, command in _CALLS:
        hint = call.sub(command, hint)
    return [sentence for sentence in (plain(finding.message), hint) if sentence]
