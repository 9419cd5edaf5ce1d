"""Failures: what the caller of a command that did not land reads, and what to do.

What this file does not know: how it is found out.
"""

from gitcoord.errors import ContendedError, CoordError, UnknownOutcomeError, UnreachableError
from gitcoord.ledger.format.entry import Reply, failed
from gitcoord.remote.contract.deadline import SLOW_HINT, TooSlowError
from gitcoord.remote.contract.protocol import SwapOutcome

LOCK_HINT = "Try again; if it stays so, run `gitcoord doctor`: it says whether a process still uses the lock."


def broken(error: CoordError, *, sent: bool) -> Reply:
    """Return the reply to a command that did not land; `sent`: an earlier try of it still may."""
    return failed(unknown(str(error)) if sent else error)


def unreachable(message: str) -> UnreachableError:
    """Say that nothing was sent."""
    text = f"The remote could not be reached: {message or 'no reason was given'}. Nothing was sent."
    return UnreachableError(text, hint="Check the network and the remote, then try again.")


def unknown(message: str) -> UnknownOutcomeError:
    """Say that something was sent."""
    text = f"No answer came back from the remote ({message or 'the connection ended'}); the write may have landed."
    return UnknownOutcomeError(text, hint="Call again: the next command finds out and nothing is done twice.")


def too_slow(tried: str) -> TooSlowError:
    """Say that the time was over before anything could be sent."""
    return TooSlowError(f"The remote answers too slowly: nothing was written, {tried}.", hint=SLOW_HINT)


def contended(lost: SwapOutcome, tried: str) -> ContendedError:
    """Say that every attempt lost; `lost` is the last one."""
    if lost.lock_path:  # waiting alone may not help: its owner may be stopped
        return ContendedError(f"Nothing could be written, {tried}: {lost.message}.", hint=LOCK_HINT)
    return ContendedError(f"Others wrote first at all {tried}; nothing was changed.", hint="Try again.")
