"""Freshness: a read is answered from what is here, with its age, while the remote is away.

    reading ──> list refs ──answered within READ_S──> as it is now
                    └──not answered──> the last listing of this clone: `fresh: false`, `as_of`, a notice
                                           └──nothing was ever read here──> UnreachableError

Rules:
  * READ_S is for all that a read asks of remotes together, and for what else it waits for meanwhile. What git does here
    is not bounded by it.
  * Only what is called within `reading` is answered so. What decides (a command, a hook, `verify`, `land`) insists on
    the remote, and so does a person with `--fresh`.
  * After the first question without an answer nothing more is asked in the same read.
  * Who is alive is judged as of the moment of the listing: that nothing was heard since is not their silence.
  * Where nothing was ever read here, the remote is waited for as long as usual: there is nothing else to say.

What this file does not know: how a listing is made and kept (`ref_listing`, `last_listing`), and who shows the answer.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.doc import Json, clock_text, time_text
from gitcoord.core.documents.liveness import span_text
from gitcoord.errors import NotFoundError, UnreachableError
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.readers.last_listing import Listing
from gitcoord.remote.contract import deadline

READ_S = 3.0  # a reader waits for it; a listing over a slow line takes one, and the age of an answer says the rest
NOTICE = "not_fresh"


@dataclass(slots=True)
class Read:
    """One read.

    Attributes:
        end: on the host's monotonic clock; after it nothing is asked.
        listing: what was here last, once the remote did not answer.
        cause: why it did not.
    """

    host: Host
    end: float
    listing: Listing | None = None
    cause: UnreachableError | None = None

    def left_s(self) -> float:
        """Return for how long remotes may still be asked."""
        return 0.0 if self.listing is not None else max(0.0, self.end - self.host.monotonic())

    def fall_back(self, listing: Listing, error: UnreachableError) -> None:
        """Answer from a listing from now on."""
        self.listing, self.cause = listing, error

    @property
    def is_fresh(self) -> bool:
        """Whether the answer is as of now."""
        return self.listing is None

    def dated(self, result: Mapping[str, Json]) -> dict[str, Json]:
        """Return a result that says of which moment it is, if that is not now."""
        if self.listing is None:
            return {**result}
        return {"fresh": False, "as_of": time_text(self.listing.at), **result}

    def sentence(self) -> str:
        """Say how old the answer is and why; "" where it is as of now."""
        if self.listing is None:
            return ""
        now = self.host.now()
        age = span_text((now - self.listing.at).total_seconds())
        return f"The remote did not answer; this is what was here {age} ago ({clock_text(self.listing.at, now)})."

    def notice(self) -> CallerNotice:
        """Return the same for a caller, with why."""
        todo = "It proves nothing as of now. What you hold stays yours; a call that writes asks the remote again."
        return CallerNotice.of(NOTICE, self.sentence(), todo, cause=str(self.cause))


_read: ContextVar[Read | None] = ContextVar("read", default=None)


@contextmanager
def reading(host: Host) -> Generator[Read]:
    """Answer what is read within the block from what is here, where the remote does not answer in time.

    Raises:
        UnreachableError: what was named is not in what is here, which does not say that it is nowhere.
    """
    read = Read(host, host.monotonic() + READ_S)
    token = _read.set(read)
    try:
        with deadline.asking_until(read.left_s):
            yield read
    except NotFoundError as error:
        if read.is_fresh:
            raise
        hint = "Ask again once the remote answers."
        raise UnreachableError(f"{error} {read.sentence()}", hint=hint) from error
    finally:
        _read.reset(token)


def current() -> Read | None:
    """Return the read that this thread is in; `None`: it insists on the remote."""
    return _read.get()


def is_old() -> bool:
    """Whether what this thread answers from is not as of now."""
    read = _read.get()
    return read is not None and not read.is_fresh


def judged_at(now: datetime) -> datetime:
    """Return as of when who is alive is judged by what others wrote: now, or when that was read."""
    read = _read.get()
    return now if read is None or read.listing is None else min(now, read.listing.at)
