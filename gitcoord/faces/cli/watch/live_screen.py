"""The live screen: a pane of what one look showed, the keys that act on its rows, and how old that look is.

    gitcoord  ann/cli/wt · origin, shared with 2 other clones at work  16:02:11 UTC
    1 Needs 2   2 Agents 4   3 Steps 12   4 Claims 3   …                        1/12
    WHAT    ABOUT   WHAT IS SO
    …
    what became of the last thing that was done, or what is in the way
    ? help   / filter   enter open   x release   q quit

Rules:
  * Looks, and what a person does, run in threads of their own: keys are answered while a remote is waited for.
  * Nothing is done without a question that shows what will happen; the rules of the command line decide.
  * It needs 20 columns and 6 lines; with less than is there, parts are left out, not overwritten.

What this file does not know: what may be done with a row (`actions`), and what is in a list (`panes`).
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from gitcoord.faces.cli.terminal import commands, show
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.columns import cells
from gitcoord.faces.cli.terminal.fields import records, text
from gitcoord.faces.cli.watch import actions, details, panes
from gitcoord.faces.cli.watch.actions import RowAction
from gitcoord.faces.cli.watch.dialogs import ActionDialog, TextDialog
from gitcoord.faces.cli.watch.live_data import LiveData, LiveLook
from gitcoord.faces.cli.watch.panes import PANES, PaneRow
from gitcoord.faces.cli.watch.row_list import RowList
from gitcoord.ledger.clone.bug_report import as_known
from gitcoord.service.session import freshness
from gitcoord.service.session.workspace import Workspace

ENDED = 128  # and the signal's number, as a shell reports it
LEFT_CELLS_MIN = 10  # with less, the name of an agent says nothing
HELP = (
    "1 to 8, Tab, Shift-Tab, ←, →   another list",
    "↑, ↓, j, k, PgUp, PgDn, g, G   another row",
    "Enter    all that is known of a row",
    "/        filter: rows that have each of the words; Escape shows all again",
    "a        answer a request",
    "x        release a claim; someone else's by force",
    "r        recover a step",
    "p        promote files: everyone changes them",
    "Ctrl-Z   suspend; `fg` comes back",
    "?        these keys",
    "q        leave",
    "",
    "Each of a, x, r and p asks first, and shows what will happen and the command that does the same.",
)


class LiveScreen(App[int]):
    """The screen."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: vertical; }
    #top, #tabs, #said, #keys { height: 1; }
    #filter { height: 1; border: none; padding: 0; display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", show=False),
        Binding("ctrl+c", "leave", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
        Binding("question_mark", "help", show=False),
        Binding("slash", "filter", show=False),
        Binding("escape", "clear", show=False),
        Binding("tab,right,l", "turn(1)", show=False, priority=False),
        Binding("shift+tab,left,h", "turn(-1)", show=False),
        *(Binding(str(number), f"pane({number - 1})", show=False) for number in range(1, len(PANES) + 1)),
        *(Binding(key, f"act('{key}')", show=False) for key in actions.KEYS),
    ]

    def __init__(self, workspace: Workspace) -> None:
        """Show a workspace."""
        super().__init__(ansi_color=True)
        self._workspace = workspace
        self._pane = panes.NEEDS
        self._look: LiveLook | None = None
        self._keys: dict[int, str] = {}
        self._words = ""
        self._said = "looking …"
        self._data = LiveData(workspace, self._looked)

    @property
    def look(self) -> LiveLook | None:
        """Return the last look."""
        return self._look

    def compose(self) -> ComposeResult:
        """Make its parts."""
        yield Static(id="top", markup=False)
        yield Static(id="tabs", markup=False)
        yield RowList()
        yield Input(id="filter", placeholder="words that a row has", compact=True)
        yield Static(id="said", markup=False)
        yield Static(id="keys", markup=False)

    def on_mount(self) -> None:
        """Begin to look."""
        self.query_one(RowList).focus()
        self._draw()
        self._data.begin()
        for number in (signal.SIGTERM, signal.SIGHUP):  # else the terminal would be left in the state of the screen
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # not the first thread
                asyncio.get_running_loop().add_signal_handler(number, self.exit, ENDED + number)

    def on_unmount(self) -> None:
        """Stop looking."""
        self._data.stop()

    def on_resize(self) -> None:
        """Lay out the lines again."""
        self._draw_lines()

    def on_row_list_moved(self) -> None:
        """Remember the row, and show where it is."""
        row = self.query_one(RowList).selected
        if row is not None:
            self._keys[self._pane] = row.key
        self._draw_lines()

    def on_row_list_opened(self, opened: RowList.Opened) -> None:
        """Show all that is known of a row."""
        dialog = TextDialog(opened.row.cells[0] or show.plain(opened.row.key), panes.facts_of(opened.row))
        self.push_screen(dialog)
        if self._pane in details.SOURCES:
            threading.Thread(target=self._open, args=(self._pane, opened.row, dialog), daemon=True).start()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(TextDialog("Keys", HELP))

    def action_leave(self) -> None:
        """Leave."""
        self.exit(0)

    def action_turn(self, by: int) -> None:
        """Show the next list."""
        self.action_pane((self._pane + by) % len(PANES))

    def action_pane(self, number: int) -> None:
        """Show a list."""
        self._pane = number
        self._draw()

    def action_filter(self) -> None:
        """Ask for words."""
        box = self.query_one("#filter", Input)
        box.display = True
        box.focus()

    def action_clear(self) -> None:
        """Show all rows again."""
        box = self.query_one("#filter", Input)
        box.value = ""
        box.display = False
        self.query_one(RowList).focus()

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Show the rows that match by now."""
        if changed.input.id == "filter":
            self._words = changed.value
            self._draw()

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Go back to the rows."""
        if submitted.input.id == "filter":
            self.query_one(RowList).focus()
            submitted.input.display = bool(self._words)

    def action_act(self, key: str) -> None:
        """Ask whether to do what a key stands for."""
        word, offer, where = actions.KEYS[key]
        row = self.query_one(RowList).selected
        action = offer(row, self._result, self._now) if row is not None and self._pane in where else None
        if action is None:
            self._say(f"There is nothing to {word} here.")
            return

        def answered(given: dict[str, str] | None) -> None:
            if given is None:
                self._say("Nothing was done.")
            else:
                self._say(f"{action.title.rstrip('?')} …")
                threading.Thread(target=self._do, args=(action, given), name="acting", daemon=True).start()

        self.push_screen(ActionDialog(action), answered)

    def _do(self, action: RowAction, given: Mapping[str, str]) -> None:
        """Do what was agreed to, in a thread of its own."""
        try:
            said, _ = actions.outcome(action, commands.result_for_shell(action.call(self._workspace, given)))
        except Exception as failed:  # noqa: BLE001 - a traceback would be drawn over the screen
            error = as_known(failed, action.title.rstrip("?"))
            said = show.plain(f"Not done: {commands.for_shell(str(error))} {commands.for_shell(error.hint)}".strip())
        self._from_thread(self._say, said)

    def _open(self, pane: int, row: PaneRow, dialog: TextDialog) -> None:
        """Bring what a look has not, in a thread of its own; without it what the look has stays."""
        try:
            with freshness.reading(self._workspace.setting.host):
                result = details.SOURCES[pane].find(self._workspace, row)
        except Exception as error:  # noqa: BLE001 - a traceback would be drawn over the screen
            self._from_thread(self._say, show.plain(str(as_known(error, "looking at a row"))))
        else:
            self._from_thread(lambda: dialog.put(details.lines(pane, result, self._now)))

    def _looked(self, look: LiveLook) -> None:
        self._from_thread(self._take, look)

    def _from_thread(self, call: "object", *given: object) -> None:
        if self.is_running:
            self.call_later(call, *given)  # pyright: ignore[reportArgumentType] - any callable

    def _take(self, look: LiveLook) -> None:
        self._look = look
        if self._said == "looking …":
            self._said = ""
        self._draw()

    @property
    def _result(self) -> Result:
        return self._look.data if self._look else {}

    @property
    def _now(self) -> datetime:
        return self._look.at if self._look else self._workspace.setting.host.now()

    def _say(self, said: str) -> None:
        self._said = said
        self._draw_lines()

    def _draw(self) -> None:
        """Draw the pane and the lines around it."""
        pane = PANES[self._pane]
        words = self._words.lower().split()
        rows = [row for row in pane.rows(self._result, self._now) if panes.matches(row, words)]
        nothing = "No row has that." if words else pane.nothing if self._look else ""
        self.query_one(RowList).put(pane.columns, rows, nothing, self._keys.get(self._pane, ""))
        self._draw_lines()

    def _draw_lines(self) -> None:
        look, width = self._look, self.size.width
        remote, sharing = text(self._result.get("remote")), text(self._result.get("sharing"))
        where = sharing if sharing in (remote, "only this clone") else f"{remote}, {sharing}"
        left = f"{self._workspace.agent} · {where}" if look else self._workspace.agent
        right = f"{look.at:%H:%M:%S} UTC" if look else ""
        self._line("top", _beside(left, right, width), "bold")
        self._line("tabs", self._tabs(width))
        trouble = (look.problem or look.age) if look else ""
        self._line("said", show.plain(trouble or self._said)[:width], "red" if trouble else "")
        self._line("keys", self._key_words(), "dim")

    def _line(self, name: str, words: str | Text, style: str = "") -> None:
        drawn = words if isinstance(words, Text) else Text(words, style=style)
        drawn.truncate(max(1, self.size.width), overflow="ellipsis")
        drawn.no_wrap = True
        self.query_one(f"#{name}", Static).update(drawn)

    def _tabs(self, width: int) -> Text:
        """Return the names of the lists, as many as fit; the one that is shown is always there."""
        counts = {
            panes.NEEDS: "attention",
            panes.AGENTS: "agents",
            panes.STEPS: "steps",
            panes.CLAIMS: "claims",
            panes.PROJECTS: "projects",
            panes.HOT: "hotspots",
        }
        numbers = {pane: len(records(self._result.get(name))) for pane, name in counts.items()}
        numbers[panes.LINE] = sum(len(records(self._result.get(name))) for name in ("requests", "queued"))
        words = [f"{index + 1} {pane.word}" for index, pane in enumerate(PANES)]
        full = [f"{word} {numbers[index]}" if numbers.get(index) else word for index, word in enumerate(words)]
        place = self.query_one(RowList).place
        room = width - len(place) - 1
        short = [word if index == self._pane else str(index + 1) for index, word in enumerate(full)]
        shown = next((found for found in (full, words) if sum(cells(word) + 2 for word in found) <= room), short)
        drawn = Text()
        for index, word in enumerate(shown):
            drawn.append(f" {word} ", "reverse" if index == self._pane else "")
        drawn.append(" " * max(1, width - drawn.cell_len - len(place)) + place, "dim")
        return drawn

    def _key_words(self) -> str:
        offered = [f"{key} {word}" for key, (word, _, where) in actions.KEYS.items() if self._pane in where]
        filtered = f"filter: {self._words}" if self._words else "/ filter"
        return "  ".join(("? help", "q quit", *offered, "enter open", filtered))


def _beside(left: str, right: str, width: int) -> str:
    """Return two texts on one line, the first cut where both do not fit."""
    room = width - cells(right) - 2
    if room < LEFT_CELLS_MIN:
        return show.plain(left)
    shown = Text(show.plain(left))
    shown.truncate(room, overflow="ellipsis")
    return f"{shown.plain}{' ' * (width - shown.cell_len - cells(right))}{right}"


def run(workspace: Workspace) -> int:
    """Show the screen until the person leaves; return the exit status."""
    return LiveScreen(workspace).run() or 0
