"""Attention: what needs action, from what a look at the ledgers showed.

    step_failed       a step of an active project failed            {step_id, agent, clone, reason, at, blocks}
    step_stale        its holder was not seen for too long          {step_id, agent, clone, last_seen, why}
    holder_gone       claims whose holder is gone                   {agent, clone, life, last_seen, free_at, claims}
    release_asked     an agent waits for an answer                  {request_id, claim, agent, holder, requested, …}
    claim_ends        the caller's claim is about to end            {claim, patterns}
    edit_refused      the caller edited what another agent holds    {paths}
    conflict_predicted    the last prediction said so of a branch   {branch, other, paths}
                      of the caller's, and neither has moved since
    no_call           it holds something and lives, but its agent   {agent, clone, called_at, on, claims}
                      has called no tool for long
    call_waiting      a call stands in the line                     {queue_id, agent, patterns, created_at, …}
    remote_declines   the remote did not take the last swap         {words}
    heartbeat_late    the remote takes no heartbeat of this clone   {last_seen}
    clock_off         the clock of this machine is                  {}
    damaged, rewound, kept    a ledger, as in `oddities`            {ref}

What this file does not know: how it is shown, how rows are ordered (`core/checks/attention`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from gitcoord.core.checks.attention import PERSON, YOU, Attention, AttentionKind, Rank
from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_commands import Answer
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.release_request import SHORTENED, ReleaseRequest
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json, parse_time, time_text
from gitcoord.core.documents.liveness import (
    BEATS_MIN,
    OVER,
    Heartbeat,
    Life,
    Liveness,
    ahead_text,
    span_text,
    without_call,
)
from gitcoord.core.documents.names import amount
from gitcoord.core.steps import graph
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.step import Step, StepStatus
from gitcoord.service.checks.last_prediction import PredictedPair

if TYPE_CHECKING:
    from gitcoord.ledger.leader.declined import Declined


ENDS_SOON = timedelta(minutes=15)  # time enough to finish an edit and commit it, or to extend the claim
DECLINED_SHOWN = timedelta(days=1)  # who has not tried again since may have other plans
PATTERNS_SHOWN, NAMED = 20, 3
DOCTOR = "Run `gitcoord doctor`: it says what to do."
Row = dict[str, Json]


class Viewer(NamedTuple):
    """For whom rows are made, and when. `is_own`: whether an agent of a clone is of the viewer's party."""

    now: datetime
    is_own: Callable[[str, str], bool]

    def who(self, agent: str | None, clone: str | None, other: str) -> str:
        """Return `YOU` if the viewer is that agent, else `other`."""
        return YOU if self.is_own(agent or "", clone or "") else other

    def ago(self, moment: datetime | None) -> str:
        """Return how long ago a moment was."""
        return span_text((self.now - moment).total_seconds()) if moment else "an unknown time"

    def ahead(self, moment: datetime) -> str:
        """Return when a moment comes."""
        seconds = (moment - self.now).total_seconds()
        return f"in {ahead_text(seconds)}" if seconds > 0 else "now"


def failed_steps(boards: Iterable[Board], viewer: Viewer) -> list[Attention]:
    """Return the failed steps of active projects."""
    failed = [
        (len(graph.open_behind(board.steps, board.graph, step.step_num)), step)
        for board in boards
        if board.project.status is ProjectStatus.ACTIVE and board.counts.get(StepStatus.FAILED)
        for step in board.steps.values()
        if step.status is StepStatus.FAILED
    ]
    return [
        Attention(
            kind=AttentionKind.STEP_FAILED,
            rank=Rank.HIGH if blocks else Rank.MEDIUM,
            who=viewer.who(step.agent_id, step.clone, PERSON),
            about=step.id,
            message=f"{f'blocks {blocks}: ' if blocks else ''}{step.reason} "
            f"({step.agent_id}, {viewer.ago(step.failed_at)} ago)",
            next_step=sentence(
                "Try it again: ",
                Call.of("claim_step", step_id=step.id),
                "; or leave it to another: ",
                Call.of("recover_step", step_id=step.id),
                ".",
            ),
            since=step.failed_at,
            waiting=blocks,
            facts={
                **_step_facts(step),
                "reason": step.reason,
                "at": time_text(step.failed_at) if step.failed_at else None,
                "blocks": blocks,
            },
        )
        for blocks, step in failed
    ]


