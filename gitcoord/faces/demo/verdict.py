"""The verdict: whether the ledger's history is as it must be. Pure: entries in, checks out.

Documents are compared from commit to commit; a step is held while its status is `claimed` or `in_progress`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.demo.ledger import Entry
from gitcoord.faces.demo.plan import TASKS

_HELD = ("claimed", "in_progress")
_SETTLED = ("completed", "skipped")
_Doc = dict[str, Json]
_EMPTY: _Doc = {}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so; `detail` says what was found."""

    name: str
    is_ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of the step of the agent that was killed."""

    step: int
    before: str
    after: str
    checkpoint: dict[str, Json]


def checks_of(entries: Sequence[Entry], killed: str) -> list[Check]:
    """Judge a ledger."""
    return [
        _completed_once(entries),
        _fences(entries),
        _one_holder(entries),
        _one_step_each(entries),
        _dependencies_first(entries),
        _recovered(entries, killed),
    ]


def recovery_of(entries: Sequence[Entry], killed: str) -> Recovery | None:
    """Find the step that the killed agent had and that another one completed."""
    for num, step in sorted(entries[-1].steps.items() if entries else ()):
        left = step.get("checkpoint")
        if isinstance(left, dict) and left.get("agent_id") == killed and step.get("status") == "completed":
            return Recovery(num, killed, str(step.get("agent_id")), left)
    return None


def combined(entries: Sequence[Entry]) -> int:
    """Return how many commits carry more than one command: clones combine what waits at the same moment."""
    return sum(1 for entry in entries if len(entry.records) > 1)


def _moves(entries: Sequence[Entry]) -> Iterator[tuple[Entry, int, _Doc, _Doc]]:
    """Walk every step's document as it was and as it became, commit by commit."""
    if entries:
        yield from ((entries[0], num, _EMPTY, step) for num, step in entries[0].steps.items())
    for before, after in pairwise(entries):
        for num, step in after.steps.items():
            old = before.steps.get(num, _EMPTY)
            if old != step:
                yield after, num, old, step


def _completed_once(entries: Sequence[Entry]) -> Check:
    name = f"each of {len(TASKS)} steps was completed exactly once"
    moved = Counter(
        num
        for _, num, old, new in _moves(entries)
        if new.get("status") == "completed" and old.get("status") != "completed"
    )
    said = Counter(
        _fact(record, "step_num")
        for entry in entries
        for record in entry.records
        if _code(record) == "step_completed" and not _fact(record, "already")
    )
    wrong = sorted({task.num for task in TASKS if moved[task.num] != 1 or said[task.num] != 1})
    return Check(name, not wrong, f"not so: step {_listed(wrong)}" if wrong else f"{sum(moved.values())} completions")


def _fences(entries: Sequence[Entry]) -> Check:
    given: dict[tuple[int, str], set[tuple[str, ...]]] = defaultdict(set)
    fell: list[int] = []
    for _, num, old, new in _moves(entries):
        if _fence(new) < _fence(old):
            fell.append(num)
        if new.get("status") in _HELD:
            given[num, str(new.get("fence"))].add(_holder(new))
    twice = sorted({num for (num, _), holders in given.items() if len(holders) > 1} | set(fell))
    detail = f"given twice, or fell: step {_listed(twice)}" if twice else f"{len(given)} fences, each to one session"
    return Check("no fence was given twice", not twice, detail)


def _one_holder(entries: Sequence[Entry]) -> Check:
    changed = [
        (entry, num)
        for entry, num, old, new in _moves(entries)
        if old.get("status") in _HELD and new.get("status") in _HELD and _holder(old) != _holder(new)
    ]
    wrong = sorted(
        {
            num
            for entry, num in changed
            if not any(_fact(record, "step_num") == num and _fact(record, "recovered") for record in entry.records)
        }
    )
    taken = len(changed) - len(wrong)
    detail = f"two at once: step {_listed(wrong)}" if wrong else f"{taken} taken over, from an agent that was dead"
    return Check("no step was held by two", not wrong, detail)


def _one_step_each(entries: Sequence[Entry]) -> Check:
    most = 0
    for entry in entries:
        held = Counter(_holder(step)[:2] for step in entry.steps.values() if step.get("status") in _HELD)
        most = max([most, *held.values()])
    return Check("no agent held two steps", most <= 1, f"at most {most} at any commit")


def _dependencies_first(entries: Sequence[Entry]) -> Check:
    early: list[int] = []
    claims = 0
    for entry, num, old, new in _moves(entries):
        if new.get("status") not in _HELD or old.get("status") in _HELD:
            continue
        claims += 1
        after = new.get("depends_on")
        needed = [int(str(num)) for num in after] if isinstance(after, list) else []
        if any(entry.steps.get(num, _EMPTY).get("status") not in _SETTLED for num in needed):
            early.append(num)
    detail = f"too early: step {_listed(early)}" if early else f"{claims} claims, each after what it waits for"
    return Check("no step began before those it depends on", not early, detail)


def _recovered(entries: Sequence[Entry], killed: str) -> Check:
    name = "the killed agent's step was recovered by another"
    found = recovery_of(entries, killed)
    if found is None or found.after == killed:
        return Check(name, is_ok=False, detail=f"no completed step has a checkpoint of {killed}")
    return Check(name, is_ok=True, detail=f"step {found.step}: {found.before} → {found.after}")


def _holder(step: _Doc) -> tuple[str, ...]:
    return tuple(str(step.get(name)) for name in ("agent_id", "clone", "session_id"))


def _fence(step: _Doc) -> int:
    fence = step.get("fence")
    return fence if isinstance(fence, int) else 0


def _code(record: _Doc) -> str:
    outcome = record.get("outcome")
    return str(outcome.get("code")) if isinstance(outcome, dict) else ""


def _fact(record: _Doc, name: str) -> Json:
    outcome = record.get("outcome")
    facts = outcome.get("facts") if isinstance(outcome, dict) else None
    return facts.get(name) if isinstance(facts, dict) else None


def _listed(nums: Sequence[int]) -> str:
    return ", ".join(str(num) for num in nums)
