"""Unsent: what the caller of a command may go on with when the remote is away and nothing of it was sent.

    UnreachableError ──> what did not happen, what the caller holds and until when, which call to make again

Rules:
  * What is held is named from what is here (`last_listing`), as it is the caller's own: others end it by time or by
    silence only, both of which are named. A step that the ledgers here no longer give to the caller is not.
  * Why the remote was not reached is said by the error; what is said here is its hint.
  * One write waits for a remote that does not answer once, whatever it asks of it beside its command.

What this file does not know: how a command is sent.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from gitcoord.core.documents.json_text import clock_text
from gitcoord.core.documents.names import split_step_id
from gitcoord.core.steps.project import STALE_MINUTES
from gitcoord.errors import CoordError, UnreachableError
from gitcoord.remote.contract.deadline import asking_once
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session import freshness
from gitcoord.service.session.workspace import Workspace

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
                with asking_once():
                    return use_case(workspace, *args, **kwargs)
            except UnreachableError as error:
                error.hint = f"{what}. {_held(workspace)}{AGAIN}: nothing is done twice. {error.hint}".strip()
                raise

        return carried_out

    return decorated


def _held(workspace: Workspace) -> str:
    """Say what the caller holds and may go on with; nothing where nothing is known."""
    now = workspace.setting.host.now()
    listed = _listed(workspace)
    try:
        with workspace.lock:
            register = workspace.reader.claims(listed).content
    except CoordError:
        holding = []
    else:
        held = register.claims_by(workspace.actor())
        holding = sorted(held, key=lambda claim: (claim.expires_at, claim.id))
    claims = [claim for claim in holding if claim.expires_at > now]
    named = [f"{claim.items[0].pattern} ({claim.id}, until {clock_text(claim.expires_at, now)})" for claim in claims]
    steps = list(_steps(workspace, listed))
    if not named and not steps:
        return ""
    parts = [f"step {step}" for step in steps[:NAMED_MAX]] + named[:NAMED_MAX]
    silence = f" (others may take a step over after {STALE_MINUTES} min without a sign of life)" if steps else ""
    return f"Go on with what you hold{silence}: {', '.join(parts)}. "


def _listed(workspace: Workspace) -> Mapping[RefName, Oid]:
    """Return the refs as they were listed last, with what this clone has put there since."""
    try:
        found = freshness.last(workspace)
    except CoordError:  # what cannot be read is not named
        return {}
    return found.refs if found is not None else {}


def _steps(workspace: Workspace, listed: Mapping[RefName, Oid]) -> Iterator[str]:
    """Yield the steps that this session was given and that its party, or a sub-agent of it, still holds."""
    actor = workspace.actor()
    for step_id in workspace.fences.all():
        try:
            project, num = split_step_id(step_id)
            board = workspace.project_state(project, listed).content
        except CoordError:
            continue
        step = board.steps.get(num) if board is not None else None
        if step is None or not step.is_held:
            continue
        if actor.is_party(step.agent_id or "", step.clone or "") or actor.is_session_of(step.session_id, step.clone):
            yield step_id