def _step_facts(step: Step) -> dict[str, Json]:
    """Return which step it is, and whose."""
    return {"step_id": step.id, "title": step.title, "agent": step.agent_id, "clone": step.clone}


def stale_steps(held: Iterable[Step], lives: Mapping[str, Liveness], viewer: Viewer) -> list[Attention]:
    """Return the steps that others may take over."""
    return [
        Attention(
            kind=AttentionKind.STEP_STALE,
            rank=Rank.MEDIUM,
            who=viewer.who(step.agent_id, step.clone, PERSON),
            about=step.id,
            message=f"{step.agent_id}: {life.why}, so others may take it over",
            next_step=sentence("Go on with it, or make it free: ", Call.of("recover_step", step_id=step.id), "."),
            since=life.last_seen,
            facts={
                **_step_facts(step),
                "last_seen": time_text(life.last_seen) if life.last_seen else None,
                "why": life.why,
            },
        )
        for step, life in ((step, lives[step.id]) for step in held)
        if life.life is Life.STALE
    ]


def holders_gone(claims: Iterable[Row], stale: Iterable[Attention], viewer: Viewer) -> list[Attention]:
    """Return the holders of claims who are gone, by rows of claims; a holder of a stale step is shown by that."""
    reported = {(row.facts["agent"], row.facts["clone"]) for row in stale}
    gone: dict[tuple[str, str], list[Row]] = {}
    for claim in claims:
        holder = (str(claim["agent"]), str(claim["clone"]))
        if claim.get("holder_life") in {OVER, Life.STALE} and holder not in reported:
            gone.setdefault(holder, []).append(claim)
    return [_gone(agent, clone, same, viewer) for (agent, clone), same in gone.items()]


def _gone(agent: str, clone: str, claims: Sequence[Row], viewer: Viewer) -> Attention:
    life, seen = claims[0].get("holder_life"), claims[0].get("holder_seen")
    free_at = max(str(claim.get("free_at")) for claim in claims)
    what, free = "its session is over" if life == OVER else "it is silent", parse_time(free_at)
    ids: list[Json] = [claim["id"] for claim in claims]
    return Attention(
        kind=AttentionKind.HOLDER_GONE,
        rank=Rank.LOW,
        who=viewer.who(agent, clone, agent),
        about=agent,
        message=f"{what}: {amount(len(claims), 'claim')} free {viewer.ahead(free)}",
        since=parse_time(str(seen)) if seen else None,
        until=free,
        facts={"agent": agent, "clone": clone, "life": life, "last_seen": seen, "free_at": free_at, "claims": ids},
    )


def without_calls(team: Iterable[Row], judged_at: datetime) -> list[Attention]:
    """Return the agents that live, hold something and have called nothing for long, by the rows of the team."""
    rows: list[Attention] = []
    for row in team:
        called, is_holder = row.get("called_at"), bool(row.get("on") or row.get("claims"))
        at = parse_time(str(called)) if called else None
        if at is None or not is_holder or row["life"] not in {Life.LIVE, Life.QUIET} or not without_call(at, judged_at):
            continue
        agent, steps, claims = str(row["agent"]), _texts(row["on"]), _texts(row["claims"])
        holds = _few(steps) or amount(len(claims), "claim")
        span = span_text((judged_at - at).total_seconds())
        rows.append(
            Attention(
                kind=AttentionKind.NO_CALL,
                rank=Rank.MEDIUM,
                who=PERSON,
                about=agent,
                message=f"it lives, but has called nothing for {span}; holds {holds}",
                next_step=sentence(
                    "See what it did last, and whether its tool waits for a person: ",
                    Call.of("get_agent_events", agent_id=agent),
                    ".",
                ),
                since=at,
                facts={name: row[name] for name in ("agent", "clone", "called_at", "on", "claims")},
            )
        )
    return rows


