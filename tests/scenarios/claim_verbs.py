"""How transcripts spell what is done with claims.

    ann wants src/** wait=60            files; src/a.py:f,C::g symbols; mode=read hours=2 urgency=high kind=module whole
    bob waits q-1 · bob leaves q-1      asks about a place in the line, gives it up
    ann releases c-1 · ann releases     by id, or all of one's own; `force` for an operator
    ann extends 8h · bob requests c-1 · ann answers r-1 narrowed src/a.py · ann sweeps
    claims · line · told ann            who holds what, who waits, what ann was told of others' doing

Ids are counted, so that a transcript can name them: c-1, q-1, r-1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gitcoord.core.claims.claim import Claim, Item, Kind, Mode
from gitcoord.core.claims.claim_commands import (
    Answer,
    AnswerRequest,
    CancelEntry,
    ClaimCommand,
    ClaimFiles,
    ExtendClaims,
    KeepWaiting,
    ReleaseClaims,
    RequestRelease,
    Tidy,
    Urgency,
    Wish,
)
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.patterns.path_pattern import Pattern
from tests.scenarios.spelling import shortened

_SHOWN = ("already", "claims", "clamped", "released", "not_yours", "not_found", "position", "behind", "decision")


@dataclass
class Ids:
    """The ids that commands get, in order; one that was not used is given to the next command."""

    last: dict[str, int] = field(default_factory=lambda: dict.fromkeys("cqr", 0))
    ended: set[str] = field(default_factory=set)

    def of(self, kind: str) -> str:
        self.last[kind] += 1
        return f"{kind}-{self.last[kind]}"

    def used(self, register: Register) -> None:
        known = {*register.claims, *register.entries, *register.requests}
        known |= {one.queue_id or "" for one in register.claims.values()}
        known |= {entry.call.claim_id for entry in register.entries.values()}
        for kind, number in self.last.items():
            if number and f"{kind}-{number}" not in known and f"{kind}-{number}" not in self.ended:
                self.last[kind] = number - 1
        self.ended |= known


def command_of(verb: str, words: Sequence[str], ids: Ids) -> ClaimCommand:
    """Read a line as a command."""
    named = dict(one.split("=", 1) for one in words if "=" in one)
    plain = [one for one in words if "=" not in one]
    return _COMMANDS[verb](plain, named, ids)


def _wants(plain: list[str], named: dict[str, str], ids: Ids) -> ClaimCommand:
    wait = int(named.get("wait", "0"))
    return ClaimFiles(
        claim_id=ids.of("c"),
        entry_id=ids.of("q") if wait else "",
        wishes=tuple(_wish(one, named, narrowable="whole" not in plain) for one in plain if one != "whole"),
        wait_s=wait,
        urgency=Urgency(named.get("urgency", "normal")),
        branch=named.get("branch"),
    )


def _wish(text: str, named: dict[str, str], *, narrowable: bool) -> Wish:
    path, _, rest = text.partition(":")
    hours = named.get("hours")
    return Wish(
        pattern=path,
        symbols=tuple(rest.split(",")) if rest else (),
        mode=Mode(named.get("mode", "write")),
        kind=Kind(named.get("kind", "file")),
        narrowable=narrowable,
        hours=float(hours) if hours else None,
    )


def _answers(plain: list[str], named: dict[str, str], ids: Ids) -> ClaimCommand:
    place = Pattern.of(plain[2]) if len(plain) > 2 else None
    return AnswerRequest(
        request_id=plain[0],
        claim_id=ids.of("c"),
        answer=Answer(plain[1]),
        item=named.get("item"),
        pattern=place.text if place else None,
    )


def _releases(plain: list[str], named: dict[str, str], _: Ids) -> ClaimCommand:
    claims = tuple(one for one in plain if one.startswith("c-"))
    commits: dict[str, str] | None = dict.fromkeys(claims, named["commit"] * 40) if "commit" in named else None
    return ReleaseClaims(ids=claims, force="force" in plain, whole_session="session" in plain, commits=commits)


_COMMANDS: dict[str, Callable[[list[str], dict[str, str], Ids], ClaimCommand]] = {
    "wants": _wants,
    "answers": _answers,
    "releases": _releases,
    "waits": lambda plain, _, __: KeepWaiting(entry_id=plain[0]),
    "leaves": lambda plain, _, __: CancelEntry(entry_id=plain[0]),
    "extends": lambda plain, _, __: ExtendClaims(ids=tuple(plain[1:]), hours=float(plain[0].removesuffix("h"))),
    "requests": lambda plain, _, ids: RequestRelease(
        request_id=ids.of("r"),
        claim_id=plain[0],
        reason="please",
        wishes=tuple(_wish(one, {}, narrowable=True) for one in plain[1:]),
    ),
    "sweeps": lambda _, __, ___: Tidy(),
}
VERBS = frozenset(_COMMANDS)


def told(outcome: Outcome) -> list[str]:
    """Return the lines that say what came of a command."""
    facts = outcome.facts
    named = " ".join(str(facts[name]) for name in ("claim", "request", "queue_id") if facts.get(name))
    pairs = "".join(f" {name}={_spelled(facts[name])}" for name in _SHOWN if name in facts)
    lines = [f"{outcome.verdict} {outcome.code}{f' {named}' if named else ''}{pairs}"]
    lines += [outcome.message] if outcome.message else []
    conflicts = facts.get("conflicts")
    lines += [_conflict(row) for row in (conflicts if isinstance(conflicts, list) else []) if isinstance(row, dict)]
    warnings = facts.get("warnings")
    lines += [f"! {one}" for one in (warnings if isinstance(warnings, list) else [])]
    barriers = facts.get("barriers")
    lines += [
        f"! have {row['commit']}" for row in (barriers if isinstance(barriers, list) else []) if isinstance(row, dict)
    ]
    return [shortened(line) for line in lines]


def _conflict(row: dict[str, Json]) -> str:
    yours = f"{row['your_pattern']}{_symbols(row['your_symbols'])}"
    return f"  {yours} meets {row['item']}{_symbols(row['symbols'])} of {row['agent']} ({row['claim_id']})"


def _symbols(names: Json) -> str:
    return f":{','.join(str(one) for one in names)}" if isinstance(names, list) and names else ""


def _spelled(value: Json) -> str:
    return value if isinstance(value, str) else compact(value)


def claims(register: Register) -> list[str]:
    """Return who holds what until when."""
    rows = sorted(register.claims.values(), key=lambda one: (one.fence, one.id))
    return [shortened(_claim(one)) for one in rows] or ["nobody holds anything"]


def _claim(one: Claim) -> str:
    return f"{one.id} {one.agent}: {'; '.join(_item(item) for item in one.items)}"


def _item(item: Item) -> str:
    carved = "".join(f" without {part.pattern}{_symbols([*part.symbols])} ({part.claim})" for part in item.carved)
    reading = " to read" if item.mode is Mode.READ else ""
    return f"{item.pattern}{_symbols([*item.symbols])}{reading} until {item.expires_at:%H:%M}{carved}"


def line(register: Register) -> list[str]:
    """Return who waits, who came first first."""
    rows = sorted(register.entries.values(), key=lambda one: one.number)
    patterns = {one.id: ", ".join(wish.pattern for wish in one.call.wishes) for one in rows}
    return [f"{one.id} {one.agent}: {patterns[one.id]} ({one.call.urgency})" for one in rows] or ["nobody waits"]


def notices(register: Register, agent: str) -> list[str]:
    """Return what an agent was told of others' doing."""
    rows = sorted(register.notices.values(), key=lambda one: (one.at, one.id))
    return [f"{one.event}: {one.text}" for one in rows if one.agent == agent] or ["nothing"]
