"""Notices about claims: what others did to those of a session rides once on its next reply; what they ask, on each.

    notices/<session>.json    which of them were told

Rules:
  * A request that waits for an answer is told with every reply until it is decided.
  * What was told is remembered here, and leaves the ledger with a later beat.
  * Where asking costs a process, what was read last is told: the watch looks every few seconds.

What this file does not know: who shows them.
"""

import contextlib

from gitcoord.core.claim_commands import Answer, BeatClaims
from gitcoord.core.doc import Json
from gitcoord.core.names import shown
from gitcoord.core.register import Register
from gitcoord.core.requests import ReleaseRequest
from gitcoord.errors import CoordError, RepositoryError
from gitcoord.ledger import acknowledged, files
from gitcoord.service.workspace import Workspace

REASON_CHARS = 200
PENDING_MAX = 5  # requests that every reply names; pending_requests() has all
TOLD_MAX = 500  # notices that are remembered; the ledger keeps them for a day at most


def fresh(workspace: Workspace) -> list[dict[str, Json]]:
    """Return what the agent has not been told yet, and what it is asked."""
    register = _register(workspace)
    if register is None or not (register.notices or register.asked):
        return []
    asked = register.pending_by(workspace.actor())
    told = told_of(workspace)
    new = [
        one
        for one in sorted(register.notices.values(), key=lambda one: (one.at, one.id))
        if one.id not in told and one.clone in workspace.setting.clone.ids and _is_ours(workspace, one.agent)
    ]
    if new:
        _remember(workspace, [*told, *(one.id for one in new)])
    named = {f"{one.id}" for one in asked}
    rows: list[dict[str, Json]] = [
        {"notice": one.event, "message": one.text, **({"claim_id": one.claim} if one.claim else {})}
        for one in new
        if not (one.event == "request_filed" and any(name in one.text for name in named))
    ]
    return [*rows, *(_pending(register, one) for one in asked[:PENDING_MAX])]


def take(workspace: Workspace) -> None:
    """Acknowledge what a command line was granted while it waited; a session that lives does so with its watch."""
    register = _register(workspace) if workspace.session is None else None
    if register is None or not any(one.ack_by for one in register.claims_by(workspace.actor())):
        return
    with contextlib.suppress(CoordError):  # it says so with its next command, or it is taken back
        workspace.submit(BeatClaims(called=True), workspace.actor(), None)


def told_of(workspace: Workspace) -> list[str]:
    """Return the ids of the notices that this session was told."""
    told = files.read_json(workspace.setting.clone.folder / "notices" / f"{workspace.session_id}.json").get("told")
    return [one for one in told if isinstance(one, str)] if isinstance(told, list) else []


def _remember(workspace: Workspace, told: list[str]) -> None:
    folder = workspace.setting.clone.folder / "notices"
    value: dict[str, Json] = {"told": [*told[-TOLD_MAX:]]}
    with contextlib.suppress(RepositoryError, OSError):  # told twice is better than not at all
        folder.mkdir(parents=True, exist_ok=True)
        files.write_json(folder / f"{workspace.session_id}.json", value, workspace.setting.host.unique)


def _register(workspace: Workspace) -> Register | None:
    setting = workspace.setting
    if setting.transport.name == "gitcli":
        return _read_last(workspace)
    try:
        with workspace.lock:
            listed = setting.transport.read([setting.refs.claims])
            return workspace.register(listed) if listed else None
    except CoordError:  # whoever needs the claims is told what is wrong with them
        return None


def _read_last(workspace: Workspace) -> Register | None:
    """Return the claims as they were read last, or as this clone has written them since."""
    last, ref = workspace.last_register, workspace.setting.refs.claims
    own = acknowledged.newest(workspace.setting.place_folder).get(ref)
    if last is None or own is None or last.seq >= own.seq:
        return last
    with contextlib.suppress(CoordError):  # as below
        return workspace.register({ref: own.tip})
    return last


def _is_ours(workspace: Workspace, agent: str) -> bool:
    return agent == workspace.agent or agent.startswith(workspace.agent + "/")


def pending_texts(workspace: Workspace, register: Register) -> list[tuple[str, str, str]]:
    """Return (session, agent, sentence) for each undecided request for what this clone holds, oldest first."""
    rows = sorted(register.requests.values(), key=lambda one: (one.created_at, one.id))
    held = [(one, register.claims.get(one.claim)) for one in rows if one.is_pending]
    return [
        (claim.session or "", claim.agent, f"{row['message']} {row['next_step']}")
        for one, claim in held
        if claim is not None and claim.clone in workspace.setting.clone.ids
        for row in [_pending(register, one)]
    ]


def _pending(register: Register, one: ReleaseRequest) -> dict[str, Json]:
    pattern = register.claims[one.claim].items[0].pattern
    return {
        "notice": "request_pending",
        "request_id": one.id,
        "claim_id": one.claim,
        "message": f"{one.agent} asks for your claim {one.claim} ({pattern}): {shown(one.call.reason, REASON_CHARS)}.",
        "next_step": f"Answer, or it ends: respond_to_request(request_id='{one.id}', decision={'|'.join(Answer)}).",
    }
