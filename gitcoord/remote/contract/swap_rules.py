"""What all transports agree on: which refs a prefix means, which update is stale, what a half-landed swap is.

What this file does not know: any transport.
"""

from collections.abc import Mapping, Sequence

from gitcoord.remote.contract.protocol import RefName, RefUpdate, SwapOutcome, SwapStatus


def is_under(ref: str, prefixes: Sequence[str]) -> bool:
    """Whether a ref is one of the whole names, or lies under one of the prefixes that end in `/`."""
    return any(ref == prefix or (prefix.endswith("/") and ref.startswith(prefix)) for prefix in prefixes)


def first_stale(refs: Mapping[RefName, str], updates: Sequence[RefUpdate]) -> RefUpdate | None:
    """Return the first update whose ref is not where the swap expects it."""
    return next((update for update in updates if refs.get(update.ref) != update.old), None)


def lost_at(update: RefUpdate) -> SwapOutcome:
    """Return LOST because of this update."""
    return SwapOutcome(SwapStatus.LOST, f"{update.ref} is no longer at {update.old or 'absent'}")


def one_at_a_time() -> SwapOutcome:
    """Return the outcome of a swap of several refs that the remote would land by halves: LOST, and nothing was sent."""
    return SwapOutcome(SwapStatus.LOST, "the remote takes one ref at a time")


def half_landed(landed: Sequence[str], failed: str, outcome: SwapOutcome) -> SwapOutcome:
    """Return the outcome of a swap of which only the first updates landed: UNKNOWN, so that the caller reads."""
    words = f"{', '.join(landed)} landed, but {failed} is {outcome.status}: {outcome.message}"
    return SwapOutcome(SwapStatus.UNKNOWN, words)
