"""Deleting: a person takes a project, or everything, out of the place where a clone coordinates.

Rules:
  * SAFE-9: each deletion is recorded in the team's ref before it is done, so that no clone takes it for a loss.
  * SEC-8: nothing goes where the team's policy does not take the record of that from this clone.
  * A project with a held step stays: what was claimed with the step would outlive it.
  * The team's ref goes last, and only where no other clone coordinates there: it has the records.

What this file does not know: how a person is asked.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

from filelock import Timeout

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import project_name
from gitcoord.core.steps.project import Project, ProjectStatus
from gitcoord.core.steps.step import Step
from gitcoord.errors import ContendedError
from gitcoord.ledger.format.refs import ARCHIVES
from gitcoord.ledger.rewinds.restore import Restorer
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate
from gitcoord.service.session import holder_liveness
from gitcoord.service.session.workspace import Workspace


def delete_project(workspace: Workspace, *, name: str) -> dict[str, Json]:
    """Take a project away, with its history and its archives.

    Raises:
        NotFoundError: there is no such project.
        CoordError: it was not deleted.
    """
    listed = workspace.listed()
    state = workspace.project_state(project_name(name), listed)
    held = state.content.held_steps() if state.content else []
    if state.content and held:
        return _held(workspace, state.content.project, held, listed)
    with _locked(workspace):
        restorer = _restorer(workspace)
        restorer.delete(state.ref)
        for ref, tip in _archives(workspace, state.ref).items():
            restorer.remove(RefUpdate(ref, tip, None))
    return {"deleted": state.content.project.name if state.content else name}


def _held(
    workspace: Workspace, project: Project, held: Sequence[Step], listed: Mapping[RefName, Oid]
) -> dict[str, Json]:
    """Refuse, for a step that is held, with what ends that: a command for this caller, else one for its holder."""
    step, actor = held[0], workspace.actor()
    why = f"Step {step.id} is held by {step.agent_id}."
    fail = Call.of("fail_step", step_id=step.id, reason=f"project {project.name} is to be deleted")
    if actor.is_session_of(step.session_id, step.clone) or actor.is_partner(step.agent_id, step.clone):
        return {"deleted": None, "refused": "held", "why": why, "next_step": sentence("Give it back: ", fail, ".")}
    life = holder_liveness.judged(
        workspace, step, project.stale_minutes, holder_liveness.sight_of(workspace, listed, held)
    )
    why = f"Step {step.id} is held by {step.agent_id}{life.clause}."
    if life.is_over:
        recover = Call.of("recover_step", step_id=step.id)
        return {"deleted": None, "refused": "held", "why": why, "next_step": sentence("Recover it: ", recover, ".")}
    why += f" It is free after {life.limit_minutes} min without a sign of life"
    why += (
        f": at {life.last_seen + timedelta(minutes=life.limit_minutes):%Y-%m-%d %H:%M} UTC." if life.last_seen else "."
    )
    if project.status is ProjectStatus.ACTIVE:
        abort = Call.of("abort_project", name=project.name, reason="it is to be deleted")
        todo = sentence("Abort the project: ", abort, ".")
    else:
        todo = sentence(f"Ask {step.agent_id} to give the step back: ", fail, ".")
    return {"deleted": None, "refused": "held", "why": why, "next_step": todo}


def others_at(workspace: Workspace) -> list[str]:
    """Return the other clones of which the place has a heartbeat."""
    found = workspace.setting.refs.heartbeats_in(workspace.listed())
    return sorted(found.keys() - set(workspace.setting.clone.ids))


def delete_everything(workspace: Workspace) -> dict[str, Json]:
    """Take every ref of coordination away; the record of that stays where another clone would miss them.

    Raises:
        CoordError: something was not deleted; what was is recorded.
    """
    transport, refs, others = workspace.setting.transport, workspace.setting.refs, others_at(workspace)
    with _locked(workspace):
        restorer = _restorer(workspace)
        is_ledger, listed = workspace.setting.ledgers.is_ledger, transport.read(refs.everything)
        ledgers = [ref for ref in listed if is_ledger(refs, ref) and ref != refs.config]
        deleted: list[Json] = [ref for ref in ledgers if restorer.delete(ref)]
        rest = {**transport.read(refs.everything), **_archives(workspace)}
        own = {ref: tip for ref, tip in rest.items() if not (ref == refs.config and others)}
        deleted += [ref for ref, tip in own.items() if restorer.remove(RefUpdate(ref, tip, None))]
    left: list[Json] = [*{**transport.read(refs.everything), **_archives(workspace)}]
    return {"deleted": deleted, "left": left, "others": [*others]}


def _archives(workspace: Workspace, ledger: RefName | None = None) -> Mapping[RefName, Oid]:
    """Return the archives of a ledger, or of all: not every transport has them in its listing."""
    refs = workspace.setting.refs
    return workspace.setting.transport.read([refs.archive(ledger, "") if ledger else refs.below(ARCHIVES)])


def _restorer(workspace: Workspace) -> Restorer:
    setting = workspace.setting
    workspace.check_author(workspace.listed())
    workspace.lookback.begin()
    return Restorer(
        setting.transport,
        setting.refs,
        workspace.lookback,
        setting.clone.signature,
        setting.host.now(),
        workspace.agent,
    )


@contextmanager
def _locked(workspace: Workspace) -> Generator[None]:
    workspace.follow()  # before the lock, which publishing takes as well
    try:
        with workspace.combiner.lock():
            yield
    except Timeout:
        message = "Another process of this clone holds the lock; nothing was deleted."
        raise ContendedError(message, hint="Try again.") from None
