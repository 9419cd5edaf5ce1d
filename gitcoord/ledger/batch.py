"""A batch: commands decided one after another on a working copy of the ledgers that were read together.

Rules:
  * Commands are decided in the order in which they arrived, each on the state that the one before left.
  * A command without a project goes where the caller already holds a step, else to the oldest active project
    that has one available, else to one whose holder fell silent. Projects that only a newer version may write, or
    that are damaged, are passed over, and the reply names them.
  * A command whose swap may still be on its way stays in the ledger that it was sent to (its *pin*). Where a swap
    was *sent* before and is decided now, that ledger is asked first whether it landed.
  * What is refused changes nothing and makes no commit of its own; `refused` is what later rides in another's.
  * The time of a tip that is far ahead of ours is not believed, and every reply about that ledger says so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gitcoord.core import claim_rules, step_paths, step_rules
from gitcoord.core import outcome as outcomes
from gitcoord.core.board import Board
from gitcoord.core.claim_commands import ClaimCommand, EndStepClaims
from gitcoord.core.claims import Claim
from gitcoord.core.commands import ClaimStep, Command
from gitcoord.core.context import Context, Decision
from gitcoord.core.doc import Json, time_text
from gitcoord.core.outcome import Outcome, Verdict
from gitcoord.core.patterns import PatternError
from gitcoord.core.policy import Policy
from gitcoord.core.presence import Life
from gitcoord.core.projects import ProjectStatus
from gitcoord.core.register import Register
from gitcoord.core.replies import claim_documents, documents
from gitcoord.core.steps import Step
from gitcoord.errors import BugError, CoordError, MissingObjectError
from gitcoord.ledger.entry import Entry, Reply, entry_of, failed
from gitcoord.ledger.passed_over import Passed, notices_of, unwritable
from gitcoord.ledger.reader import LedgerState, Reader
from gitcoord.ledger.records import Done
from gitcoord.ledger.refs import Refs
from gitcoord.ledger.sight import Sight
from gitcoord.remote.protocol import Oid, RefName

AHEAD_MAX = timedelta(minutes=10)  # a tip further ahead than this has a wrong clock and is not believed


@dataclass(slots=True)
class Plan:
    """What a batch wants to write to one ledger.

    Attributes:
        state: the ledger with the board after the decisions so far.
        now: the time that all of its commands are decided by, and that the record says.
        may_judge: as in `Context`; whoever repeats the decisions has to know.
        ahead: the time of the tip, where it is so far ahead that it was not believed.
        done: the commands that change something, in order.
        replies: for every command decided here, what its caller gets once the swap has landed.
        before: the outcomes of commands that were applied before; they stay on record, for we may die as well.
        relied: other ledgers that a decision here was made by, which must be unchanged.
        refusals: what the commit carries of this clone's earlier refusals; see `refusals`.
    """

    state: LedgerState
    now: datetime
    may_judge: bool = True
    ahead: datetime | None = None
    done: list[Done] = field(default_factory=list[Done])
    replies: dict[str, Reply] = field(default_factory=dict[str, Reply])
    before: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    relied: set[RefName] = field(default_factory=set[RefName])
    refusals: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])

    @property
    def judged_by(self) -> dict[str, Oid | None]:
        """Return the heartbeat of each clone whose silence was acted on; `None`: it has none."""
        return {
            held.clone or "": Oid(life.sighting.heartbeat) if life.sighting.heartbeat else None
            for one in self.done
            for held, life in one.decision.judged
            if life.life is Life.STALE and life.sighting.locked is None and held.clone
        }


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that the rules refused, in the ledger that they read for it."""

    ref: RefName
    entry: Entry
    outcome: Outcome


