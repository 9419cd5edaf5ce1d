"""Commits of claims: for each claim of a session the last pushed commit that changed something of it.

A claim that ends with one leaves a barrier: the next holder there must have that commit first; see
`core/claims/rules/barriers`.

What this file does not know: how a claim ends.
"""

from collections.abc import Iterable

from gitcoord.core.claims.claim import Claim, Mode
from gitcoord.core.claims.register import Register
from gitcoord.core.patterns import path_pattern
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.history.pushed import last_pushed


def commits_of(workspace: Workspace, claims: Iterable[Claim]) -> dict[str, str]:
    """Return the commits, by claim, as far as this clone knows what was pushed."""
    found: dict[str, str] = {}
    for claim in claims:
        places = [item.area.pattern for item in claim.items if item.mode is Mode.WRITE]
        if claim.branch is None or not places or claim.repo != workspace.repo:
            continue
        commit = last_pushed(
            workspace.repository,
            claim.branch,
            claim.created_at,
            lambda path, places=tuple(places): any(path_pattern.matches(place, path) for place in places),
        )
        if commit is not None:
            found[claim.id] = commit
    return found


def of_own(workspace: Workspace, register: Register, agents: Iterable[str]) -> dict[str, str]:
    """Return the commits of what these agents of this session hold."""
    actors = [workspace.actor().evolve(agent=name) for name in set(agents)]
    own_claims = {claim.id: claim for actor in actors for claim in register.claims_by(actor)}
    return commits_of(workspace, own_claims.values())