def requests_open(requests: Iterable[ReleaseRequest], register: Register, viewer: Viewer) -> list[Attention]:
    """Return the requests without an answer."""
    return [_asked(request, register.claims[request.claim].expires_at, viewer) for request in requests]


def _asked(request: ReleaseRequest, end: datetime, viewer: Viewer) -> Attention:
    who = viewer.who(request.holder_agent, request.holder_clone, request.holder_agent)
    requested = [wish.pattern for wish in request.call.wishes[:PATTERNS_SHOWN]]
    asks = f"{_few(requested)}: {request.agent} asks {'you' if who == YOU else request.holder_agent}"
    answer = Call.of("respond_to_request", request_id=request.id, decision=Answer)
    return Attention(
        kind=AttentionKind.RELEASE_ASKED,
        rank=Rank.HIGH if who == YOU else Rank.LOW,
        who=who,
        about=request.id,
        message=f"{asks}; without an answer the claim ends {viewer.ahead(end)}",
        next_step=sentence("Answer: ", answer, ".") if who == YOU else "",
        since=request.created_at,
        until=end,
        facts={
            "request_id": request.id,
            "claim": request.claim,
            "agent": request.agent,
            "clone": request.clone,
            "holder": request.holder_agent,
            "requested": [*requested],
            "urgency": request.call.urgency,
            "reason": request.call.reason,
            "created_at": time_text(request.created_at),
            "expires_at": time_text(end),
        },
    )


def claims_ending(claims: Iterable[Claim], asked: Collection[str], viewer: Viewer) -> list[Attention]:
    """Return the caller's claims of which a part ends soon; `asked`: those that a request is about, which says so.

    What an edit hook claimed is extended by itself while it is used, and is not missed when it is not.
    """
    rows: list[Attention] = []
    for claim in claims:
        soon = [item for item in claim.items if not item.auto and item.expires_at - viewer.now <= ENDS_SOON]
        if not soon or claim.id in asked:
            continue
        end, patterns = min(item.expires_at for item in soon), [item.pattern for item in soon]
        rows.append(
            Attention(
                kind=AttentionKind.CLAIM_ENDS,
                rank=Rank.HIGH if end - viewer.now <= SHORTENED else Rank.MEDIUM,
                who=YOU,
                about=claim.id,
                message=f"{_few(patterns)}: your claim ends {viewer.ahead(end)}",
                next_step=sentence(
                    "If you need it for longer: ", Call.of("extend_claims", claim_ids=[claim.id], ttl_hours=...), "."
                ),
                until=end,
                facts={"claim": claim.id, "agent": claim.agent, "patterns": [*patterns[:PATTERNS_SHOWN]]},
            )
        )
    return rows


def edits_refused(paths: Sequence[str]) -> Iterable[Attention]:
    """Yield that the caller's edits were not claimed, for others hold the files."""
    if paths:
        yield Attention(
            kind=AttentionKind.EDIT_REFUSED,
            rank=Rank.HIGH,
            who=YOU,
            about=paths[0],
            message=f"you edited {_few(paths)}, which another agent holds",
            next_step=sentence("See who, then undo it or ask: ", Call.of("check_conflicts", files=paths[:NAMED]), "."),
            facts={"paths": [*paths[:PATTERNS_SHOWN]]},
        )


def conflicts_predicted(pairs: Iterable[PredictedPair], own: Collection[str], viewer: Viewer) -> Iterable[Attention]:
    """Yield the pairs of which one branch is the caller's."""
    for pair in pairs:
        branch, other = pair.branches if pair.branches[0] in own else pair.branches[::-1]
        where = f": {_few(pair.paths)}" if pair.paths else ""
        yield Attention(
            kind=AttentionKind.CONFLICT_PREDICTED,
            rank=Rank.MEDIUM,
            who=YOU,
            about=other,
            message=f"{branch} does not merge with it{where} (predicted {viewer.ago(pair.at)} ago)",
            next_step=sentence("See where, and who has it: ", Call.of("predict_conflicts", branch=branch), "."),
            since=pair.at,
            facts={"branch": branch, "other": other, "paths": [*pair.paths]},
        )


