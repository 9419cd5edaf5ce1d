"""Use cases of asking for a release and answering, and of the line: file, look, answer, wait, cancel.

What this file does not know: what an answer brings about; see `core/claims/rules/request_release`.
"""

from collections.abc import Sequence
from contextlib import suppress

from gitcoord.core.claims.claim_commands import Answer, AnswerRequest, BeatClaims, CancelEntry, RequestRelease, Urgency
from gitcoord.core.claims.claim_views import claim_view
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.release_request import ReleaseRequest, RequestState
from gitcoord.core.claims.rules import grant
from gitcoord.core.documents import limits
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, Value, sentence
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.texts import only_known
from gitcoord.errors import InvalidError, NotFoundError, UnreachableError
from gitcoord.ledger.format.entry import Reply
from gitcoord.service.claims import checkout_branch, claim_wait, claims, history, requested_items
from gitcoord.service.claims.queue_rows import queue_rows, waiting_view
from gitcoord.service.claims.requested_items import Asking, checked_id, drawn_id
from gitcoord.service.session import freshness, results
from gitcoord.service.session.patience import CALL_S, Patience
from gitcoord.service.session.unsent import unsent
from gitcoord.service.session.workspace import Workspace

WAIT_S_MAX = 600
PATTERNS_SHOWN = 20


@unsent("The holder was not asked")
def request_release(  # noqa: PLR0913 - what a call may say, by name
    workspace: Workspace,
    *,
    claim_id: str,
    reason: str,
    urgency: str = "normal",
    requested_scope: Sequence[str] | None = None,
    wait_seconds: int = 45,
    agent_id: str | None = None,
    patience: Patience | None = None,
) -> dict[str, Json]:
    """Ask the holder of a claim to let go of it, or of a part; wait for the answer for a while."""
    actor = workspace.actor(agent_id)
    waits = _waits(wait_seconds, "wait_seconds", patience)
    command = RequestRelease(
        request_id=drawn_id(workspace, "r"),
        claim_id=checked_id(claim_id, "c"),
        reason=_reason(reason),
        urgency=next((member for member in Urgency if member == urgency.strip().lower()), Urgency.NORMAL),
        branch=workspace.checkout.branch(),
        repo=workspace.repo,
    )
    if requested_scope is not None:
        asked = requested_items.understood(workspace, Asking(patterns=requested_scope), actor.agent, workspace.listed())
        command = asked.put_into(command)
    outcome = _outcome(workspace.submit(command, actor, None))
    if not outcome.is_done:
        return results.refusal("request", history.with_ending(workspace, outcome))
    filed = str(outcome.facts.get("request"))
    return {**_after(workspace, actor, filed, waits), **({"already": True} if outcome.facts.get("already") else {})}


@unsent("Whether it was answered is not known")
def wait_for_request(
    workspace: Workspace,
    *,
    request_id: str,
    timeout: int = 45,
    agent_id: str | None = None,
    patience: Patience | None = None,
) -> dict[str, Json]:
    """Wait for the answer to a request."""
    request = checked_id(request_id, "r")
    return _after(workspace, workspace.actor(agent_id), request, _waits(timeout, "timeout", patience))


def pending_requests(workspace: Workspace, *, agent_id: str | None = None) -> dict[str, Json]:
    """List what others ask of this session's claims. Listing them counts as seeing them: the time runs."""
    actor = workspace.actor(agent_id)
    register = workspace.register()
    if not freshness.is_old():
        with suppress(UnreachableError):  # it was there a moment ago: the next call brings the branch
            checkout_branch.follow(workspace, actor, register)
    pending = register.pending_by(actor)
    if any(request.seen_at is None for request in pending) and not freshness.is_old():
        workspace.submit(BeatClaims(called=True), actor, None)
        register = workspace.register()
        pending = register.pending_by(actor)
    rows: list[Json] = []
    for request in pending:
        held = register.claims[request.claim]
        items: list[Json] = [item.pattern for item in held.items[:PATTERNS_SHOWN]]
        rows.append({**view(request), "items": items, "expires_at": time_text(held.expires_at)})
    result: dict[str, Json] = {"pending": rows, "count": len(rows)}
    if pending:
        respond = Call.of("respond_to_request", request_id=pending[0].id, decision=Answer)
        result["next_step"] = sentence("Answer: ", respond, ". Without an answer the claim ends.")
    return result


