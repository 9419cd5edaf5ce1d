"""A register to play with in the tests of claims: give a command, get its outcome, look at what is held.

Whatever the rules refuse must leave no change, and the tables of the register must be as if made anew; every `do`
checks both.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from gitcoord.core.claims import claim_table
from gitcoord.core.claims.claim import Claim, Item, Kind, Mode, Why
from gitcoord.core.claims.claim_commands import (
    Answer,
    AnswerRequest,
    ClaimCommand,
    ClaimFiles,
    KeepWaiting,
    ReleaseClaims,
    RequestRelease,
    Urgency,
    Wish,
)
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.working_copy import ClaimContext
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.decision import Decision
from gitcoord.core.documents.doc import canonical as spelled
from gitcoord.core.documents.json_text import Json, load_object
from gitcoord.core.documents.liveness import Held, Sighting
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.policy import Policy
from gitcoord.core.patterns.index import PatternIndex
from gitcoord.core.patterns.path_pattern import literal

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ANN = Actor(agent="ann/cli/wt-1", clone="laptop", session="s-ann")
ANN_TESTS = Actor(agent="ann/cli/wt-1/tests", clone="laptop", session="s-ann")
ANN_AGAIN = Actor(agent="ann/cli/wt-1", clone="laptop", session="s-ann-2")
BOB = Actor(agent="bob/cli/wt-2", clone="desktop", session="s-bob")
BOB_ELSEWHERE = Actor(agent="bob/cli/wt-2", clone="cloud", session="s-bob-3")
BOB_TESTS = Actor(agent="bob/cli/wt-2/tests", clone="desktop", session="s-bob")
BOB_DOCS = Actor(agent="bob/cli/wt-4", clone="desktop", session="s-bob-4")
F, G = "src/a.py", "src/b.py"


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def wish(pattern: str, *symbols: str, **fields: object) -> Wish:
    return Wish(pattern=pattern, symbols=symbols).evolve(**fields)


def read(pattern: str, *symbols: str) -> Wish:
    return wish(pattern, *symbols, mode=Mode.READ)


def module(pattern: str) -> Wish:
    return wish(pattern, kind=Kind.MODULE)


def auto(path: str) -> Wish:
    pattern = literal(path)
    return Wish(pattern=pattern.text, reading=pattern.stored, auto=True)


@dataclass
class Claims:
    """A register, a clock, and what is known of each session.

    Attributes:
        seen: what a judge sees of a session; of others that their clone beats right now.
        last: the last decision.
        over_by: by which time what other clones hold is over, where the clock is not believed.
        void: steps that have gone on without their claims.
    """

    register: Register = field(default_factory=Register)
    now: datetime = NOW
    policy: Policy = field(default_factory=Policy)
    seen: dict[str, Sighting] = field(default_factory=dict[str, Sighting])
    void: set[str] = field(default_factory=set[str])
    over_by: datetime | None = None
    beat_s: int = 60
    drawn: int = 0
    last: Decision[Register] = field(default_factory=lambda: Decision(outcomes.done("nothing"), after=Register()))

    def do(self, command: ClaimCommand, actor: Actor = ANN) -> Outcome:
        command = type(command).parse(load_object(spelled(command.dump())))
        context = ClaimContext(
            now=self.now,
            actor=actor,
            policy=self.policy,
            look=self._look,
            limit_factor=1,
            may_judge=True,
            over_by=self.over_by or self.now,
            beat_s=self.beat_s,
            is_void=lambda claim: claim.step in self.void,
        )
        before = self.register
        decision = claim_table.decide(before, command, context)
        assert self.register is before
        assert decision.outcome.is_done or not decision.changes
        self.register = decision.after
        self.last = decision
        check(self.register)
        return decision.outcome

    def _look(self, held: Held) -> Sighting:
        live = Sighting(beaten_at=self.now, interval_s=60, clone_beats=True, heartbeat="e" * 40)
        return self.seen.get(held.session_id or "", live)

    def tick(self, by: timedelta) -> None:
        self.now += by

    # --- what agents do ---

    def call(self, *wishes: Wish | str, **fields: object) -> ClaimFiles:
        self.drawn += 1
        made = tuple(wish(one) if isinstance(one, str) else one for one in wishes)
        return ClaimFiles(claim_id=f"c-{self.drawn:08}", entry_id=f"q-{self.drawn:08}", wishes=made).evolve(**fields)

    def ask(self, actor: Actor, *wishes: Wish | str, **fields: object) -> Outcome:
        return self.do(self.call(*wishes, **fields), actor)

    def claim(self, actor: Actor, *wishes: Wish | str, **fields: object) -> Claim:
        """Claim what is free."""
        outcome = self.ask(actor, *wishes, **fields)
        assert outcome.code == "claim_granted", outcome
        return self.register.claims[str(outcome.facts["claim"])]

    def wait(self, actor: Actor, *wishes: Wish | str, urgency: Urgency = Urgency.NORMAL, wait_s: int = 600) -> str:
        """Get in line, and return the id of the entry."""
        outcome = self.ask(actor, *wishes, urgency=urgency, wait_s=wait_s)
        assert outcome.code == "waiting", outcome
        return str(outcome.facts["queue_id"])

    def keep(self, actor: Actor, entry: str) -> Outcome:
        return self.do(KeepWaiting(entry_id=entry), actor)

    def release(self, actor: Actor, *claims: Claim, **fields: object) -> Outcome:
        return self.do(ReleaseClaims(ids=tuple(one.id for one in claims)).evolve(**fields), actor)

    def request(self, actor: Actor, held: Claim, *wishes: Wish) -> str:
        """File a request, and return its id."""
        self.drawn += 1
        command = RequestRelease(request_id=f"r-{self.drawn:08}", claim_id=held.id, reason="needed", wishes=wishes)
        outcome = self.do(command, actor)
        assert outcome.code == "request_filed", outcome
        return str(outcome.facts["request"])

    def answer(self, actor: Actor, request: str, answer: Answer, **fields: object) -> Outcome:
        self.drawn += 1
        command = AnswerRequest(request_id=request, claim_id=f"c-{self.drawn:08}", answer=answer)
        return self.do(command.evolve(**fields), actor)

    # --- what is to be seen ---

    def held(self, actor: Actor) -> list[Claim]:
        return self.register.claims_of(actor.holder)

    def one(self, claim: Claim) -> Claim:
        """Return the claim as it is now."""
        return self.register.claims[claim.id]

    def item(self, claim: Claim, at: int = 0) -> Item:
        return self.one(claim).items[at]

    def events(self) -> list[str]:
        return [str(one["event"]) for one in self.last.events]

    def notices(self, actor: Actor) -> list[str]:
        return [one.event for one in self.register.notices.values() if (one.agent, one.clone) == actor.holder]


def conflicts_of(outcome: Outcome) -> list[dict[str, Json]]:
    """Return what a refusal names."""
    return cast("list[dict[str, Json]]", outcome.facts["conflicts"])


def check(register: Register) -> None:
    """Check that the tables are as if made anew, and that nothing names what is gone."""
    anew = Register().with_changes(
        [
            *register.claims.values(),
            *register.entries.values(),
            *register.requests.values(),
            *register.barriers.values(),
            *register.notices.values(),
        ]
    )
    for name in ("held", "sessions", "asked", "due", "leaving", "unacknowledged"):
        assert getattr(register, name) == getattr(anew, name), name
    for name in ("index", "waiting", "barred"):
        assert _keys(getattr(register, name)) == _keys(getattr(anew, name)), name
    for claim in register.claims.values():
        _check_claim(register, claim)
    for request in register.requests.values():
        assert not request.is_pending or request.claim in register.claims


def _check_claim(register: Register, claim: Claim) -> None:
    assert claim.items
    assert claim.expires_at == max(item.expires_at for item in claim.items)
    for item in claim.items:
        assert all(part.claim in register.claims or part.why is Why.STALE for part in item.carved)
    for part in claim.partners:
        mirror = part.evolve(claim=claim.id)
        assert mirror in register.claims[part.claim].partners, "what is said of two claims is said in both"


def _keys(index: PatternIndex[tuple[str, int]]) -> dict[tuple[str, ...], object]:
    """Return every key of a pattern index with its place."""
    out: dict[tuple[str, ...], object] = {}
    todo: list[tuple[tuple[str, ...], Any]] = [((), index._root)]  # the one way to compare two of them
    while todo:
        path, node = todo.pop()
        if node.files or node.open:
            out[path] = (dict(node.files), dict(node.open))
        todo += [((*path, name), child) for name, child in node.children.items()]
    return out
