"""Waiting for claims: a call that stands in line blocks until it is served, or until its caller's patience ends.

    in line ──the ledger moved, or a blocker's time is up──> ask ──> granted | refused | in line
            ──40 s──> ask, so that the entry is kept
            ──the call's patience ends──> still waiting: the next call goes on with the same entry
            ──the caller stops──> the entry leaves the line

Rules:
  * A lone waiter wakes by itself when what it waits for is over for others, and its question sweeps.
  * A remote that does not answer is asked again until the patience ends, and so is a disk that cannot be written; then
    the caller hears what was in the way.

What this file does not know: who is served when; see `core/claims/rules/serve`.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gitcoord.core.claims import conflicts
from gitcoord.core.claims.claim_commands import CancelEntry, ClaimCommand, KeepWaiting, Tidy
from gitcoord.core.claims.conflicts import ALLOWANCE, Asker
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.rules import grant
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.json_text import Json, parse_time, time_text
from gitcoord.errors import (
    ContendedError,
    CoordError,
    MissingObjectError,
    StorageError,
    StoreDamagedError,
    UnknownOutcomeError,
    UnreachableError,
)
from gitcoord.ledger.format.entry import Reply
from gitcoord.remote.contract.deadline import asking_again
from gitcoord.service.claims.changes import ClaimNews
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import Workspace

ASK_EVERY_S = 40.0  # an entry whose waiter does not ask about it for 120 s is dropped
AFTER_TROUBLE_S = 5.0
HOLDERS_SAID = 3  # of those in the way, in one sentence
MARGIN = timedelta(milliseconds=50)  # a moment has to be over, not just come
# What may be over before the patience is. A remote on a path that is away for a moment lacks objects, wherever reading
# it has got to; a person makes room on a disk; the store of a clone that coordinates elsewhere is made again.
_TROUBLES = (
    ContendedError,
    MissingObjectError,
    StorageError,
    StoreDamagedError,
    UnknownOutcomeError,
    UnreachableError,
)

_Holder = tuple[str, str, str]
"""Who is in the way: the agent, the pattern that it holds, and until when; of a waiter ahead only the agent."""


def for_grant(workspace: Workspace, actor: Actor, reply: Reply, patience: Patience) -> Reply:
    """Wait until an entry is served, or for as long as the call may block; return what is known then."""
    entry = str(reply.outcome.facts.get("queue_id", "")) if reply.outcome else ""
    if not entry or not is_waiting(reply) or patience.most_s <= 0:
        return reply
    line = _Line(entry, actor, patience)
    patience.way_out = sentence(Call.of("cancel_queue_request", queue_id=entry))
    watch = _AnswerWatch(workspace, patience, line.due)
    try:
        while is_waiting(reply):
            line.stand(reply)
            if not watch.until_due():
                break
            reply = watch.ask(KeepWaiting(entry_id=entry), actor) or reply
    except KeyboardInterrupt:
        leave(workspace, actor, entry)
        raise
    finally:
        watch.close()
    if patience.is_over:
        # Leave the line; what was granted at that very moment comes with the next reply.
        if is_waiting(reply):
            leave(workspace, actor, entry)
        with contextlib.suppress(CoordError):
            got = next(
                (claim for claim in workspace.register().claims_of(actor.holder) if claim.queue_id == entry), None
            )
            if got is not None:
                text = f"You cancelled too late: the claim had already been granted ({got.items[0].pattern}, {got.id})."
                todo = sentence(
                    "Release it if you do not need it: ", Call.of("release_claims", claim_ids=[got.id]), "."
                )
                workspace.notify(CallerNotice.of("queue_grant", text, todo))
    return reply


def for_decision(workspace: Workspace, actor: Actor, request: str, patience: Patience) -> None:
    """Wait until a request is decided, or for as long as the call may block."""
    watch = _AnswerWatch(workspace, patience, lambda register: _decision_due(register, request))
    patience.say(f"waiting for an answer to {request}")
    try:
        while watch.until_due():
            if watch.is_over:
                return
            watch.ask(Tidy(), actor)
    finally:
        watch.close()


def is_waiting(reply: Reply) -> bool:
    """Whether a call stands in line."""
    return reply.outcome is not None and reply.outcome.is_done and bool(reply.outcome.facts.get("waiting"))


def leave(workspace: Workspace, actor: Actor, entry: str) -> None:
    """Take an entry out of the line whose call was cancelled; one that stays is dropped in time."""
    with contextlib.suppress(CoordError):
        workspace.submit(CancelEntry(entry_id=entry), actor, None)


@dataclass(frozen=True, slots=True)
class _Due:
    """When to ask at the latest; `over`: there is nothing to wait for any more."""

    at: tuple[datetime, ...] = ()
    over: bool = False


@dataclass(slots=True)
class _Line:
    """An entry in the line: who is in its way, as far as that was said, and when that may be over."""

    entry: str
    actor: Actor
    patience: Patience
    _position: Json = None
    _holders: tuple[_Holder, ...] = ()
    _ahead: tuple[_Holder, ...] = ()

    def stand(self, reply: Reply) -> None:
        """Say where the entry stands by the answer to a question."""
        facts: Mapping[str, Json] = reply.outcome.facts if reply.outcome else dict[str, Json]()
        conflicts = reply.outcome.conflicts if reply.outcome else ()
        behind = facts.get("behind")
        self._position = facts.get("position")
        self._ahead = tuple((str(agent), "", "") for agent in behind) if isinstance(behind, list) else ()
        self._holders = tuple((conflict.agent, conflict.item, conflict.expires_at) for conflict in conflicts)
        self._say()

    def due(self, register: Register) -> _Due:
        """Return when the entry may be served: when something in its way is over for others, or its own time is."""
        entry = register.entries.get(self.entry)
        if entry is None:
            return _Due(over=True)
        asker = Asker(self.actor, entry.call.repo)
        found = conflicts.find(register, asker, grant.asks_of(entry.call), None)
        blocks = [overlap for overlap in found if overlap.is_conflict]
        named = blocks[: grant.NAMED_MAX]
        holders = tuple(
            (block.claim.agent, block.item.area.pattern.text, time_text(block.item.expires_at)) for block in named
        )
        if holders and holders != self._holders:
            self._holders = holders
            self._say()
        ends = [block.item.expires_at + ALLOWANCE for block in blocks]
        unclaimed = [block.claim.ack_by for block in blocks if block.claim.ack_by is not None]
        return _Due((*ends, *unclaimed, entry.expires_at))

    def _say(self) -> None:
        first = dict.fromkeys((*self._holders, *self._ahead))
        said = [
            f"{agent} ({item} until {parse_time(end):%Y-%m-%d %H:%M} UTC)" if item else agent
            for agent, item, end in first
        ]
        more = f" and {len(said) - HOLDERS_SAID} more" if len(said) > HOLDERS_SAID else ""
        behind = f", behind {', '.join(said[:HOLDERS_SAID])}{more}" if said else ""
        self.patience.say(f"waiting as {self.entry}, place {self._position} in line{behind}")


def _decision_due(register: Register, request_id: str) -> _Due:
    request = register.requests.get(request_id)
    held = register.claims.get(request.claim) if request is not None and request.is_pending else None
    if held is None:
        return _Due(over=True)
    return _Due(tuple(item.expires_at + ALLOWANCE for item in held.items))


class _AnswerWatch:
    """Looks at the claims until it is time to ask."""

    def __init__(self, workspace: Workspace, patience: Patience, due: Callable[[Register], _Due]) -> None:
        self._workspace = workspace
        self._patience = patience
        self._due_of = due
        self._host = workspace.setting.host
        self._end = self._host.monotonic() + patience.most_s
        self._asked = self._host.monotonic()
        self._asked_at = self._host.now()
        self._news = ClaimNews(workspace)
        self._due = _Due()
        self._trouble: CoordError | None = None
        self._quiet_until = 0.0
        self._pause_s = self._news.pause_s

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to wait for any more."""
        return self._due.over

    def close(self) -> None:
        self._news.close()

    def until_due(self) -> bool:
        """Wait until it is time to ask; tell whether it is, rather than that the patience has ended.

        Raises:
            CoordError: the patience has ended, and the last question got no answer.
        """
        while True:
            self._look()
            if self._is_due():
                return True
            left = self._end - self._host.monotonic()
            if left <= 0 and self._trouble is not None:
                raise self._trouble
            if left <= 0 or self._patience.pause(min(self._pause_s, left)):
                return False

    def ask(self, command: ClaimCommand, actor: Actor) -> Reply | None:
        """Ask; `None`: there was no answer now."""
        self._asked, self._asked_at = self._host.monotonic(), self._host.now()
        try:
            with asking_again():
                reply = self._workspace.submit(command, actor, None)
        except _TROUBLES as error:
            self._note(error)
            return None
        self._trouble = None
        return reply

    def _look(self) -> None:
        if self._host.monotonic() < self._quiet_until:
            return
        try:
            with asking_again():
                register = self._news.look()
        except _TROUBLES as error:
            self._note(error)
            return
        if register is not None:
            self._due = self._due_of(register)

    def _note(self, error: CoordError) -> None:
        self._trouble = error
        self._quiet_until = self._host.monotonic() + AFTER_TROUBLE_S

    def _is_due(self) -> bool:
        """Whether to ask now: the same moment makes only one question due."""
        if self._host.monotonic() < self._quiet_until:
            return False
        if self._due.over or self._host.monotonic() >= self._asked + ASK_EVERY_S:
            return True
        now = self._host.now() - MARGIN
        return any(self._asked_at < moment + MARGIN and moment <= now for moment in self._due.at)
