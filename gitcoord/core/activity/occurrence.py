"""Occurrences: what a line of a record says happened, as something that is counted.

    {"do": "claim_files", "events": [{"event": "auto_coexist", …}, …], …}    one for each event
    {"do": "claim_step", "outcome": {"code": "step_claimed", …}, …}          one, and `step_recovered` where it says so
    {"event": "claim_refused", "count": 3, "at": …, …}                       one that counts three times

Rules:
  * What the record calls done before (`already`) is not counted again.
  * A call that begins to wait is `queued`. The record has no event of this word: nothing delivers it.
  * What others wrote may be anything: what is damaged is left out.

What this file does not know: where records lie, whether a refusal was carried twice.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json, parse_time

QUEUED = "queued"
AUTOMATIC = (Event.AUTO_COEXIST, Event.AUTO_NARROW)
CALL = "claim_files"
COUNT_MAX = 1 << 31  # of one refusal and day; a larger number is no count
_STEPS = frozenset(event.value for event in Event if event.startswith("step_"))


class Occurrence(NamedTuple):
    """Something that happened.

    Attributes:
        kind: a word of `Event`, or `queued`.
        agent: whom it concerns; of a step that was recovered, from whom.
        subject: the step's number, the claim, the waiting call, or a refusal's unique id.
        times: how often.
        repo: of a refusal, and of an automatic resolution for the claim that its call was granted.
        granted: of any other automatic resolution the claim that it was for, by which its repository is looked up.
        reason: why a claim was refused, or a waiting call left the line.
        patterns: what was refused because of another claim.
        project: of a step: its project as its ref is called.
    """

    at: datetime
    kind: str
    agent: str
    subject: str = ""
    times: int = 1
    repo: str | None = None
    granted: str = ""
    reason: str = ""
    patterns: tuple[str, ...] = ()
    project: str = ""


def of_steps(line: Mapping[str, Json], now: datetime, project: str = "") -> Iterator[Occurrence]:
    """Yield what a command on a step brought about, the last of it first."""
    outcome = _record(line.get("outcome"))
    facts, code = _record(outcome.get("facts")), _text(outcome.get("code"))
    if outcome.get("verdict") != "done" or facts.get("already") or code not in _STEPS:
        return
    subject, before = str(facts.get("step_num") or ""), _text(facts.get("from"))
    agent = _text(_record(line.get("by")).get("agent"))
    if code == Event.STEP_RECOVERED:
        yield Occurrence(now, code, before or agent, subject, project=project)
        return
    yield Occurrence(now, code, agent, subject, project=project)
    if code == Event.STEP_CLAIMED and facts.get("recovered"):
        yield Occurrence(now, Event.STEP_RECOVERED, before or agent, subject, project=project)


def of_claims(line: Mapping[str, Json], now: datetime) -> Iterator[Occurrence]:
    """Yield what a command on claims brought about."""
    outcome, call = _record(line.get("outcome")), _record(line.get("args"))
    facts, agent = _record(outcome.get("facts")), _text(_record(line.get("by")).get("agent"))
    own = _text(facts.get("claim")) if line.get("do") == CALL else ""
    if line.get("do") == CALL and outcome.get("code") == "waiting":
        yield Occurrence(now, QUEUED, agent, _text(facts.get("queue_id")))
    happened = line.get("events")
    granted = ""
    # A grant follows what was resolved for it, so a walk from the end meets the grant first.
    for event in reversed(happened) if isinstance(happened, list) else ():
        fact = _record(event)
        kind = _text(fact.get("event"))
        about = next((_text(fact[name]) for name in ("entry", "claim", "request") if fact.get(name)), "")
        whom = _text(fact.get("agent")) or agent
        if kind == Event.CLAIM_GRANTED:
            granted = about
        found = Occurrence(now, kind, whom, about, reason=_text(fact.get("reason")))
        if kind in AUTOMATIC and granted == own != "":
            yield found._replace(repo=_text(call.get("repo")) or None)
        elif kind:
            yield found._replace(granted=granted if kind in AUTOMATIC else "")


def of_refusal(line: Mapping[str, Json], now: datetime) -> Iterator[Occurrence]:
    """Yield a refusal as a commit carries it, or a clone notes it."""
    count, named = line.get("count"), line.get("patterns")
    if line.get("event") != Event.CLAIM_REFUSED or isinstance(count, bool):
        return
    if not isinstance(count, int) or not 0 < count <= COUNT_MAX:
        return
    try:
        at = parse_time(_text(line.get("at"))) if line.get("at") else now
    except ValueError:
        at = now
    patterns = tuple(pattern for pattern in named if isinstance(pattern, str)) if isinstance(named, list) else ()
    agent, uid, reason, repo = (_text(line.get(name)) for name in ("by", "uid", "code", "repo"))
    yield Occurrence(at, Event.CLAIM_REFUSED, agent, uid, count, repo or None, "", reason, patterns)


def _record(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
