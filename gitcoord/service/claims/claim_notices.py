"""Notices about claims: what others did to those of a session rides once on its next reply; what they ask, on each.

    notices/<session>.json    which of them were shown, by replies and by hooks (`faces/hooks/edit/agent_notices`)
    notices/lock              held while it is decided who shows them

Rules:
  * A request that waits for an answer comes with every reply until it is decided, and not after.
  * A notice of a held claim ends with the claim. How one ended is shown to a session that was there, to others for
    half an hour: who begins later has nothing of it.
  * What was shown is remembered here, and leaves the ledger with a later beat. Of several processes of a session that
    answer at the same moment, one shows it.
  * What another agent of the session did is no news to it; of a claim that others ended it says in whose call.
  * That the remote was not reached is taken back once it is.
  * Where asking costs a process, what was read last is shown: the watch looks every few seconds.

What this file does not know: who shows them.
"""

import contextlib
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from gitcoord.core.claims.claim_commands import Answer, BeatClaims
from gitcoord.core.claims.notice import FORCED, Notice
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.errors import CoordError, StorageError, UnreachableError
from gitcoord.ledger.clone import files, snapshot_files
from gitcoord.service.session.workspace import Workspace

REASON_CHARS = 200
PENDING_MAX = 5  # requests that every reply names; pending_requests() has all
NEWS = timedelta(minutes=30)  # as long as a claim outlives a silent holder
_OF_HELD = frozenset({Event.CLAIM_REFUSED, Event.AUTO_NARROW, Event.QUEUE_GRANT})
ALONE_S = 1.0  # a small file is read and written meanwhile
SHOWN_MAX = 500  # notices that are remembered; the ledger keeps them for a day at most


def fresh(workspace: Workspace) -> list[CallerNotice]:
    """Return the notices that the agent has not seen yet, and the requests to it."""
    register = _register(workspace)
    if register is None or not (register.notices or register.asked):
        return []
    asked = register.pending_by(workspace.actor())
    own = addressed(register, workspace.setting.clone.ids, [workspace.agent])
    new = begin_showing(workspace, [*(notice.id for notice in own), *(request.id for request in asked)])
    fresh = [notice for notice in own if notice.id in new]
    landings = begin_showing(workspace, [notice.landing for notice in fresh if notice.landing])
    begun = workspace.session.beat.since if workspace.session is not None else None
    claims, now = {request.claim for request in asked}, workspace.setting.host.now()
    rows = [
        of_ledger(notice)
        for notice in fresh
        if (notice.landing is None or notice.landing in landings)
        and concerns(register, notice, claims, begun=begun, now=now)
    ]
    return [*rows, *(of_request(register, request) for request in asked[:PENDING_MAX])]


def of_ledger(notice: Notice) -> CallerNotice:
    """Return how the ledger's notice is said to its holder; of a claim that ended also in whose call."""
    text = notice.text
    # Who ended it by force is named already.
    if notice.event == Event.CLAIM_RELEASED and notice.by is not None and notice.reason != FORCED:
        text = f"{text.removesuffix('.')}, in a call of {notice.by}."
    return CallerNotice.of(notice.event, text, **({"claim_id": notice.claim} if notice.claim else {}))


def addressed(register: Register, clones: Collection[str], agents: Collection[str]) -> list[Notice]:
    """Return the notices to agents of a clone and their sub-agents, oldest first."""
    return [
        notice
        for notice in sorted(register.notices.values(), key=lambda notice: (notice.at, notice.id))
        if notice.clone in clones
        and any(notice.agent == agent or notice.agent.startswith(f"{agent}/") for agent in agents)
    ]


