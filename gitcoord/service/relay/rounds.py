"""Rounds of a relay: look, take the turn, deliver, settle; once, or for as long as the process lives.

    look ──nothing is due and nothing is new──> wait
      └──> turn (swap) ──taken──> wait
               └──> deliver ──> settle (swap) ──> look again

Rules:
  * RELAY-1: nothing is delivered without the turn, and nothing once it may be over: a batch has half of its time.
  * Positions move behind what was tried, so that what a process did not come to is found by the next.
  * A relay begins with what happens after its first round.
  * A remote that is away costs a pause; nothing is delivered meanwhile that could not be settled.

What this file does not know: what the receiver is sent.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.relay import schedule
from gitcoord.core.relay.relay import Delivery, Position, Relay
from gitcoord.core.relay.schedule import Response, Tried
from gitcoord.errors import ContendedError, CoordError
from gitcoord.service.events import event_feed
from gitcoord.service.relay import relay_ref
from gitcoord.service.session.workspace import Workspace

BATCH_S = schedule.TURN_S / 2
BATCH_MAX = 50  # what is delivered is settled at least so often
READ_MAX = 200  # commits without an event that are read again in each round, before the position moves behind them
NEAR_S = 3.0  # between two looks, as a watching session has it
FAR_S = 15.0  # where a look starts git and asks a remote
AWAY_S = 30.0


class Sender(Protocol):
    """What delivers."""

    def send(self, delivery: Delivery, now: datetime) -> Response:
        """Send one delivery."""
        ...


class Round(NamedTuple):
    """What one round came to. `relay`: as it is after it; `is_taken`: another process has the turn."""

    relay: Relay
    tried: tuple[Tried, ...] = ()
    is_begun: bool = False
    is_taken: bool = False


@dataclass(slots=True)
class Rounds:
    """The rounds of one process. `receiver`: what is kept of its address; `words`: the events that are delivered."""

    workspace: Workspace
    name: str
    receiver: str
    sender: Sender
    words: Collection[str]

    def once(self) -> dict[str, Json]:
        """Deliver all that is due and new, and return what became of it.

        Raises:
            ContendedError: another process delivers as this relay.
            CoordError: the remote was not read or written.
        """
        tried: list[Tried] = []
        is_begun = False
        while True:
            found = self.round()
            tried += found.tried
            is_begun = is_begun or found.is_begun
            if found.is_taken:
                message = f"Another process delivers as the relay {self.name!r} now."
                raise ContendedError(message, hint="Nothing to do: it delivers what is there. Or try again later.")
            if not found.tried:
                return _report(found.relay, tried, is_begun=is_begun)

    def forever(self, tell: Callable[[dict[str, Json]], None]) -> None:
        """Deliver until the process ends; `tell` is called with what became of each round that did something."""
        host = self.workspace.setting.host
        while True:
            try:
                found = self.round()
            except CoordError as error:
                tell({"problem": str(error), "hint": error.hint})
                host.sleep(AWAY_S)
                continue
            if found.tried or found.is_begun:
                tell(_report(found.relay, list(found.tried), is_begun=found.is_begun))
            if not found.tried:
                host.sleep(FAR_S if self.workspace.setting.transport.is_far else NEAR_S)

    def round(self) -> Round:
        """Deliver at most one batch.

        Raises:
            CoordError: the remote was not read or written.
        """
        host = self.workspace.setting.host
        listed = event_feed.tips(self.workspace)
        _, relay = relay_ref.look(self.workspace, relay_ref.ref_of(self.workspace, self.name))
        if relay is None:
            return self._begin(listed)
        now = host.now()
        if schedule.is_paused(relay, now) or not self._has_work(relay, listed, now):
            return Round(relay)
        process = f"{self.workspace.clone_id}-{host.unique}"
        taken = relay_ref.change(
            self.workspace,
            self.name,
            lambda before: schedule.take_turn(before, process, host.now()) if before else None,
        )
        if taken is None:
            return Round(relay, is_taken=True)
        tried, positions = self._deliver(taken, listed)
        chance = host.chance()

        def settled(before: Relay | None) -> Relay | None:
            if before is None or before.turn_of != process:
                return None  # the turn was over: who has it now delivers the same again
            receiver = before.evolve(receiver=self.receiver)
            return schedule.settle(receiver, tried, positions, chance)

        after = relay_ref.change(self.workspace, self.name, settled)
        return Round(after or taken, tuple(tried))

    def _begin(self, listed: event_feed.Tips) -> Round:
        positions = [event_feed.position_at(self.workspace, ref, tip) for ref, tip in sorted(listed.items())]
        new = Relay(name=self.name, receiver=self.receiver, positions=tuple(positions))
        begun = relay_ref.change(self.workspace, self.name, lambda before: None if before else new)
        return Round(begun or new, is_begun=begun is not None)

    def _has_work(self, relay: Relay, listed: event_feed.Tips, now: datetime) -> bool:
        if schedule.due(relay, now):
            return True
        ends = 0
        for item in self._new(relay, listed):
            ends += item.delivery is None
            if item.delivery is not None or ends >= READ_MAX:
                return True
        return False

    def _new(self, relay: Relay, listed: event_feed.Tips) -> Iterator[event_feed.FeedItem]:
        if len(relay.waiting) >= schedule.WAITING_MAX:
            return iter(())
        return event_feed.feed(self.workspace, relay.positions, listed, self.words)

    def _deliver(self, relay: Relay, listed: event_feed.Tips) -> tuple[list[Tried], list[Position]]:
        """Try what is due, then what is new; return the attempts, and how far ledgers were delivered."""
        host = self.workspace.setting.host
        begun, tried, positions = host.monotonic(), list[Tried](), dict[str, Position]()

        def is_over() -> bool:
            return len(tried) >= BATCH_MAX or host.monotonic() - begun >= BATCH_S or schedule.wants_pause(tried)

        def send(delivery: Delivery) -> None:
            answer = self.sender.send(delivery, host.now())
            tried.append(Tried(delivery, answer, host.now()))

        for delivery in schedule.due(relay, host.now()):
            if is_over():
                break
            send(delivery)
        for item in self._new(relay, listed):
            if is_over():
                break
            if item.delivery is not None:
                send(item.delivery)
            positions[item.position.ledger] = item.position
        return tried, [*positions.values()]


def _report(relay: Relay, tried: Collection[Tried], *, is_begun: bool) -> dict[str, Json]:
    delivered = sum(attempt.answer.is_success for attempt in tried)
    next_at = schedule.next_at(relay)
    report: dict[str, Json] = {
        "relay": relay.name,
        "receiver": relay.receiver,
        "delivered": delivered,
        "failed": len(tried) - delivered,
        "waiting": len(relay.waiting),
        "exhausted": len(relay.exhausted),
        "attempts": [attempt_row(attempt) for attempt in tried],
    }
    if is_begun:
        report["begun"] = True
    return report | ({"next_attempt_at": time_text(next_at)} if next_at else {})


def attempt_row(attempt: Tried) -> dict[str, Json]:
    """Return an attempt of this process as a row."""
    delivery, answer = attempt.delivery, attempt.answer
    return {
        "delivery_id": delivery.id,
        "event_type": delivery.event,
        "attempt": delivery.attempts + 1,
        "delivered": answer.is_success,
        "answer": answer.words,
    }
