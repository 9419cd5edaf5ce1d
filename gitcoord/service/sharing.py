"""Sharing: whether other clones see what is coordinated here, and what to do where nobody has decided that yet.

What this file does not know: who is told.
"""

from gitcoord.service.workspace import Workspace

TO_SHARE = "Other clones do not see this. To share it: `gitcoord init --remote origin`."


def is_undecided(workspace: Workspace) -> bool:
    """Whether this clone coordinates alone though it has an origin, and nobody has said that it should."""
    repository = workspace.repository
    if workspace.remote_url is not None or "gitcoord.remote" in repository.settings():
        return False
    return repository.remote_url("origin") is not None