def begin_showing(workspace: Workspace, ids: Sequence[str]) -> list[str]:
    """Remember what is shown to this session now; return which of it was not shown before."""
    before = shown_ids(workspace)
    if all(notice_id in before for notice_id in ids):
        return []
    with workspace.lock, _alone(workspace):
        before = shown_ids(workspace)
        new = [notice_id for notice_id in ids if notice_id not in before]
        told: dict[str, Json] = {"told": [*[*before, *new][-SHOWN_MAX:]]}
        with contextlib.suppress(StorageError):  # shown twice is better than not
            files.write_json(_shown_file(workspace), told, workspace.setting.host.unique)
    return new


def withdraw(workspace: Workspace) -> None:
    """Take back that the remote was not reached, now that it is."""
    with workspace.lock:
        kept = [notice for notice in workspace.notices if notice.notice != UnreachableError.code]
        workspace.notices = kept


def concerns(
    register: Register, notice: Notice, asked: Collection[str], *, begun: datetime | None, now: datetime
) -> bool:
    """Whether a notice still is of use to a session.

    `asked`: claims whose requests are shown anyway; `begun`: since when the session is there.
    """
    if notice.event == Event.REQUEST_FILED:
        return bool(register.pending_for(notice.claim or "")) and notice.claim not in asked
    if notice.claim is None or notice.claim in register.claims:
        return True
    if notice.event in _OF_HELD:
        return False
    return (begun is not None and begun <= notice.at) or now < notice.at + NEWS


def take(workspace: Workspace) -> None:
    """Acknowledge what a command line was granted while it waited; a session that lives does so with its watch."""
    register = _register(workspace) if workspace.session is None else None
    if register is None or not any(claim.ack_by for claim in register.claims_by(workspace.actor())):
        return
    with contextlib.suppress(CoordError):  # it says so with its next command, or it is taken back
        workspace.submit(BeatClaims(called=True), workspace.actor(), None)


def shown_ids(workspace: Workspace) -> list[str]:
    """Return the ids of the notices that this session has seen, and the landings, which come in two ways."""
    ids = files.read_json(_shown_file(workspace)).get("told")
    return [notice_id for notice_id in ids if isinstance(notice_id, str)] if isinstance(ids, list) else []


@contextmanager
def _alone(workspace: Workspace) -> Generator[None]:
    """Keep other processes of the clone from deciding what they show, within the block."""
    from filelock import FileLock

    folder = workspace.setting.clone.folder / snapshot_files.NOTICES
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # a full disk, or one that hangs (`Timeout`): shown twice is better than not
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(folder / snapshot_files.LOCK, timeout=ALONE_S))
        yield


def _shown_file(workspace: Workspace) -> Path:
    return workspace.setting.clone.folder / snapshot_files.NOTICES / f"{workspace.session_id}.json"


def _register(workspace: Workspace) -> Register | None:
    from gitcoord.ledger.readers import own_swaps

    setting = workspace.setting
    if setting.transport.is_far:
        # As they were read last, or as this clone has written them since: a look would start a process.
        last, ref = workspace.last_register, workspace.setting.refs.claims
        own = own_swaps.newest(workspace.setting.place_folder).get(ref)
        if last is None or own is None or last.seq >= own.seq:
            return last
        with contextlib.suppress(CoordError):  # as below
            return workspace.register({ref: own.tip})
        return last
    try:
        with workspace.lock:
            listed = setting.transport.read([setting.refs.claims])
            withdraw(workspace)
            return workspace.register(listed) if listed else None
    except CoordError:  # a command that needs the claims reports what is wrong with them
        return None


def of_request(register: Register, request: ReleaseRequest) -> CallerNotice:
    """Return how an undecided request is said to its holder."""
    pattern = register.claims[request.claim].items[0].pattern
    reason = shown(request.call.reason, REASON_CHARS)
    answer = Call.of("respond_to_request", request_id=request.id, decision=Answer)
    return CallerNotice.of(
        "request_pending",
        f"{request.agent} asks for your claim {request.claim} ({pattern}): {reason}.",
        sentence("Answer, or it ends: ", answer, "."),
        request_id=request.id,
        claim_id=request.claim,
    )
