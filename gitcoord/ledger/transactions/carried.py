"""What a swap has beside what it is for: checks; carried along, a beat, deletions of refs, what was refused before.

    refused ──> noted here, merged by (day, who, what, why) ──> rides in the record of the next commit ──WON──> gone

Rules:
  * Only an atomic remote takes several refs at once; to another one no beat and no deletion is carried.
  * Where the remote declines what rides along it is left for a while: the commands would need two swaps each time.
  * A refusal makes no swap of its own: it is on disk until a swap of the same ledger carries it along.
  * It is removed only after the swap that carries it was won. Where no answer came it may be carried twice, so each
    has the unique id of the first command that it stands for: the same id in two commits is one refusal.
  * At most KEPT_MAX are kept, the newest; a commit takes at most BYTES_MAX of them, the oldest, and leaves the rest.

Used only under the clone's lock. What this file does not know: what the swap is for.
"""

import contextlib
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gitcoord.core.claims.rules import tell_refusals
from gitcoord.core.documents import events
from gitcoord.core.documents.json_text import Json, compact, time_text
from gitcoord.core.owners import refusal_counts
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.host import Clone
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.liveness import judgements
from gitcoord.ledger.liveness.cleanup import Sweeper
from gitcoord.ledger.liveness.heartbeat import Beats
from gitcoord.ledger.transactions.plan import Plan, Refused
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus, Transport

REST = timedelta(minutes=10)  # a remote's rule changes rarely; a beat of its own is sent meanwhile
KEPT_MAX = 100
BYTES_MAX = 4096  # as long as a record may be before it is a file of its own
TEXT_CHARS_MAX = 80  # of an argument: enough for a branch or a pattern
_ARGUMENTS_MAX = 6

Noted = dict[str, Json]


def guards(
    transport: Transport, clone: Clone, checks: Mapping[RefName, Oid | None], judged: Container[RefName], now: datetime
) -> list[RefUpdate]:
    """Return the lines that keep what decisions rest on: checks, or moves of the heartbeats that were `judged`.

    They come first in a swap, so that a remote that turns out not to be atomic stops before anything is taken.
    """
    lines, objects = [RefUpdate(ref, tip, tip) for ref, tip in checks.items()], transport.objects
    if not transport.atomic:
        return lines

    def is_compared(line: RefUpdate) -> bool:  # of a remote over a network, absence is looked at before the swap
        return transport.sends_checks and (line.old is not None or not transport.is_far)

    moving = [line.ref in judged and not is_compared(line) for line in lines]
    return [
        judgements.moved(objects, line, clone, now) if moves else line
        for line, moves in zip(lines, moving, strict=True)
    ]


def checks_of(
    plan: Plan, listed: Mapping[RefName, Oid], refs: Refs, *, sends_checks: bool
) -> dict[RefName, Oid | None]:
    """Return the refs that have to be unchanged, for the decisions rest on them."""
    # Of a heartbeat that cannot be read, what was listed is checked: its clone may write a good one meanwhile.
    judged_by = {refs.heartbeat(clone): oid for clone, oid in plan.judged_by.items()}
    checks = {ref: oid or listed.get(ref) for ref, oid in judged_by.items()}
    checks |= {ref: listed.get(ref) for ref in plan.relied}
    config = listed.get(refs.config)
    if config and sends_checks:
        checks[refs.config] = config
    return checks


Push = Callable[[Sequence[RefUpdate]], SwapOutcome]


class Carrier:
    """Finds what may ride along, and sends it."""

    def __init__(self, transport: Transport, push: Push, beats: Beats, sweeper: Sweeper) -> None:
        """Begin with a remote that declines nothing."""
        self._transport = transport
        self._push = push
        self._beats = beats
        self._sweeper = sweeper
        self._from: datetime | None = None

    def cargo(
        self, listed: Mapping[RefName, Oid], now: datetime, checks: Mapping[RefName, Oid | None]
    ) -> tuple[RefUpdate | None, list[RefUpdate]]:
        """Return the beat, if one is due, and the deletions."""
        resting = self._from is not None and now < self._from <= now + REST
        if resting or not self._transport.atomic:
            return None, []
        beats, objects, beat = self._beats, self._transport.objects, None
        is_due = beats.ref not in checks and beats.is_due(now, 0.5) and beats.has_news(now)
        if is_due and not beats.moved_by_stranger(objects, listed):
            beat = beats.prepare(objects, listed, now)
        return beat, self._sweeper.deletions(objects, listed, now, {*checks, beats.ref})

    def swap(
        self,
        lines: Sequence[RefUpdate],
        listed: Mapping[RefName, Oid],
        now: datetime,
        checks: Mapping[RefName, Oid | None],
        *,
        is_lost_for_all: bool,
    ) -> SwapOutcome:
        """Swap, with what rides along; without it where that is in the way.

        `is_lost_for_all`: what was lost is decided again, and not sent without what rode along.
        """
        beat, deletions = self.cargo(listed, now, checks)
        carried = [*([beat] if beat else []), *deletions]
        outcome = self._push([*lines, *carried])
        is_denied = outcome.status is SwapStatus.DENIED
        if carried and (is_denied or (outcome.status is SwapStatus.LOST and not is_lost_for_all)):
            beat = None
            outcome = self._push(lines)
            if is_denied and outcome.status is not SwapStatus.DENIED:
                self.rest(now)
        if beat and outcome.status is SwapStatus.WON:
            self._beats.sent(beat, now)
        return outcome

    def rest(self, now: datetime) -> None:
        """Note that the remote declines what rides along."""
        self._from = now + REST
        self._sweeper.rest(now)


