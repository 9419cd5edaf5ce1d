"""Judging without writing: what the rules would decide now, on the claims as they are. For checks, and to save swaps.

What this file does not know: which question is asked.
"""

from collections.abc import Mapping

from gitcoord.core import step_paths
from gitcoord.core.claims import Claim
from gitcoord.core.commands import Actor
from gitcoord.core.context import Context
from gitcoord.errors import CoordError
from gitcoord.remote.protocol import Oid, RefName
from gitcoord.service import presence
from gitcoord.service.wishes import policy_of
from gitcoord.service.workspace import Workspace


def context_of(workspace: Workspace, actor: Actor, listed: Mapping[RefName, Oid]) -> Context:
    """Return what a command of this actor would be decided by now."""
    setting = workspace.setting
    return Context(
        now=setting.host.now(),
        actor=actor,
        policy=policy_of(workspace, listed),
        look=presence.sight_of(workspace, listed).look,
        limit_factor=1 if setting.transport.sends_checks else 2,
        may_judge=setting.watchfulness.may_judge(),
        beat_s=setting.beats.interval_s,
        is_void=lambda claim: is_void(workspace, claim, listed),
    )


def is_void(workspace: Workspace, claim: Claim, listed: Mapping[RefName, Oid]) -> bool:
    """Whether a claim confers nothing, because its step went on without its holder."""
    if claim.step is None:
        return False
    ref = workspace.setting.refs.steps(claim.step.rpartition("/")[0])
    try:
        with workspace.lock:
            board = workspace.reader.project(ref, listed.get(ref)).board
    except CoordError:
        return False  # what cannot be read is not judged
    return step_paths.is_void(claim, board)
