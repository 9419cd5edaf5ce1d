"""The workspace: one agent at work in one worktree, with everything that its use cases need.

What this file does not know: how it is put together (`gitcoord.runtime`), and who shows the results.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from gitcoord.core.claims.claim import Claim
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.doc import Doc, Struct, field
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown, sub_agent
from gitcoord.errors import (
    CoordError,
    DeniedError,
    DocumentError,
    InvalidError,
    NotFoundError,
    RewoundError,
    StorageError,
    StoreDamagedError,
    UnreachableError,
)
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.format.entry import Reply
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.transactions.equipment import Setting
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session import freshness
from gitcoord.service.session.fences import Fences
from gitcoord.service.session.memo import Memo
from gitcoord.service.session.problems import (
    Oddity,
    damaged_rules,
    few,
    gone_back,
    left_behind,
    left_out,
    skipped_by,
    unreadable,
)
from gitcoord.source.checkout.repository import Repository

if TYPE_CHECKING:
    from gitcoord.core.claims.register import Holder, Register
    from gitcoord.core.documents.policy import Policy
    from gitcoord.core.steps.board import Board
    from gitcoord.ledger.clone.sessions import OpenSession
    from gitcoord.ledger.rewinds.lookback import Lookback
    from gitcoord.ledger.transactions.combiner import Combiner
    from gitcoord.service.session.checkout import Checkout


ClaimViews = Memo[str, tuple[Claim, dict[str, Json]]]
"""Views of claims by their ids, each with the document that it is of."""


class Place(Protocol):
    """Where the clone coordinates, which may change while a session lives; see `service.place.follow_remote`."""

    def follow(self, workspace: "Workspace") -> bool:
        """Be there; tell whether it was elsewhere before."""
        ...

    def kept(self) -> Sequence[RefName]:
        """Return the ledgers of the clone's store that the remote would not take."""
        ...


class Preferences(NamedTuple):
    """What a person prefers.

    Attributes:
        wakes: whether agents, where their tool has a way, learn of notices without calling.
        show: shows a title and a text on the person's desktop; `None` where that is not wanted.
    """

    wakes: bool = True
    show: Callable[[str, str], object] | None = None


class Watcher(Protocol):
    """What looks at the ledgers for this workspace; see `gitcoord.service.watch.watch`."""

    def close(self) -> None:
        """Stop looking."""
        ...


