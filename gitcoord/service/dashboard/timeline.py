"""The timeline: which agent had which step from when to when, as the ledgers' history has it.

What this file does not know: how it is drawn.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from gitcoord.core.activity.spans import Span
from gitcoord.core.documents.json_text import Json, moment_of, time_text
from gitcoord.core.steps.board import Board

LANES_SHOWN, SPANS_SHOWN = 40, 300
NUM_DIGITS_MAX = 18  # a record may have anything for a number
_TICKS = 100  # the end of the axis moves on by a hundredth of it, so that what did not change is the same again
Row = dict[str, Json]


def lanes_of(spans: Sequence[Span], boards: Iterable[Board], since: datetime, now: datetime) -> Row:
    """Return the spans by agent, who was at work last first, and how many there is no room for.

    `until` is null while a step is held: then the axis ends now.

    `boards` say who holds a step now, and since when, also where that is older than the history that was read.
    """
    by_ref = {board.project.name.lower(): board for board in boards}
    going = {
        (name, str(step.step_num)): Span(
            name, str(step.step_num), step.agent_id or "", step.claimed_at, step.started_at
        )
        for name, board in by_ref.items()
        for step in board.held_steps()
    }
    every = [*(span for span in spans if span.end is not None and span.project in by_ref), *going.values()]
    every.sort(key=lambda span: (span.end or now, span.project, span.step_num), reverse=True)
    lanes: dict[str, list[Span]] = {}
    for span in every[:SPANS_SHOWN]:
        if span.agent in lanes or len(lanes) < LANES_SHOWN:
            lanes.setdefault(span.agent, []).append(span)
    shown = [span for lane in lanes.values() for span in lane]
    firsts = (span.begin or span.started or span.end or since for span in shown)
    begin = max(since, min(firsts, default=since))
    return {
        "agents": [
            {"agent": agent, "spans": [_row(span, by_ref[span.project]) for span in reversed(lane)]}
            for agent, lane in lanes.items()
        ],
        "from": time_text(begin),
        "until": None if going else time_text(max([begin, *(span.end for span in shown if span.end)])),
        "spans": len(every),
        "left_out": len(every) - len(shown),
        "agents_left_out": len({span.agent for span in every} - lanes.keys()),
    }


def _row(span: Span, board: Board) -> Row:
    is_number = span.step_num.isdecimal() and len(span.step_num) <= NUM_DIGITS_MAX
    step = board.steps.get(int(span.step_num)) if is_number else None
    moments = (("begin", span.begin), ("started", span.started), ("end", span.end))
    return {
        "step_id": f"{board.project.name}/{span.step_num}",
        "title": step.title if step else "",
        **{name: time_text(moment) if moment else None for name, moment in moments},
        "how": span.how or "going",
    }


def end_of(begin: datetime, now: datetime) -> datetime:
    """Return a moment not before now that stays the same for a while: the end of the axis."""
    tick_s = max(60.0, (now - begin) / timedelta(seconds=_TICKS))
    whole = next((size for size in (60, 300, 900, 3600, 14_400, 43_200) if size >= tick_s), 86_400)
    return moment_of(int(-(-now.astimezone(UTC).timestamp() // whole) * whole))
