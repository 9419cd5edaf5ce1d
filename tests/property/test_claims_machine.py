"""Random histories of one register: the rules and a naive model agree after every command.

SAFE-1 is also decided from the documents alone, by brute force over files and symbols, after every command.
"""

from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gitcoord.core.claims.claim import Claim, Item, Kind, Mode, Part, Why
from gitcoord.core.claims.claim_commands import (
    Answer,
    AnswerRequest,
    CancelEntry,
    ClaimCommand,
    ExtendClaims,
    KeepWaiting,
    ReleaseClaims,
    RequestRelease,
    Tidy,
    Urgency,
    Wish,
)
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.liveness import Sighting
from gitcoord.core.documents.policy import Policy
from tests.property.length import EXAMPLES, examples
from tests.property.naive_claims import (
    DEAD,
    FILES,
    HOUR,
    IDLE,
    Atom,
    NaiveClaims,
    Plea,
    Want,
    Who,
    atoms_of,
)
from tests.unit.core.claim_play import NOW, Claims

PEOPLE: list[Who] = [
    ("ann/cli/wt-1", "laptop", "s-ann"),
    ("ann/cli/wt-1/tests", "laptop", "s-ann"),
    ("bob/cli/wt-2", "desktop", "s-bob"),
    ("bob/cli/wt-4", "desktop", "s-bob-4"),
]
SESSIONS = sorted({who[2] for who in PEOPLE})
NEVER = "c-never"
SYMBOLS = [(), (), ("A",), ("A::m",), ("A::n",), ("B",), ("A::m", "B")]
WANTS = st.builds(
    Want,
    pattern=st.sampled_from(["src/a.py", "src/a.py", "src/b.py", "lib/c.py", "src/*.py", "**"]),
    symbols=st.sampled_from(SYMBOLS),
    writes=st.sampled_from([True, True, True, False]),
    is_module=st.sampled_from([False, False, False, True]),
    hours=st.sampled_from([None, 1, 8]),
)
CALLS = st.lists(WANTS, min_size=1, max_size=2)
STEPS_S = st.sampled_from([5, 31, 31, 61, 61, 121, 181, 301, 421, 1_801, HOUR, 4 * HOUR + 31])
WHO = st.sampled_from(PEOPLE)


def wish_of(want: Want) -> Wish:
    return Wish(
        pattern=want.pattern,
        symbols=want.symbols,
        mode=Mode.WRITE if want.writes else Mode.READ,
        kind=Kind.MODULE if want.is_module else Kind.FILE,
        hours=None if want.hours is None else float(want.hours),
    )


def atoms(thing: Item | Part) -> set[Atom]:
    return atoms_of(thing.pattern, thing.symbols)


def writes(claim: Claim) -> set[Atom]:
    """Return what a claim may write by its document."""
    out: set[Atom] = set()
    for item in claim.items:
        if item.mode is Mode.WRITE:
            out |= atoms(item) - set().union(*(atoms(part) for part in item.carved))
    return out


def agreed(claim: Claim, other: Claim) -> set[Atom]:
    """Return what a claim says that it shares with another."""
    shared = [part for part in claim.partners if part.claim == other.id and part.why is Why.AGREED]
    return set().union(*(atoms(part) for part in shared))


