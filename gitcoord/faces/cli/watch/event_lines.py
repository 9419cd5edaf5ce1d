"""Events as lines: JSON objects for programs, sentences for people who listen; no cursor of a terminal is moved.

    {"watching": …, "cursor": …}                        the first line of --jsonl
    {"id": …, "cursor": …, "event": "step_claimed", …}  one for each event
    {"problem": …, "hint": …, "cursor": …}              what is in the way; `solved` once it is no more

What this file does not know: how events are found.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from gitcoord.core.documents.json_text import Json, parse_time
from gitcoord.faces.cli.terminal import commands, show
from gitcoord.faces.cli.terminal.fields import covered, forced_by, listed, text

if TYPE_CHECKING:
    from gitcoord.core.checks.attention import Attention
    from gitcoord.service.events.event_follower import Turn
    from gitcoord.service.session.workspace import Workspace

TURN_S = 15.0  # what needs attention with time alone is looked at so often
_DO = "what needs attention"


def follow(workspace: "Workspace", cursor: str | None, *, as_json: bool, once: bool) -> int:
    """Write what happens after a cursor until interrupted, or once; return the exit status.

    Raises:
        InvalidError: that is no cursor, or one of another remote.
        UnreachableError: the remote does not answer when it begins.
    """
    from gitcoord.service.events.event_follower import EventFollower
    from gitcoord.service.session.patience import Patience

    follower, patience = EventFollower(workspace, cursor), Patience()
    lines = _Objects() if as_json else _Sentences(workspace)
    lines.begin(workspace.remote_name, follower.cursor)
    try:
        while True:
            turn = follower.turn(patience, 0.0 if once else TURN_S)
            lines.turn(turn)
            show.flush()
            if once and not follower.has_more:
                return 0
    finally:
        follower.close()


class _Objects:
    """Lines for programs."""

    def begin(self, remote: str, cursor: str) -> None:
        """Say what is watched, and from where."""
        show.json_line({"watching": remote, "cursor": cursor})
        show.flush()

    def turn(self, turn: "Turn") -> None:
        """Write a turn."""
        for row in turn.rows:
            show.json_line(row)
        for problem in turn.problems:
            show.json_line(commands.result_for_shell({**problem, "cursor": turn.cursor}))
        for solved in turn.solved:
            show.json_line({"solved": solved, "cursor": turn.cursor})


class _Sentences:
    """Lines for people."""

    def __init__(self, workspace: "Workspace") -> None:
        """Begin with nothing said."""
        self._workspace = workspace
        self._said: dict[tuple[str, str], str] = {}

    def begin(self, remote: str, _cursor: str) -> None:
        """Say what is watched, and what needs attention now."""
        show.line(f"watching {remote} as {self._workspace.agent}; Ctrl-C ends it")
        if not self._attention():
            show.line(f"{_DO}: nothing")
        show.flush()

    def turn(self, turn: "Turn") -> None:
        """Write a turn, and how what needs attention has changed."""
        for row in turn.rows:
            show.line(sentence_of(row))
        for problem in turn.problems:
            hint = f" {commands.for_shell(text(problem.get('hint')))}" if problem.get("hint") else ""
            show.line(f"problem: {text(problem.get('problem'))}{hint}")
        for solved in turn.solved:
            show.line(f"solved: {solved}")
        self._attention()

    def _attention(self) -> bool:
        """Say what needs attention by now, and what does no more; tell whether anything does."""
        from gitcoord.errors import CoordError
        from gitcoord.service.session import freshness
        from gitcoord.service.watch import overview

        try:
            with freshness.reading(self._workspace.setting.host):
                found = overview.needs_attention(self._workspace)
        except CoordError:  # the turn says what is in the way
            return bool(self._said)
        rows = {(str(row.kind), row.about): row for row in found if not row.facts.get("ref")}
        new = [row for key, row in rows.items() if key not in self._said]
        over = [message for key, message in self._said.items() if key not in rows]
        for row in new:
            show.line(_needed(row))
        for message in over:
            show.line(f"no more: {message}")
        self._said = {key: self._said.get(key, row.message) for key, row in rows.items()}
        return bool(rows)


def _needed(row: "Attention") -> str:
    todo = f". {commands.for_shell(row.next_step)}" if row.next_step else ""
    return f"needs attention: {row.about}: {row.message}{todo}"


def sentence_of(row: Mapping[str, Json]) -> str:
    """Return an event as a person reads it: `14:02:11 step claimed: app/3, ann/cli/wt: Log in by mail`."""
    return f"{clock_of(row)} {word_of(row)}: {', '.join(_parts(row))}"


def clock_of(row: Mapping[str, Json]) -> str:
    """Return when an event was, in UTC as everywhere."""
    try:
        at: datetime = parse_time(text(row.get("time")))
    except ValueError:
        return "--:--:--"
    return f"{at:%H:%M:%S}"


def word_of(row: Mapping[str, Json]) -> str:
    """Return what an event is, in words."""
    return text(row.get("event")).replace("_", " ")


def subject_of(row: Mapping[str, Json]) -> str:
    """Return what an event is about: a step, a project, claims."""
    return text(row.get("step") or row.get("project")) or listed(row.get("claims")) or text(row.get("pattern"))


def about_of(row: Mapping[str, Json]) -> str:
    """Return what else is known of it: a title, files, a reason."""
    told = (covered(row), row.get("title") or row.get("description"), forced_by(row) or row.get("reason"))
    return "; ".join(text(part) for part in told if part)


def _parts(row: Mapping[str, Json]) -> Iterable[str]:
    return [part for part in (subject_of(row), text(row.get("agent")), about_of(row)) if part] or ["-"]