class Refusals:
    """The file of what was refused and not reported yet, of one place to coordinate: `{ref: {key: refusal}}`."""

    def __init__(self, file: Path, unique: str) -> None:
        """Use (and make, once something is refused) the file."""
        self._file = file
        self._unique = unique

    def note(self, refused: Iterable[Refused], now: datetime) -> None:
        """Note refusals, each merged with its like of the same day."""
        new = list(refused)
        if not new:
            return
        known = self._read()
        for refusal in new:
            key, noted = _noted(refusal, now)
            before = known.setdefault(refusal.ref, {}).get(key, {})
            count = before.get("count")
            many = (count if isinstance(count, int) else 0) + 1
            known[refusal.ref][key] = {**noted, **before, "count": many, "at": time_text(now)}
        listed = [(ref, refusal_key, noted) for ref, by_key in known.items() for refusal_key, noted in by_key.items()]
        listed.sort(key=lambda row: str(row[2].get("at", "")))
        for ref, refusal_key, _ in listed[:-KEPT_MAX]:
            del known[ref][refusal_key]
        self._save(known)

    def noted(self, ref: RefName) -> list[Noted]:
        """Return the refusals of this clone that are in no commit yet."""
        return [*self._read().get(ref, {}).values()]

    def waiting(self, ref: RefName) -> dict[str, Noted]:
        """Return what the next commit of a ledger carries."""
        taken: dict[str, Noted] = {}
        left = BYTES_MAX
        found = self._read().get(ref, {})
        for key, noted in sorted(found.items(), key=lambda item: str(item[1].get("at", ""))):
            left -= len(compact(noted).encode()) + 1
            if left < 0:
                break
            taken[key] = noted
        return taken

    def forget(self, ref: RefName, carried: Mapping[str, Noted]) -> None:
        """Remove the refusals that have landed."""
        if not carried:
            return
        known = self._read()
        for key in carried:
            known.get(ref, {}).pop(key, None)
        self._save(known)

    def _read(self) -> dict[str, dict[str, Noted]]:
        known: dict[str, dict[str, Noted]] = {}
        for ref, by_key in files.read_json(self._file).items():
            if isinstance(by_key, dict):
                known[ref] = {key: noted for key, noted in by_key.items() if isinstance(noted, dict)}
        return known

    def _save(self, known: Mapping[str, dict[str, Noted]]) -> None:
        left: dict[str, Json] = {ref: {**by_key} for ref, by_key in known.items() if by_key}
        with contextlib.suppress(StorageError):  # a count that is lost must not decide what became of a command
            if left:
                files.write_json(self._file, left, self._unique)
            else:
                files.remove(self._file)


def _noted(refused: Refused, now: datetime) -> tuple[str, Noted]:
    entry, outcome = refused.entry, refused.outcome
    # What tells one refusal from another: numbers and short texts, a list by its first. A caller draws these ids anew
    # for each call, and no two refusals would be alike.
    drawn = ("request_id",) if entry.word == "request_release" else ("claim_id", "entry_id")
    short = {name: _short(value) for name, value in sorted(entry.arguments.items()) if name not in drawn}
    kept = [(name, value) for name, value in short.items() if value is not None]
    noted: Noted = {
        "day": time_text(now)[:10],
        "by": entry.actor.agent,
        "do": entry.word,
        "args": dict(kept[:_ARGUMENTS_MAX]),
        "code": outcome.code,
    }
    event, hot, held = (
        events.of_refusal(entry.word),
        refusal_counts.patterns_of(outcome),
        tell_refusals.in_the_way(outcome),
    )
    if event is not None:
        noted["event"] = event
    if hot:
        noted["patterns"] = [*hot]
    if entry.repo is not None:
        noted["repo"] = entry.repo
    if held:
        noted["held"] = held
    return compact(noted), {**noted, "uid": entry.uid}


def _short(value: Json) -> Json:
    if isinstance(value, list):
        return [first] if value and (first := _short(value[0])) is not None else None
    return value[:TEXT_CHARS_MAX] if isinstance(value, str) else None if isinstance(value, dict) else value
