"""What a ledger needs of the machine, passed in: clocks, sleep, chance, who we are. The only door for them."""

import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from gitcoord.core.documents.doc import Struct, field
from gitcoord.ledger.format.commits import Signature


class Host(Struct, frozen=True):
    """The machine, as values and callables.

    Attributes:
        now: aware UTC, whole milliseconds.
        monotonic, sleep: seconds.
        chance: a number from 0 to 1.
        draw_id: a new unique id of 16 characters.
        boot: differs between boots, and between copies of one disk that run at the same time.
        pid: of this process where it runs; in a container that mounts the same folder another may have the same.
        unique: no two processes that share a folder have the same; keeps their drafts of one file apart.
    """

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    chance: Callable[[], float]
    draw_id: Callable[[], str]
    pid: int
    unique: str
    boot: str

    def left_s(self, until: datetime | None) -> float:
        """Return the seconds until a moment, less than 0 after it; infinity where there is none."""
        return (until - self.now()).total_seconds() if until else math.inf


class Clone(Struct):
    """This clone as a participant: its id, its folder for coordination, who signs its commits.

    `former`: ids that it had until now and that no caller was warned of yet; see `clone_id`.
    `others`: ids under which other processes worked in this folder while it had lost its own; they are ours, too.
    `earlier`: ids that it gave up; what sessions of this folder took under them is theirs, and a copy may go by them.
    """

    id: str
    folder: Path
    signature: Signature
    former: list[str] = field(default_factory=list[str])
    others: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id that is ours."""
        return (self.id, *self.others)

    def rename(self, drawn: str) -> None:
        """Go on under another id; a process that is at work does so without beginning again."""
        if drawn != self.id:
            self.former.append(self.id)
            self.earlier = (*self.earlier, self.id)
            self.id = drawn
