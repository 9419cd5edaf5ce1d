"""Finishing: a session ends for good, as its tool says; what it held is free at once, without the grace.

Rules:
  * Its server ends at the same moment. While its lock is held the session may go on; after a while it is left alone.
  * What could not be reached ends by silence.

What this file does not know: how the end was noticed.
"""

from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch.end_session import end_session

LOCKED_S = 5.0  # what a tool gives its servers before it kills them
LOOK_S = 0.1


def finish(workspace: Workspace) -> bool:
    """End the session of this workspace; tell whether all that it held was given back."""
    host, sessions = workspace.setting.host, workspace.setting.sessions
    until = host.monotonic() + LOCKED_S
    while sessions.state(workspace.session_id).locked:
        if host.monotonic() >= until:
            return False
        host.sleep(LOOK_S)
    given_back = end_session(workspace)
    sessions.end(workspace.session_id)
    return "unsent" not in given_back
