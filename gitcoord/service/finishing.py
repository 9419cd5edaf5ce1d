"""Finishing: a session ends for good, as its tool says; what it held is free at once, without the grace.

Rules:
  * Its server ends at the same moment. While its lock is held the session may go on; after a while it is left alone.
  * Steps first, then claims: what is half done confers nothing (SAFE-5).

What this file does not know: how the end was noticed.
"""

from gitcoord.service import claims, steps
from gitcoord.service.workspace import Workspace

LOCKED_S = 5.0  # what a tool gives its servers before it kills them
LOOK_S = 0.1


def finish(workspace: Workspace) -> bool:
    """End the session of this workspace; tell whether it ended.

    Raises:
        CoordError: the remote cannot be asked; the grace will end what it held.
    """
    host, sessions = workspace.setting.host, workspace.setting.sessions
    until = host.monotonic() + LOCKED_S
    while sessions.state(workspace.session_id).locked:
        if host.monotonic() >= until:
            return False
        host.sleep(LOOK_S)
    try:
        _ = steps.hand_back(workspace)
        _ = claims.release_session(workspace)
    finally:
        sessions.end(workspace.session_id)
    return True
