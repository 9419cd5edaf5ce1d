"""Publishing: what was coordinated in one clone moves to a remote named later; nothing is lost, nothing overwritten."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from gitcoord.core.relay.relay import Relay
from gitcoord.errors import DeniedError, StorageError, UnreachableError
from gitcoord.ledger.archive.publish import Published, publish
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.readers import relay_document
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus
from gitcoord.remote.transports.memory import MemoryTransport
from tests.unit.ledger.fakes import DENIED, LOST, REFS, SIGNATURE, START, UNREACHABLE, Lossy, Member, World, add, code

APP, WEB = REFS.steps("app"), REFS.steps("web")
CHAT = REFS.below("relay/chat")
KEPT, PUBLISHED = RefName("refs/kept/coord/steps/app"), RefName("refs/published/coord/steps/app")


class Places:
    """A home with a project, and a remote."""

    def __init__(self, folder: Path) -> None:
        self.home = World(folder / "home")
        self.remote = World(folder / "remote")
        self.remote.clock = self.home.clock
        self.ann: Member = self.home.clone("ann", lambda inner: inner)
        self.ann.create("app")
        # One process sees both, with the home's objects as its own: a store that turns from home into cache.
        assert isinstance(self.ann.transport, MemoryTransport)
        self.store: MemoryTransport = self.ann.transport
        self.out = MemoryTransport(self.remote.remote, objects=self.store.objects)

    def publish(self, plan: Sequence[str | SwapOutcome] = ()) -> Published:
        return publish(self.store, Lossy(self.out, plan), REFS, SIGNATURE, START)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


@pytest.mark.rule("STORE-2")
def test_a_project_is_published_as_a_parentless_commit_of_its_tree(places: Places) -> None:
    tree = places.home.state().folder.oid

    done = places.publish()

    tip = commits.read(places.remote.remote.objects, places.remote.remote.refs[APP])
    assert done == Published((APP,), ())
    assert (tip.tree, tip.parents) == (tree, ())
    assert places.home.remote.refs.keys() == {PUBLISHED}
    assert sorted(places.remote.board().steps) == [1, 2, 3]


@pytest.mark.rule("STORE-2")
def test_what_was_published_is_worked_on_by_others_and_by_its_clone(places: Places) -> None:
    places.ann.claim()
    places.publish()
    bob, ann = places.remote.clone("bob"), places.remote.clone("ann")

    replies = [bob.claim(), ann.complete(1, 1)]

    assert [code(reply) for reply in replies] == ["step_claimed", "step_completed"]
    assert places.remote.step(2).agent_id == "bob"


@pytest.mark.rule("STORE-2")
def test_a_name_that_is_taken_is_kept_here_and_not_touched_there(places: Places) -> None:
    places.remote.clone("bob").create("app", 9)
    theirs = places.remote.remote.refs[APP]
    mine = places.home.remote.refs[APP]
    places.ann.create("web")

    done = places.publish()

    assert done == Published((WEB,), (APP,))
    assert places.remote.remote.refs[APP] == theirs
    assert places.home.remote.refs[KEPT] == mine


@pytest.mark.rule("STORE-2")
def test_a_name_that_is_taken_while_we_publish_is_kept_here(places: Places) -> None:
    bob = places.remote.clone("bob")
    taken: list[RefName] = []

    class Late(Lossy):
        def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
            bob.create("app", 9)
            taken.append(APP)
            return super().send(updates)

    done = publish(places.store, Late(places.out, []), REFS, SIGNATURE, START)

    assert done == Published((), (APP,))
    assert len(places.remote.board().steps) == 9
    assert KEPT in places.home.remote.refs


@pytest.mark.rule("STORE-2")
def test_publishing_again_does_nothing_more(places: Places) -> None:
    places.publish()
    before = dict(places.remote.remote.refs), dict(places.home.remote.refs)

    again = places.publish()

    assert again == Published((), ())
    assert (places.remote.remote.refs, places.home.remote.refs) == before


@pytest.mark.rule("STORE-2")
@pytest.mark.parametrize(("answer", "kind"), [(DENIED, DeniedError), (UNREACHABLE, UnreachableError)])
def test_what_the_remote_does_not_take_stays_here(places: Places, answer: SwapOutcome, kind: type[Exception]) -> None:
    mine = dict(places.home.remote.refs)

    with pytest.raises(kind):
        places.publish([answer])

    assert places.home.remote.refs == mine
    assert places.publish() == Published((APP,), ())


@pytest.mark.rule("STORE-2", "SAFE-3")
def test_a_project_whose_answer_was_lost_is_not_taken_for_another_of_its_name(places: Places) -> None:
    with pytest.raises(UnreachableError):
        places.publish(["landed"])

    assert places.publish() == Published((APP,), ())
    assert PUBLISHED in places.home.remote.refs


@pytest.mark.rule("STORE-2", "SAFE-3")
def test_a_project_that_was_not_set_aside_before_a_crash_is_recognized(places: Places) -> None:
    tip: Oid = places.home.remote.refs[APP]
    places.publish()
    places.home.remote.refs = {APP: tip}  # the process died between the two
    places.remote.clone("bob").claim()

    assert places.publish() == Published((APP,), ())


@pytest.mark.rule("STORE-2", "SAFE-3")
@pytest.mark.parametrize("outcome", [LOST, UNREACHABLE, DENIED])
def test_a_store_that_cannot_set_a_project_aside_says_so(places: Places, outcome: SwapOutcome) -> None:
    stuck = Lossy(places.store, [outcome])

    with pytest.raises(StorageError, match="refs/coord/steps/app could not be set aside"):
        publish(stuck, places.out, REFS, SIGNATURE, START)

    assert APP in places.home.remote.refs
    assert places.publish() == Published((APP,), ())


def begin_relay(place: MemoryTransport, receiver: str) -> None:
    """Let a relay begin there."""
    document = Relay(name="chat", receiver=receiver).encode()
    tree = trees.write(place.objects, trees.EMPTY, {relay_document.FILE: document}).oid or Oid("")
    commit = commits.write(place.objects, tree, [], SIGNATURE, START, "relay chat")
    assert place.swap([RefUpdate(CHAT, None, commit)]).status is SwapStatus.WON


@pytest.mark.rule("STORE-2")
def test_a_relay_goes_on_at_the_remote_from_where_it_was(places: Places) -> None:
    begin_relay(places.store, "https://a.example.com")

    assert places.publish() == Published((CHAT, APP), ())
    assert places.publish() == Published((), ())

    found = relay_document.read(places.out.objects, CHAT, places.remote.remote.refs[CHAT])
    assert (found.name, found.receiver) == ("chat", "https://a.example.com")


@pytest.mark.rule("STORE-2")
def test_a_relay_whose_name_is_taken_at_the_remote_stays_here(places: Places) -> None:
    begin_relay(places.out, "https://theirs.example.com")
    begin_relay(places.store, "https://a.example.com")

    assert places.publish().kept == (CHAT,)

    found = relay_document.read(places.out.objects, CHAT, places.remote.remote.refs[CHAT])
    assert found.receiver == "https://theirs.example.com"
    assert RefName("refs/kept/coord/relay/chat") in places.home.remote.refs


@pytest.mark.rule("STORE-2")
def test_a_heartbeat_is_not_published(places: Places) -> None:
    session = places.ann.open_session()
    places.home.clock.advance(minutes=5)
    places.ann.do(add(4))
    assert REFS.heartbeat("ann") in places.home.remote.refs

    places.publish()

    assert list(places.remote.remote.refs) == [APP]
    assert places.home.remote.refs.keys() == {PUBLISHED}
    session.forget()
