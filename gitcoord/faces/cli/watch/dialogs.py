"""Dialogs: what is shown above the list: keys, all that is known of a row, and a question before anything is done.

Rules:
  * Nothing is done without a yes; Escape and `q` leave, and do nothing.
  * Text is text: no markup of it is read.

What this file does not know: what is asked, and what is done after a yes.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from gitcoord.faces.cli.watch.actions import Field, RowAction

_CSS = """
{name} {{ align: center middle; }}
{name} > VerticalScroll {{
    width: 90%; max-width: 100; height: auto; max-height: 90%; border: round ansi_bright_blue; padding: 0 1;
}}
{name} Input {{ height: 1; border: none; padding: 0; background: ansi_default; text-style: underline; }}
{name} Input:focus {{ border: none; text-style: reverse; }}
"""


def _static(words: str, style: str = "") -> Static:
    return Static(Text(words, style=style), markup=False)


class TextDialog(ModalScreen[None]):
    """Lines to read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,question_mark", "dismiss", show=False),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
    ]
    DEFAULT_CSS = _CSS.format(name="TextDialog")

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        """Show lines under a title."""
        super().__init__()
        self._title, self._lines = title, lines

    def compose(self) -> ComposeResult:
        """Make its parts."""
        with VerticalScroll():
            yield _static(self._title, "bold")
            yield Static(Text("\n".join(self._lines)), id="lines", markup=False)
            yield _static("Escape goes back.", "dim")

    def put(self, lines: Sequence[str]) -> None:
        """Show other lines, if it is still open."""
        if self.is_running:
            self.query_one("#lines", Static).update(Text("\n".join(lines)))

    def action_move(self, by: int) -> None:
        """Move by a line; the arrows do so by themselves."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)


class Choice(Static, can_focus=True):
    """One of several words, chosen with the arrows or the space bar."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space,l", "turn(1)", show=False),
        Binding("left,h", "turn(-1)", show=False),
        Binding("enter", "screen.focus_next", show=False),
    ]
    DEFAULT_CSS = "Choice:focus { text-style: bold; }"

    class Turned(Message):
        """Another word is chosen."""

    def __init__(self, field: Field) -> None:
        """Begin with the first."""
        super().__init__(markup=False)
        self.field, self._index = field, 0

    @property
    def value(self) -> str:
        """Return the word that is chosen."""
        return self.field.choices[self._index]

    def render(self) -> Text:
        """Draw the words, the chosen one in brackets and reversed."""
        drawn = Text()
        for index, word in enumerate(self.field.choices):
            chosen = index == self._index
            drawn.append(f"[{word}]" if chosen else f" {word} ", "reverse" if chosen else "")
        return drawn

    def action_turn(self, by: int) -> None:
        """Choose the next one."""
        self._index = (self._index + by) % len(self.field.choices)
        self.refresh()
        self.post_message(self.Turned())


class ActionDialog(ModalScreen[dict[str, str] | None]):
    """A question with what will happen; it ends with what was filled in, or nothing for a no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", show=False),
        Binding("n,q", "dismiss", show=False),
        Binding("y", "agree", show=False),
        Binding("ctrl+s", "agree", show=False, priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]
    DEFAULT_CSS = _CSS.format(name="ActionDialog")

    def __init__(self, action: RowAction) -> None:
        """Ask for an action."""
        super().__init__()
        self._action = action

    def compose(self) -> ComposeResult:
        """Make its parts."""
        with VerticalScroll():
            yield _static(self._action.title, "bold")
            yield _static("\n".join(self._action.facts))
            for field in self._action.fields:
                yield _static(f"{field.label}:", "dim")
                if field.choices:
                    yield Choice(field)
                else:
                    yield Input(field.value, name=field.name, select_on_focus=False, compact=True)
            yield Static(id="command", markup=False)
            typed = any(not field.choices for field in self._action.fields)
            keys = "Enter: next, then yes   Escape: no" if typed else "y: yes   n: no"
            yield _static(keys, "dim")
            yield Static(id="fault", markup=False)

    def on_mount(self) -> None:
        """Begin with the first thing to fill in."""
        self.query_one("#command", Static).update(self.command_line())
        for widget in self.query("Choice, Input"):
            widget.focus()
            break

    def command_line(self) -> Text:
        """Return the command that does the same."""
        return Text(f"as: {self._action.shell(self.given())}")

    def given(self) -> dict[str, str]:
        """Return what is filled in."""
        chosen = {choice.field.name: choice.value for choice in self.query(Choice)}
        return {**chosen, **{str(field.name): field.value for field in self.query(Input)}}

    def on_input_changed(self) -> None:
        """Show the command as it is by now."""
        self.query_one("#command", Static).update(self.command_line())

    def on_choice_turned(self) -> None:
        """Show the command as it is by now."""
        self.query_one("#command", Static).update(self.command_line())

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Go to the next field; after the last one Enter is a yes."""
        if submitted.input.name == self._action.fields[-1].name:
            self.action_agree()
        else:
            self.focus_next()

    def action_agree(self) -> None:
        """Say yes, if all is filled in that has to be."""
        given = self.given()
        missing = next(
            (field for field in self._action.fields if field.is_needed and not given[field.name].strip()), None
        )
        if missing is None:
            self.dismiss(given)
        else:
            self.query_one("#fault", Static).update(Text(f"Fill in: {missing.label}.", style="red"))
