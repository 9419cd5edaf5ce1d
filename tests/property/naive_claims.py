"""A naive model of claims, the line and requests: sets of atoms, no index, no parts, no patterns. Shares no code.

An atom is a file and a unit of it: a declaration without what is declared in it, or the rest of the file. What a file
item lost to others' symbols is not kept but looked up: it is what they still hold of what was carved for them.
"""

import copy
from dataclasses import dataclass, field

A_PY, B_PY, C_PY = "src/a.py", "src/b.py", "lib/c.py"
FILES = {
    A_PY: {A_PY},
    B_PY: {B_PY},
    C_PY: {C_PY},
    "src/*.py": {A_PY, B_PY},
    "**": {A_PY, B_PY, C_PY},
}
UNITS = {"A": {"A", "A::m", "A::n"}, "A::m": {"A::m"}, "A::n": {"A::n"}, "B": {"B"}}
WHOLE = {"", "A", "A::m", "A::n", "B"}
LEVELS = {"low": 1, "normal": 2, "high": 3, "blocking": 4}
ALLOWANCE, ASKED_WITHIN, PATIENCE, ACK, BEATS, SHORT = 30, 120, 60, 180, 120, 300
HOUR = 3600
IDLE, GRACE, DEAD = 30 * 60, 10 * 60, 2 * 60

Who = tuple[str, str, str]  # agent, clone, session
Atom = tuple[str, str]


def atoms_of(pattern: str, symbols: tuple[str, ...]) -> set[Atom]:
    units = set().union(*(UNITS[one] for one in symbols)) if symbols else WHOLE
    return {(name, unit) for name in FILES[pattern] for unit in units}


@dataclass
class Want:
    pattern: str
    symbols: tuple[str, ...] = ()
    writes: bool = True
    is_module: bool = False
    hours: float | None = None

    @property
    def atoms(self) -> set[Atom]:
        return atoms_of(self.pattern, self.symbols)


@dataclass
class Thing(Want):
    """An item."""

    ends: float = 0
    clamped_from: float | None = None
    stale: set[Atom] = field(default_factory=set)

    @property
    def is_narrowable(self) -> bool:
        return self.writes and not self.symbols and not self.is_module


@dataclass
class Holding:
    """A claim."""

    id: str
    who: Who
    number: int
    things: list[Thing]
    active: float
    entry: str | None = None
    ack_by: float | None = None

    @property
    def ends(self) -> float:
        return max(one.ends for one in self.things)


@dataclass
class Waiter:
    """An entry of the line."""

    id: str
    who: Who
    number: int
    wants: list[Want]
    urgency: str
    made: float
    asked: float
    ends: float


@dataclass
class Plea:
    """A request."""

    id: str
    claim: str
    who: Who
    holder: Who
    wants: list[Want]
    decision: str = "pending"
    seen: bool = False
    late: str | None = None


class Refused(Exception):  # noqa: N818 - what it is
    """The rules say no; nothing changes."""


def same_holder(one: Who, other: Who) -> bool:
    return one[:2] == other[:2]


def same_session(one: Who, other: Who) -> bool:
    return one[1:] == other[1:]