class Workspace(Struct):
    """An agent at work.

    Attributes:
        agent, session_id, clone_id: who we are.
        remote_name: "this clone", or the remote's URL without credentials.
        remote_url: what git is given for it; `None` where the store of this clone is the remote.
        code_url: where branches of the work are pushed, if anyone else can read them there.
        repo: which repository this is, where several share one remote.
        skipped: refs that the last listing passed over, for they are damaged; and ledgers that are back or gone.
        last_register: the claims as they were read last.
        claim_views: claims as rows, as far as they were shown last.
        calls, called_at: how often the agent itself has called, and when last; what a server does by itself is no call.
        wake: makes the watcher look at once; called after each command of this workspace.
        preferences: what the person of this clone prefers.
        warning: what each grant begins with, where it may surprise who sees it; see `placement`.
        lock: what was read and is shown; held while nothing is waited for.
        asking: held by the thread that lists the remote's refs; taken before `lock`, never within it.
        stays: by holder, the branch at its last call, and whether its claims are left on others; see `checkout_branch`.
        whole: tips of ledgers of which nothing was left out when they were walked; see `earlier_history`.
        silence: the last such listing that the remote did not answer.
        session: the lock that shows that we live; `None` for one command at a time.
        reader: for reading only; commands have one of their own, in the combiner that the first of them makes.
    """

    agent: str
    session_id: str
    remote_name: str
    remote_url: str | None
    code_url: str | None
    repo: str | None
    repository: Repository
    setting: Setting
    reader: Reader
    session: "OpenSession | None" = None
    warning: str = ""
    notices: list[CallerNotice] = field(default_factory=list[CallerNotice])
    lock: threading.RLock = field(default_factory=threading.RLock)
    asking: threading.RLock = field(default_factory=threading.RLock)
    whole: set[Oid] = field(default_factory=set[Oid])
    silence: freshness.Silence | None = None
    watch: "Watcher | None" = None
    place: Place | None = None
    skipped: tuple[Oddity, ...] = ()
    last_register: "Register | None" = None
    stays: "dict[Holder, tuple[str | None, bool]]" = field(default_factory=dict)
    claim_views: ClaimViews = field(default_factory=ClaimViews)
    calls: int = 0
    called_at: datetime | None = None
    wake: Callable[[], None] | None = None
    preferences: Preferences = field(default_factory=Preferences)
    _combiner: "Combiner | None" = None
    _checkout: "Checkout | None" = None
    _lookback: "tuple[Setting, Lookback] | None" = None

    @property
    def combiner(self) -> "Combiner":
        """Return what carries out commands."""
        with self.lock:
            if self._combiner is None:
                from gitcoord.ledger.transactions.combiner import Combiner
                from gitcoord.ledger.transactions.transactions import Transactions

                self._combiner = Combiner(self.setting.clone.folder, self.setting.host, Transactions(self.setting))
            return self._combiner

    @combiner.setter
    def combiner(self, combiner: "Combiner") -> None:
        self._combiner = combiner

    @property
    def checkout(self) -> "Checkout":
        """Return what this worktree has."""
        if self._checkout is None:
            from gitcoord.service.session.checkout import Checkout  # only who claims needs to read files

            self._checkout = Checkout.of(self.repository, self.setting.host.monotonic)
        return self._checkout

    @property
    def clone_id(self) -> str:
        """Return the id of this clone."""
        return self.setting.clone.id

    @property
    def bell_path(self) -> Path:
        """Return the pipe by which hooks wake this session's server."""
        return self.setting.clone.folder / "sessions" / f"{self.session_id}.bell"

    def actor(self, agent_id: str | None = None) -> Actor:
        """Return who acts: this agent, or a sub-agent of it.

        Raises:
            InvalidError: `agent_id` names someone else.
        """
        agent = sub_agent(self.agent, agent_id) if agent_id else self.agent
        if self.session is not None:
            self.session.add_agent(agent)
        clone = self.setting.clone
        return Actor(agent=agent, clone=clone.id, session=self.session_id, others=clone.others, earlier=clone.earlier)

    def submit(self, command: Doc, actor: Actor, project: str | None, *, config: str | None = None) -> Reply:
        """Have a command carried out; what broke is raised. `config`: see `Entry`.

        Raises:
            CoordError: contended, unreachable, unknown, denied, damaged.
            InvalidError: the rules say that the command can never be carried out.
        """
        self.follow()
        uid, used = self.setting.host.draw_id(), self.combiner
        entry = self.setting.ledgers.readable_entry(uid, command, actor, project, repo=self.repo).evolve(config=config)
        reply = used.submit(entry)
        if _wrote_nothing(reply):
            self.follow()
            if self.combiner is not used:  # the place was left at that very moment, by this thread or another
                clone = self.setting.clone
                again = actor.evolve(clone=clone.id, others=clone.others, earlier=clone.earlier)
                reply = self.combiner.submit(entry.evolve(actor=again))
        self.notify(*reply.notices)
        if self.wake is not None:
            self.wake()
        if reply.failure is not None:
            error = reply.failure.as_error()
            damaged = self._damage(project) if isinstance(error, (DeniedError, RewoundError)) else None
            raise damaged or error
        if reply.outcome is not None and reply.outcome.verdict == "invalid":
            kind = NotFoundError if reply.outcome.code == "not_found" else InvalidError
            damage = self._damage(project) if kind is NotFoundError else None
            if damage is not None:
                raise damage
            if project and kind is NotFoundError and "step_num" not in reply.outcome.facts:
                raise no_project(project, self.setting.refs, self.listed())
            raise kind(reply.outcome.message, hint=reply.outcome.hint)
        return reply

    def _damage(self, project: str | None) -> DocumentError | None:
        """Return the problem of a project's ref, if the last look passed it over."""
        if project is None:
            return None
        self.listed()
        ref = self.setting.refs.steps(project)
        return next((oddity.as_error() for oddity in self.skipped if oddity.ref == ref), None)

    def follow(self) -> bool:
        """Be where the clone coordinates now; tell whether it was elsewhere before."""
        return self.place is not None and self.place.follow(self)

    def listed(self) -> Mapping[RefName, Oid]:
        """List the refs, with what they need brought here: as now, or as a read may have them; see `freshness`."""
        return freshness.listed(self)

    @property
    def lookback(self) -> "Lookback":
        """Return what judges listings by what this clone saw."""
        if self._lookback is None or self._lookback[0] is not self.setting:
            self._lookback = (self.setting, self.setting.lookback())
        return self._lookback[1]

    def rewound(self, listed: Mapping[RefName, Oid]) -> list[RewoundError]:
        """Return which ledgers of a listing are back before what this clone saw, or gone (SAFE-9)."""
        with self.asking, self.lock:
            return self.lookback.rewound(listed, self.setting.host.now())

    @property
    def rewound_refs(self) -> frozenset[str]:
        """Return the ledgers that the last listing showed to be back or gone: no holder is judged by them."""
        return frozenset(oddity.ref for oddity in self.skipped if oddity.code == RewoundError.code)

    def rewound_at(self, ref: RefName) -> DocumentError | None:
        """Return the problem of a ledger that the last listing showed to be back or gone."""
        skipped = self.skipped
        return next((row.as_error() for row in skipped if (row.ref, row.code) == (ref, RewoundError.code)), None)

    def note_skipped(self, rewound: Sequence[RewoundError]) -> None:
        """Keep what a listing passed over; a session's agent gets each once, and all get what is back."""
        found = skipped_by(self.setting.transport, is_home=self.remote_url is None)
        damaged = {oddity.ref for oddity in found}
        back = gone_back(error for error in rewound if error.where not in damaged)
        before, self.skipped = self.skipped, (*found, *back)
        new = [oddity for oddity in self.skipped if oddity not in before]
        shown = new if self.session is not None else [oddity for oddity in new if oddity.ref in self.rewound_refs]
        self.notify(*(CallerNotice.of(row.code, row.message, row.next_step, ref=row.ref) for row in few(shown)))

    def notify(self, *notices: CallerNotice) -> None:
        """Have the next reply bring notices; a problem of one ref once, though a listing and a command found it."""
        with self.lock:  # else what another thread takes meanwhile would be brought twice, or not at all
            for notice in notices:
                if not any(notice.repeats(waiting) for waiting in self.notices):
                    self.notices.append(notice)

    def oddities(self) -> list[Json]:
        """Return what needs a person, as far as this workspace has looked; see `gitcoord.service.session.problems`."""
        kept = self.place.kept() if self.place is not None and self.remote_url is not None else ()
        with self.lock:
            found = (
                *self.skipped,
                *unreadable({**self.reader.problems, **damaged_rules(self.reader.rules)}),
                *left_out(self.reader.with_damage()),
                *left_behind(kept),
            )
        return [oddity.as_json() for oddity in few(found)]

    def project_state(self, name: str, listed: Mapping[RefName, Oid] | None = None) -> "LedgerState[Board | None]":
        """Return one project as it is now.

        Raises:
            NotFoundError: there is no such project.
        """
        ref = self.setting.refs.steps(name)
        listed = self.listed() if listed is None else listed
        with self.lock:
            state = self.reader.project(ref, listed.get(ref))
        if state.content is None:
            damage = next((oddity for oddity in self.skipped if oddity.ref == ref), None)
            if damage is not None:
                raise damage.as_error()
            raise no_project(name, self.setting.refs, listed)
        return state

    def register(self, listed: Mapping[RefName, Oid] | None = None) -> "Register":
        """Return the claims, the line of waiters and the requests as they are now.

        Raises:
            DocumentError: the claims ledger is damaged.
        """
        listed = self.listed() if listed is None else listed
        with self.lock:
            found = self.reader.claims(listed).content
            self.last_register = found
            return found

    def policy(self, listed: Mapping[RefName, Oid]) -> "Policy":
        """Return the team's policy, and note for hooks that cannot look what it says of them."""
        with self.lock:
            policy = self.reader.policy(self.setting.refs.config, listed)
        snapshot_files.keep_enforced(str(self.setting.clone.folder), enforced=policy.enforce)
        return policy

    def check_author(self, listed: Mapping[RefName, Oid]) -> None:
        """Look whether this agent may write what is no command here (SEC-8); of commands each is looked at.

        Raises:
            AuthorError: the team's policy does not take it, or the last that was seen where the team's ref is lost.
        """
        from gitcoord.ledger.transactions import author_rule  # who only looks does without

        with self.asking, self.lock:
            policies = self.lookback.author_policies(self.reader, listed, self.setting.host.now())
        for policy in policies:
            author_rule.check_own(policy, self.agent, self.setting.clone.signature)

    def note_call(self) -> None:
        """Take note that the agent is there: it calls, or is answered."""
        self.calls += 1
        self.called_at = self.setting.host.now()
        if self.session is not None:
            self.session.note_call(self.called_at)

    def add_alias(self, session: str) -> None:
        """Know this session by the tool's own id as well."""
        if self.session is not None and session:
            self.session.add_alias(session)

    def close(self, *, final: bool = False) -> None:
        """End the session: with a grace in which it can be resumed, or for good."""
        if self.watch is not None:
            self.watch.close()
        if self.session is None:
            return
        if final:
            self.session.forget()
        else:
            self.session.close(self.setting.host.now())
        self.session = None
        if self.setting.push_budget.wait_s() > 0 and self.setting.sessions.has_live():
            return  # the next beat of the clone says it
        from gitcoord.ledger.transactions.send_heartbeat import beat_now

        with contextlib.suppress(CoordError):  # the others will see it by our silence
            beat_now(self.setting, self.combiner, force=True)

    @property
    def fences(self) -> Fences:
        """Return the fences that this session was given."""
        return Fences(self, self.session_id)


def _wrote_nothing(reply: Reply) -> bool:
    if reply.failure is not None:
        kinds = (UnreachableError, StorageError, StoreDamagedError, RewoundError)
        return reply.failure.code in {kind.code for kind in kinds}
    return reply.outcome is not None and not reply.outcome.is_done


def no_project(name: str, refs: Refs, listed: Iterable[RefName]) -> NotFoundError:
    """Return the error about a project that none of the refs is of."""
    from gitcoord.core.documents.spelling import did_you_mean

    names = [ref.rpartition("/")[2] for ref in listed if refs.is_steps(ref)]
    see, create = Call.of("list_projects"), Call.of("create_project", ...)
    hint = sentence(f"{did_you_mean(name, names)}See ", see, ", or create it: ", create, ".")
    return NotFoundError(f"There is no project {shown(name)}.", hint=hint)
