"""A remote that hangs: one process of a clone waits for it, and who waits for that process need not ask again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitcoord.errors import UnreachableError
from gitcoord.ledger.leader.lead_time import LEAD_S
from gitcoord.ledger.leader.spool import Spool
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.remote.contract import deadline
from gitcoord.remote.contract.deadline import NoAnswerError
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, Transport
from tests.unit.ledger.fakes import REFS, UNKNOWN, Clock, Member, World, Wrapped, add, code, host_of
from tests.unit.ledger.leader.test_crowds import waiting


class Hangs(Wrapped):
    """A remote that does not answer once it hangs; `meanwhile` is what happens until its time is over."""

    def __init__(self, inner: Transport, clock: Clock) -> None:
        super().__init__(inner)
        self.clock = clock
        self.meanwhile: Callable[[], object] | None = None
        self.reads = 0

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        self.reads += 1
        if self.meanwhile is None:
            return self.inner.read(prefixes)
        self.clock.advance(seconds=LEAD_S)
        self.meanwhile()
        message = "the remote did not answer in time"
        raise NoAnswerError(message)


class HangsOnPush(Wrapped):
    """A remote that answers until a swap is sent to it; what is waited for after that is as in `git_process`."""

    def __init__(self, inner: Transport, clock: Clock) -> None:
        super().__init__(inner)
        self.clock = clock
        self.reads = 0

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        if deadline.asked_for(LEAD_S, "remote") is None:
            message = "the remote did not answer in time"
            raise NoAnswerError(message)
        deadline.bounded(LEAD_S)
        self.reads += 1
        return self.inner.read(prefixes)

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        assert updates
        self.clock.advance(seconds=LEAD_S)
        deadline.unanswered("remote")
        return UNKNOWN


@dataclass
class Place:
    """A clone at such a remote, with the spool in which its other processes wait."""

    world: World
    remotes: list[Hangs] = field(default_factory=list[Hangs])

    def __post_init__(self) -> None:
        self.world.clone("bob").create()
        self.ann: Member = self.world.clone("ann", self._wrap)
        self.spool = Spool(self.ann.setting.place_folder, self.ann.setting.host)
        self.combiner = Combiner(self.ann.setting.clone.folder, host_of(self.ann.clock), self.ann.transactions)

    def _wrap(self, inner: Transport) -> Hangs:
        self.remotes.append(Hangs(inner, self.world.clock))
        return self.remotes[-1]

    @property
    def remote(self) -> Hangs:
        return self.remotes[-1]

    def arrive(self) -> None:
        self.spool.put(waiting(self.ann, 8, 40))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(World(tmp_path))


def test_who_waits_for_a_leader_whom_the_remote_does_not_answer_gets_that_as_the_answer(place: Place) -> None:
    place.remote.meanwhile = place.arrive

    own = place.combiner.submit(place.ann.entry(add(7), "app"))
    other = place.spool.reply("waits-8")

    assert (code(own), other and code(other), place.remote.reads) == ("unreachable", "unreachable", 1)
    assert place.spool.is_empty()


def test_who_waits_while_a_beat_holds_the_lock_gets_its_answer_too(place: Place) -> None:
    place.remote.meanwhile = place.arrive

    with pytest.raises(NoAnswerError), place.combiner.lock():
        place.ann.setting.transport.read(REFS.everything)

    other = place.spool.reply("waits-8")
    assert (other and code(other), place.remote.reads) == ("unreachable", 1)


def test_who_waits_while_the_push_of_a_beat_is_not_answered_gets_that_as_the_answer_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    ann = world.clone("ann", lambda inner: HangsOnPush(inner, world.clock))
    spool = Spool(ann.setting.place_folder, ann.setting.host)
    spool.put(waiting(ann, 8, 40))
    session = ann.open_session()
    combiner = Combiner(ann.setting.clone.folder, host_of(ann.clock), ann.transactions)

    with pytest.raises(UnreachableError):
        beat_now(ann.setting, combiner, force=True)
    other = spool.reply("waits-8")

    assert other is not None
    assert code(other) == "unreachable"
    session.forget()


@pytest.mark.rule("TXN-4")
def test_of_a_command_whose_earlier_try_may_still_land_nobody_says_that_it_was_not_sent(place: Place) -> None:
    place.ann.setting.pending().add([(REFS.steps("app"), None, ["waits-8"])])
    place.remote.meanwhile = place.arrive

    place.combiner.submit(place.ann.entry(add(7), "app"))
    other = place.spool.reply("waits-8")

    assert other is not None
    assert code(other) == "unknown_outcome"


def test_who_comes_once_the_remote_answers_again_is_carried_out(place: Place) -> None:
    place.remote.meanwhile = place.arrive
    place.combiner.submit(place.ann.entry(add(7), "app"))
    place.remote.meanwhile = None
    place.spool.put(waiting(place.ann, 9, 40))

    own = place.combiner.submit(place.ann.entry(add(7), "app"))
    other = place.spool.reply("waits-9")

    assert (code(own), other and code(other)) == ("steps_added", "steps_added")


def test_for_nobody_the_remote_is_not_asked(place: Place) -> None:
    place.arrive()

    place.combiner.submit(place.ann.entry(add(7), "app"))

    assert place.remote.reads == 1


@pytest.mark.rule("TXN-4")
def test_what_another_process_has_sent_meanwhile_counts_for_who_only_takes_the_lock(place: Place) -> None:
    place.combiner.submit(place.ann.entry(add(7), "app"))  # so that this process has read what was sent
    place.ann.setting.pending().add([(REFS.steps("app"), None, ["waits-8"])])  # by one that was killed then
    place.remote.meanwhile = place.arrive

    with pytest.raises(NoAnswerError), place.combiner.lock():
        place.ann.setting.transport.read(REFS.everything)

    other = place.spool.reply("waits-8")
    assert other is not None
    assert code(other) == "unknown_outcome"
