"""The end of a session for good: what it and its sub-agents hold is released, steps first, then claims and the line.

Rules:
  * HOOK-4: the process that learns of the end does it, any process of the clone: a hook of the tool, while the
    session's own server still runs or after it. What is released is the session's, whichever process does it.
  * Called twice, the second call finds nothing. What could not be reached is named; it ends by silence.
  * The server of a session that its tool ended ends at the same moment. While its lock is held the session may go on;
    after a while it is left alone.

What this file does not know: how a tool says that a session is over.
"""

from gitcoord.core.claims.claim_commands import ReleaseClaims
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import SessionBeat
from gitcoord.core.steps.step_commands import RecoverStep
from gitcoord.errors import CoordError
from gitcoord.service.claims import claim_commits
from gitcoord.service.session.fences import Fences
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import board_of
from gitcoord.service.steps.step_ids import parse_step_id

WHY = "its session ended"
LOCKED_S = 5.0  # what a tool gives its servers before it kills them
LOOK_S = 0.1


def end_session(workspace: Workspace, session: str | None = None) -> dict[str, Json]:
    """Release all that a session of this clone holds: by its id, or its tool's; without one, the workspace's own."""
    name = session or workspace.session_id
    named = workspace.setting.sessions.named(name) or [SessionBeat(id=name, agents=(workspace.agent,))]
    steps: list[Json] = []
    released: list[Json] = []
    unsent: list[Json] = []
    for beat in named:
        actor = Actor(
            agent=next(iter(beat.agents), workspace.agent),
            clone=workspace.clone_id,
            session=beat.id,
            others=workspace.setting.clone.others,
            earlier=workspace.setting.clone.earlier,
        )
        steps += _hand_back(workspace, actor, unsent)
        try:
            register = workspace.register()
            commits = claim_commits.commits_of(workspace, register.claims_by(actor)) or None
            command = ReleaseClaims(whole_session=True, commits=commits, reason=WHY)
            outcome = workspace.submit(command, actor, None).outcome
        except CoordError as error:
            unsent.append(f"claims: {error}")
        else:
            done = outcome.facts.get("released") if outcome is not None else None
            released += done if isinstance(done, list) else []
    return {"steps": steps, "released": released, **({"unsent": unsent} if unsent else {})}


def finish(workspace: Workspace) -> bool:
    """End the session of this workspace; return whether all that it held was released."""
    host, sessions = workspace.setting.host, workspace.setting.sessions
    until = host.monotonic() + LOCKED_S
    while sessions.state(workspace.session_id).locked:
        if host.monotonic() >= until:
            return False
        host.sleep(LOOK_S)
    given_back = end_session(workspace)
    sessions.end(workspace.session_id)
    return "unsent" not in given_back


def _hand_back(workspace: Workspace, actor: Actor, unsent: list[Json]) -> list[Json]:
    """Put back the steps that a session was given."""
    fences, back = Fences(workspace, actor.session), list[Json]()
    for step_id, fence in fences.all().items():
        try:
            project, num = parse_step_id(workspace, step_id)
            step = board_of(workspace, project).steps.get(num)
            tip = workspace.repository.local_tip(step.branch) if step and step.branch else None
            command = RecoverStep(step_num=num, fence=fence, reason=WHY, branch_tip=tip[0] if tip else None)
            outcome = workspace.submit(command, actor, project).outcome
        except CoordError as error:
            unsent.append(f"{step_id}: {error}")
            continue
        if outcome is not None and outcome.is_done and not outcome.facts.get("already"):
            back.append(step_id)
        fences.drop(step_id, fence)
    return back
