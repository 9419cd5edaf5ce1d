"""Resumption: who an agent was here before it was started again, where something proves it.

    its tool gave its id    ──known here──> the session of that id, under its name
                            ──new, and another agent of that name is at work here──> a new agent
    else ──one agent of that name, worktree and tool is over and may come back──> that one
         ──several──> a new agent: it is unknown which of them it is

Rules:
  * SAFE-10: no agent gets another agent's name, claims or steps. A session may come back for its grace, and for as long
    as it holds something; until then no other agent gets its name, and what it held waits.
  * A session that lives in another clone under the same id is that one's: this folder is a copy.

What this file does not know: who else is alive elsewhere, and which name is free.
"""

from collections.abc import Mapping
from typing import NamedTuple

from gitcoord.core.documents.liveness import GRACE, SessionBeat
from gitcoord.core.documents.names import is_numbered
from gitcoord.errors import CoordError
from gitcoord.ledger.clone import snapshot_files
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session.workspace import Workspace

Listed = Mapping[RefName, Oid] | None


class Former(NamedTuple):
    """What was here before.

    Attributes:
        me: who this agent was.
        is_same: whether it is that very session, by its id, and not the next one of that agent.
        others: sessions that may come back as other agents.
    """

    me: SessionBeat | None
    is_same: bool
    others: tuple[SessionBeat, ...]

    @property
    def names(self) -> set[str]:
        """Return the names of agents that may come back."""
        return {agent for session in self.others for agent in session.agents}

    @property
    def ids(self) -> set[str]:
        """Return the ids of sessions that may come back."""
        return {session.id for session in self.others}


def former(workspace: Workspace, tool: str, listed: Listed, elsewhere: Mapping[str, str], *, is_named: bool) -> Former:
    """Return who this agent was, and who else may come back.

    Args:
        workspace: under the name and the id that it would have.
        tool: the program that the agent uses.
        listed: the refs; `None` where they cannot be read now.
        elsewhere: the session of each agent that is alive in another clone.
        is_named: whether the id is one that the tool gave.
    """
    now, sessions = workspace.setting.host.now(), workspace.setting.sessions
    live = sessions.live_agents()
    over = [(at, beat) for at, beat in sessions.over(now) if _is_of(workspace, beat) and beat.agents[0] not in live]
    over.sort(key=lambda pair: pair[0])
    holding = _holding(workspace, listed) if listed and any(now - at >= GRACE for at, _ in over) else set[str]()
    waiting = [beat for at, beat in over if now - at < GRACE or not holding.isdisjoint((beat.id, *beat.agents))]
    is_known = is_named and sessions.known(workspace.session_id) is not None
    if is_known:
        own = workspace.session_id
        # Several servers of one session of a tool have numbered ids.
        found = [session for session in waiting if session.is_named(own) or is_numbered(session.id, own)]
        known = sessions.known(own)
        if found or known is None or not _is_of(workspace, known) or sessions.state(known.id).locked is True:
            own_beats = found
        else:
            own_beats = [] if any(known.agents[0] in session.agents for session in waiting) else [known]
    else:
        here = (snapshot_files.worktree_name(workspace.repository.top), tool)
        by_name = [session for session in waiting if (session.worktree, session.tool) == here]
        # A new id beside an agent of our name that is at work may be one more beside it.
        is_beside = is_named and any(is_numbered(agent, workspace.agent) for agent in live)
        own_beats = [] if is_beside else by_name
    me = own_beats[-1] if len({session.agents[0] for session in own_beats}) == 1 else None
    if me is not None and me.agents[0] in elsewhere and (not is_known or elsewhere[me.agents[0]] == me.id):
        me = None
    names = set(me.agents) if me is not None else set[str]()
    return Former(me, is_known, tuple(session for session in waiting if names.isdisjoint(session.agents)))


def _is_of(workspace: Workspace, session: SessionBeat) -> bool:
    """Whether a session had the name that we would have, or one that it got because that was taken."""
    return bool(session.agents) and is_numbered(session.agents[0], workspace.agent)


def _holding(workspace: Workspace, listed: Mapping[RefName, Oid]) -> set[str]:
    """Return the agents and sessions of this clone that hold a step or a claim; none where that cannot be read now."""
    try:
        with workspace.lock:
            boards = [state.content for state in workspace.reader.projects(listed) if state.content]
        claims = workspace.register(listed).claims.values()
    except CoordError:
        return set()
    ids = (*workspace.setting.clone.ids, *workspace.setting.clone.earlier)
    steps = [step for board in boards for step in board.held_steps() if step.clone in ids]
    found = {name for step in steps for name in (step.agent_id, step.session_id)}
    found |= {name for claim in claims if claim.clone in ids for name in (claim.agent, claim.session)}
    return {name for name in found if name}
