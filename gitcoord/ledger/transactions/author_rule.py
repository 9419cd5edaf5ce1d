"""Whether the team's policy takes from this clone what it is to write, before anything is sent.

Rules:
  * SEC-8: nothing unsigned is written where the policy asks for signatures, nor a command of a name that is pinned to
    an address that is not this clone's. Of one that is pinned to a key it is known here only whether the clone signs.
  * A post of another clone that the policy does not take is left to the clone that posted it.

What this file does not know: how signatures are checked; audits do that, and a server's hook.
"""

from gitcoord.core.documents.names import shown
from gitcoord.core.documents.policy import KEY, Policy, identities_of, is_by
from gitcoord.errors import AuthorError
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.post import Post
from gitcoord.remote.contract.protocol import Objects

_SIGN = "Set git's gpg.format and user.signingKey; run `gitcoord config set sign on`."
_NAME = "Take a name of your own with `gitcoord config set agent person/tool/worktree`."


def check_signed(policy: Policy, by: Signature) -> None:
    """Look whether anything may be written here, whatever name it is under.

    Raises:
        AuthorError: it may not.
    """
    if policy.requires_signatures and by.sign is None:
        text = "The team's policy asks for signatures (signed = required), and this clone does not sign."
        raise AuthorError(text, hint=_SIGN)


def check_own(policy: Policy, agent: str, by: Signature) -> None:
    """Look whether a command of this name may be written here.

    Raises:
        AuthorError: it may not.
    """
    check_signed(policy, by)
    identities = _missing(policy, agent, by.email, is_signed=by.sign is not None)
    if identities:
        whose = " or ".join(map(shown, identities))
        here = f"{shown(by.email)}{'' if by.sign else ', who does not sign'}"
        text = f"The name {shown(agent)} is pinned to {whose} by the team's policy, and here works {here}."
        is_key = by.sign is None and any(identity.startswith(KEY) for identity in identities)
        raise AuthorError(text, hint=_SIGN if is_key else _NAME)


def takes_post(objects: Objects, policy: Policy, post: Post) -> bool:
    """Whether what another clone has posted may be carried out."""
    if not (policy.requires_signatures or policy.pin_agents):
        return True
    commit = commits.read(objects, post.tip)
    agents = {entry.actor.agent for entry in post.said.entries}
    is_pinned = any(_missing(policy, agent, commit.email, is_signed=commit.is_signed) for agent in agents)
    return not is_pinned and (commit.is_signed or not policy.requires_signatures)


def _missing(policy: Policy, agent: str, email: str, *, is_signed: bool) -> tuple[str, ...]:
    """Return to whom a name is pinned, where that is not who works with this address."""
    identities = identities_of(policy.pin_agents, agent)
    return () if is_by(identities, email, None if is_signed else ()) else identities
