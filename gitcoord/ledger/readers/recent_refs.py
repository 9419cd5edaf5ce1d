"""The recent listing: what a command may be decided on before the remote is asked.

    listed within RECENT ──decided: every command writes──> one swap ──WON──> the remote was as listed, where it matters
                                └─one is refused──> listed anew            └─LOST──> listed anew

Rules:
  * Only where a swap compares all that was decided on, checks too: what was written since then makes it LOST. Who is
    refused has no swap, so a refusal is decided on refs as they are now. So is who is silent (`decider`).
  * Of the team's ref it is checked that it is the listed one; of the first that there ever is, a clone hears within
    RECENT, or at once of its own.
  * This clone's own writes since the listing count (`own_swaps`).

What this file does not know: commands.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from gitcoord.ledger.readers.last_listing import LastListing, Listing
from gitcoord.remote.contract.protocol import Oid, RefName, Transport

if TYPE_CHECKING:
    from gitcoord.ledger.readers.reader import Reader

RECENT: Final = timedelta(seconds=20)  # a server of the clone looks every 15 s, and a look takes a second at most


def recent(
    transport: Transport, last: LastListing | None, reader: "Reader", now: datetime
) -> Mapping[RefName, Oid] | None:
    """Return the refs as they were listed a moment ago; `None`: they were not, or a swap would not compare them."""
    if last is None or not (transport.is_far and transport.sends_checks):
        return None
    listing = last.load(reader)
    return listing.refs if listing is not None and timedelta(0) <= now - listing.at <= RECENT else None


def note_own(last: LastListing | None, ref: RefName, tip: Oid, unique: str) -> None:
    """Note a write of ours of a ref that is no ledger."""
    listing = last.raw() if last else None
    if last is not None and listing is not None:
        last.note(Listing(listing.at, {**listing.refs, ref: tip}), unique)