@unsent("Your answer was not sent")
def respond_to_request(  # noqa: PLR0913 - what an answer may say, by name
    workspace: Workspace,
    *,
    request_id: str,
    decision: str,
    note: str | None = None,
    item: str | None = None,
    pattern: str | None = None,
    symbols: Sequence[str] | None = None,
    agent_id: str | None = None,
) -> dict[str, Json]:
    """Answer a request as the holder: give the claim up, keep it, keep a part, or share a part."""
    place = requested_items.pattern_of(workspace, pattern) if pattern is not None else None
    command = AnswerRequest(
        request_id=checked_id(request_id, "r"),
        claim_id=drawn_id(workspace, "c"),
        answer=_answer(request_id, decision, has_pattern=pattern is not None, has_symbols=bool(symbols)),
        note=_reason(note, "note") if note else "",
        item=requested_items.pattern_of(workspace, item).text if item is not None else None,
        pattern=place.text if place else None,
        reading=place.stored if place else None,
        symbols=requested_items.symbols_of(symbols or ()),
    )
    outcome = _outcome(workspace.submit(command, workspace.actor(agent_id), None))
    if not outcome.is_done:
        return results.refusal("request", outcome)
    request = workspace.register().requests.get(command.request_id)
    result: dict[str, Json] = {"request": view(request) if request else None}
    if outcome.code == "late_answer":
        result |= {"late": True, "already": True}
        result["next_step"] = "It was decided before; your answer is on record and changed nothing."
    elif request and request.is_in_vain:
        result["next_step"] = f"Your claim ended; {request.agent} was granted nothing: another claim is in its way."
    return result


def my_requests(
    workspace: Workspace, *, decision: str | None = None, queued: bool = True, agent_id: str | None = None
) -> dict[str, Json]:
    """List what this session has asked for, and the calls of it that wait."""
    actor, register, now = workspace.actor(agent_id), workspace.register(), workspace.setting.host.now()
    wanted = next((state for state in RequestState if decision and state == decision.strip().lower()), None)
    if decision is not None and wanted is None:
        raise InvalidError(f"decision is one of {', '.join(RequestState)}, not {shown(decision)}.")
    own_requests = [request for request in register.requests.values() if _is_ours(request, actor)]
    chosen = [request for request in own_requests if wanted is None or request.decision is wanted]
    chosen.sort(key=lambda request: (request.created_at, request.id), reverse=True)
    result: dict[str, Json] = {"requests": [view(request) for request in chosen], "count": len(chosen)}
    in_vain = next((request for request in chosen if request.is_in_vain), None)
    if in_vain and not any(claim.created_at >= (in_vain.decided_at or now) for claim in register.claims_by(actor)):
        result["next_step"] = _ask_anew(in_vain)
    if queued:
        waiting = [entry for entry in register.entries.values() if _is_ours(entry, actor) and entry.ends_at > now]
        waiting.sort(key=lambda entry: (entry.number, entry.id))
        result["queued"] = [waiting_view(entry) for entry in waiting]
    return result


@unsent("Your call still waits in line")
def cancel_queue_request(workspace: Workspace, *, queue_id: str, agent_id: str | None = None) -> dict[str, Json]:
    """Stop waiting; what is not there, or someone else's, is not cancelled."""
    command = CancelEntry(entry_id=checked_id(queue_id, "q"))
    outcome = _outcome(workspace.submit(command, workspace.actor(agent_id), None))
    cancelled = outcome.code == "queue_cancelled"
    result: dict[str, Json] = {"cancelled": cancelled, "queue_id": command.entry_id}
    return result if cancelled else {**result, "why": "Nothing of yours waits under this id."}


def list_queue(workspace: Workspace) -> dict[str, Json]:
    """List every call that waits for claims of this repository, who came first first."""
    listed = workspace.listed()
    return {"queued": [*queue_rows(workspace, workspace.register(listed), listed)]}


def claims_and_line(workspace: Workspace) -> dict[str, Json]:
    """Return who has claimed what here, and who waits."""
    return {**claims.list_claims(workspace), **list_queue(workspace)}


def view(request: ReleaseRequest) -> dict[str, Json]:
    """Return a request as a caller sees it: the document, with what was asked in its place."""
    out = only_known(request).dump()
    out.pop("call", None)
    out |= {"reason": request.call.reason, "urgency": request.call.urgency, "decision": request.decision}
    return {**out, "requested": [*[wish.pattern for wish in request.call.wishes[:PATTERNS_SHOWN]]]}


