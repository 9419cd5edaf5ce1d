"""Use cases of those who change files: claim them, check, look, extend, release.

What this file does not know: how a call waits (`claim_wait`), how a release is asked for (`requests`).
"""

from collections.abc import Collection, Mapping, Sequence

from gitcoord.core.claims.claim import Claim, Mode
from gitcoord.core.claims.claim_commands import (
    ClaimFiles,
    ExtendClaims,
    KeepWaiting,
    ReleaseClaims,
    Urgency,
)
from gitcoord.core.claims.claim_views import claim_view
from gitcoord.core.claims.rules import call_limits, expire, grant, hold, keep_alive, wait
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import limits
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, Value, sentence
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.names import agent_name, branch_name, shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.patterns import path_pattern
from gitcoord.errors import InvalidError
from gitcoord.ledger.format.entry import Reply
from gitcoord.ledger.transactions.plan import left_out_of
from gitcoord.service.claims import (
    claim_commits,
    claim_hints,
    claim_results,
    claim_wait,
    history,
    requested_items,
)
from gitcoord.service.claims.checkout_branch import follow, is_elsewhere
from gitcoord.service.claims.dry_run import context_of, rows_of
from gitcoord.service.claims.requested_items import Asked, Asking, checked_id, drawn_id
from gitcoord.service.place import visibility
from gitcoord.service.session import freshness, results
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.unsent import unsent
from gitcoord.service.session.workspace import Workspace

IDS_SHOWN = 10  # of the caller's claims, after one that there is not
IDS_MAX = 500
CALL_CHARS_MAX = 200  # of patterns that a next step repeats


@unsent("Nothing was granted: do not edit what you asked for")
def claim_files(  # noqa: PLR0913 - what a call may say, by name
    workspace: Workspace,
    *,
    patterns: Sequence[str] | None = None,
    symbols: Mapping[str, Sequence[str]] | None = None,
    shared_files: Sequence[str] | None = None,
    modules: Sequence[str] | None = None,
    description: str | None = None,
    branch: str | None = None,
    ttl_hours: float | None = None,
    narrowable: bool = True,
    mode: str = "write",
    literal: bool = False,
    wait_seconds: int = 0,
    urgency: str = "normal",
    queue_id: str | None = None,
    agent_id: str | None = None,
    patience: Patience | None = None,
) -> dict[str, Json]:
    """Claim all that the caller wants, or nothing; wait for it in line if the caller says so."""
    actor = workspace.actor(agent_id)
    try:
        wanted_mode = Mode(mode.strip().lower())
    except ValueError:
        raise InvalidError(f"mode is write or read, not {shown(mode)}.") from None
    asking = Asking(
        patterns=patterns or (),
        symbols=symbols,
        shared_files=shared_files or (),
        modules=modules or (),
        mode=wanted_mode,
        narrowable=narrowable,
        as_literal=literal,
        hours=_hours(ttl_hours),
    )
    if queue_id is not None:
        return _go_on(workspace, actor, checked_id(queue_id, "q"), asking, patience)
    if not 0 <= wait_seconds <= call_limits.WAIT_S_MAX:
        hint = f"It is 0 to {call_limits.WAIT_S_MAX}; a call blocks for at most 50 s of it."
        raise InvalidError(f"The wait cannot be {wait_seconds} s.", hint=hint)
    here, named = workspace.checkout.branch(), branch_name(branch) if branch else None
    refs = freshness.lately(workspace)
    call = ClaimFiles(
        claim_id=drawn_id(workspace, "c"),
        entry_id=drawn_id(workspace, "q") if wait_seconds else "",
        wishes=(),
        description=_description(description),
        branch=named or here,
        is_elsewhere=is_elsewhere(workspace, actor, named, refs),
        repo=workspace.repo,
        wait_s=wait_seconds,
        urgency=next((word for word in Urgency if word == urgency.strip().lower()), Urgency.NORMAL),
    )
    reply, asked = requested_items.submitted(workspace, asking, actor, call, refs)
    if wait_seconds:
        reply = claim_wait.for_grant(workspace, actor, reply, patience or Patience(most_s=0))
    result = _shown(workspace, reply, asked)
    more = claim_hints.beside(workspace, actor, reply.outcome, asked.wishes) if reply.outcome else []
    warnings = result["warnings"]
    return {**result, "warnings": [*(warnings if isinstance(warnings, list) else []), *more]}


