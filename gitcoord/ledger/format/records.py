"""Records: the message of each commit, as audit trail.

    claim myapp/3 for ann/claude-code/wt-3

    {"checks":{…},"now":"…","rules":1}                                       what all commands of the batch read
    {"args":{…},"by":{…},"do":"claim_step","id":"k3….7","judged":[…],"outcome":{…},"uid":"…"}     one line a command
    {"refusals":[{"by":"…","code":"…","count":3,"day":"…","do":"…",…}]}      what the clone was refused since its last

A record over 4 KB is the file `record.json` of the commit's tree instead, and the message says so.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from gitcoord.core.documents.decision import Ruling
from gitcoord.core.documents.json_text import Json, compact, parse_time, time_text
from gitcoord.core.steps.step import Step
from gitcoord.ledger.format.entry import Entry
from gitcoord.ledger.format.meta import RECORD, RULES
from gitcoord.remote.contract.protocol import Oid, RefName

INLINE_BYTES_MAX = 4096
BEAT_S = 60  # of a clone whose record says nothing else
SUBJECT_CHARS_MAX = 72  # what `git log --oneline` shows of a subject on a usual terminal
_VERBS: Mapping[str, str] = {
    "create_project": "create",
    "import_project": "import",
    "add_steps": "add steps to",
    "update_step": "update",
    "skip_step": "skip",
    "claim_step": "claim",
    "start_step": "start",
    "heartbeat": "beat for",
    "complete_step": "complete",
    "land_step": "land",
    "fail_step": "fail",
    "recover_step": "recover",
    "abort_project": "abort",
    "claim_files": "claim",
    "keep_waiting": "wait for",
    "cancel_queue_request": "stop waiting for",
    "release_claims": "release",
    "extend_claims": "extend",
    "request_release": "ask for",
    "respond_to_request": "answer",
    "beat_claims": "beat for",
    "tidy": "tidy claims",
    "tell_refusals": "tell what was refused in",
    "land_claims": "land",
    "end_step_claims": "release",
    "follow_step": "keep claims with",
    "import_claims": "import claims",
}


class Done(NamedTuple):
    """A command that was carried out: its entry, its id `<clone>.<counter>`, and the decision.

    Attributes:
        given: the entry as it came, where the record needs less of it.
    """

    entry: Entry
    command_id: str
    decision: Ruling
    given: Entry | None = None

    @property
    def clone(self) -> str:
        """The clone whose counter the id counts."""
        return self.command_id.rpartition(".")[0]


def subject(project: str, batch: list[Done]) -> str:
    """Return what a person reads first."""
    first = batch[0]
    what = _what(project, first)
    more = f" and {len(batch) - 1} more" if len(batch) > 1 else ""
    text = f"{_VERBS.get(first.entry.word, first.entry.word)} {what} for {first.entry.actor.agent}{more}"
    return text[: SUBJECT_CHARS_MAX * 2]


def _what(project: str, done: Done) -> str:
    facts, arguments = done.decision.outcome.facts, done.entry.arguments
    if facts.get("step_num"):
        return f"{project}/{facts['step_num']}"
    wishes = arguments.get("wishes")
    if isinstance(wishes, list) and wishes and isinstance(wishes[0], dict):
        more = f" and {len(wishes) - 1} more" if len(wishes) > 1 else ""
        return f"{str(wishes[0].get('pattern'))[:40]}{more}"
    named = (
        facts.get("claim")
        or facts.get("request")
        or facts.get("queue_id")
        or facts.get("released")
        or facts.get("imported")
    )
    if isinstance(named, list):
        return ", ".join(str(pattern) for pattern in named[:3]) or project
    return str(named) if named else project


class RecordHead(NamedTuple):
    """What all commands of a batch read beside the ledger.

    Attributes:
        checks: refs that the swap carries a check of, with their tips.
        config: the tip of the team's rules, where the swap cannot check it.
        limit_factor, may_judge: as in `Context`; no holder is judged where the team's files are written.
        may_sweep: whether our clock was believed; if not, what others hold was over by `over_by`.
        ahead: the time of the tip, where it is so far ahead that it was not believed.
        beat_s: how often this clone beats.
        is_damaged, counts: whether the team's rules cannot be read at that tip, and at which commit they counted then.
        before: unique ids of commands that were applied before, whose outcomes stay among those of the last batch.
        writer: the clone that wrote the commit, where that has commands which others posted; each of their posts is a
            further parent. Older versions had its own post among them.
    """

    now: datetime
    checks: Mapping[RefName, Oid | None]
    config: Oid | None = None
    limit_factor: int = 1
    may_judge: bool = True
    may_sweep: bool = True
    over_by: datetime | None = None
    ahead: datetime | None = None
    beat_s: int = BEAT_S
    is_damaged: bool = False
    counts: Oid | None = None
    before: Sequence[str] = ()
    writer: str = ""


def record_lines(batch: list[Done], read: RecordHead, refusals: Sequence[Json] = ()) -> str:
    """Return the lines of the record: all that is needed to repeat the decisions, and what was refused before."""
    ridden = [compact({"refusals": [*refusals]})] if refusals else []
    return "\n".join([head_line(read), *(compact(line_of(done)) for done in batch), *ridden])


def head_line(read: RecordHead) -> str:
    """Return the first line of a record."""
    doubted: dict[str, Json] = {"may_sweep": False, "over_by": time_text(read.over_by) if read.over_by else None}
    beside_default: dict[str, Json] = {
        "checks": {**read.checks} or None,
        "config": read.config,
        "limit_factor": read.limit_factor if read.limit_factor != 1 else None,
        "may_judge": None if read.may_judge else False,
        **({} if read.may_sweep else doubted),
        "ahead": time_text(read.ahead) if read.ahead else None,
        "beat_s": read.beat_s if read.beat_s != BEAT_S else None,
        "counts": (read.counts or "") if read.is_damaged else None,
        "before": [*read.before] or None,
        "writer": read.writer or None,
    }
    given = {name: value for name, value in beside_default.items() if value is not None}
    return compact({"now": time_text(read.now), "rules": RULES, **given})


def message_of(title: str, lines: str) -> tuple[str, bytes | None]:
    """Return the commit's message, and the content of `record.json` where the record is too long for it."""
    if len(lines.encode()) <= INLINE_BYTES_MAX:
        return f"{title}\n\n{lines}", None
    return f"{title}\n\n{compact({'record': RECORD})}", lines.encode() + b"\n"


