"""The composition root: git's configuration, the environment, the clock and identity become a workspace.

The only package that picks a transport, draws chance or looks at the environment's details. It alone reads a clock, but
for the hooks and what they load, which open no workspace.

Settings (git config, any scope; the environment wins):
    gitcoord.remote / GITCOORD_REMOTE     name or URL of the remote; none: see `gitcoord.service.place.placement`
    gitcoord.repo                         this repository's name, where several share one remote
    gitcoord.agent / GITCOORD_AGENT       who works here, `person/tool/worktree`
    gitcoord.namespace                    where the refs are, `refs/coord`
    gitcoord.beatSeconds                  how often this clone beats
    gitcoord.pushesPerMinute              how many pushes a minute this clone makes, as its host asks for; 0: no limit
    gitcoord.wake                         whether agents learn of notices without calling, `on`
    gitcoord.notify                       `desktop`: what needs a person is shown there
    GITCOORD_SESSION                      pins the session's id
"""

from gitcoord.runtime.machine import make_host
from gitcoord.runtime.views import (
    agent_here,
    coordinate_here,
    examine_here,
    follow_team,
    open_inspection,
    placement_here,
    probe_remote,
)
from gitcoord.runtime.workspace import ONE_CLONE, open_workspace

__all__ = [
    "ONE_CLONE",
    "agent_here",
    "coordinate_here",
    "examine_here",
    "follow_team",
    "make_host",
    "open_inspection",
    "open_workspace",
    "placement_here",
    "probe_remote",
]