class Batch:
    """Decides entries on what was read; `plans` is what is left to swap."""

    def __init__(  # noqa: PLR0913 - everything that a decision reads, by name
        self,
        *,
        reader: Reader,
        refs: Refs,
        listed: Mapping[RefName, Oid],
        clone: str,
        now: datetime,
        policy: Policy,
        sight: Sight,
        limit_factor: int,
        may_judge: bool,
        beat_s: int,
        pins: Mapping[str, RefName],
        sent: Mapping[str, RefName],
        may_retry: bool,
    ) -> None:
        """Start from what was listed."""
        self._reader = reader
        self._refs = refs
        self._listed = listed
        self._clone = clone
        self._now = now
        self._policy = policy
        self._sight = sight
        self._factor = limit_factor
        self._may_judge = may_judge
        self._beat_s = beat_s
        self._pins = pins
        self._sent = sent
        self._may_retry = may_retry
        self._projects: list[RefName] | None = None
        self._passed: list[Passed] = []
        self.plans: dict[RefName, Plan] = {}
        self.answered: dict[str, Reply] = {}
        self.refused: list[Refused] = []
        self.links: list[tuple[RefName, RefName]] = []

    def add(self, entry: Entry) -> None:
        """Decide one entry."""
        try:
            command = entry.command
            if isinstance(command, ClaimCommand):
                self._decide_claims(entry, command)
                return
            pin = self._pins.get(entry.uid)
            if entry.uid in self._sent and self._has_landed(self._sent[entry.uid], entry):
                return
            if pin is not None:
                self._decide_in(pin, entry, command)
            elif entry.project is not None:
                self._decide_in(self._refs.steps(entry.project), entry, command)
            else:
                self._decide_anywhere(entry, command)
        except MissingObjectError as error:
            if not self._may_retry:  # a ref moved while we fetched what it named: list again
                self.answered[entry.uid] = failed(error)
        except CoordError as error:
            self.answered[entry.uid] = failed(error)

    def groups(self) -> list[list[Plan]]:
        """Return the plans that write, those together that have to land together; claims before steps."""
        linked = {ref for pair in self.links for ref in pair}
        together = [plan for ref, plan in sorted(self.plans.items()) if plan.done and ref in linked]
        alone = [[plan] for ref, plan in self.plans.items() if plan.done and ref not in linked]
        return [*([together] if together else []), *alone]

    def _plan(self, ref: RefName) -> Plan:
        if ref not in self.plans:
            state = self._reader.project(ref, self._listed.get(ref))
            now, at = _not_before(state, self._now), state.meta.at
            self.plans[ref] = Plan(state, now, self._may_judge, at if at and at > now + AHEAD_MAX else None)
        return self.plans[ref]

    def _decide_in(self, ref: RefName, entry: Entry, command: Command) -> None:
        if self._has_landed(ref, entry):
            return
        plan = self._plan(ref)
        self._take_step(plan, entry, command, step_rules.decide(plan.state.board, command, self._context(entry, plan)))

    def _take_step(self, plan: Plan, entry: Entry, command: Command, decision: Decision) -> None:
        """Take a decision on a project, with what it brings about in the claims ledger."""
        before, was_done = plan.state.board, len(plan.done)
        self._take(plan, entry, decision)
        if before is None or len(plan.done) == was_done:
            return
        steps = [(before.steps.get(doc.step_num), doc) for doc in decision.changes if isinstance(doc, Step)]
        repo = before.project.repo or entry.repo
        claim_id = command.claim_id if isinstance(command, ClaimStep) else ""
        for old, new in steps:
            for linked in step_paths.following(old, new, claim_id, repo) if old else ():
                self._link(plan, entry, linked)

    def _link(self, plan: Plan, entry: Entry, command: ClaimCommand) -> None:
        claims = self._plan(self._refs.claims)
        decision = claim_rules.decide(claims.state.register or Register(), command, self._context(entry, claims))
        if not decision.outcome.is_done:  # `Context.paths` asked the same before
            message = f"The paths of a step could not be claimed: {decision.outcome.message}"
            raise BugError(message)
        if not decision.changes:
            return
        claims.state.check_writable()
        claims.state = _after(claims.state, decision)
        claims.done.append(Done(entry_of(entry.uid, command, entry.actor, None, repo=entry.repo), "", decision))
        self.links.append((plan.state.ref, claims.state.ref))

    def _paths(self, entry: Entry, plan: Plan) -> Callable[[Step], Outcome | None]:
        """Return why the paths of a step cannot be claimed, by trying it."""

        def try_paths(step: Step) -> Outcome | None:
            if not step.paths:
                return None
            claims = self._plan(self._refs.claims)
            context = self._context(entry, claims)
            register = claims.state.register or Register()
            own = EndStepClaims(step=step.id, agent=step.agent_id or "", clone=step.clone or "")
            register = claim_rules.apply(register, claim_rules.decide(register, own, context))
            repo = (plan.state.board.project.repo if plan.state.board else None) or entry.repo
            try:
                call = step_paths.call_of(step, 0, "c-", repo)
            except PatternError as error:
                return outcomes.refused("bad_paths", f"Step {step.id}: {error}", "Mend it: update_step(…, paths=…).")
            outcome = claim_rules.decide(register, call, context).outcome
            return None if outcome.is_done else outcome

        return try_paths

    def _is_void(self, claim: Claim) -> bool:
        if claim.step is None:
            return False
        ref = self._refs.steps(claim.step.partition("/")[0])
        try:
            is_void = step_paths.is_void(claim, self._plan(ref).state.board)
        except CoordError:
            return False  # what cannot be read is not judged
        if is_void:
            self._plan(self._refs.claims).relied.add(ref)
        return is_void

    def _decide_claims(self, entry: Entry, command: ClaimCommand) -> None:
        if self._has_landed(self._refs.claims, entry):
            return
        plan = self._plan(self._refs.claims)
        register = plan.state.register or Register()
        self._take(plan, entry, claim_rules.decide(register, command, self._context(entry, plan)))

    def _has_landed(self, ref: RefName, entry: Entry) -> bool:
        """Answer an entry that the ledger says was applied before."""
        plan = self._plan(ref)
        before = self._reader.applied(plan.state, self._clone).outcome_of(entry.uid)
        if before is not None:
            plan.before[entry.uid] = before
            self.answered[entry.uid] = _reply(plan, before)
        return before is not None

    def _take(self, plan: Plan, entry: Entry, decision: Decision) -> None:
        if not decision.changes:
            if entry.uid in self._pins and not plan.done:
                return  # its first try may still land: nothing is said before the ledger has moved
            target = plan.replies if plan.done else self.answered
            target[entry.uid] = _reply(plan, decision.outcome)
            self._note_refusal(plan, entry, decision.outcome)
            return
        plan.state.check_writable()
        plan.state = _after(plan.state, decision)
        plan.done.append(Done(entry, "", decision))
        plan.replies[entry.uid] = _reply(plan, decision.outcome)

    def _decide_anywhere(self, entry: Entry, command: Command) -> None:
        if not isinstance(command, ClaimStep):
            self.answered[entry.uid] = Reply(outcome=outcomes.invalid("no_project", "No project is named."))
            return
        candidates = [plan for plan in map(self._plan, self._active(entry)) if plan.state.board]
        if not candidates and self._passed:
            raise self._passed[0][1]
        found = self._where_held(entry, candidates) or self._where_available(command, candidates)
        if found is not None:
            self._decide_in(found.state.ref, entry, command)
        else:
            self._take_over_anywhere(entry, command, candidates)
        self._add_notices(entry.uid, notices_of(self._passed))

    def _add_notices(self, uid: str, notices: list[dict[str, Json]]) -> None:
        for replies in (self.answered, *(plan.replies for plan in self.plans.values())):
            if uid in replies:
                replies[uid] = replies[uid].evolve(notices=(*replies[uid].notices, *notices))

    def _note_refusal(self, plan: Plan, entry: Entry, outcome: Outcome) -> None:
        if outcome.verdict is Verdict.REFUSED:
            self.refused.append(Refused(plan.state.ref, entry, outcome))

    def _take_over_anywhere(self, entry: Entry, command: ClaimStep, candidates: list[Plan]) -> None:
        refusals: list[Outcome] = []
        for plan in candidates:
            decision = step_rules.decide(plan.state.board, command, self._context(entry, plan))
            if decision.outcome.is_done:
                self._take_step(plan, entry, command, decision)
                return
            refusals.append(decision.outcome)
        plan_with_changes = next((plan for plan in candidates if plan.done), None)
        target = plan_with_changes.replies if plan_with_changes else self.answered
        outcome = _nowhere(refusals)
        target[entry.uid] = Reply(outcome=outcome)
        if candidates:
            self._note_refusal(candidates[0], entry, outcome)

    def _active(self, entry: Entry) -> list[RefName]:
        """Return the projects that a claim without one may take from; `_passed` is what was passed over."""
        if self._projects is None:
            states = [state for state in self._reader.projects(self._listed) if state.board]
            states.sort(key=lambda state: (state.board.project.created_at, state.ref) if state.board else ())
            self._projects = [state.ref for state in states]
        found = [ref for ref in self._projects if _is_for(self._plan(ref).state.board, entry.repo)]
        self._passed = [(ref, error) for ref, error in self._reader.problems.items() if self._refs.is_steps(ref)]
        self._passed += [one for ref in found for one in unwritable(self._plan(ref).state)]
        return [ref for ref in found if self._plan(ref).state.is_writable]

    def _where_held(self, entry: Entry, candidates: list[Plan]) -> Plan | None:
        holders = entry.actor.holders
        return next((plan for plan in candidates if plan.state.board and plan.state.board.held_by(*holders)), None)

    def _where_available(self, command: ClaimStep, candidates: list[Plan]) -> Plan | None:
        for plan in candidates:
            board = plan.state.board
            if board is not None and any(
                command.scope in (None, board.steps[rank[2]].scope) for rank in board.available
            ):
                return plan
        return None

    def _context(self, entry: Entry, plan: Plan) -> Context:
        return Context(
            now=plan.now,
            actor=entry.actor,
            policy=self._policy,
            look=self._sight.look,
            limit_factor=self._factor,
            may_judge=plan.may_judge,
            beat_s=self._beat_s,
            paths=self._paths(entry, plan),
            is_void=self._is_void,
        )