class Record(NamedTuple):
    """One line of a record, read back."""

    now: datetime
    line: Mapping[str, Json]


def parse_lines(lines: str) -> Iterator[Record]:
    """Read the lines of commands; damaged lines are left out, since they are someone else's text."""
    return (record for record in _parsed(lines) if "do" in record.line)


def parse_refusals(lines: str) -> Iterator[Record]:
    """Read those of the refusals that a commit carries which are events."""
    for record in _parsed(lines):
        ridden = record.line.get("refusals")
        for noted in ridden if isinstance(ridden, list) else ():
            if isinstance(noted, dict) and isinstance(noted.get("event"), str):
                yield Record(record.now, noted)


def _parsed(lines: str) -> Iterator[Record]:
    now: datetime | None = None
    for line in lines.splitlines():
        try:
            value: Json = json.loads(line)
            if isinstance(value, dict) and "now" in value:
                now = parse_time(str(value["now"]))
            elif isinstance(value, dict) and now is not None:
                yield Record(now, value)
        except (ValueError, RecursionError):
            continue


def line_of(done: Done) -> dict[str, Json]:
    """Return the line of one command."""
    entry = done.entry
    line: dict[str, Json] = {
        "id": done.command_id,
        "uid": entry.uid,
        "do": entry.word,
        "by": entry.actor.dump(),
        "args": dict(entry.arguments),
        "outcome": done.decision.outcome.dump(),
    }
    if done.decision.judged:
        line["judged"] = [
            {
                **({"step_num": held.step_num} if isinstance(held, Step) else {"claim": held.id}),
                "life": life.life,
                "sighting": life.sighting.dump(),
            }
            for held, life in done.decision.judged
        ]
    if done.decision.beside:
        line["beside"] = {question: {**answers} for question, answers in done.decision.beside.items()}
    if done.decision.events:
        line["events"] = [dict(event) for event in done.decision.events]
    return line