def _after(workspace: Workspace, actor: Actor, request: str, patience: Patience) -> dict[str, Json]:
    """Return a request once it is decided, or as it is when the patience ends."""
    if patience.most_s > 0 and _found(workspace.register(), request).is_pending:
        claim_wait.for_decision(workspace, actor, request, patience)
    register = workspace.register()
    asked = _found(register, request)
    result: dict[str, Json] = {"request": view(asked)}
    if asked.is_pending:
        held = register.claims.get(asked.claim)
        end = f" Without an answer the claim ends at {time_text(held.expires_at)}." if held is not None else ""
        wait = Call.of("wait_for_request", request_id=asked.id)
        return {**result, "next_step": sentence(f"Still pending.{end} Wait on: ", wait, ".")}
    got = register.claims.get(asked.granted) if asked.granted else None
    if got is not None:
        return {**result, "claim": claim_view(got), "next_step": f"You hold {got.id}: go ahead."}
    if asked.is_in_vain:
        return {**result, "next_step": _ask_anew(asked)}
    claim = sentence(Call.of("claim_files", ...), ".")
    if asked.decision is RequestState.NARROWED:
        todo = sentence("The holder keeps a part (narrowed). Claim the rest now: ", claim)
    elif asked.claim in register.claims:
        todo = f"The holder keeps it ({asked.decision}). Take another part."
    else:
        todo = sentence(f"The claim ended ({asked.decision}). Claim now what you need: ", claim)
    return {**result, "next_step": todo}


def _ask_anew(request: ReleaseRequest) -> str:
    """Say that an approval granted nothing, and which call gets in line for what was asked."""
    wishes = request.call.wishes[:PATTERNS_SHOWN]
    symbols: dict[str, Json] = {wish.pattern: [*wish.symbols] for wish in wishes if wish.symbols}
    patterns = [wish.pattern for wish in wishes if not wish.symbols]
    asked: dict[str, Value] = {"patterns": patterns, "symbols": symbols}
    given = {name: value for name, value in asked.items() if value}
    wait = Call.of("claim_files", **given, wait_seconds=grant.WAIT_S)
    why = f"{request.id} was approved, and nothing was granted: another claim is in the way of what you asked for."
    return sentence(f"{why} Get in line for it: ", wait, ".")


def _found(register: Register, request: str) -> ReleaseRequest:
    filed = register.requests.get(request)
    if filed is None:
        message = f"There is no request {request}; decided ones are kept for an hour."
        raise NotFoundError(message, hint=sentence("See ", Call.of("my_requests"), "."))
    return filed


def _is_ours(doc: ReleaseRequest | QueueEntry, actor: Actor) -> bool:
    same_session = doc.session == actor.session and doc.clone == actor.clone
    return same_session or (doc.agent, doc.clone) == actor.holder


def _waits(seconds: int, name: str, patience: Patience | None) -> Patience:
    """Return the patience of a call that shall wait so long, within that of its face."""
    if not 0 <= seconds <= WAIT_S_MAX:
        raise InvalidError(f"{name} is {seconds}.", hint=f"It is 0 to {WAIT_S_MAX}; 45 is the default.")
    wait = patience or Patience(most_s=CALL_S)
    wait.most_s = min(wait.most_s, seconds)
    return wait


def _answer(request_id: str, text: str, *, has_pattern: bool, has_symbols: bool) -> Answer:
    decision = next((answer for answer in Answer if answer == text.strip().lower()), None)
    if decision is None:
        raise InvalidError(f"decision is one of {', '.join(Answer)}, not {shown(text)}.")
    with_pattern = Call.of("respond_to_request", request_id=request_id, decision=decision, pattern=...)
    if decision is Answer.NARROWED and not has_pattern:
        hint = sentence("Name it, within what you hold: ", with_pattern, ".")
        raise InvalidError("narrowed needs what you keep.", hint=hint)
    if decision is Answer.NARROWED and has_symbols:
        hint = "Give the pattern alone; its symbols stay as they are."
        raise InvalidError("narrowed concerns the pattern of a claim, not its symbols.", hint=hint)
    if decision is Answer.COEXIST and not (has_pattern or has_symbols):
        hint = sentence("Name it, within what you hold: ", with_pattern, "; or symbols of it.")
        raise InvalidError("coexist needs what you share.", hint=hint)
    if decision in {Answer.APPROVED, Answer.DENIED} and (has_pattern or has_symbols):
        hint = "To keep a part: narrowed; to share one: coexist."
        raise InvalidError(f"{decision} concerns the whole claim; pattern and symbols do not go with it.", hint=hint)
    return decision


def _reason(text: str, name: str = "reason") -> str:
    if not text.strip():
        raise InvalidError(f"{name} is empty.", hint="Say in a sentence why; the other side goes by it.")
    if len(text) > limits.REASON_CHARS:
        raise InvalidError(f"{name} is longer than {limits.REASON_CHARS} characters.", hint="Shorten it.")
    return text


def _outcome(reply: Reply) -> Outcome:
    assert reply.outcome is not None  # noqa: S101 - a reply without one is raised by `submit`
    return reply.outcome
