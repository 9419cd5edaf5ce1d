"""Rows of what needs attention: a word, what it is about, and a sentence whose beginning matters most.

What this file does not know: what needs attention, and in which order; see `gitcoord.core.checks.attention`.
"""

from collections import Counter
from collections.abc import Mapping

from gitcoord.core.checks.attention import PERSON, YOU, AttentionKind, Rank
from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.columns import ids, texts
from gitcoord.faces.cli.terminal.fields import records, text

SHOWN = 3  # of one kind: six kinds leave half a screen for everything else
NEEDED_SOON, NEEDED_NOW = 10, 11  # exit statuses; those below are of what went wrong


def attention(result: Result) -> None:
    """Show what needs attention, some of each kind, what to do about the first, and where to see all of it."""
    found = records(result.get("attention"))
    shown, seen, rows = Counter[str](), dict[str, None](), list[list[str]]()
    for row in found:
        kind = text(row.get("kind"))
        word, see = _KINDS[kind]
        seen |= {see: None} if see else {}
        shown[kind] += 1
        if shown[kind] <= SHOWN:
            todo = f" {text(row.get('next_step'))}" if row.get("ref") else ""  # each ledger has one of its own
            rows.append([word, text(row.get("about")), text(row.get("message")) + todo])
    rows += [[_KINDS[kind][0], "", f"and {count - SHOWN} more"] for kind, count in shown.items() if count > SHOWN]
    if not rows:
        return
    show.line()
    show.table(("attention", ids(""), texts("")), rows)
    first = found[0]
    if first.get("who") in (YOU, PERSON) and first.get("next_step") and not first.get("ref"):
        show.folded(f"next: {text(first.get('next_step'))}")
    if seen:
        show.folded(f"see: {'; '.join(seen)}")


def word_for(kind: str) -> str:
    """Return the word of what a row is about."""
    return _KINDS[kind][0]


def needed_status(severity: Json) -> int:
    """Return the exit status that says how much the most important of what is needed matters; `None`: nothing is."""
    if severity is None:
        return 0
    return NEEDED_NOW if severity == Rank.HIGH else NEEDED_SOON


def damaged(result: Result) -> bool:
    """Whether a ledger is missing in a result because it cannot be used; one that was kept beside it is not."""
    return any(oddity.get("code") != "kept" for oddity in records(result.get("oddities")))


# Kind -> its word, and the command that shows all of it where a row does not say so.
_KINDS: Mapping[str, tuple[str, str]] = {
    AttentionKind.DAMAGED: ("damaged", "gitcoord doctor"),
    AttentionKind.REWOUND: ("rewound", "gitcoord doctor"),
    AttentionKind.KEPT: ("kept", ""),
    AttentionKind.CLOCK_OFF: ("clock", "gitcoord doctor"),
    AttentionKind.REMOTE_DECLINES: ("remote", "gitcoord doctor"),
    AttentionKind.HEARTBEAT_LATE: ("remote", "gitcoord doctor"),
    AttentionKind.STEP_FAILED: ("failed", "gitcoord step list --status failed"),
    AttentionKind.STEP_STALE: ("stale", "gitcoord step stale"),
    AttentionKind.HOLDER_GONE: ("gone", "gitcoord agents stale"),
    AttentionKind.NO_CALL: ("idle", "gitcoord agents list"),
    AttentionKind.RELEASE_ASKED: ("asked", "gitcoord request list"),
    AttentionKind.CLAIM_ENDS: ("ends", "gitcoord claim list --mine"),
    AttentionKind.EDIT_REFUSED: ("edited", ""),
    AttentionKind.CONFLICT_PREDICTED: ("merge", "gitcoord predict"),
    AttentionKind.CALL_WAITING: ("waits", "gitcoord queue list"),
}
