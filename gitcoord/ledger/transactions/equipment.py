"""The setting of transactions: the place, the clone and the machine, as the composition root has put them together.

What this file does not know: what is done with them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gitcoord.core.documents.doc import Struct
from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.step import Step
from gitcoord.ledger.clone.host import Clone, Host
from gitcoord.ledger.clone.remote_folder import PLACES, folder_of, former_key_of
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.kinds.table import LEDGERS, Ledgers
from gitcoord.ledger.liveness.clock_offset import ClockOffset
from gitcoord.ledger.liveness.clocks import Watchfulness
from gitcoord.ledger.liveness.heartbeat import Beats
from gitcoord.ledger.liveness.holder_view import BranchLook, Sight, limit_factor
from gitcoord.ledger.readers.last_listing import LastListing
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.readers.strays import STRAYS, Strays
from gitcoord.ledger.rewinds.lookback import Lookback
from gitcoord.ledger.rewinds.marks import Marks
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus, Transport

if TYPE_CHECKING:
    from gitcoord.ledger.leader.pending import Pending
    from gitcoord.ledger.leader.posted import Posted
    from gitcoord.ledger.leader.push_budget import PushBudget
    from gitcoord.ledger.transactions.caller import Vantage
    from gitcoord.ledger.transactions.carried import Refusals


class Setting(Struct, frozen=True):
    """Everything a transaction works with."""

    host: Host
    clone: Clone
    transport: Transport
    refs: Refs
    sessions: Sessions
    beats: Beats
    branch_look: BranchLook
    watchfulness: Watchfulness
    clock_offset: ClockOffset
    repo: str | None = None
    ledgers: Ledgers = LEDGERS
    pushes_per_minute: int | None = None

    def push(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Swap refs; what was sent counts as one push of this clone's (`push_budget`), whatever became of it."""
        outcome = self.transport.swap(updates)
        if self.pushes_per_minute is not None and outcome.status is not SwapStatus.UNREACHABLE:
            self.push_budget.note()
        return outcome

    def lookback(self) -> Lookback:
        """Return what judges listings of this place by what the clone saw there."""
        folder, objects = self.clone.folder, self.transport.objects
        return Lookback.of_place(folder, self.beats.place, self.refs, self.repo, objects, self.ledgers)

    def reader(self) -> Reader:
        """Return what reads the ledgers of this place, and knows what the clone has found to be none."""
        marks = Marks(self.clone.folder, self.beats.place, self.refs.namespace, self.repo)
        return Reader(self.transport, self.refs, Strays(f"{self.clone.folder}/{STRAYS}"), marks.tips, self.ledgers)

    def hear(self, listed: Mapping[RefName, Oid], reader: Reader, lookback: Lookback) -> None:
        """Take note of what a listing says of other clones: what they saw of ledgers, their clocks, that they beat."""
        beats = reader.heartbeats(listed)
        lookback.hear(beats)
        self.clock_offset.observe(beats, self.clone)
        self.watchfulness.observe(self.refs.heartbeats_in(listed), reader.beat_of)

    def sight(
        self, heartbeats: Callable[[], Mapping[str, tuple[Oid, Heartbeat]]], held: Callable[[], Iterable[Step]] = tuple
    ) -> Sight:
        """Return a look at all holders, by these heartbeats; `held`: the steps that may be judged next."""
        return Sight(
            self.clone.ids,
            self.sessions,
            heartbeats,
            self.branch_look,
            self.watchfulness,
            self.clock_offset,
            held,
        )

    def vantage(self, policy: Policy, sight: Sight) -> "Vantage":
        """Return what this clone decides by now."""
        from gitcoord.ledger.transactions.caller import Vantage

        return Vantage(
            policy=policy,
            sight=sight,
            limit_factor=limit_factor(self.transport),
            may_judge=self.watchfulness.may_judge(),
            beat_s=self.beats.interval_s,
        )

    @property
    def place_folder(self) -> Path:
        """Return the folder of what is on its way to this place; see `remote_folder`."""
        return folder_of(self.clone.folder, self.beats.place, self.refs.namespace)

    @property
    def last_listing(self) -> LastListing | None:
        """Return what this clone has of a remote while that is away; its own store never is."""
        return LastListing(self.place_folder) if self.beats.place else None

    def pending(self) -> "Pending":
        """Return the swaps that were sent to this place and have no answer yet."""
        from gitcoord.ledger.leader.pending import Pending

        key = former_key_of(self.beats.place, self.refs.namespace)
        return Pending(self.place_folder, self.host.unique, self.clone.folder / PLACES / key if key else None)

    def posted(self) -> "Posted":
        """Return what this clone has posted in this place and not heard of."""
        from gitcoord.ledger.leader.posted import Posted

        return Posted(self.place_folder, self.host.unique)

    @property
    def push_budget(self) -> "PushBudget":
        """Return how soon this clone may push to this place again."""
        from gitcoord.ledger.leader.push_budget import PushBudget

        return PushBudget(self.place_folder, self.host, self.pushes_per_minute)

    @property
    def refusals(self) -> "Refusals":
        """Return the refusals that wait to be carried: of this place alone."""
        from gitcoord.ledger.transactions.carried import Refusals

        return Refusals(self.clone.folder / f"refusals-{self.place_folder.name}.json", self.host.unique)