def check_conflicts(
    workspace: Workspace,
    *,
    files: Sequence[str] | None = None,
    symbols: Mapping[str, Sequence[str]] | None = None,
    agent_id: str | None = None,
) -> dict[str, Json]:
    """Say what a claim of this would meet: the policy's limits, who is in the way, who comes first; write nothing."""
    files = files or ()
    if not files and not symbols:
        example = Call.of("check_conflicts", files=["src/auth/**"])
        raise InvalidError(
            "No files are given to check.", hint=sentence("For example: ", example, "; or give symbols.")
        )
    actor, listed = workspace.actor(agent_id), workspace.listed()
    asked = requested_items.understood(workspace, Asking(patterns=files, symbols=symbols), actor.agent, listed)
    call = asked.put_into(ClaimFiles(claim_id="c-", wishes=(), repo=workspace.repo))
    work = Work(workspace.register(listed), context_of(workspace, actor, listed))
    _note_left_out(workspace)
    expire.by_time(work)
    keep_alive.adopt(work)
    is_held = bool(grant.already(work, actor, call))  # asked first, as a claim does
    way, line = (grant.Way(()), []) if is_held else hold.obstacles(work, actor, call)
    claiming = _claim_of_checked(files, symbols or {}, agent_id)
    in_way = grant.refusal(work, call, way.blocks) if way.blocks else wait.behind(line) if line else None
    limit = None if is_held else call_limits.not_allowed(call, work.context.policy) or hold.too_many(work, actor)
    refused = limit or in_way
    # Only what the remote has can say what is free now.
    result: dict[str, Json] = {"safe": not (refused or freshness.is_old()), "conflicts": []}
    if in_way is not None and way.blocks:
        result["conflicts"] = claim_results.shown(in_way.conflicts, workspace.checkout.tracked(), _readings(asked))
        result["conflicts_count"] = len(way.blocks)
    warnings = [*asked.warnings, *claim_results.floating(result["conflicts"], asked.ambiguous)]
    if refused is not None:
        result |= {"refused": refused.code, "why": refused.message}
        warnings += claim_hints.beside(workspace, actor, refused, asked.wishes)
    if is_held:
        result["next_step"] = "You hold it already."
    elif limit is not None:
        result["next_step"] = limit.hint
    elif way.blocks:
        result["next_step"] = grant.what_to_do(work, way.blocks, _to_wait(claiming))
    elif line:
        result["next_step"] = sentence("Get in line: ", _to_wait(claiming), ".")
    elif freshness.is_old():
        named = [("files" if name == "patterns" else name, value) for name, value in claiming.given.items()]
        again = claiming.evolve(tool="check_conflicts", arguments=tuple({name: value} for name, value in named))
        result["next_step"] = sentence("No one was in the way then. Ask again when the remote is back: ", again, ".")
    else:
        result["next_step"] = sentence("No one is in the way now. Before you edit: ", claiming, ".")
    return {**result, "warnings": [*warnings]}


def _note_left_out(workspace: Workspace) -> None:
    """Let a notice say what the answer does not count: a "safe" without that would be a guess (SAFE-6)."""
    with workspace.lock:
        said = [notice for state in workspace.reader.with_damage() for notice in left_out_of(state)]
        workspace.notify(*said)


def list_claims(
    workspace: Workspace,
    *,
    active_only: bool = True,
    agent: str | None = None,
    pattern: str | None = None,
    mine: bool = False,
    all_repos: bool = False,
) -> dict[str, Json]:
    """List claims of this repository, the one that ends first first. `mine`: of the caller's party and sub-agents.

    `all_repos`: of every repository that shares the remote; each row has its `repo` in any case.

    Without `active_only` those that ended follow, newest first, as far back as is looked: each with how it ended.
    """
    now = workspace.setting.host.now()
    wanted = requested_items.pattern_of(workspace, pattern) if pattern is not None else None
    who = agent_name(agent) if agent is not None else None

    actor = workspace.actor()

    def is_meant(claim: Claim) -> bool:
        if mine and not actor.leads(claim.agent, claim.clone):
            return False
        is_theirs = who is None or claim.agent == who or claim.agent.startswith(who + "/")
        is_there = wanted is None or any(path_pattern.overlaps(wanted, item.area.pattern) for item in claim.items)
        return (all_repos or claim.repo == workspace.repo) and is_theirs and is_there

    listed = workspace.listed()
    held = [claim for claim in workspace.register(listed).claims.values() if is_meant(claim)]
    _note_left_out(workspace)
    held.sort(key=lambda claim: (claim.expires_at, claim.id))
    rows: list[Json] = [*rows_of(workspace, [claim for claim in held if claim.expires_at > now], listed)]
    if active_only:
        return {"claims": rows, "count": len(rows)}
    past = history.ended(workspace, is_meant)
    ran_out = [claim for claim in held if claim.expires_at <= now]  # and no clone wrote since
    rows += [
        {**claim_view(claim), "ended": "time", "ended_at": time_text(claim.expires_at)} for claim in reversed(ran_out)
    ]
    rows += [ended.row() for ended in past.claims]
    result: dict[str, Json] = {"claims": rows, "count": len(rows)}
    if past.since is not None:
        result["next_step"] = sentence(
            f"What had ended by {time_text(past.since)} is not listed: see ", Call.of("get_agent_events"), "."
        )
    return result


