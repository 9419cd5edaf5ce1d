"""What a commit's record says, read to be replayed: every line of it, and nothing that no writer of ours makes.

Rules:
  * TXN-2, SEC-8: a command of another clone than the writer is as this clone has posted it for this ledger, while its
    counter was the one that the post names; or one that a posted command asks of this ledger. A post of which nothing
    is carried out is no parent.
  * SEC-4: a record is as large as a reader takes (`limits.RECORD_BYTES`); a line that is damaged is a finding.

What this file does not know: whether the commit is what the record gives.
"""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from gitcoord.core.documents import limits
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import EMPTY, Doc, Number, Text
from gitcoord.core.documents.json_text import Json, compact, load_object
from gitcoord.core.documents.liveness import Sighting
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.errors import DocumentError
from gitcoord.ledger.audit.problem import Problem, UnsoundError
from gitcoord.ledger.format import trees
from gitcoord.ledger.format.commits import Commit
from gitcoord.ledger.format.meta import RECORD
from gitcoord.ledger.format.post import VERSION, PostedCommands
from gitcoord.ledger.format.records import BEAT_S
from gitcoord.ledger.kinds.table import Ledgers
from gitcoord.remote.contract.protocol import Objects, Oid, RefName

LINES_MAX = 20_000  # of one record; a batch is what waits in one clone's spool
COUNTER_DIGITS = 19  # as many as 63 bits have
_D = TypeVar("_D", bound=Doc)


class Head(Doc, frozen=True, kw_only=True):
    """The first line of a record; see `RecordHead`."""

    now: datetime
    rules: Number
    checks: Mapping[str, Json] = EMPTY
    config: Text | None = None
    limit_factor: Number = 1
    may_judge: bool = True
    may_sweep: bool = True
    over_by: datetime | None = None
    ahead: datetime | None = None
    beat_s: Number = BEAT_S
    counts: Text | None = None
    before: tuple[Text, ...] = ()
    writer: Text = ""


class JudgedLine(Doc, frozen=True, kw_only=True):
    """The evidence of one holder that was judged."""

    step_num: Number | None = None
    claim: Text | None = None
    sighting: Sighting


class CommandLine(Doc, frozen=True, kw_only=True):
    """The line of one command, as far as a decision reads it."""

    id: Text = ""
    uid: Text = ""
    do: Text
    by: Actor
    args: Mapping[str, Json] = EMPTY
    outcome: Outcome
    judged: tuple[JudgedLine, ...] = ()
    beside: Mapping[str, Json] = EMPTY

    @property
    def clone(self) -> str:
        """Return the clone whose counter the id counts."""
        return self.id.rpartition(".")[0]

    def answers(self, question: str) -> Mapping[str, Json]:
        """Return what other ledgers answered to a question, by what it was about."""
        found = self.beside.get(question)
        return found if isinstance(found, dict) else {}


class RecordedBatch(NamedTuple):
    """A record of commands: of one clone, or of several that one of them wrote (`transactions/inbox`).

    Attributes:
        clone: who wrote it.
        raw: the lines of the commands as they are.
        apart: its bytes, where it is a file of the tree.
    """

    head: Head
    lines: Sequence[CommandLine]
    raw: Sequence[Mapping[str, Json]]
    refusals: Sequence[Mapping[str, Json]]
    apart: bytes | None
    clone: str


def is_recorded(commit: Commit) -> bool:
    """Whether a commit has a record at all."""
    return commit.message.partition("\n\n")[2].startswith("{")


def text_of(objects: Objects, commit: Commit) -> tuple[str, bytes | None]:
    """Return the text of a commit's record, and the bytes of its file where it is one.

    Raises:
        UnsoundError: it names a file that the tree does not have.
        DocumentError, MissingObjectError: that cannot be read.
    """
    body = commit.message.partition("\n\n")[2]
    if body.rstrip("\n") != compact({"record": RECORD}):
        return body, None
    found = trees.find(objects, commit.tree, RECORD)
    if found is None:
        raise UnsoundError(Problem.RECORD, f"names {RECORD}, which its tree does not have")
    data = objects.read(Oid(found))[1]
    if len(data) > limits.RECORD_BYTES:
        raise UnsoundError(Problem.LIMIT, f"has a record of {len(data)} bytes; {limits.RECORD_BYTES} is the most")
    return data.decode("utf-8", "replace"), data


def head_of(text: str) -> Head:
    """Return the first line of a record.

    Raises:
        UnsoundError: it is none.
    """
    return _parsed(Head, _object(text.partition("\n")[0], 1), 1)


