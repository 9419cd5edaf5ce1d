"""Rows of what needs attention: a word, what it is about, and a sentence whose beginning matters most.

What this file does not know: what needs attention; see `gitcoord.service.watch.attention`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from gitcoord.core.documents.doc import Json
from gitcoord.faces.cli.screens.claim_views import waits_for
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.columns import ids, texts
from gitcoord.faces.cli.terminal.fields import ago, few, left, records, strings, text

SHOWN = 3  # of one kind: six kinds leave half a screen for everything else


def attention(result: Result, now: datetime) -> None:
    """Show what needs attention, some of each kind, and where to see all of it."""
    rows = [["clock", "this machine", text(result.get("clock"))]] if result.get("clock") else []
    sees = {"gitcoord doctor": None} if rows else {}
    found = [
        *({**oddity, "kind": oddity.get("code", "damaged")} for oddity in records(result.get("oddities"))),
        *records(result.get("attention")),
    ]
    for kind, (word, see, row_of) in _KINDS.items():
        same = [row for row in found if row.get("kind") == kind]
        rows += [[word, *row_of(row, now)] for row in same[:SHOWN]]
        if len(same) > SHOWN:
            rows.append([word, "", f"and {len(same) - SHOWN} more"])
        sees |= {see: None} if same and see else {}
    if rows:
        show.line()
        show.table(("attention", ids(""), texts("")), rows)
        if sees:
            show.folded(f"see: {'; '.join(sees)}")


def damaged(result: Result) -> bool:
    """Whether a ledger is missing in a result because it cannot be used; one that was kept beside it is not."""
    return any(oddity.get("code") != "kept" for oddity in records(result.get("oddities")))


def _odd(row: dict[str, Json], _now: datetime) -> list[str]:
    return [text(row.get("ref")), f"{text(row.get('message'))} {text(row.get('next_step'))}"]


def _late(row: dict[str, Json], now: datetime) -> list[str]:
    last = f"the last came {ago(row.get('last_seen'), now)} ago" if row.get("last_seen") else "there is none"
    return ["this clone", f"the remote takes no heartbeat of it, {last}: others consider its agents gone"]


def _failed(row: dict[str, Json], now: datetime) -> list[str]:
    blocks = f"blocks {text(row.get('blocks'))}: " if row.get("blocks") else ""
    who = f"({text(row.get('agent'))}, {ago(row.get('at'), now)} ago)"
    return [text(row.get("step_id")), f"{blocks}{text(row.get('reason'))} {who}"]


def _stale(row: dict[str, Json], _now: datetime) -> list[str]:
    return [text(row.get("step_id")), f"{text(row.get('agent'))}: {text(row.get('why'))}, so others may take it over"]


def _gone(row: dict[str, Json], now: datetime) -> list[str]:
    what = "its session is over" if row.get("life") == "over" else "it is silent"
    count, span = len(strings(row.get("claims"))), left(row.get("free_at"), now)
    free = "free now" if span == "over" else f"free in {span}"
    return [text(row.get("agent")), f"{what}: {count} claim{'s' * (count != 1)} {free}"]


def _without_call(row: dict[str, Json], now: datetime) -> list[str]:
    held = few(strings(row.get("on"))) or f"{len(strings(row.get('claims')))} claims"
    return [
        text(row.get("agent")),
        f"it lives, but has called nothing for {ago(row.get('called_at'), now)}; holds {held}",
    ]


def _asked(row: dict[str, Json], now: datetime) -> list[str]:
    wanted, span = few(strings(row.get("requested"))), left(row.get("expires_at"), now)
    asks = f"{wanted}: {text(row.get('agent'))} asks {text(row.get('holder'))}"
    return [text(row.get("request_id")), f"{asks}; without an answer the claim ends in {span}"]


def _waiting(row: dict[str, Json], now: datetime) -> list[str]:
    wanted, since = few(strings(row.get("patterns"))), ago(row.get("created_at"), now)
    holders = waits_for(row, now)
    behind = f" behind {holders}" if holders else ""
    return [text(row.get("queue_id")), f"{wanted}: {text(row.get('agent'))} waits for {since}{behind}"]


# Kind -> its word, the command that shows all of it where a row does not say so, and what makes its cells.
_KINDS: Mapping[str, tuple[str, str, Callable[[dict[str, Json], datetime], list[str]]]] = {
    "damaged": ("damaged", "gitcoord doctor", _odd),
    "rewound": ("rewound", "gitcoord doctor", _odd),
    "kept": ("kept", "", _odd),
    "heartbeat_late": ("remote", "gitcoord doctor", _late),
    "step_failed": ("failed", "gitcoord step list --status failed", _failed),
    "step_stale": ("stale", "gitcoord step stale", _stale),
    "holder_gone": ("gone", "gitcoord claim list", _gone),
    "no_call": ("idle", "gitcoord agents list", _without_call),
    "release_asked": ("asked", "gitcoord request list", _asked),
    "call_waiting": ("waits", "gitcoord queue list", _waiting),
}