@unsent("Nothing was extended: your claims end as before")
def extend_claims(
    workspace: Workspace, *, ttl_hours: float, claim_ids: Sequence[str] | None = None, agent_id: str | None = None
) -> dict[str, Json]:
    """Let claims last at least so long from now."""
    command, actor = ExtendClaims(ids=_ids(claim_ids), hours=_hours(ttl_hours) or 0), workspace.actor(agent_id)
    refs = freshness.left(workspace)  # who extends asks the remote: what is seen of it before need be no newer
    if refs is not None:
        follow(workspace, actor, workspace.register(refs))
    outcome = _outcome(workspace.submit(command, actor, None))
    if not outcome.is_done:
        return results.refusal("claims", history.with_ending(workspace, outcome))
    ends = outcome.facts.get("claims")
    rows: list[Json] = [
        {"id": claim_id, "expires_at": end} for claim_id, end in (ends if isinstance(ends, dict) else {}).items()
    ]
    result: dict[str, Json] = {"claims": rows, "count": len(rows)}
    if outcome.facts.get("clamped"):
        result["clamped"] = outcome.facts["clamped"]
        result["next_step"] = sentence(
            "Their release is asked for, so those named in clamped end sooner: ", Call.of("pending_requests"), "."
        )
    elif not rows:
        result["next_step"] = sentence("Claim what you need: ", Call.of("claim_files", ...), ".")
    return result


@unsent("Nothing was released: it stays yours until it ends")
def release_claims(
    workspace: Workspace, *, claim_ids: Sequence[str] | None = None, agent_id: str | None = None
) -> dict[str, Json]:
    """Release claims, by default all of the agent's; someone else's stay as they are."""
    ids, actor = _ids(claim_ids), workspace.actor(agent_id)
    return _released(workspace, ReleaseClaims(ids=ids, commits=_commits(workspace, actor, ids)), actor)


@unsent("Nothing was released")
def release_by_force(workspace: Workspace, *, claim_ids: Sequence[str], reason: str = "") -> dict[str, Json]:
    """End claims, whichever agent holds them: what a person does to put things right, and what is recorded as such."""
    command = ReleaseClaims(ids=_ids(claim_ids), force=True, reason=_description(reason, "reason"))
    return _released(workspace, command, workspace.actor())


@unsent("Nothing was released: it stays yours until it ends")
def release_session(workspace: Workspace) -> dict[str, Json]:
    """Let go of all claims of this session, its sub-agents' too, and leave the line."""
    actor = workspace.actor()
    return _released(workspace, ReleaseClaims(whole_session=True, commits=_commits(workspace, actor)), actor)


def _go_on(
    workspace: Workspace, actor: Actor, entry: str, asking: Asking, patience: Patience | None
) -> dict[str, Json]:
    """Go on waiting for an entry."""
    if asking.patterns or asking.symbols or asking.shared_files or asking.modules:
        hint = "Name the waiting call alone to go on with it, or the patterns alone to ask for them."
        raise InvalidError("An id in the line stands for a whole call; patterns cannot be given beside it.", hint=hint)
    reply = workspace.submit(KeepWaiting(entry_id=entry), actor, None)
    reply = claim_wait.for_grant(workspace, actor, reply, patience or Patience(most_s=0))
    return _shown(workspace, reply, None)


def _shown(workspace: Workspace, reply: Reply, asked: Asked | None) -> dict[str, Json]:
    entry = reply.docs.get("entry")
    call = entry.get("call") if isinstance(entry, dict) else None
    readings = claim_results.readings_of(call.get("wishes")) if isinstance(call, dict) else {}
    readings |= _readings(asked) if asked else {}
    tracked, now = workspace.checkout.tracked(), workspace.setting.host.now()
    result = claim_results.of_claim(reply, tracked, readings, workspace.repository, now)
    known = result.get("warnings")
    warnings = [*(asked.warnings if asked else ()), *(known if isinstance(known, list) else [])]
    warnings += claim_results.floating(result.get("conflicts"), asked.ambiguous if asked else ())
    if asked and result.get("refused") == "circle":
        result["next_step"] = (
            claim_hints.out_of_circle(workspace, result["circle"], asked.wishes) or result["next_step"]
        )
    if result.get("next_step"):  # last, where it is read
        result["next_step"] = result.pop("next_step")
    result["warnings"] = [*warnings]
    return visibility.with_readers(workspace, result) if result.get("granted") else result