def batch_of(text: str, apart: bytes | None) -> RecordedBatch:
    """Return a record of commands.

    Raises:
        UnsoundError: a line is none of ours.
    """
    rows = [line for line in text.split("\n") if line]
    if len(rows) > LINES_MAX:
        raise UnsoundError(Problem.LIMIT, f"has a record of {len(rows)} lines; {LINES_MAX} is the most")
    raw: list[Mapping[str, Json]] = []
    refusals: list[Mapping[str, Json]] = []
    for number, row in enumerate(rows[1:], start=2):
        value = _object(row, number)
        carried = value.get("refusals")
        if "do" in value:
            raw.append(value)
        elif isinstance(carried, list) and len(value) == 1 and number == len(rows):
            refusals = [noted for noted in carried if isinstance(noted, dict)]
        else:
            raise UnsoundError(Problem.RECORD, f"has line {number} in its record, which no writer of ours makes")
    lines = [_parsed(CommandLine, value, number) for number, value in enumerate(raw, start=2)]
    head, clones = head_of(text), {line.clone for line in lines} - {""}
    if not clones or (len(clones) > 1 and not head.writer):
        what = "counts commands of more than one clone in its record" if clones else "has no command in its record"
        raise UnsoundError(Problem.RECORD, what)
    return RecordedBatch(head, lines, raw, refusals, apart, head.writer or clones.pop())


def counters_before(lines: Sequence[CommandLine]) -> dict[str, int]:
    """Return up to where the commands of each clone were applied before these, by the id of its first one."""
    counters: dict[str, int] = {}
    for line in lines:
        number = line.id.rpartition(".")[2]
        if number.isascii() and number.isdecimal() and len(number) < COUNTER_DIGITS:
            counters.setdefault(line.clone, int(number) - 1)
    return counters


def is_posted(line: CommandLine, said: PostedCommands, ref: RefName, counter: int | None, ledgers: Ledgers) -> bool:
    """Whether a command in a ledger is one of a post, or one that such a command asks of this ledger.

    `counter`: up to where the clone's commands were applied there before. A ledger that was asked has a command of
    another word, with the unique id of the one that was posted.
    """
    entry = next((entry for entry in said.entries if entry.uid == line.uid), None)
    clones = {said.clone, line.clone, line.by.clone}
    if entry is None or entry.actor != line.by or len(clones) > 1 or said.version != VERSION:
        return False
    if said.ledger != ref:
        return ledgers.may_ask(entry.word, RefName(said.ledger), line.do, line.args)
    return said.counter == counter and entry.word == line.do and {**entry.arguments} == {**line.args}


def check_posts(batch: RecordedBatch, posts: Sequence[PostedCommands], ref: RefName, ledgers: Ledgers) -> None:
    """Look whether each command of another clone than the writer is one that this clone has posted.

    A post that no command is from is the writer's own, whose commands were refused or had landed.

    Raises:
        UnsoundError: it is not, or not as it was posted; or there is a post of another clone beside.
    """
    counters = counters_before(batch.lines)
    for line in batch.lines:
        counter = counters.get(line.clone)
        if line.clone != batch.clone and not any(is_posted(line, said, ref, counter, ledgers) for said in posts):
            what = f"has {line.do[:40]} {shown(line.id)} of another clone, which none of its parents has posted so"
            raise UnsoundError(Problem.RECORD, what)
    uids = {line.uid for line in batch.lines}
    if any(said.clone != batch.clone and uids.isdisjoint(entry.uid for entry in said.entries) for said in posts):
        raise UnsoundError(Problem.RECORD, "has a post for a parent of which it carries out nothing")


def second_of(text: str) -> Mapping[str, Json]:
    """Return the second line of a record, which says what kind of commit it is; empty where it cannot be read."""
    row = text.partition("\n")[2].partition("\n")[0]
    with contextlib.suppress(DocumentError):
        return load_object(row.encode("utf-8", "surrogatepass")) if row else {}
    return {}


def _object(row: str, number: int) -> Mapping[str, Json]:
    try:
        return load_object(row.encode("utf-8", "surrogatepass"))
    except DocumentError as error:
        raise UnsoundError(Problem.RECORD, f"has line {number} in its record that cannot be read: {error}") from None


def _parsed(kind: type[_D], value: Mapping[str, Json], number: int) -> _D:
    try:
        return kind.parse(value)
    except DocumentError as error:
        what = f"has line {number} in its record that cannot be read: {shown(str(error), 200)}"
        raise UnsoundError(Problem.RECORD, what) from None
