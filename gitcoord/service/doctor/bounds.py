"""Checks of what grows: the history of each ledger, and the clone's store; `gitcoord gc` brings both back."""

from collections.abc import Iterator
from contextlib import suppress

from gitcoord.errors import CoordError
from gitcoord.ledger.archive.roll import length_of
from gitcoord.ledger.format.commits import ROLLED_AFTER
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.rewinds.lookback import present_at
from gitcoord.remote.store.compaction import size_of
from gitcoord.service.doctor.check_run import Check, Finding, NotCheckedError, ok, together, warn
from gitcoord.service.doctor.site import Site

_HINT = "Run `gitcoord gc`; agents go on meanwhile."


def checks(site: Site) -> list[Check]:
    """Return the check of what grows."""
    return [Check("bounds", lambda: bounds(site))]


def bounds(site: Site) -> Finding:
    """Look for ledgers that are to be rolled, and at the size of the store."""
    found, store = list[Finding](), site.coordination / "store.git"
    size = size_of(store, site.env) if store.is_dir() else None
    if size is not None and size.is_large:
        text = f"This clone's store has {size.loose:,} objects outside of packs, and {size.packs} packs."
        found.append(warn(text, _HINT, loose=size.loose, packs=size.packs))
    with suppress(NotCheckedError):  # another check says why
        found += _long_ledgers(site)
    return together(found, ok("no ledger is to be rolled, and the store is packed well enough"))


def _long_ledgers(site: Site) -> Iterator[Finding]:
    place, transport = site.reached()
    listed, reader = site.listed(), site.reader()
    if place.refs.under_heads:  # nothing is rolled there
        return
    reader.prefetch(listed)
    for ref, tip in sorted(listed.items()):
        if not LEDGERS.is_ledger(place.refs, ref):
            continue
        try:
            is_short = present_at(transport.objects, tip, "").seq <= ROLLED_AFTER  # at least one for each commit
            count = 0 if is_short else length_of(transport.objects, tip).commits
        except CoordError:  # `ledgers` names it
            continue
        if count > ROLLED_AFTER:
            yield warn(f"{ref} has {count:,} commits; from {ROLLED_AFTER:,} on it is rolled.", _HINT, long=[ref])
