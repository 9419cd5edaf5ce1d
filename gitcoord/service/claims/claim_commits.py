"""Commits of claims: for each claim of a session the last pushed commit that changed something of it.

A claim that ends with one leaves a barrier: the next holder there must have that commit first; see
`core/claims/rules/barriers`.

What this file does not know: how a claim ends.
"""

from collections.abc import Collection, Iterable
from functools import partial

from gitcoord.core.claims.claim import Claim, Mode
from gitcoord.core.claims.register import Register
from gitcoord.core.patterns import path_pattern
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.history.pushed import Sought, last_pushed


def commits_of(workspace: Workspace, claims: Iterable[Claim]) -> dict[str, str]:
    """Return the commits, by claim, as far as this clone knows what was pushed: git is asked once for each branch."""
    sought: dict[str, dict[str, Sought]] = {}
    for claim in claims:
        places = [item.area.pattern for item in claim.items if item.mode is Mode.WRITE]
        if claim.branch is not None and places and claim.repo == workspace.repo:
            is_one = partial(_is_in, places)
            sought.setdefault(claim.branch, {})[claim.id] = Sought(claim.created_at, is_one)
    found: dict[str, str] = {}
    for branch, wishes in sought.items():
        found |= last_pushed(workspace.repository, branch, wishes)
    return found


def _is_in(places: Iterable[path_pattern.Pattern], path: str) -> bool:
    return any(path_pattern.matches(place, path) for place in places)


def of_own(
    workspace: Workspace, register: Register, agents: Iterable[str], ids: Collection[str] = ()
) -> dict[str, str]:
    """Return the commits of what these agents of this session hold. `ids`: of these claims alone, if there are any."""
    actors = [workspace.actor().evolve(agent=name) for name in set(agents)]
    own_claims = {claim.id: claim for actor in actors for claim in register.claims_by(actor)}
    return commits_of(workspace, (claim for claim in own_claims.values() if not ids or claim.id in ids))
