"""Patience: how long one call may block, and whether its caller still wants it.

    a face makes it ──> the use case waits with it, and says what for ──> the face shows that, and may stop it

What this file does not know: what is waited for.
"""

import threading
from collections.abc import Callable

from gitcoord.core.documents.doc import Struct, field

CALL_S = 50.0  # clients give a call a minute, some of them no more than that


class Patience(Struct):
    """The patience of one call.

    Attributes:
        most_s: how long it may block in all.
        waits_for: what is waited for, as a sentence for the person at the terminal.
        tell: is given that sentence, and again when it changes.
        way_out: the call that ends the waiting, where there is one.
    """

    most_s: float = CALL_S
    waits_for: str = ""
    tell: Callable[[str], None] | None = None
    way_out: str = ""
    _stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Whether no caller wants the answer any more."""
        return self._stopped.is_set()

    def say(self, sentence: str) -> None:
        """Show what the call waits for."""
        if sentence != self.waits_for:
            self.waits_for = sentence
            if self.tell is not None:
                self.tell(sentence)

    def stop(self) -> None:
        """Say that no caller wants the answer any more; it may be called from any thread."""
        self._stopped.set()

    def pause(self, seconds: float) -> bool:
        """Wait for so long, or until the caller stops; tell whether it did."""
        return self._stopped.wait(max(0.0, seconds))
