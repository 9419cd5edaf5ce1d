"""A batch: commands decided one after another on a working copy of the ledgers that were read together.

Rules:
  * Commands are decided in the order in which they arrived, each on the state that the one before left.
  * For a command that names no ledger one is found (`Anywhere`). Those that only a newer version may write, or that are
    damaged, are passed over, and the reply names them.
  * What a command asks of other ledgers is decided with it, each on what the one before left, and lands with it, or
    nothing of it does.
  * A command whose swap may still be on its way stays in the ledger that it was sent to (its *pin*). Where a swap
    was *sent* before and is decided now, that ledger is asked first whether it landed.
  * What is refused changes nothing and makes no commit of its own; `refused` is what a later commit carries. That
    commit may tell of it as well, after all commands (`Postscript`).
  * What another clone has posted (`inbox`) is decided as its own command would be, in the ledger that it is for. It
    is taken in where it changes something; else it is left to that clone. So is what was posted by other rules of the
    team than these, and what has texts where the policy keeps them private.
  * TXN-3: what a command raises, whatever it is, is that command's reply and no other's: what was decided before it
    stays as it was, and what comes after it is decided as if it had never come.

  * SEC-8: what the team's policy does not take from this clone is refused, each command by itself.

What this file does not know: which kinds of ledgers there are.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.decision import Decision
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome, Verdict
from gitcoord.core.documents.policy import Policy
from gitcoord.core.documents.texts import without_texts
from gitcoord.errors import BugError, MissingObjectError, RewoundError, RulesMovedError
from gitcoord.ledger.clone.bug_report import as_known
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.entry import Entry, Reply, failed
from gitcoord.ledger.format.post import Post
from gitcoord.ledger.format.records import Done
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.kinds.ledger import Anywhere, LedgerState, Postscript
from gitcoord.ledger.kinds.table import Kind, Ledgers
from gitcoord.ledger.rewinds.lookback import Lookback
from gitcoord.ledger.transactions import author_rule
from gitcoord.ledger.transactions.caller import Beside, Caller
from gitcoord.ledger.transactions.plan import (
    Ground,
    Passed,
    Plan,
    Refused,
    Savepoint,
    notices_of,
    reply_of,
    shorten,
    unwritable,
)
from gitcoord.remote.contract.protocol import RefName

TELL = "notifying the holders of refusals"  # what a report says was being done


@dataclass(kw_only=True, slots=True, eq=False)
class Batch:
    """Decides entries on what was read; `plans` is what is left to swap.

    Attributes:
        author_rules: the policies that each have to take a command of ours: the present one, and where that is not
            what this clone saw last, the last one.
    """

    ledgers: Ledgers
    refs: Refs
    ground: Ground
    lookback: Lookback
    pins: Mapping[str, RefName]
    sent: Mapping[str, RefName]
    may_retry: bool
    signature: Signature
    author_rules: Sequence[Policy]
    owed: Collection[str] = ()
    plans: dict[RefName, Plan] = field(default_factory=dict[RefName, Plan], init=False)
    answered: dict[str, Reply] = field(default_factory=dict[str, Reply], init=False)
    refused: list[Refused] = field(default_factory=list[Refused], init=False)
    posts: dict[str, Post] = field(default_factory=dict[str, Post], init=False)
    looked_up: set[str] = field(default_factory=set[str], init=False)  # whether these have landed is known
    links: list[tuple[RefName, RefName]] = field(default_factory=list[tuple[RefName, RefName]], init=False)
    _since: dict[RefName, Savepoint | None] = field(default_factory=dict[RefName, Savepoint | None], init=False)
    _everywhere: dict[str, list[LedgerState[Any]]] = field(
        default_factory=dict[str, list[LedgerState[Any]]], init=False
    )
    _rewound: list[Passed] = field(default_factory=list[Passed], init=False)
    _passed: list[Passed] = field(default_factory=list[Passed], init=False)
    _tellers: dict[RefName, list[Entry]] = field(default_factory=dict[RefName, list[Entry]], init=False)

    def add(self, entry: Entry) -> None:
        """Decide one entry."""
        with self._alone([entry.uid], entry.word):
            self._decide(entry)

    def fold(self, post: Post) -> None:
        """Decide what another clone has posted; of what is not done, nothing remains."""
        if self.ground.rewound(post.ledger) is not None or self.ledgers.at(self.refs, post.ledger) is None:
            return
        # What is in a ledger is as it was posted, word for word (audits): it is left alone, rather than shortened. So
        # is what stands beside it in the post, which the history of the ledger would keep whole.
        if self.ground.vantage.policy.is_private and post.said.has_texts:
            return
        counter = None
        with self._alone([], "reading a post"):
            plan = self._plan(post.ledger)
            counter = self.ground.reader.applied(plan.state, post.said.clone).counter
        if counter != post.said.counter:  # void: something of that clone has landed since
            return
        for entry in post.said.entries:
            with self._alone([], entry.word):
                self._fold(post, entry)

    def _fold(self, post: Post, entry: Entry) -> None:
        if self._have_rules_moved(entry):
            return
        kind, command = self.ledgers.command_of(entry)
        plan = self._plan(post.ledger)
        postscript = kind.postscript
        if plan.state.kind is not kind or (postscript is not None and postscript.is_one(command)):
            return
        decision = self._decision(plan, entry, command)
        if decision.changes and decision.outcome.is_done and entry.uid not in plan.replies:
            self.posts[entry.uid] = post
            self._take_with_asked(plan, entry, command, decision)

    def carry(self, noted: Callable[[RefName], dict[str, dict[str, Json]]], draw_id: Callable[[], str]) -> None:
        """Let each commit say what its ledger says after all commands. `noted`: the refusals that it carries."""
        for ref in list(self.plans):
            plan, tellers = self.plans[ref], self._tellers.get(ref, [])
            if not (tellers or plan.done):
                continue
            plan.refusals = noted(ref)  # read once: holders are notified of these, and these are forgotten
            postscript = plan.state.kind.postscript
            if postscript is not None:
                with self._alone([entry.uid for entry in tellers], TELL):
                    self._tell(self._plan(ref), postscript, draw_id)

    @contextmanager
    def _alone(self, uids: Sequence[str], doing: str) -> Generator[None]:
        """Give what breaks here to these commands alone."""
        self._since, counts = {}, [len(self.answered), len(self.refused), len(self.links)]
        tellers = {ref: len(entries) for ref, entries in self._tellers.items()}
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the boundary between commands of different callers
            for ref, savepoint in self._since.items():
                if savepoint is not None:
                    self.plans[ref].roll_back(savepoint)
                else:
                    self.plans.pop(ref, None)
            shorten(self.answered, counts[0])
            del self.refused[counts[1] :], self.links[counts[2] :]
            for ref, entries in self._tellers.items():
                del entries[tellers.get(ref, 0) :]
            if isinstance(error, (MissingObjectError, RewoundError)) and self.may_retry:
                return  # a ref moved meanwhile, or a server answered from an older copy: list again
            if uids:
                self.answered |= dict.fromkeys(uids, failed(as_known(error, doing)))

    def _decide(self, entry: Entry) -> None:
        for policy in self.author_rules:
            author_rule.check_own(policy, entry.actor.agent, self.signature)
        if self.ground.vantage.policy.is_private:
            entry = entry.evolve(arguments=without_texts(entry.arguments))
        kind, command = self.ledgers.command_of(entry)
        if entry.uid in self.sent and self._has_landed(self.sent[entry.uid], entry):
            return
        ref = self.pins.get(entry.uid) or kind.ref_of(self.refs, entry.project)
        if ref is not None:
            self._decide_in(ref, entry, command)
        else:
            self._decide_anywhere(kind, entry, command)

    def _tell(self, plan: Plan, postscript: Postscript[Any], draw_id: Callable[[], str]) -> None:
        tellers = self._tellers.get(plan.state.ref, [])
        command, outcome = postscript.command(plan.refusals, asked=bool(tellers)), postscript.nothing
        if command is not None:
            first = tellers[0] if tellers else plan.done[0].entry
            uid = first.uid if tellers else draw_id()
            entry = self.ledgers.entry_of(uid, command, first.actor, None, repo=first.repo)
            decision = self._decision(plan, entry, command)
            if tellers or decision.changes:
                outcome = decision.outcome
                plan.take(Done(entry, "", decision), decision.after)
        for teller in tellers:
            (plan.replies if plan.done else self.answered)[teller.uid] = reply_of(plan, outcome)

    def lands(self, entries: Iterable[Entry]) -> bool:
        """Whether each of these is written, so that its swap proves what it was decided on."""
        written = {uid for plan in self.plans.values() if plan.done for uid in plan.replies}
        return not (self.answered or self.refused) and all(entry.uid in written for entry in entries)

    def groups(self) -> list[list[Plan]]:
        """Return the plans that write, those together that have to land together; the asked before who asks."""
        asked = {ref for _, ref in self.links}
        groups = groups_of([ref for ref, plan in self.plans.items() if plan.done], self.links)
        return [
            [self.plans[ref] for ref in sorted(group, key=lambda ref: (ref not in asked, ref))]
            for group in sorted(groups, key=lambda group: len(group) == 1)
        ]

    def _plan(self, ref: RefName) -> Plan:
        if ref not in self._since:
            self._since[ref] = self.plans[ref].savepoint() if ref in self.plans else None
        if ref not in self.plans:
            self.plans[ref] = self.ground.plan(ref)
            self.plans[ref].posts = self.posts
            if self.owed:  # these stay on record until their callers have read them, for we may die
                applied = self.ground.reader.applied(self.plans[ref].state, self.ground.clone)
                found = ((uid, applied.outcome_of(uid)) for uid in sorted(self.owed))
                self.plans[ref].before |= {uid: outcome for uid, outcome in found if outcome is not None}
        return self.plans[ref]

    def _caller(self, entry: Entry) -> Caller:
        return Caller(entry.actor, entry.repo, self.refs, self._plan)

    def _decision(self, plan: Plan, entry: Entry, command: Doc) -> Decision[Any]:
        return self._caller(entry).decide(plan, plan.state.content, command)

    def _decide_in(self, ref: RefName, entry: Entry, command: Doc) -> None:
        if self._has_landed(ref, entry):
            return
        if entry.uid in self.pins and self._have_rules_moved(entry):
            return  # as in `_take`; a post of it is withdrawn, and then it is decided again
        self._check_rules(entry)
        plan = self._plan(ref)
        postscript = plan.state.kind.postscript
        if postscript is not None and postscript.is_one(command):
            plan.state.check_writable()
            self._tellers.setdefault(ref, []).append(entry)
            return
        self._take_with_asked(plan, entry, command, self._decision(plan, entry, command))

    def _have_rules_moved(self, entry: Entry) -> bool:
        return entry.config is not None and entry.config != self.ground.listed.get(self.refs.config, "")

    def _check_rules(self, entry: Entry) -> None:
        if self._have_rules_moved(entry):
            raise RulesMovedError("The team's rules have changed meanwhile.", hint="Try again.")

    def _take_with_asked(self, plan: Plan, entry: Entry, command: Doc, decision: Decision[Any]) -> None:
        """Take a decision, with what it asks of other ledgers; all of it, or nothing."""
        asked = list(self._asked(plan, entry, command, decision))
        for other, _, _ in asked:
            other.state.check_writable()
        self._take(plan, self._as_recorded(plan, entry, command, decision), decision, entry)
        for other, done, after in asked:
            other.take(done, after)
            self.links.append((plan.state.ref, other.state.ref))

    def _as_recorded(self, plan: Plan, entry: Entry, command: Doc, decision: Decision[Any]) -> Entry:
        if entry.uid in self.posts or not decision.changes:  # what was posted stays as it was, for audits
            return entry
        needed = plan.state.kind.recorded(plan.state.content, command, decision)
        return entry if needed is command else entry.evolve(arguments=needed.dump())

    def _asked(
        self, plan: Plan, entry: Entry, command: Doc, decision: Decision[Any]
    ) -> Iterator[tuple[Plan, Done, Any]]:
        """Decide what a decision asks of other ledgers, each on what the one before left."""
        caller, contents, coupling = self._caller(entry), dict[RefName, Any](), plan.state.kind.coupling
        if coupling is None:
            return
        for ref, wanted in coupling.asks(plan.state.content, command, decision, Beside(caller, plan)):
            other = self._plan(ref)
            found = caller.decide(other, contents.get(ref, other.state.content), wanted)
            asked = self.ledgers.entry_of(entry.uid, wanted, entry.actor, None, repo=entry.repo)
            if not found.outcome.is_done:  # who asks has to have looked whether it is possible
                raise BugError(f"{asked.word}, which {entry.word} brings about, was refused: {found.outcome.message}")
            if found.changes:
                contents[ref] = found.after
                yield other, Done(asked, "", found), found.after

    def _has_landed(self, ref: RefName, entry: Entry) -> bool:
        """Answer an entry that the ledger says was applied before."""
        plan = self._plan(ref)
        before = self.ground.reader.applied(plan.state, self.ground.clone).outcome_of(entry.uid)
        self.looked_up.add(entry.uid)
        if before is not None:
            plan.before[entry.uid] = before
            self.answered[entry.uid] = reply_of(plan, before)
        return before is not None

    def _take(self, plan: Plan, entry: Entry, decision: Decision[Any], given: Entry | None = None) -> None:
        if not decision.changes:
            if entry.uid in self.pins and not plan.done:
                return  # its first try may still land: nothing is said before the ledger has moved
            target = plan.replies if plan.done else self.answered
            target[entry.uid] = reply_of(plan, decision.outcome)
            self._note_refusal(plan, entry, decision.outcome)
            return
        plan.state.check_writable()
        plan.take(Done(entry, "", decision, given), decision.after)
        plan.replies[entry.uid] = reply_of(plan, decision.outcome)

    def _decide_anywhere(self, kind: Kind, entry: Entry, command: Doc) -> None:
        anywhere = kind.anywhere
        if anywhere is None or not anywhere.finds_for(command):
            self.answered[entry.uid] = Reply(outcome=outcomes.invalid("no_project", "No project is named."))
            return
        self._check_rules(entry)  # by them a ledger is found, and it is refused where there is none
        candidates = self._open(kind, anywhere, entry)
        if not candidates and self._passed:
            raise self._passed[0][1]
        index = None
        if candidates:
            beside = Beside(self._caller(entry), self._plan(candidates[0].ref))
            index = anywhere.pick([state.content for state in candidates], command, entry.actor, beside)
        if index is not None:
            self._decide_in(candidates[index].ref, entry, command)
        else:
            self._try_each(anywhere, entry, command, [self._plan(state.ref) for state in candidates])
        for replies in (self.answered, *(plan.replies for plan in self.plans.values())):
            if reply := replies.get(entry.uid):
                replies[entry.uid] = reply.evolve(notices=(*reply.notices, *notices_of(self._passed)))

    def _note_refusal(self, plan: Plan, entry: Entry, outcome: Outcome) -> None:
        if outcome.verdict is Verdict.REFUSED:
            self.refused.append(Refused(plan.state.ref, entry, outcome))

    def _try_each(self, anywhere: Anywhere[Any, Any], entry: Entry, command: Doc, candidates: list[Plan]) -> None:
        """Decide in the first ledger that does it; where none does, say so."""
        refusals: list[Outcome] = []
        for plan in candidates:
            decision = self._decision(plan, entry, command)
            if decision.outcome.is_done:
                self._take_with_asked(plan, entry, command, decision)
                return
            refusals.append(decision.outcome)
        plan_with_changes = next((plan for plan in candidates if plan.done), None)
        target = plan_with_changes.replies if plan_with_changes else self.answered
        outcome = anywhere.nowhere(refusals, entry.repo)
        target[entry.uid] = Reply(outcome=outcome)
        if candidates:
            self._note_refusal(candidates[0], entry, outcome)

    def _open(self, kind: Kind, anywhere: Anywhere[Any, Any], entry: Entry) -> list[LedgerState[Any]]:
        """Return the ledgers that a command may go to which names none; `_passed` is what was passed over."""
        if kind.place not in self._everywhere:
            ground = self.ground
            states = anywhere.in_order(ground.reader.each(kind, ground.listed))
            lost = {RefName(error.where): error for error in self.lookback.rewound(ground.listed, ground.now)}
            self._everywhere[kind.place] = [state for state in states if state.ref not in lost]
            self._rewound = [*lost.items()]
            for state in self._everywhere[kind.place]:
                ground.hear(state)
        # As what was decided before leaves them. A plan is begun of one that is decided in, not of each looked at.
        plans, known = self.plans, self._everywhere[kind.place]
        found = [plans[state.ref].state if state.ref in plans else state for state in known]
        found = [state for state in found if anywhere.is_open(state.content, entry.repo)]
        lost_or_damaged = [*self.ground.reader.problems.items(), *self._rewound]
        self._passed = [passed for passed in lost_or_damaged if self.refs.is_at(kind.place, passed[0])]
        self._passed += [passed for state in found for passed in unwritable(state)]
        return [state for state in found if state.is_writable]


def groups_of(refs: Iterable[RefName], links: Iterable[tuple[RefName, RefName]]) -> list[list[RefName]]:
    """Return the refs by what lands together: those that links join, directly or by way of others."""
    groups = {ref: [ref] for ref in refs}
    for ref, other in links:
        if ref in groups and other in groups and groups[ref] is not groups[other]:
            groups[ref] += groups[other]
            groups |= dict.fromkeys(groups[other], groups[ref])
    return [group for ref, group in groups.items() if group[0] == ref]