class ClaimsMachine(RuleBasedStateMachine):
    """Commands of several agents of two clones, for few files and symbols."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = 0

    @initialize(strict=st.booleans(), grants=st.integers(5, 9))
    def begin(self, strict: bool, grants: int) -> None:
        self.model = NaiveClaims(strict=strict)
        self.model.grants = grants
        self.game = Claims(register=Register(grants=grants), policy=Policy(strict_read=strict))

    # --- the world ---

    @rule(by=STEPS_S)
    def pass_time(self, by: int) -> None:
        self.tick(by)

    def tick(self, by: int) -> None:
        self.model.now += by
        self.game.tick(timedelta(seconds=by))

    @rule(session=st.sampled_from(SESSIONS), how=st.sampled_from(["wakes", "silent", "crashed"]))
    def fall_silent_crash_or_wake(self, session: str, how: str) -> None:
        if how == "wakes":
            self.model.silent_since.pop(session, None)
            self.model.crashed.discard(session)
            self.game.seen.pop(session, None)
        else:
            self.lose(session, crashed=how == "crashed")

    def lose(self, session: str, *, crashed: bool) -> None:
        """Let nobody hear of a session any more: its clone beats without it, or its lock is found free."""
        if crashed:
            self.model.crashed.add(session)
            self.game.seen[session] = Sighting(locked=False)
        elif session not in self.game.seen:
            self.model.silent_since[session] = self.model.now
            seen = Sighting(beaten_at=self.game.now, interval_s=60, clone_beats=True, heartbeat="e" * 40)
            self.game.seen[session] = seen

    # --- commands ---

    def do(self, who: Who, command: ClaimCommand, word: str, *arguments: object) -> None:
        expected = self.model.decide(who, word, *arguments)
        agent, clone, session = who

        outcome = self.game.do(command, Actor(agent=agent, clone=clone, session=session))

        if outcome.is_done or expected not in {"not_waiting", "conflict", "behind_the_line"}:
            assert outcome.code == expected, (outcome, command)

    def draw(self) -> str:
        self.drawn += 1
        return f"{self.drawn:08}"

    @rule(wants=CALLS, who=WHO, by=st.sampled_from([5, 61]), wait=st.sampled_from([0, 90, 600]))
    def claim_a_little_later(self, wants: list[Want], who: Who, by: int, wait: int) -> None:
        self.tick(by)
        self.ask(who, wants, Urgency.NORMAL, wait)

    @rule(who=WHO, wants=CALLS, urgency=st.sampled_from(list(Urgency)), wait=st.sampled_from([0, 0, 90, 600]))
    def claim(self, who: Who, wants: list[Want], urgency: Urgency, wait: int) -> None:
        self.ask(who, wants, urgency, wait)

    @precondition(lambda self: self.model.claims)
    @rule(who=WHO, want=WANTS, data=st.data(), wait=st.sampled_from([90, 600]))
    def claim_what_is_held(self, who: Who, want: Want, data: st.DataObject, wait: int) -> None:
        held = self.model.claims[data.draw(st.sampled_from(sorted(self.model.claims)))]
        want.pattern = data.draw(st.sampled_from(held.things)).pattern
        self.ask(who, [want], Urgency.NORMAL, wait)

    @precondition(lambda self: any(thing.symbols for held in self.model.claims.values() for thing in held.things))
    @rule(data=st.data(), symbols=st.sampled_from([("A",), ("A::n",), ("B",)]))
    def claim_more_symbols(self, data: st.DataObject, symbols: tuple[str, ...]) -> None:
        some = [(held.who, thing) for held in self.model.claims.values() for thing in held.things if thing.symbols]
        who, thing = data.draw(st.sampled_from(some))
        both = tuple(dict.fromkeys((*thing.symbols, *symbols)))
        self.ask(who, [Want(thing.pattern, both, thing.writes)], Urgency.NORMAL, 0)

    def ask(self, who: Who, wants: list[Want], urgency: Urgency, wait: int) -> None:
        one = self.draw()
        call = self.game.call(*(wish_of(want) for want in wants), urgency=urgency, wait_s=wait)
        call = call.evolve(claim_id=f"c-{one}", entry_id=f"q-{one}")
        self.do(who, call, "ask", one, wants, urgency.value, wait)

    @precondition(lambda self: self.model.line)
    @rule(data=st.data(), by=st.sampled_from([0, 61, 100]), stays=st.sampled_from([True, True, False]))
    def stay_or_leave_the_line(self, data: st.DataObject, by: int, stays: bool) -> None:
        self.tick(by)
        waiter = self.model.line[data.draw(st.sampled_from(sorted(self.model.line)))]
        who = waiter.who if data.draw(st.integers(0, 4)) else data.draw(WHO)
        if stays:
            self.do(who, KeepWaiting(entry_id=waiter.id), "keep", waiter.id)
        else:
            self.do(who, CancelEntry(entry_id=waiter.id), "cancel", waiter.id)

    def some_claim(self, data: st.DataObject) -> tuple[str, Who]:
        """Draw a claim with its holder, mostly; or a name of none, or another's."""
        if not self.model.claims or data.draw(st.integers(0, 9)) == 0:
            return NEVER, data.draw(WHO)
        claim = self.model.claims[data.draw(st.sampled_from(sorted(self.model.claims)))]
        return claim.id, claim.who if data.draw(st.integers(0, 4)) else data.draw(WHO)

    @precondition(lambda self: self.model.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        claim, who = self.some_claim(data)
        self.do(who, ReleaseClaims(ids=(claim,)), "release", claim)

    @rule(who=WHO, sure=st.integers(0, 4))
    def end_a_session(self, who: Who, sure: int) -> None:
        if sure == 0:
            self.do(who, ReleaseClaims(whole_session=True), "leave_all")

    @precondition(lambda self: self.model.claims)
    @rule(data=st.data(), hours=st.sampled_from([1, 6]))
    def extend(self, data: st.DataObject, hours: int) -> None:
        claim, who = self.some_claim(data)
        self.do(who, ExtendClaims(ids=(claim,), hours=float(hours)), "extend", claim, hours)

    @rule(who=WHO)
    def tidy(self, who: Who) -> None:
        self.do(who, Tidy(), "tidy")
        gone = set(self.model.pleas) - set(self.game.register.requests)
        assert all(self.model.pleas[one].decision != "pending" for one in gone)
        for one in gone:
            del self.model.pleas[one]

    @precondition(lambda self: self.model.claims)
    @rule(who=WHO, data=st.data(), wants=st.lists(WANTS, max_size=1))
    def ask_for_release(self, who: Who, data: st.DataObject, wants: list[Want]) -> None:
        claim, _ = self.some_claim(data)
        one = self.draw()
        wishes = tuple(wish_of(want) for want in wants)
        command = RequestRelease(request_id=f"r-{one}", claim_id=claim, reason="needed", wishes=wishes)
        self.do(who, command, "request", one, claim, wants)

    @precondition(lambda self: self.model.pleas)
    @rule(
        data=st.data(),
        answer=st.sampled_from(list(Answer)),
        pattern=st.sampled_from(list(FILES)),
        symbols=st.sampled_from(SYMBOLS),
    )
    def answer(self, data: st.DataObject, answer: Answer, pattern: str, symbols: tuple[str, ...]) -> None:
        pending = sorted(one for one, plea in self.model.pleas.items() if plea.decision == "pending")
        some = pending if pending and data.draw(st.integers(0, 4)) else sorted(self.model.pleas)
        plea = self.model.pleas[data.draw(st.sampled_from(some))]
        who = plea.holder if data.draw(st.integers(0, 4)) else data.draw(WHO)
        self.reply(data, who, plea, answer, pattern, symbols)

    @precondition(lambda self: self.model.claims)
    @rule(
        data=st.data(),
        asker=WHO,
        crashed=st.booleans(),
        answer=st.sampled_from(list(Answer)),
        pattern=st.sampled_from(list(FILES)),
        symbols=st.sampled_from(SYMBOLS),
    )
    def answer_for_a_session_that_is_gone(
        self, data: st.DataObject, asker: Who, crashed: bool, answer: Answer, pattern: str, symbols: tuple[str, ...]
    ) -> None:
        """A request is pending for minutes, silence takes longer: left to chance the two seldom meet."""
        claim = self.model.claims[data.draw(st.sampled_from(sorted(self.model.claims)))]
        self.lose(claim.who[2], crashed=crashed)
        self.tick(DEAD if crashed else IDLE + 1)
        one = self.draw()
        command = RequestRelease(request_id=f"r-{one}", claim_id=claim.id, reason="needed")
        self.do(asker, command, "request", one, claim.id, [])
        plea = self.model.pleas.get(f"r-{one}")
        if plea is not None:
            self.reply(data, claim.who, plea, answer, pattern, symbols)

    def reply(
        self, data: st.DataObject, who: Who, plea: Plea, answer: Answer, pattern: str, symbols: tuple[str, ...]
    ) -> None:
        held = self.model.claims.get(plea.claim)
        item = data.draw(st.sampled_from([thing.pattern for thing in held.things])) if held else None
        one = self.draw()
        command = AnswerRequest(
            request_id=plea.id, claim_id=f"c-{one}", answer=answer, item=item, pattern=pattern, symbols=symbols
        )
        self.do(who, command, "answer", one, plea.id, answer.value, item, pattern, symbols)

    # --- what holds after each of them ---

    @invariant()
    def no_two_holders_may_write_the_same(self) -> None:
        claims = self.game.register.claims.values()
        may = {claim.id: writes(claim) for claim in claims}
        for one, other in combinations(claims, 2):
            if one.holder != other.holder:
                both = agreed(one, other) & agreed(other, one)
                assert may[one.id] & may[other.id] <= both, (one, other)  # SAFE-1

    @invariant()
    def the_register_is_the_model(self) -> None:
        register, model = self.game.register, self.model
        assert set(register.claims) == set(model.claims)
        for name, claim in register.claims.items():
            known = model.claims[name]
            assert (claim.agent, claim.clone, claim.session) == known.who
            things = [(one.pattern, one.symbols, one.ends, one.clamped_from) for one in known.things]
            assert [self.spelled(item) for item in claim.items] == things, claim
            assert writes(claim) == model.has(known), claim
            assert self.moment(claim.ack_by) == known.ack_by
        assert set(register.entries) == set(model.line)
        assert register.grants == model.grants

    @invariant()
    def the_requests_are_the_model_s(self) -> None:
        requests = self.game.register.requests
        assert {one.id: (one.decision, one.late) for one in requests.values()} == {
            one.id: (one.decision, one.late) for one in self.model.pleas.values()
        }

    def spelled(self, item: Item) -> tuple[str, tuple[str, ...], float | None, float | None]:
        return item.pattern, item.symbols, self.moment(item.expires_at), self.moment(item.clamped_from)

    def moment(self, when: object) -> float | None:
        return None if when is None else (when - NOW).total_seconds()  # type: ignore[operator]


ClaimsMachine.TestCase.settings = settings(max_examples=examples(300), stateful_step_count=50, deadline=None)


@pytest.mark.rule("SAFE-1", "LIVE-3", "CLAIM-2", "CLAIM-3", "CLAIM-11", "CLAIM-15", "CLAIM-16", "CLAIM-17", "CLAIM-18")
class TestClaims(ClaimsMachine.TestCase):
    """Run the machine."""


class LongClaims(ClaimsMachine):
    """The same, for longer."""


LongClaims.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=80, deadline=None)


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.rule("SAFE-1", "LIVE-3")
class TestClaimsAtLength(LongClaims.TestCase):
    """Run the machine for minutes."""