def _after(state: LedgerState, decision: Decision) -> LedgerState:
    if state.register is not None:
        return replace(state, register=claim_rules.apply(state.register, decision))
    return replace(state, board=step_rules.apply(state.board, decision))


def _not_before(state: LedgerState, now: datetime) -> datetime:
    """Return the time of a ledger's next transaction: not before its last, unless that one's clock was wrong."""
    at = state.meta.at
    return at if at is not None and now < at <= now + AHEAD_MAX else now


def _ahead(plan: Plan) -> dict[str, Json]:
    """Say that somebody's clock was wrong; nothing is decided by it, and leases only get longer."""
    tip, now = time_text(plan.ahead or plan.now), time_text(plan.now)
    message = f"{plan.state.ref} was last written at {tip}, and here it is {now}: one of the two clocks is wrong."
    return {"notice": "clock_ahead", "ref": plan.state.ref, "tip_at": tip, "now": now, "message": message}


def _is_for(board: Board | None, repo: str | None) -> bool:
    if board is None or board.project.status is not ProjectStatus.ACTIVE:
        return False
    return repo is None or board.project.repo in (None, repo)


def _reply(plan: Plan, outcome: Outcome) -> Reply:
    board = plan.state.board
    name = board.project.name if board else None
    notices = (_ahead(plan),) if plan.ahead else ()
    if plan.state.register is not None:
        return Reply(outcome=outcome, docs=claim_documents(plan.state.register, outcome), notices=notices)
    return Reply(outcome=outcome, project=name, docs=documents(board, outcome), notices=notices)


def _nowhere(refusals: list[Outcome]) -> Outcome:
    if not refusals:
        hint = "Create one: create_project(…); see list_projects()."
        return outcomes.refused("no_active_project", "There is no active project.", hint)
    if len(refusals) == 1:
        return refusals[0]
    message = " ".join(one.message for one in refusals[:3])
    waits: list[Json] = [one.facts["ask_again_s"] for one in refusals if "ask_again_s" in one.facts]
    facts: dict[str, Json] = {"projects": len(refusals), **({"ask_again_s": waits[0]} if waits else {})}
    hint = next((one.hint for one in refusals if one.hint), "")
    return outcomes.refused("nothing_available", message, hint, **facts)
