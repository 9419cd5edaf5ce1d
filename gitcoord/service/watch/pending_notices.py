"""Pending notices: what a session has not been shown yet, by id; looked at here, shown by replies and hooks.

    of the claims ledger     what others did to its claims, and what they ask
    of its own watch         what became of its steps (`lost_steps`)

Rules:
  * To look at them shows nothing and acknowledges nothing (CLAIM-20): a client may read them for a person.
  * Due is what its agent has to act on: a request without an answer, and a grant that is taken back unless it calls.

What this file does not know: who shows them, and how an agent is woken.
"""

from datetime import datetime
from typing import NamedTuple

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.documents import party
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json, clock_text
from gitcoord.core.documents.liveness import SessionBeat
from gitcoord.service.claims import claim_notices
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch import lost_steps

# What wakes an agent that waits, where its tool has a way. Everything else can wait for its next call.
_WAKING = frozenset({"request_pending", Event.QUEUE_GRANT, Event.REQUEST_ANSWERED, "step_lost", "step_completed"})


class Pending(NamedTuple):
    """One of them.

    Attributes:
        ids: what is remembered when it was shown; of what may come in two ways each has one in common.
        is_due: its agent has to act.
    """

    ids: tuple[str, ...]
    notice: CallerNotice
    is_due: bool = False

    @property
    def wakes(self) -> bool:
        """Whether an agent that waits should learn of it at once."""
        return self.notice.notice in _WAKING

    def dump(self) -> dict[str, Json]:
        """Return it as a result shows it."""
        return {"id": self.ids[0], "due": self.is_due, **self.notice.dump()}


def of_session(workspace: Workspace, register: Register, beat: SessionBeat) -> list[Pending]:
    """Return what the ledger has for a session of this clone, shown or not: what is due first, then by age."""
    clones, now = workspace.setting.clone.ids, workspace.setting.host.now()
    own = claim_notices.addressed(register, clones, beat.agents)
    pending = (
        request for claim in register.asked if claim in register.claims for request in register.pending_for(claim)
    )
    mine = (request for request in pending if _is_for(workspace, register, request, beat))
    asked = sorted(mine, key=lambda request: (request.created_at, request.id))
    granted = {claim.id: claim for clone in clones for claim in _granted(register, beat, clone)}
    told = {notice.claim: notice.id for notice in own if notice.event == Event.QUEUE_GRANT}
    claims = {request.claim for request in asked}
    return [
        *(Pending((request.id,), claim_notices.of_request(register, request), is_due=True) for request in asked),
        *(_of_grant(claim, told.get(claim.id), now) for claim in granted.values()),
        *(
            Pending((notice.id, notice.landing) if notice.landing else (notice.id,), claim_notices.of_ledger(notice))
            for notice in own
            if claim_notices.concerns(register, notice, claims, begun=beat.since, now=now)
            and not (notice.event == Event.QUEUE_GRANT and notice.claim in granted)
        ),
    ]


def of_this(workspace: Workspace, register: Register | None) -> list[Pending]:
    """Return what this session has not been shown; without a server's session, nothing."""
    if workspace.session is None:
        return []
    before = claim_notices.shown_ids(workspace)
    found = of_session(workspace, register, workspace.session.beat) if register is not None else []
    steps = [Pending((lost.id,), lost.notice) for lost in lost_steps.kept(workspace)]
    shown = {*before, *(lost for row in steps for lost in row.ids)}
    new = [row for row in steps if row.ids[0] not in before]
    return [*new, *(row for row in found if shown.isdisjoint(row.ids))]


def listed(workspace: Workspace) -> dict[str, Json]:
    """Return what this session has not been shown, for who looks at it."""
    rows = of_this(workspace, workspace.register(workspace.listed()))
    return {"agent": workspace.agent, "notices": [row.dump() for row in rows], "count": len(rows)}


def _is_for(workspace: Workspace, register: Register, request: ReleaseRequest, beat: SessionBeat) -> bool:
    """Whether a session may answer a request: its own claim, or a partner's."""
    claim = register.claims[request.claim]
    if claim.clone not in workspace.setting.clone.ids:
        return False
    return beat.is_named(claim.session or "") or any(
        claim.agent == name or party.are_partners(claim.agent, name) for name in beat.agents
    )


def _granted(register: Register, beat: SessionBeat, clone: str) -> list[Claim]:
    """Return what a session was granted while it waited, and has not acknowledged."""
    own = [claim for name in (beat.id, *beat.aliases) for claim in register.claims_of_session(name, clone)]
    return [claim for claim in own if claim.ack_by is not None]


def _of_grant(claim: Claim, told: str | None, now: datetime) -> Pending:
    """Say that a claim is taken back unless its holder calls; `told`: the id of the ledger's notice of it."""
    end = clock_text(claim.ack_by or now, now)
    message = f"You waited for {claim.items[0].pattern} and hold it now ({claim.id})."
    todo = sentence(f"Call gitcoord before {end}, or it is taken back: ", Call.of("pending_requests"), ".")
    notice = CallerNotice.of(Event.QUEUE_GRANT, message, todo, claim_id=claim.id)
    return Pending((claim.id, told) if told else (claim.id,), notice, is_due=True)
