"""A batch: commands decided one after another on a working copy of the ledgers that were read together.

Rules:
  * Commands are decided in the order in which they arrived, each on the state that the one before left.
  * A command without a project goes where the caller already holds a step, else to the oldest active project
    that has one available, else to one whose holder fell silent. Projects that only a newer version may write, or
    that are damaged, are passed over, and the reply names them.
  * A command whose swap may still be on its way stays in the ledger that it was sent to (its *pin*). Where a swap
    was *sent* before and is decided now, that ledger is asked first whether it landed.
  * What is refused changes nothing and makes no commit of its own; `refused` is what a later commit carries. What
    the claims ledger's next commit carries reaches the holders in that commit; TellRefusals is there to have one.
  * TXN-3: what a command raises, whatever it is, is that command's reply and no other's: what was decided before it
    stays as it was, and what comes after it is decided as if it had never come.
  * SAFE-9: a ledger that is back or gone (`lookback`) decides nothing.
  * The time of a tip that is far ahead of ours is not believed, and every reply about that ledger says so.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from gitcoord.core.claims import claim_table, step_claims
from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_commands import ClaimCommand, EndStepClaims, TellRefusals
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.rules import tell_refusals
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.decision import Context, Decision
from gitcoord.core.documents.doc import Json
from gitcoord.core.documents.outcomes import Outcome, Verdict
from gitcoord.core.documents.texts import without_texts
from gitcoord.core.patterns.path_pattern import PatternError
from gitcoord.core.steps import step_table
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.rules.take import LOOKED_AT_MAX
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import ClaimStep, Command
from gitcoord.errors import BugError, CoordError, MissingObjectError, RewoundError
from gitcoord.ledger.clone.bug_report import as_known
from gitcoord.ledger.format.entry import Entry, Reply, entry_of, failed
from gitcoord.ledger.format.records import Done
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.readers.vantage import Vantage
from gitcoord.ledger.rewinds.lookback import Lookback
from gitcoord.ledger.transactions.plan import AHEAD_MAX, Plan, Refused, after, not_before, reply_of
from gitcoord.ledger.transactions.skipped_projects import Passed, notices_of, unwritable
from gitcoord.remote.contract.protocol import Oid, RefName

TELL = "notifying the holders of refusals"  # what a report says was being done


@dataclass(kw_only=True, slots=True, eq=False)
class Batch:
    """Decides entries on what was read; `plans` is what is left to swap."""

    reader: Reader
    refs: Refs
    listed: Mapping[RefName, Oid]
    clone: str
    now: datetime
    vantage: Vantage
    lookback: Lookback
    pins: Mapping[str, RefName]
    sent: Mapping[str, RefName]
    may_retry: bool
    plans: dict[RefName, Plan] = field(default_factory=dict[RefName, Plan], init=False)
    answered: dict[str, Reply] = field(default_factory=dict[str, Reply], init=False)
    refused: list[Refused] = field(default_factory=list[Refused], init=False)
    links: list[tuple[RefName, RefName]] = field(default_factory=list[tuple[RefName, RefName]], init=False)
    _projects: list[RefName] | None = field(default=None, init=False)
    _rewound: list[Passed] = field(default_factory=list[Passed], init=False)
    _passed: list[Passed] = field(default_factory=list[Passed], init=False)
    _tellers: list[Entry] = field(default_factory=list[Entry], init=False)

    def add(self, entry: Entry) -> None:
        """Decide one entry."""
        with self._alone([entry.uid], entry.word):
            self._decide(entry)

    def carry(self, carried: Iterable[Mapping[str, Json]], draw_id: Callable[[], str]) -> None:
        """Tell the holders of the refusals that the claims ledger's next commit carries, after all entries."""
        plan = self.plans.get(self.refs.claims)
        if plan is None or not (self._tellers or plan.done):
            return
        with self._alone([entry.uid for entry in self._tellers], TELL):
            self._tell(plan, [*carried], draw_id)

    @contextmanager
    def _alone(self, uids: Sequence[str], doing: str) -> Generator[None]:
        """Give what breaks here to these commands alone."""
        plans = {ref: plan.copy() for ref, plan in self.plans.items()}
        before = ({**self.answered}, [*self.refused], [*self.links], [*self._tellers])
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the boundary between commands of different callers
            self.plans = plans
            self.answered, self.refused, self.links, self._tellers = before
            if isinstance(error, (MissingObjectError, RewoundError)) and self.may_retry:
                return  # a ref moved meanwhile, or a server answered from an older copy: list again
            if uids:
                self.answered |= dict.fromkeys(uids, failed(as_known(error, doing)))

    def _decide(self, entry: Entry) -> None:
        if self.vantage.policy.is_private:
            entry = entry.evolve(arguments=without_texts(entry.arguments))
        command, pin = entry.command, self.pins.get(entry.uid)
        if isinstance(command, ClaimCommand):
            if self._has_landed(self.refs.claims, entry):
                return
            plan = self._plan(self.refs.claims)
            if isinstance(command, TellRefusals):
                plan.state.check_writable()
                self._tellers.append(entry)
                return
            register = plan.state.register or Register()
            self._take(plan, entry, claim_table.decide(register, command, self._context(entry, plan)))
        elif entry.uid in self.sent and self._has_landed(self.sent[entry.uid], entry):
            return
        elif pin is not None:
            self._decide_in(pin, entry, command)
        elif entry.project is not None:
            self._decide_in(self.refs.steps(entry.project), entry, command)
        else:
            self._decide_anywhere(entry, command)

    def _tell(self, plan: Plan, notes: list[Mapping[str, Json]], draw_id: Callable[[], str]) -> None:
        tellers, command = self._tellers, tell_refusals.command_of(notes)
        outcome = outcomes.done("refusals_told", already=True)
        if notes and (tellers or command.refused):
            first = tellers[0] if tellers else plan.done[0].entry
            entry = entry_of(first.uid if tellers else draw_id(), command, first.actor, None, repo=first.repo)
            decision = claim_table.decide(plan.state.register or Register(), command, self._context(entry, plan))
            if tellers or decision.changes:
                outcome = decision.outcome
                plan.state = after(plan.state, decision)
                plan.done.append(Done(entry, "", decision))
        for teller in tellers:
            (plan.replies if plan.done else self.answered)[teller.uid] = reply_of(plan, outcome)

    def groups(self) -> list[list[Plan]]:
        """Return the plans that write, those together that have to land together; claims before steps."""
        linked = {ref for pair in self.links for ref in pair}
        together = [plan for ref, plan in sorted(self.plans.items()) if plan.done and ref in linked]
        alone = [[plan] for ref, plan in self.plans.items() if plan.done and ref not in linked]
        return [*([together] if together else []), *alone]

    def _plan(self, ref: RefName) -> Plan:
        if ref not in self.plans:
            rewound = self.lookback.find(ref, self.listed, self.now)
            if rewound is not None:
                raise rewound
            state = self.reader.project(ref, self.listed.get(ref))
            if state.tip is None:
                state = replace(state, meta=self.reader.first_meta(self.listed))
            now, at = not_before(state, self.now), state.meta.at
            self.vantage.sight.hear(self.reader.written_by_others(state, self.clone))
            belief, ahead = self.vantage.belief(state.register, now), at if at and at > now + AHEAD_MAX else None
            self.plans[ref] = Plan(state, now, self.vantage, belief.over_by or now, belief.doubt, ahead)
        return self.plans[ref]

    def _decide_in(self, ref: RefName, entry: Entry, command: Command) -> None:
        if self._has_landed(ref, entry):
            return
        plan = self._plan(ref)
        self._take_step(plan, entry, command, step_table.decide(plan.state.board, command, self._context(entry, plan)))

    def _take_step(self, plan: Plan, entry: Entry, command: Command, decision: Decision) -> None:
        """Take a decision on a project, with what it brings about in the claims ledger; both, or nothing."""
        claims, linked = None, list(self._linked(plan, entry, command, decision))
        if linked:
            claims = self._plan(self.refs.claims)
            claims.state.check_writable()
        self._take(plan, entry, decision)
        if claims is None:
            return
        for done in linked:
            claims.state = after(claims.state, done.decision)
            claims.done.append(done)
        self.links.append((plan.state.ref, claims.state.ref))

    def _linked(self, plan: Plan, entry: Entry, command: Command, decision: Decision) -> Iterator[Done]:
        """Decide what the changed steps bring about, each on what the one before left."""
        board = plan.state.board
        steps = [doc for doc in decision.changes if isinstance(doc, Step)] if board else []
        changed = [(old, new) for new in steps if board and (old := board.steps.get(new.step_num)) is not None]
        if board is None or not any(old.paths or new.paths for old, new in changed):
            return
        repo = board.project.repo or entry.repo
        claim_id = command.claim_id if isinstance(command, ClaimStep) else ""
        claims = self._plan(self.refs.claims)
        register, context = claims.state.register or Register(), self._context(entry, claims)
        for old, new in changed:
            for wanted in step_claims.following(old, new, claim_id, repo):
                found = claim_table.decide(register, wanted, context)
                if not found.outcome.is_done:  # `Context.paths` asked the same before
                    message = f"The paths of step {new.id} could not be claimed: {found.outcome.message}"
                    raise BugError(message)
                if found.changes:
                    register = claim_table.apply(register, found)
                    yield Done(entry_of(entry.uid, wanted, entry.actor, None, repo=entry.repo), "", found)

    def _paths(self, entry: Entry, plan: Plan) -> Callable[[Step], Outcome | None]:
        """Return why the paths of a step cannot be claimed, by trying it."""

        def try_paths(step: Step) -> Outcome | None:
            if not step.paths:
                return None
            claims = self._plan(self.refs.claims)
            context = self._context(entry, claims)
            register = claims.state.register or Register()
            if step.is_held:  # what its holder claimed with it ends when it is taken over
                own = EndStepClaims(step=step.id, agent=step.agent_id or "", clone=step.clone or "")
                register = claim_table.apply(register, claim_table.decide(register, own, context))
            repo = (plan.state.board.project.repo if plan.state.board else None) or entry.repo
            try:
                call = step_claims.call_of(step, 0, "c-", repo)
            except PatternError as error:
                hint = sentence("Correct it: ", Call.of("update_step", step_id=step.id, paths=...), ".")
                return outcomes.refused("bad_paths", f"Step {step.id}: {error}", hint)
            outcome = claim_table.decide(register, call, context).outcome
            return None if outcome.is_done else outcome

        return try_paths

    def _is_void(self, claim: Claim) -> bool:
        if claim.step is None:
            return False
        ref = self.refs.steps(claim.step.partition("/")[0])
        try:
            is_void = step_claims.is_void(claim, self._plan(ref).state.board)
        except CoordError:
            return False  # what cannot be read is not judged
        if is_void:
            self._plan(self.refs.claims).relied.add(ref)
        return is_void

    def _has_landed(self, ref: RefName, entry: Entry) -> bool:
        """Answer an entry that the ledger says was applied before."""
        plan = self._plan(ref)
        before = self.reader.applied(plan.state, self.clone).outcome_of(entry.uid)
        if before is not None:
            plan.before[entry.uid] = before
            self.answered[entry.uid] = reply_of(plan, before)
        return before is not None

    def _take(self, plan: Plan, entry: Entry, decision: Decision) -> None:
        if not decision.changes:
            if entry.uid in self.pins and not plan.done:
                return  # its first try may still land: nothing is said before the ledger has moved
            target = plan.replies if plan.done else self.answered
            target[entry.uid] = reply_of(plan, decision.outcome)
            self._note_refusal(plan, entry, decision.outcome)
            return
        plan.state.check_writable()
        plan.state = after(plan.state, decision)
        plan.done.append(Done(entry, "", decision))
        plan.replies[entry.uid] = reply_of(plan, decision.outcome)

    def _decide_anywhere(self, entry: Entry, command: Command) -> None:
        if not isinstance(command, ClaimStep):
            self.answered[entry.uid] = Reply(outcome=outcomes.invalid("no_project", "No project is named."))
            return
        candidates = [plan for plan in map(self._plan, self._active(entry)) if plan.state.board]
        if not candidates and self._passed:
            raise self._passed[0][1]
        # The project in which the caller holds a step, or else a partner of it does.
        boards = [(plan, plan.state.board) for plan in candidates if plan.state.board]
        own_plans = (plan for plan, board in boards if board.held_by_actor(entry.actor))
        where_held = next(own_plans, None) or next(
            (plan for plan, board in boards if board.held_by_partners(entry.actor)), None
        )
        found = where_held or next((plan for plan in candidates if self._has_available(plan, entry, command)), None)
        if found is not None:
            self._decide_in(found.state.ref, entry, command)
        else:
            self._take_over_anywhere(entry, command, candidates)
        notices = notices_of(self._passed)
        for replies in (self.answered, *(plan.replies for plan in self.plans.values())):
            if entry.uid in replies:
                replies[entry.uid] = replies[entry.uid].evolve(notices=(*replies[entry.uid].notices, *notices))

    def _note_refusal(self, plan: Plan, entry: Entry, outcome: Outcome) -> None:
        if outcome.verdict is Verdict.REFUSED:
            self.refused.append(Refused(plan.state.ref, entry, outcome))

    def _take_over_anywhere(self, entry: Entry, command: ClaimStep, candidates: list[Plan]) -> None:
        refusals: list[Outcome] = []
        for plan in candidates:
            decision = step_table.decide(plan.state.board, command, self._context(entry, plan))
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
            states = [state for state in self.reader.projects(self.listed) if state.board]
            states.sort(key=lambda state: (state.board.project.created_at, state.ref) if state.board else ())
            lost = {error.where: error for error in self.lookback.rewound(self.listed, self.now)}
            self._projects = [state.ref for state in states if state.ref not in lost]
            self._rewound = [(RefName(ref), error) for ref, error in lost.items() if self.refs.is_steps(RefName(ref))]
        found = [ref for ref in self._projects if _is_for(self._plan(ref).state.board, entry.repo)]
        self._passed = [(ref, error) for ref, error in self.reader.problems.items() if self.refs.is_steps(ref)]
        self._passed += self._rewound
        self._passed += [passed for ref in found for passed in unwritable(self._plan(ref).state)]
        return [ref for ref in found if self._plan(ref).state.is_writable]

    def _has_available(self, plan: Plan, entry: Entry, command: ClaimStep) -> bool:
        """Whether a project has a step for the caller, its paths free."""
        board, paths, looked_at = plan.state.board, self._paths(entry, plan), 0
        if board is None:
            return False
        for step in (board.steps[rank[2]] for rank in board.available):
            if command.scope not in (None, step.scope):
                continue
            if not step.paths or (looked_at < LOOKED_AT_MAX and paths(step) is None):
                return True
            looked_at += 1
        return False

    def _context(self, entry: Entry, plan: Plan) -> Context:
        return plan.vantage.context(
            entry.actor,
            plan.now,
            over_by=plan.over_by,
            paths=self._paths(entry, plan),
            is_void=self._is_void,
        )


def _is_for(board: Board | None, repo: str | None) -> bool:
    if board is None or board.project.status is not ProjectStatus.ACTIVE:
        return False
    return repo is None or board.project.repo in (None, repo)


def _nowhere(refusals: list[Outcome]) -> Outcome:
    if not refusals:
        hint = sentence("Create one: ", Call.of("create_project", ...), "; see ", Call.of("list_projects"), ".")
        return outcomes.refused("no_active_project", "There is no active project.", hint)
    if len(refusals) == 1:
        return refusals[0]
    message = " ".join(outcome.message for outcome in refusals[:3])
    waits: list[Json] = [outcome.facts["ask_again_s"] for outcome in refusals if "ask_again_s" in outcome.facts]
    facts: dict[str, Json] = {"projects": len(refusals), **({"ask_again_s": waits[0]} if waits else {})}
    hint = next((outcome.hint for outcome in refusals if outcome.hint), "")
    return outcomes.refused("nothing_available", message, hint, **facts)
