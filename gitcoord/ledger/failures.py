"""Failures: what the caller of a command that did not land is told, and what to do.

What this file does not know: how it is found out.
"""

from gitcoord.errors import ContendedError, UnknownOutcomeError, UnreachableError


def unreachable(message: str) -> UnreachableError:
    """Say that nothing was sent."""
    text = f"The remote could not be reached: {message or 'no reason was given'}. Nothing was sent."
    return UnreachableError(text, hint="Check the network and the remote, then try again.")


def unknown(message: str) -> UnknownOutcomeError:
    """Say that something was sent."""
    text = f"No answer came back from the remote ({message or 'the connection ended'}); it may have landed or not."
    return UnknownOutcomeError(text, hint="Call again: the next command finds out and nothing is done twice.")


def contended(message: str, tried: str) -> ContendedError:
    """Say that every attempt lost; `message` is what the last one lost to."""
    if "the lock " in message:  # a file that a process left behind: waiting does not help, knowing it does
        return ContendedError(f"Nothing could be written, {tried}: {message}.", hint="Remove that file if so.")
    return ContendedError(f"Others wrote first at all {tried}; nothing was changed.", hint="Try again.")
