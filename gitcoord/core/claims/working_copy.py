"""The working copy of one decision on the claims ledger: what it reads, and what follows from what, in one commit.

Rules:
  * Everything that a command brings about (claims that end, parts that return, waiters that are served) is put here
    by the rules, each on the register that the one before left.
  * CLAIM-1: what is here when the command is refused is thrown away.

What this file does not know: the rules.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from gitcoord.core.claims import holder_silence
from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.holder_silence import Silence
from gitcoord.core.claims.notice import Notice
from gitcoord.core.claims.register import Holder, Register, RegisterDoc
from gitcoord.core.documents.decision import Change, Context, Gone
from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import Held, Liveness
from gitcoord.core.patterns.area import Area

ACK_S = 120  # a call blocks for 50 s at most, and its agent may think for a minute


class ClaimContext(Context, frozen=True):
    """The context of a command on claims.

    Attributes:
        is_void: whether a claim confers nothing, because the step that it was taken with has gone on without it.
    """

    is_void: Callable[[Claim], bool]

    @classmethod
    def of(cls, context: Context, is_void: Callable[[Claim], bool]) -> "ClaimContext":
        """Return what every decision reads, with what those on claims do."""
        return cls(**context.parts(), is_void=is_void)


class Work:
    """A register that changes.

    Attributes:
        before: the register as it was.
        events: what happened, in order.
        freed: what became free since the line was served last.
    """

    def __init__(self, register: Register, context: ClaimContext) -> None:
        """Start from a register."""
        self.before = register
        self.register = register
        self.context = context
        self.events: list[Mapping[str, Json]] = []
        self.freed: list[Area] = []
        self._judged: dict[str, tuple[Held, Liveness]] = {}
        self._changes: dict[tuple[type[RegisterDoc], str], Change] = {}
        self._noticed = 0

    @property
    def changes(self) -> tuple[Change, ...]:
        """Return the documents to write: each once, and none that is unchanged."""
        known = {key: self.before.find(*key) for key in self._changes}
        return tuple(
            change
            for key, change in self._changes.items()
            if (known[key] is not None if isinstance(change, Gone) else change != known[key])
        )

    @property
    def judged(self) -> tuple[tuple[Held, Liveness], ...]:
        """Return whose silence was judged, with the evidence."""
        return tuple(self._judged.values())

    @property
    def fence(self) -> int:
        """Return the fence of a claim that this decision makes."""
        return self.register.seq + 1

    @property
    def ack_by(self) -> datetime:
        """Return until when a waiter that was granted something has to show itself."""
        return self.context.now + timedelta(seconds=max(ACK_S, 2 * self.context.beat_s + 60))

    def unused(self, kind: type[RegisterDoc], drawn: str) -> str:
        """Return the id that a caller drew, or one made of it where something of that kind bears it already."""
        claim_id, number = drawn, self.fence
        while self.register.find(kind, claim_id) is not None:
            claim_id, number = f"{drawn}-{number}", number + 1
        return claim_id

    def silence_of(self, claim: Claim) -> Silence:
        """Judge the holder of a claim, once."""
        if claim.id not in self._judged:
            minutes = holder_silence.limit(self.context, claim)
            self._judged[claim.id] = (claim.as_held, self.context.judge(claim.as_held, minutes))
        return holder_silence.of(self.context, claim, self._judged[claim.id][1])

    def count_grant(self) -> None:
        """Count an entry of the line that was served."""
        self.register = replace(self.register, grants=self.register.grants + 1)

    def put(self, *docs: RegisterDoc) -> None:
        """Add documents, or replace those of the same id. Several at once cost little more than one."""
        self._take({doc.id: doc for doc in docs}.values(), docs)

    def drop(self, doc: RegisterDoc) -> None:
        """Take a document out."""
        self._take((Gone(doc),), (doc,))

    def event(self, name: str, **facts: Json) -> None:
        """Say that something happened."""
        self.events.append({"event": name, **facts})

    def notify(self, claim: Claim, event: str, text: str, *, reason: str | None = None) -> None:
        """Leave a notice for the holder of a claim; a holder needs none of its own doing."""
        self.tell(claim.holder, event, text, claim=claim.id, reason=reason)

    def tell(self, holder: Holder, event: str, text: str, *, by: str | None = None, **about: str | None) -> None:
        """Leave a notice for a holder other than the one who acted: the caller, or `by`.

        `about`: its other fields: the claim, its item and why it ended, or the step and the commit that landed it.
        """
        actor = self.context.actor
        if by is None and holder == actor.holder:
            return
        self._noticed += 1
        notice_id = f"n-{self.fence}-{self._noticed}"
        by, now = by or actor.agent, self.context.now
        agent, clone = holder
        notice = Notice(id=notice_id, agent=agent, clone=clone, event=event, text=text, by=by, at=now)
        self.put(notice.evolve(**about))

    def _take(self, changes: Iterable[Change], docs: Iterable[RegisterDoc]) -> None:
        made = tuple(changes)
        if made:
            self.register = self.register.with_changes(made)
        self._changes.update(zip([(type(doc), doc.id) for doc in docs], made, strict=True))