class NaiveClaims:
    """The whole state, and what each command does to it."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.now = 0.0
        self.number = 0
        self.grants = 0
        self.claims: dict[str, Holding] = {}
        self.line: dict[str, Waiter] = {}
        self.pleas: dict[str, Plea] = {}
        self.agreed: list[tuple[str, str, frozenset[Atom]]] = []
        self.carves: list[tuple[str, str, frozenset[Atom]]] = []
        self.silent_since: dict[str, float] = {}
        self.crashed: set[str] = set()
        self.freed: set[str] = set()

    # --- what is in whose way ---

    def agreement(self, claim: str, who: Who, atoms: set[Atom]) -> bool:
        return any(
            claim in (one, other)
            and atoms <= shared
            and same_holder(self.claims[other if claim == one else one].who, who)
            for one, other, shared in self.agreed
        )

    def meet(self, claim: Holding, thing: Thing, who: Who, want: Want) -> str:
        if same_holder(claim.who, who) or not FILES[thing.pattern] & FILES[want.pattern]:
            return "nothing"
        if not thing.writes and not want.writes:
            return "nothing"
        left = want.atoms if thing.writes else want.atoms - thing.stale
        if not left & thing.atoms:
            return "nothing"
        if thing.writes != want.writes and not self.strict:
            return "warn"
        if self.agreement(claim.id, who, want.atoms):
            return "agreed"
        if thing.writes != want.writes:
            return "conflict"
        return "carve" if want.symbols and thing.is_narrowable else "conflict"

    def met(self, who: Who, wants: list[Want]) -> list[tuple[Want, Holding, Thing, str]]:
        pairs = [(want, claim, thing) for want in wants for claim in self.claims.values() for thing in claim.things]
        return [(want, claim, thing, self.meet(claim, thing, who, want)) for want, claim, thing in pairs]

    def blocks(self, who: Who, wants: list[Want]) -> list[Holding]:
        return [claim for _, claim, _, result in self.met(who, wants) if result == "conflict"]

    def carved(self, claim: Holding, thing: Thing) -> set[Atom]:
        """Return what of a file item is others': what was carved for them, as far as they still hold it."""
        if not thing.is_narrowable:
            return set()
        pairs = [(self.claims[by], atoms) for held, by, atoms in self.carves if held == claim.id]
        return {
            atom
            for other, atoms in pairs
            for theirs in other.things
            if theirs.symbols and theirs.writes
            for atom in theirs.atoms & atoms & thing.atoms
        }

    def has(self, claim: Holding) -> set[Atom]:
        """Return what a claim may write."""
        return {atom for thing in claim.things if thing.writes for atom in thing.atoms - self.carved(claim, thing)}

    # --- endings ---

    def end(self, claim: Holding, decision: str = "resolved") -> None:
        del self.claims[claim.id]
        self.agreed = [one for one in self.agreed if claim.id not in one[:2]]
        self.carves = [one for one in self.carves if claim.id not in one[:2]]
        for plea in self.pleas.values():
            if plea.claim == claim.id and plea.decision == "pending":
                plea.decision = decision
        for thing in claim.things:
            self.freed |= FILES[thing.pattern]

    def sweep(self) -> None:
        for claim in list(self.claims.values()):
            over = [one for one in claim.things if one.ends + ALLOWANCE <= self.now]
            if len(over) == len(claim.things):
                self.end(claim, "expired")
            elif over:
                claim.things = [one for one in claim.things if one not in over]
                for one in over:
                    self.freed |= FILES[one.pattern]
        for claim in list(self.claims.values()):
            if claim.ack_by is not None and self.now >= claim.ack_by:
                self.end(claim)
        for waiter in list(self.line.values()):
            if self.now >= min(waiter.ends, waiter.asked + ASKED_WITHIN):
                self.leave(waiter)
        self.serve()

    def is_silent(self, claim: Holding) -> bool:
        session = claim.who[2]
        if self.now - claim.active < (DEAD if session in self.crashed else GRACE):
            return False
        since = self.silent_since.get(session, self.now)
        return session in self.crashed or self.now - max(since, claim.active) > IDLE

    def look(self, who: Who, wants: list[Want]) -> list[Holding]:
        """Return what blocks what is asked for anew, after the silent of it ended."""
        while silent := {one.id: one for one in self.blocks(who, self.anew(who, wants)) if self.is_silent(one)}:
            for one in silent.values():
                self.end(one)
        return self.blocks(who, self.anew(who, wants))

    def anew(self, who: Who, wants: list[Want]) -> list[Want]:
        """Return what of the wants is not held already; all of them where all is."""
        return [want for want in wants if not self.covered(who, want)] or wants

    # --- the line ---

    def rank(self, waiter: Waiter) -> tuple[int, int]:
        return (-LEVELS[waiter.urgency] - (self.now - waiter.made > PATIENCE), waiter.number)

    def ahead(self, who: Who, wants: list[Want], rank: tuple[int, int]) -> list[Waiter]:
        return [
            one
            for one in self.line.values()
            if not same_holder(one.who, who) and self.rank(one) < rank
            if any(self.collide(mine, theirs) for mine in wants for theirs in self.anew(one.who, one.wants))
        ]

    def collide(self, mine: Want, theirs: Want) -> bool:
        writes = mine.writes or theirs.writes if self.strict else mine.writes and theirs.writes
        return writes and bool(mine.atoms & theirs.atoms)

    def leave(self, waiter: Waiter) -> None:
        del self.line[waiter.id]
        self.free(waiter.wants)

    def free(self, wants: list[Want]) -> None:
        for one in wants:
            self.freed |= FILES[one.pattern]

    def serve(self) -> None:
        while self.freed:
            files, self.freed = self.freed, set()
            while self.serve_one(files):
                pass

    def serve_one(self, files: set[str]) -> bool:
        near = [one for one in self.line.values() if any(FILES[want.pattern] & files for want in one.wants)]
        if not near:
            return False
        fair = self.grants % 10 == 9
        order = sorted(self.line.values(), key=lambda one: one.number) if fair else sorted(near, key=self.rank)
        for one in order:
            mine = {held.id if held else "" for held in (self.cover(one.who, want) for want in one.wants)}
            held = self.claims.get(mine.pop()) if len(mine) == 1 else None
            if held is not None and held.entry is None:
                del self.line[one.id]
                held.entry, held.active = one.id, self.now
                self.free(one.wants)
                return True
            if not fair and self.ahead(one.who, self.anew(one.who, one.wants), self.rank(one)):
                continue
            if not self.look(one.who, one.wants):
                del self.line[one.id]
                self.grants += 1
                new = self.anew(one.who, one.wants)
                self.grant("c-" + one.id[2:], one.who, new, entry=one.id, ack_by=self.now + ACK)
                self.free(one.wants)
                return True
        return False

    # --- commands ---

    def decide(self, who: Who, command: str, *arguments: object) -> str:
        """Carry a command out; a refused one leaves all as it was."""
        before = copy.deepcopy(self.__dict__)
        try:
            self.sweep()
            self.show(who, calls=command != "tidy")
            word = getattr(self, command)(who, *arguments)
            self.serve()
        except Refused as refused:
            self.__dict__ = before
            return str(refused)
        self.number += 1
        return word

    def show(self, who: Who, *, calls: bool) -> None:
        for claim in self.claims.values():
            if not same_holder(claim.who, who) and not same_session(claim.who, who):
                continue
            claim.ack_by = None if calls else claim.ack_by
            for plea in self.pending(claim):
                if not plea.seen:
                    plea.seen = True
                    self.clamp(claim, self.now + SHORT)

    def clamp(self, claim: Holding, end: float) -> None:
        for one in claim.things:
            one.clamped_from = one.clamped_from if one.clamped_from is not None else one.ends
            one.ends = min(one.ends, end)

    def pending(self, claim: Holding) -> list[Plea]:
        return [one for one in self.pleas.values() if one.claim == claim.id and one.decision == "pending"]

    def ask(self, who: Who, one: str, wants: list[Want], urgency: str, wait: int) -> str:
        if all(self.covered(who, want) for want in wants):
            return "claim_granted"
        essence = [(want.pattern, want.symbols, want.writes, want.is_module) for want in wants]
        for waiter in self.line.values():
            theirs = [(want.pattern, want.symbols, want.writes, want.is_module) for want in waiter.wants]
            if same_holder(waiter.who, who) and theirs == essence:
                return self.keep(who, waiter.id)
        blocks = self.look(who, wants)
        if self.freed:
            self.serve()
            blocks = self.look(who, wants)
        new = self.anew(who, wants)
        rank = (-LEVELS[urgency], self.number + 1)
        line = [waiter for waiter in self.ahead(who, new, rank) if self.now - waiter.made > PATIENCE]
        if not blocks and not line:
            self.grant("c-" + one, who, new)
            return "claim_granted"
        if not wait:
            raise Refused("conflict" if blocks else "behind_the_line")
        waiter = Waiter("q-" + one, who, self.number + 1, wants, urgency, self.now, self.now, self.now + wait)
        self.line[waiter.id] = waiter
        if self.closes_circle(waiter):
            raise Refused("circle")
        return "waiting"

    def covered(self, who: Who, want: Want) -> bool:
        return self.cover(who, want) is not None

    def cover(self, who: Who, want: Want) -> Holding | None:
        for claim in sorted(self.claims.values(), key=lambda one: (one.number, one.id)):
            for thing in claim.things:
                if not same_holder(claim.who, who) or not want.atoms <= thing.atoms or self.now >= thing.ends:
                    continue
                if want.is_module and want.writes and not want.symbols and thing.is_narrowable:
                    continue  # it asks for more than that
                lost = thing.stale | (self.carved(claim, thing) if want.symbols else set())
                if (thing.writes or not want.writes) and not lost & want.atoms:
                    return claim
        return None

    def closes_circle(self, waiter: Waiter) -> bool:
        start = waiter.who[:2]
        reached: set[tuple[str, str]] = set()
        todo = self.blockers(waiter)
        while todo:
            holder = todo.pop()
            if holder == start:
                return True
            if holder not in reached:
                reached.add(holder)
                todo |= {other for one in self.line.values() if one.who[:2] == holder for other in self.blockers(one)}
        return False

    def blockers(self, waiter: Waiter) -> set[tuple[str, str]]:
        new = self.anew(waiter.who, waiter.wants)
        ahead = {one.who[:2] for one in self.ahead(waiter.who, new, self.rank(waiter))}
        return {one.who[:2] for one in self.blocks(waiter.who, new)} | ahead

    def grant(
        self,
        claim_id: str,
        who: Who,
        wants: list[Want],
        *,
        entry: str | None = None,
        ack_by: float | None = None,
        shares_with: Who | None = None,
    ) -> None:
        made = Holding(claim_id, who, self.number + 1, [], self.now, entry, ack_by)
        for want, claim, thing, result in self.met(who, wants):
            is_shared = shares_with is not None and same_holder(claim.who, shares_with)
            is_met = result in ("conflict", "carve") or (result == "warn" and not thing.writes)
            if result == "agreed" or (is_shared and is_met):
                self.agreed.append((claim.id, claim_id, frozenset(want.atoms)))
            elif result == "carve":
                self.carves.append((claim.id, claim_id, frozenset(want.atoms)))
            elif result == "warn" and not thing.writes:
                thing.stale |= want.atoms
        for want in wants:
            hours = want.hours or 4
            made.things.append(Thing(**want.__dict__, ends=self.now + hours * HOUR))
        self.claims[claim_id] = made

    def keep(self, who: Who, entry: str) -> str:
        waiter = self.line.get(entry)
        if waiter is not None and same_holder(waiter.who, who):
            waiter.asked = self.now
            self.free(waiter.wants)
            self.serve()
        if entry in self.line and same_holder(self.line[entry].who, who):
            return "waiting"
        for claim in self.claims.values():
            if claim.entry == entry and same_holder(claim.who, who):
                claim.ack_by = None
                return "claim_granted"
        raise Refused("not_waiting")

    def cancel(self, who: Who, entry: str) -> str:
        waiter = self.line.get(entry)
        if waiter is None or not same_holder(waiter.who, who):
            return "not_cancelled"
        self.leave(waiter)
        return "queue_cancelled"

    def release(self, who: Who, claim_id: str) -> str:
        claim = self.claims.get(claim_id)
        if claim is not None and (same_holder(claim.who, who) or same_session(claim.who, who)):
            self.end(claim)
        return "claim_released"

    def leave_all(self, who: Who) -> str:
        for claim in [one for one in self.claims.values() if same_session(one.who, who)]:
            self.end(claim)
        for waiter in [one for one in self.line.values() if same_session(one.who, who)]:
            self.leave(waiter)
        return "claim_released"

    def extend(self, who: Who, claim_id: str, hours: float) -> str:
        claim = self.claims.get(claim_id)
        if claim is None or (same_holder(claim.who, who) and claim.ends <= self.now):
            raise Refused("not_found")
        if not same_holder(claim.who, who):
            raise Refused("not_yours")
        for one in claim.things:
            if one.clamped_from is None and one.ends > self.now:
                one.ends = max(one.ends, self.now + hours * HOUR)
        return "claim_extended"

    def tidy(self, _who: Who) -> str:
        for claim in sorted(self.claims.values(), key=lambda one: (one.number, one.id)):
            if self.is_silent(claim):
                self.end(claim)
        return "tidy"

    def request(self, who: Who, one: str, claim_id: str, wants: list[Want]) -> str:
        claim = self.claims.get(claim_id)
        if claim is None:
            raise Refused("not_found")
        if same_holder(claim.who, who):
            raise Refused("own_claim")
        if any(same_holder(plea.who, who) for plea in self.pending(claim)):
            return "request_filed"
        asked = wants or [Want(thing.pattern, thing.symbols, is_module=thing.is_module) for thing in claim.things]
        for thing in claim.things:
            if thing.clamped_from is None:
                thing.clamped_from, thing.ends = thing.ends, min(thing.ends, self.now + BEATS + SHORT)
        self.pleas["r-" + one] = Plea("r-" + one, claim_id, who, claim.who, asked)
        return "request_filed"

    def answer(
        self, who: Who, one: str, request: str, word: str, item: str | None, pattern: str, symbols: tuple[str, ...]
    ) -> str:
        plea = self.pleas.get(request)
        if plea is None:
            raise Refused("not_found")
        claim = self.claims.get(plea.claim)
        may = same_holder(plea.holder, who) or same_session(plea.holder, who)
        if same_holder(plea.who, who) or not may:
            raise Refused("not_yours")
        if plea.decision != "pending" or claim is None:
            plea.late = word
            return "late_answer"
        claim.active = self.now
        if word == "approved":
            plea.decision = word
            self.end(claim)
            if not self.look(plea.who, plea.wants):
                self.grant("c-" + one, plea.who, self.anew(plea.who, plea.wants), ack_by=self.now + ACK)
        elif word == "denied":
            plea.decision = word
        else:
            thing = self.named(claim, item)
            own = Want(pattern, thing.symbols if word == "narrowed" else symbols or thing.symbols)
            if not own.atoms <= thing.atoms:
                raise Refused("not_contained")
            (self.narrow if word == "narrowed" else self.share)(claim, thing, plea, own, one)
            plea.decision = word
        if claim.id in self.claims and not self.pending(claim):
            for left in claim.things:
                left.ends, left.clamped_from = left.clamped_from or left.ends, None
        return "request_answered"

    def named(self, claim: Holding, item: str | None) -> Thing:
        if item is None and len(claim.things) == 1:
            return claim.things[0]
        for thing in claim.things:
            if thing.pattern == item:
                return thing
        raise Refused("which_item")

    def narrow(self, _claim: Holding, thing: Thing, _plea: Plea, own: Want, _one: str) -> None:
        if own.atoms >= thing.atoms:
            raise Refused("not_narrower")
        self.freed |= FILES[thing.pattern]
        thing.pattern = own.pattern
        thing.ends = max(thing.clamped_from or thing.ends, self.now + 4 * HOUR)
        thing.clamped_from = None

    def share(self, claim: Holding, _thing: Thing, plea: Plea, own: Want, one: str) -> None:
        self.freed |= FILES[own.pattern]
        shared = Want(own.pattern, own.symbols, writes=any(want.writes for want in plea.wants), hours=4)
        if any(not same_holder(other.who, claim.who) for other in self.look(plea.who, [shared])):
            raise Refused("harms_others")
        self.grant("c-" + one, plea.who, [shared], ack_by=self.now + ACK, shares_with=claim.who)