def _claim_of_checked(files: Sequence[str], symbols: Mapping[str, Sequence[str]], agent_id: str | None) -> Call:
    """Return the call that claims what was checked, where that is short enough to be said again."""
    words = [*files, *(word for file, names in symbols.items() for word in (file, *names))]
    # A face quotes what a shell or a client reads otherwise; what cannot be seen cannot be typed again.
    if sum(len(word) + 4 for word in words) > CALL_CHARS_MAX or not all(map(str.isprintable, words)):
        return Call.of("claim_files", ...)
    table: dict[str, Json] = {file: [*names] for file, names in symbols.items()}
    asked: dict[str, Value | None] = {"patterns": files, "symbols": table, "agent_id": agent_id}
    return Call.of("claim_files", **{name: value for name, value in asked.items() if value})


def _to_wait(claiming: Call) -> Call:
    return claiming.evolve(arguments=(*claiming.arguments, {"wait_seconds": grant.WAIT_S}))


def _readings(asked: Asked) -> dict[str, path_pattern.Reading | None]:
    return {wish.pattern: wish.reading for wish in asked.wishes}


def _released(workspace: Workspace, command: ReleaseClaims, actor: Actor) -> dict[str, Json]:
    facts = _outcome(workspace.submit(command, actor, None)).facts
    named_ids = (facts.get(name) for name in ("released", "not_yours", "not_found"))
    released, others, missing = ([*map(str, ids)] if isinstance(ids, list) else [] for ids in named_ids)
    over = history.how_ended(workspace, missing)
    unknown = [claim_id for claim_id in missing if claim_id not in over]
    result: dict[str, Json] = {"released": [*released]}
    named: dict[str, Json] = {"not_yours": [*others], "not_found": [*unknown]}
    result |= {name: ids for name, ids in named.items() if ids}
    if over:
        result["ended"] = {ended.id: ended.reason for ended in over.values()}
    if released or not command.ids:
        return result
    if others:
        todo = sentence("Ask the holder: ", Call.of("request_release", claim_id=others[0], reason=...), ".")
        # Those that ended since have no holder any more.
        held = [claim for claim in map(workspace.register().claims.get, others) if claim is not None]
        why = " ".join(f"Claim {claim.id} is held by {claim.agent}." for claim in held)
        return {**result, "refused": "not_yours", "why": why or "None of these claims is yours.", "next_step": todo}
    if unknown:
        why = "No such claim, active or recently ended."
        own = [claim.id for claim in workspace.register().claims_of(actor.holder)]
        few = ", ".join([*own[:IDS_SHOWN], *([f"{len(own) - IDS_SHOWN} more"] if len(own) > IDS_SHOWN else [])])
        name_it = Call.of("release_claims", claim_ids=...)
        todo = sentence(f"You hold {few}. Name what to release: ", name_it, ".") if own else "You hold nothing."
        return {**result, "refused": "not_found", "why": why, "next_step": todo}
    return {**result, "already": True, "why": " ".join(ended.sentence for ended in over.values())}


def _commits(workspace: Workspace, actor: Actor, ids: Collection[str] = ()) -> dict[str, str] | None:
    """Return the pushed commits of the caller's claims, for the barriers that the next holder gets."""
    register = workspace.register(freshness.left(workspace))  # with what this session has just claimed
    return claim_commits.of_own(workspace, register, [actor.agent], ids) or None


def _outcome(reply: Reply) -> Outcome:
    assert reply.outcome is not None  # noqa: S101 - a reply without one is raised by `submit`
    return reply.outcome


def _hours(hours: float | None) -> float | None:
    if hours is None:
        return None
    bad = call_limits.bad_hours(hours)
    if bad is not None:
        raise InvalidError(bad.message, hint="4 is the default.")
    return float(hours)


def _description(text: str | None, name: str = "description") -> str:
    if text is not None and len(text) > limits.DESCRIPTION_CHARS:
        raise InvalidError(f"{name} is longer than {limits.DESCRIPTION_CHARS} characters.", hint="Shorten it.")
    return text or ""


def _ids(given: Sequence[str] | None) -> tuple[str, ...]:
    ids = tuple(dict.fromkeys(checked_id(claim_id, "c") for claim_id in given or ()))
    if len(ids) > IDS_MAX:
        raise InvalidError(
            f"{len(ids)} claims in one call are more than {IDS_MAX}.", hint="Name them in several calls."
        )
    if given is not None and not ids:
        raise InvalidError("No claim is named.", hint="Leave it out to mean all of yours.")
    return ids
