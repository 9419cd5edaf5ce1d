"""The notices of an agent's next reply: all that it has not got yet, each once.

What this file does not know: who shows it.
"""

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.doc import Json
from gitcoord.service.claims import claim_notices
from gitcoord.service.session.problems import unread_rules
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import lost_steps


def take_notices(workspace: Workspace) -> list[dict[str, Json]]:
    """Return the notices that the agent has not got yet; it is there, for it is answered."""
    workspace.note_call()
    lost_steps.note_landed(workspace)
    claim_notices.take(workspace)
    with workspace.lock:
        fresh = [*unread_rules(workspace.reader.rules), *claim_notices.fresh(workspace)]
        taken, workspace.notices = [*workspace.notices, *fresh], []
        former = workspace.setting.clone.former
        renewals = [_renewal(workspace, former.pop(0)) for _ in range(len(former))]
        return [notice.dump() for notice in (*taken, *renewals)]


def _renewal(workspace: Workspace, former: str) -> CallerNotice:
    here = workspace.clone_id
    text = f"A copy of this clone is at work elsewhere: this one was {former} and is {here} from now on."
    again = Call.of("claim_step", step_id=...)
    todo = sentence(f"What you hold stays yours. Steps of earlier sessions of {former} fall silent: ", again, ".")
    return CallerNotice.of("clone_renewed", text, todo)
