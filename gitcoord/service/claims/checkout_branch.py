"""The branch of the checkout, to which claims follow their holder.

Rules:
  * CLAIM-14: `extend_claims` and `pending_requests` bring it; a call that claims does so itself, `sync` and a session's
    watch with a beat. What only lists writes nothing.
  * CLAIM-14: claims of another branch stay there while the default branch is checked out: who merges or looks something
    up is there for a moment, and what is claimed on the default branch never lands.

What this file does not know: when a beat is due (`service/watch/keep_alive`).
"""

from collections.abc import Mapping

from gitcoord.core.claims.claim_commands import BeatClaims
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.actor import Actor
from gitcoord.errors import CoordError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.checkout.default_branch import default_tip

HOLDERS_MAX = 64  # agents of one server


def follow(workspace: Workspace, actor: Actor, register: Register) -> None:
    """Let the caller's claims follow its checkout, if it is on another branch than they are.

    Raises:
        CoordError: they cannot be written now.
    """
    branch = followed(workspace, actor, register)
    if branch and any(claim.step is None and claim.branch != branch for claim in register.claims_of(actor.holder)):
        workspace.submit(BeatClaims(branch=branch, called=True), actor, None)


def followed(workspace: Workspace, actor: Actor, register: Register) -> str | None:
    """Return the branch that is checked out; `None`: there is none to which the caller's claims follow."""
    workspace.stays.clear()  # they may follow from there: the next call that claims looks again
    branch = workspace.checkout.branch()
    return None if stay(workspace, actor, register, branch) else branch


def stay(workspace: Workspace, actor: Actor, register: Register, branch: str | None) -> bool:
    """Whether the caller has claims of other branches than the one that is checked out, and that is the default one."""
    if all(claim.step is not None or claim.branch in (None, branch) for claim in register.claims_of(actor.holder)):
        return False  # nothing is asked of git
    default = default_tip(workspace.repository)
    return default is not None and default.name == branch


def is_elsewhere(workspace: Workspace, actor: Actor, named: str | None, listed: Mapping[RefName, Oid]) -> bool:
    """Whether the caller's claims follow to no branch at a call that may name one (`ClaimFiles`).

    The claims are read for it where another branch is checked out than at the caller's last call, or a beat was sent
    since: what it claims between two calls is of that branch, unless one of them names another. Where they cannot be
    read here, they follow.
    """
    branch, before = workspace.checkout.branch(), workspace.stays.pop(actor.holder, None)
    if named not in (None, branch):
        return True
    if before is None or before[0] != branch:
        try:
            before = (branch, stay(workspace, actor, workspace.register(listed), branch))
        except CoordError:  # what was listed a moment ago may have gone back since: who decides reads it anew
            return False
    if len(workspace.stays) >= HOLDERS_MAX:
        workspace.stays.clear()
    workspace.stays[actor.holder] = before
    return before[1]
