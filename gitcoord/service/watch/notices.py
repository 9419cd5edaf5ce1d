"""The notices of an agent's next reply: all that it has not got yet, each once; among them the steps that it lost.

    a session that lives    its watch finds out that a step is not its own any more (`watch`)
    a command line          its next command does, by what that saw of the ledgers; only of steps that landed

Rules:
  * The holder of a step that landed gets a notice, also where its own server's look completed it. With paths, the
    claims ledger says it as well; a landing is reported once.

What this file does not know: who shows them.
"""

import contextlib
from collections.abc import Iterable, Mapping

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import split_step_id
from gitcoord.core.steps.step import Step
from gitcoord.errors import CoordError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.claims import claim_notices
from gitcoord.service.session import freshness
from gitcoord.service.session.problems import unread_rules
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch import lost_steps
from gitcoord.service.watch.lost_steps import LostStep


def take_notices(workspace: Workspace) -> list[dict[str, Json]]:
    """Return the notices that the agent has not got yet; it is there, for it is answered."""
    workspace.note_call()
    _note_landed(workspace)
    claim_notices.take(workspace)
    with workspace.lock:
        lost = lost_steps.take(workspace)  # first: of a landing it says more than the ledger does, which comes but once
        fresh = [*unread_rules(workspace.reader.rules), *claim_notices.fresh(workspace)]
        taken, workspace.notices = [*workspace.notices, *lost, *fresh], []
        former = workspace.setting.clone.former
        while former:
            one_before, here = former.pop(0), workspace.clone_id
            text = f"A copy of this clone is at work elsewhere: this one was {one_before} and is {here} from now on."
            kept = f"What you hold stays yours. Steps of earlier sessions of {one_before} fall silent: "
            todo = sentence(kept, Call.of("claim_step", step_id=...), ".")
            taken.append(CallerNotice.of("clone_renewed", text, todo))
        return [notice.dump() for notice in taken]


def is_landed(step: Step, fence: int) -> bool:
    """Whether a merge completed a step while it was held under this fence."""
    return step.fence == fence and bool(step.landed_tips)


def _note_landed(workspace: Workspace) -> None:
    """Take note, for one command, of steps of this holder that landed; a session that lives has a watch for that."""
    given = workspace.fences.all() if workspace.session is None else {}
    if not given or workspace.setting.sessions.state(workspace.session_id).locked:
        return
    tips = _tips(workspace, given)
    for step_id, fence in given.items():
        step = _step(workspace, step_id, tips)
        if step is not None and is_landed(step, fence) and workspace.fences.drop(step_id, fence):
            lost_steps.keep(workspace, LostStep.of(step, fence))


def _tips(workspace: Workspace, step_ids: Iterable[str]) -> Mapping[RefName, Oid]:
    """Return the ledgers of these steps as they are, or, where only git can ask for them, as this command left them.

    No listing, which would be judged again (SAFE-9): in a ledger that went back, nothing has landed that had not.
    """
    with contextlib.suppress(CoordError), workspace.lock:  # what cannot be read is reported by a later command
        if not workspace.setting.transport.is_far:
            refs = {workspace.setting.refs.steps(split_step_id(step_id)[0]) for step_id in step_ids}
            return workspace.setting.transport.read([*refs])
        known = freshness.last(workspace)
        return known.refs if known is not None else {}
    return {}


def _step(workspace: Workspace, step_id: str, tips: Mapping[RefName, Oid]) -> Step | None:
    with contextlib.suppress(CoordError), workspace.lock:
        project, num = split_step_id(step_id)
        ref = workspace.setting.refs.steps(project)
        board = workspace.reader.project(ref, tips.get(ref)).content
        return board.steps.get(num) if board is not None else None
    return None
