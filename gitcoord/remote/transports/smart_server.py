"""What `smart` asks of a git server, whatever leads to it.

Rules:
  * `UnfamiliarError` says that only git knows what to do next; of a push `was_sent` says whether it may have landed.

What this file does not know: http and ssh.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gitcoord.remote.contract.protocol import Oid, RefFault, RefName, RefUpdate, SwapOutcome
from gitcoord.remote.http.fetch import Brought, Wanted
from gitcoord.remote.http.known_server import KnownServer


class SmartPush(Protocol):
    """One push on its way."""

    @property
    def was_sent(self) -> bool:
        """Whether the server may have got it."""
        ...

    @property
    def is_doubtful(self) -> bool:
        """Whether an earlier try of it may have landed."""
        ...

    def send(self) -> bytes | SwapOutcome:
        """Send it; return the server's report, or what became of it where there is none.

        Raises:
            UnfamiliarError: git may know why the server did not take it.
            CoordError: there is no answer; `was_sent` says whether it may have arrived.
        """
        ...


class SmartServer(Protocol):
    """One server, as one clone uses it.

    Attributes:
        way: `smarthttp` or `smartssh`.
        shown: its URL without credentials.
        says_time: whether its answers say what time it is.
        date: what time the last one said.
        known: what is believed of it for a day.
    """

    way: str
    shown: str
    says_time: bool
    date: datetime | None
    known: KnownServer

    def receiving(self) -> Mapping[str, str]:
        """Return the capabilities for pushes.

        Raises:
            UnfamiliarError: it cannot be pushed to in the way of this transport.
            CoordError: it cannot be asked.
        """
        ...

    def listed(self, prefixes: Sequence[str]) -> tuple[Mapping[RefName, Oid], Sequence[RefFault]]:
        """Return the refs under prefixes as they are now, and what is wrong with some; see `receiving`."""
        ...

    def pack_of(self, wanted: Wanted) -> Brought:
        """Return a pack of commits that were listed, and of what they need; see `receiving`."""
        ...

    def seen(self, refs: Sequence[RefName], /) -> Mapping[RefName, Oid] | None:
        """Return where refs are immediately before a push, if the server says so unasked."""
        ...

    def receive_pack(self, body: bytes, updates: Sequence[RefUpdate], /) -> SmartPush:
        """Make a push of these updates; nothing is sent yet."""
        ...

    def renew(self) -> None:
        """Believe what is kept for a day, also in a process that lives for longer."""
        ...

    def forget(self) -> bool:
        """Forget what was believed; tell whether there was anything that was not asked just now."""
        ...

    def leave_to_git(self, reason: str) -> None:
        """Note for a day that only git can talk to it."""
        ...

    def note_proof(self) -> None:
        """Note for a day that it compares."""
        ...

    def note_wrong(self, *, is_taken: bool) -> None:
        """Note for a day that it said yes to a push that it had to refuse, and whether it took it."""
        ...

    def note_halves(self) -> None:
        """Note for a day that it took a part of several refs."""
        ...
