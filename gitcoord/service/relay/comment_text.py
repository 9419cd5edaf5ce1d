"""The text of the comment that says what a pull request collides with, as GitHub and GitLab show it.

    **gitcoord**: this pull request collides with other work.

    - collides with #7 in `src/a.py`: `ann/cli/wt` holds it until 14:05 UTC (`c-69b365er`, `Rework prices`)
    - does not merge with #9: `src/b.py`, `src/c.py`
    - `bob/cli/wt` was refused `src/d.py` at 13:40 UTC, because `ann/cli/wt` holds it until 15:00 UTC

Rules:
  * SEC-1: what agents and people wrote stands in code, short and on one line: it mentions no one, links nowhere and
    formats nothing. The numbers of pull requests alone are links.
  * SEC-2, SEC-6: no credentials, and under `texts = private` nothing that people wrote in their own words.
  * What is too much is counted.

What this file does not know: how collisions are found, and where the comment is kept.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from gitcoord.core.checks.findings import Finding, Rule
from gitcoord.core.documents.json_text import Json, clock_text, parse_time
from gitcoord.redaction import redact
from gitcoord.service.checks.collisions import Collisions, RefusedClaim
from gitcoord.service.relay.formats import code

LINES_MAX = 20  # of a kind: a comment is read, and 65,536 characters are the most that GitHub takes
PATHS_MAX = 5
CHARS_MAX = 200  # of one text of others
_FOOT = (
    "What others hold is refused when it is pushed. Talk to the holder, or ask with `gitcoord request file CLAIM`. "
    "This comment follows what changes."
)


class Words(NamedTuple):
    """What a comment is written with: the time, the sign before numbers, open pull requests by branch, texts or not."""

    now: datetime
    sign: str
    numbers: Mapping[str, int]
    is_private: bool


def comment_text(collisions: Collisions, words: Words) -> str:
    """Return the text; "" where there is nothing to say."""
    if collisions.is_clear:
        return ""
    groups: dict[tuple[str, Rule], list[Finding]] = {}
    for finding in collisions.claims:
        groups.setdefault((str(finding.claim.get("claim_id")), finding.rule), []).append(finding)
    lines = [
        *_bounded([_claim(findings, words) for findings in groups.values()]),
        *_bounded(
            [
                f"does not merge with {words.sign}{number}" + (f": {_listed(paths)}" if paths else "")
                for number, paths in sorted(collisions.unmerged.items())
            ]
        ),
        *_bounded([_refused(refused, words) for refused in collisions.refused]),
    ]
    rows = "\n".join(f"- {line}" for line in lines)
    return f"**gitcoord**: this pull request collides with other work.\n\n{rows}\n\n{_FOOT}"


def _claim(findings: list[Finding], words: Words) -> str:
    """Say what one claim holds of what was changed."""
    finding = findings[0]
    branch, description = finding.claim.get("branch"), finding.claim.get("description")
    number = words.numbers.get(branch) if isinstance(branch, str) else None
    where = f"{words.sign}{number}" if number is not None else f"branch {_text(branch)}" if branch else "a claim"
    paths = _listed(dict.fromkeys(found.path or "" for found in findings))
    symbols = [*dict.fromkeys(name for found in findings for name in found.symbols)]
    what = f"{_listed(symbols)} in {paths}" if symbols else paths
    until = _until(finding.claim.get("expires_at"), words.now)
    about = [_text(finding.claim.get("claim_id"))]
    about += [_text(description)] if description and not words.is_private else []
    holder = f"{_text(finding.claim.get('agent'))} holds it{until} ({', '.join(about)})"
    later = ", but it was changed here before that: land it soon" if finding.rule is Rule.LATER_CLAIM else ""
    return f"collides with {where} in {what}: {holder}{later}"


def _refused(refused: RefusedClaim, words: Words) -> str:
    at, until = clock_text(refused.at, words.now), clock_text(refused.until, words.now)
    what = f"{_text(refused.by)} was refused {_listed(refused.patterns)} at {at}"
    return f"{what}, because {_text(refused.holder)} holds it until {until}"


def _until(text: Json, now: datetime) -> str:
    try:
        return f" until {clock_text(parse_time(str(text)), now)}"
    except ValueError:
        return ""


def _bounded(lines: list[str]) -> list[str]:
    return [*lines[:LINES_MAX], *([f"and {len(lines) - LINES_MAX} more"] if len(lines) > LINES_MAX else [])]


def _listed(texts: Iterable[str]) -> str:
    every = [*texts]
    more = f" and {len(every) - PATHS_MAX} more" if len(every) > PATHS_MAX else ""
    return ", ".join(map(_text, every[:PATHS_MAX])) + more


def _text(value: Json) -> str:
    clean = redact(str(value or "-"))
    return code(clean[:CHARS_MAX] + ("…" if len(clean) > CHARS_MAX else ""))
