"""A caller: whose commands are decided, on ledgers that were read together, and from which vantage.

Rules:
  * Every decision is made here: of what lands (`batch`), and of what is tried without writing
    (`service.claims.dry_run`). So both read the same, and are decided by the same rules.
  * The `Context` of a decision is made here and nowhere else. What the rules of one kind of ledger read beside that,
    the kind adds (`gitcoord.ledger.kinds`).
  * Nothing in a vantage has a default: who makes it says what its clock, its transport and its watching allow.

What this file does not know: how ledgers are read, and what becomes of a decision.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.decision import Context, Decision
from gitcoord.core.documents.doc import Doc, replace
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.policy import Policy
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.kinds.ledger import LedgerState, Question
from gitcoord.ledger.liveness.holder_view import Sight
from gitcoord.remote.contract.protocol import RefName

_A = TypeVar("_A")


class Vantage(NamedTuple):
    """From where one listing is judged; see `Context` for what each part means."""

    policy: Policy
    sight: Sight
    limit_factor: int
    may_judge: bool
    beat_s: int


@dataclass(slots=True)
class Basis:
    """What a command is decided on.

    Attributes:
        state: the ledger, after the decisions so far.
        now: the time that all of its commands are decided by, and that the record says.
        vantage: what they are decided by; needed to repeat the decisions.
        over_by: as in `Context`.
        relied: other ledgers that a decision here was made by, which must be unchanged.
    """

    state: LedgerState[Any]
    now: datetime
    vantage: Vantage
    over_by: datetime
    relied: set[RefName] = field(default_factory=set[RefName], kw_only=True)


class Caller(NamedTuple):
    """One caller. `repo`: its repository. `basis`: on what a ledger's commands are decided now."""

    actor: Actor
    repo: str | None
    refs: Refs
    basis: Callable[[RefName], Basis]

    def decide(self, basis: Basis, content: Any, command: Doc) -> Decision[Any]:  # noqa: ANN401 - of any kind
        """Decide a command on a content of this ledger."""
        beside = Beside(self, basis)
        decision = basis.state.kind.decide(content, command, self.context(basis), beside)
        return replace(decision, beside=beside.answers) if beside.answers else decision

    def context(self, basis: Basis) -> Context:
        """Return what every decision of this caller reads."""
        vantage = basis.vantage
        return Context(
            now=basis.now,
            actor=self.actor,
            policy=vantage.policy,
            look=vantage.sight.look,
            limit_factor=vantage.limit_factor,
            may_judge=vantage.may_judge,
            over_by=basis.over_by,
            beat_s=vantage.beat_s,
        )


@dataclass(frozen=True, slots=True)
class Beside:
    """The ledgers beside one that is decided on; see `Others`. `answers`: to what was asked, for the record."""

    caller: Caller
    decided_on: Basis
    answers: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])

    @property
    def refs(self) -> Refs:
        """Where ledgers are."""
        return self.caller.refs

    @property
    def repo(self) -> str | None:
        """The caller's repository."""
        return self.caller.repo

    def content(self, ref: RefName) -> Any:  # noqa: ANN401 - of any kind
        """Return what a ledger holds after the decisions so far."""
        return self.caller.basis(ref).state.content

    def decide(self, ref: RefName, content: Any, command: Doc) -> Decision[Any]:  # noqa: ANN401 - of any kind
        """Return what a command of the same caller would come to."""
        return self.caller.decide(self.caller.basis(ref), content, command)

    def ask(self, question: Question[_A], about: str, look: Callable[[], _A | None]) -> _A | None:
        """Look, and note the answer unless it is the usual one."""
        answer = look()
        if answer is not None and about not in self.answers.get(question.word, ()):
            self.answers.setdefault(question.word, {})[about] = question.spell(answer)
        return answer

    def rely_on(self, ref: RefName) -> None:
        """Note that the decision rests on a ledger."""
        self.decided_on.relied.add(ref)