def calls_waiting(line: Iterable[Row], own_claims: Collection[str], viewer: Viewer) -> list[Attention]:
    """Return the calls that stand in the line, by its rows; those behind a claim of the caller's are for it."""
    rows: list[Attention] = []
    for row in line:
        agent, since = str(row["agent"]), parse_time(str(row["created_at"]))
        blocks = [block for block in _rows(row["waits_for"]) if not viewer.is_own(agent, str(row["clone"]))]
        mine = [*dict.fromkeys(str(block["claim_id"]) for block in blocks if block["claim_id"] in own_claims)]
        holders = [
            f"{block['agent']} ({block['item']}, free {viewer.ahead(parse_time(str(block['expires_at'])))})"
            for block in _rows(row["waits_for"])
        ]
        behind = _few([*holders, *_texts(row["behind"])])
        release: Sequence[str] = mine
        rows.append(
            Attention(
                kind=AttentionKind.CALL_WAITING,
                rank=Rank.MEDIUM if mine else Rank.LOW,
                who=YOU if mine else next((str(block["agent"]) for block in _rows(row["waits_for"])), agent),
                about=str(row["queue_id"]),
                message=f"{_few(_texts(row['patterns']))}: {agent} waits for {viewer.ago(since)}"
                f"{f' behind {behind}' if behind else ''}",
                next_step=sentence(
                    "Release what you no longer need: ", Call.of("release_claims", claim_ids=release), "."
                )
                if mine
                else "",
                since=since,
                facts=row,
            )
        )
    return rows


def heartbeat_late(
    beat: Heartbeat | None, since: datetime | None, interval_s: int, viewer: Viewer
) -> Iterable[Attention]:
    """Yield that the remote has no recent heartbeat of this clone, in which a session is alive since then."""
    if since is None:
        return
    last = max(since, beat.beaten_at) if beat else since
    if (viewer.now - last).total_seconds() <= BEATS_MIN * interval_s:
        return
    said = f"the last came {viewer.ago(beat.beaten_at)} ago" if beat else "there is none"
    yield Attention(
        kind=AttentionKind.HEARTBEAT_LATE,
        rank=Rank.HIGH,
        who=PERSON,
        about="this clone",
        message=f"the remote takes no heartbeat of it, {said}: others consider its agents gone",
        next_step=DOCTOR,
        since=last,
        facts={"last_seen": time_text(beat.beaten_at) if beat else None},
    )


def remote_declines(declined: "Declined | None", viewer: Viewer) -> Iterable[Attention]:
    """Yield that the remote did not take what this clone sent last."""
    if declined is None or viewer.now - declined.at > DECLINED_SHOWN:
        return
    yield Attention(
        kind=AttentionKind.REMOTE_DECLINES,
        rank=Rank.HIGH,
        who=PERSON,
        about="this clone",
        message=f"the remote declined what it sent {viewer.ago(declined.at)} ago: {declined.words or 'no reason'}",
        next_step=DOCTOR,
        since=declined.at,
        facts={"words": declined.words},
    )


def clock_off(said: str) -> Attention:
    """Return that the clock of this machine is wrong."""
    kind = AttentionKind.CLOCK_OFF
    return Attention(kind=kind, rank=Rank.HIGH, who=PERSON, about="this machine", message=said, next_step=DOCTOR)


def odd(oddity: Row) -> Attention:
    """Return a ledger that is damaged, that went back, or that is kept beside the remote's."""
    kind = AttentionKind(str(oddity.get("code", AttentionKind.DAMAGED)))
    return Attention(
        kind=kind,
        rank=Rank.LOW if kind is AttentionKind.KEPT else Rank.HIGH,
        who=PERSON,
        about=str(oddity["ref"]),
        message=str(oddity["message"]),
        next_step=oddity["next_step"] if isinstance(oddity["next_step"], str) else "",
        facts={"ref": oddity["ref"]},
    )


def _rows(value: Json) -> list[Row]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _texts(value: Json) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []


def _few(words: Sequence[str]) -> str:
    more = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + more
