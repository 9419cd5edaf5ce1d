"""Unsent: what the caller of a command may go on with when the remote is away and nothing of it was sent.

    UnreachableError ──> what did not happen, what the caller holds and until when, which call to make again

Rules:
  * What is held is told from what is here (`last_listing`), as it is the caller's own: others end it by time or by
    silence only, both of which are named.
  * Why the remote was not reached is said by the error; what is said here is its hint.

What this file does not know: how a command is sent.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from gitcoord.core.claims import Claim
from gitcoord.core.doc import clock_text
from gitcoord.core.projects import STALE_MINUTES
from gitcoord.errors import CoordError, UnreachableError
from gitcoord.service.workspace import Workspace

NAMED_MAX = 5  # claims and steps that the hint names; an agent holds one or two
AGAIN = "Make the same call again once the remote answers"
_P = ParamSpec("_P")
_R = TypeVar("_R")


def unsent(
    what: str,
) -> Callable[[Callable[Concatenate[Workspace, _P], _R]], Callable[Concatenate[Workspace, _P], _R]]:
    """Have a use case say, where the remote is away, what of it did not happen. `what`: a sentence without its stop."""

    def decorated(use_case: Callable[Concatenate[Workspace, _P], _R]) -> Callable[Concatenate[Workspace, _P], _R]:
        @wraps(use_case)
        def carried_out(workspace: Workspace, *args: _P.args, **kwargs: _P.kwargs) -> _R:
            try:
                return use_case(workspace, *args, **kwargs)
            except UnreachableError as error:
                error.hint = f"{what}. {_held(workspace)}{AGAIN}: nothing is done twice. {error.hint}".strip()
                raise

        return carried_out

    return decorated


def _held(workspace: Workspace) -> str:
    """Say what the caller holds and may go on with; nothing where nothing is known."""
    now = workspace.setting.host.now()
    claims = [claim for claim in _claims(workspace) if claim.expires_at > now]
    named = [f"{claim.items[0].pattern} ({claim.id}, until {clock_text(claim.expires_at, now)})" for claim in claims]
    steps = list(workspace.fences.all())
    if not named and not steps:
        return ""
    parts = [f"step {step}" for step in steps[:NAMED_MAX]] + named[:NAMED_MAX]
    silence = f" (others may take a step over after {STALE_MINUTES} min without a sign of life)" if steps else ""
    return f"Go on with what you hold{silence}: {', '.join(parts)}. "


def _claims(workspace: Workspace) -> list[Claim]:
    """Return the caller's own claims, the one that ends first first."""
    last = workspace.setting.last_listing
    try:
        with workspace.lock:
            listing = last.load(workspace.reader) if last is not None else None
            register = workspace.reader.claims(listing.refs).register if listing is not None else None
    except CoordError:  # what cannot be read is not told
        return []
    held = register.claims_by(workspace.actor()) if register is not None else []
    return sorted(held, key=lambda claim: (claim.expires_at, claim.id))
