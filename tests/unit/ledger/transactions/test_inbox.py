"""The inbox: who loses a race posts, one clone carries out what all have posted, and each command lands once."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.step import StepDefinition
from gitcoord.core.steps.step_commands import AddSteps, ClaimStep, CreateProject, OwnedPlace, PathRules
from gitcoord.errors import CoordError, MissingObjectError, UnreachableError
from gitcoord.ledger.archive.history import record_of
from gitcoord.ledger.audit.ledger_audit import LedgerAudit
from gitcoord.ledger.audit.received_push import ReceivingPlace, refusals
from gitcoord.ledger.format import commits, post, trees
from gitcoord.ledger.format.entry import Entry, Reply
from gitcoord.ledger.format.meta import Meta
from gitcoord.ledger.format.post import PostedCommands
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.kinds.ledger import LedgerState, absent
from gitcoord.ledger.kinds.table import CLAIMS
from gitcoord.ledger.leader.crowd import Crowd
from gitcoord.ledger.leader.lead_time import LEAD_S, PATIENCE_S
from gitcoord.ledger.leader.posted import OwnPost
from gitcoord.ledger.liveness.cleanup import sweep
from gitcoord.ledger.readers.last_listing import Listing
from gitcoord.ledger.transactions.inbox import (
    FOLD_OF_WAIT,
    GATHER_PUSHES,
    LOOKS_A_FOLD,
    PUSH_MIN_S,
    Inbox,
)
from gitcoord.ledger.transactions.plan import Plan
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract import deadline
from gitcoord.remote.contract.deadline import TooSlowError
from gitcoord.remote.contract.object_graph import reachable
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus, Transport
from gitcoord.remote.transports.memory import MemoryTransport
from tests.unit.ledger.fakes import (
    BASE_COMMIT,
    DENIED,
    LOST,
    REFS,
    SIGNATURE,
    UNKNOWN,
    Clock,
    Interleaved,
    Lossy,
    Member,
    World,
    Wrapped,
    add,
    code,
    fact,
)

URL = "https://host.invalid/team.git"
APP = REFS.steps("app")


class KilledError(BaseException):
    """The process ends here."""


def member(world: World, name: str, wrap: Callable[[Transport], Transport] = Wrapped) -> Member:
    """Return a clone whose place is a remote over a network."""
    made = world.clone(name, wrap)
    setting = replace(made.setting, beats=replace(made.setting.beats, place=URL))
    setting.place_folder.mkdir(parents=True, exist_ok=True)
    return Member(name, setting, Transactions(setting), made.clock, made.sessions)


def inbox(world: World) -> list[RefName]:
    return [ref for ref in world.remote.refs if REFS.is_inbox(ref)]


def team(world: World, *before: Callable[[], object]) -> Member:
    """Return ann, in a project with steps, whose nth swap comes after the nth of these."""
    member(world, "dora").create(steps=9)
    return member(world, "ann", lambda inner: Interleaved(inner, [*before]))


def nothing() -> None:
    pass


def parents_of(world: World, tip: Oid) -> list[Oid]:
    return [*commits.read(world.remote.objects, tip).parents]


def audited(world: World) -> int:
    """Replay all ledgers in a clone that has seen nothing; return how many commits there were."""
    auditor = world.clone("auditor")
    listed = auditor.transport.read(REFS.everything)
    refs = [ref for ref in listed if not (REFS.is_inbox(ref) or REFS.clone_of(ref) or ref == REFS.config)]
    reports = [LedgerAudit(auditor.setting, listed).run(ref, None) for ref in refs]
    assert [(report.finding, report.warnings) for report in reports] == [(None, [])] * len(refs)
    return sum(report.replayed for report in reports)


def held(world: World) -> dict[int, str | None]:
    return {num: step.agent_id for num, step in world.board().steps.items() if step.agent_id}


@pytest.mark.rule("LIVE-1", "TXN-1")
def test_who_loses_a_race_posts_and_who_posted_first_carries_it_out_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl = member(world, "carl")
    ann = team(world, carl.claim)

    reply = ann.claim()

    assert fact(reply, "step_num") == 2
    assert isinstance(ann.transport, Interleaved)
    assert len(ann.transport.swaps) == 3  # lost, posted, written
    posted = ann.transport.swaps[1][0]
    assert posted.ref.startswith("refs/coord/inbox/steps/app/")
    assert len(parents_of(world, world.remote.refs[APP])) == 1  # its own post says nothing that the commit does not
    assert inbox(world) == []


@pytest.mark.rule("LIVE-1", "TXN-2")
def test_what_several_clones_have_posted_lands_with_one_swap_of_one_of_them(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl, bob = member(world, "carl"), member(world, "bob")
    ann = team(world, carl.claim, nothing, bob.claim)

    before = world.remote.refs[APP]
    reply = ann.claim()

    assert (code(reply), fact(reply, "step_num")) == ("step_claimed", 2)
    assert held(world) == {1: "carl", 2: "ann", 3: "bob"}
    tip = world.remote.refs[APP]
    first, *posts = parents_of(world, tip)
    assert parents_of(world, first) == [before]  # of carl's, between them
    assert [Refs().post_at(ref) for ref in inbox(world)] == []
    assert [said and said.clone for said in (post.commands_in(world.remote.objects, oid) for oid in posts)] == ["ann"]
    assert ann.transactions.won_swaps == 0
    assert bob.transactions.won_swaps == 1
    assert audited(world) == 3


@pytest.mark.rule("LIVE-1")
def test_who_has_met_others_posts_at_once_until_nobody_else_is_there(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl, bob = member(world, "carl"), member(world, "bob")
    ann = team(world, carl.claim, nothing, bob.claim)
    assert isinstance(ann.transport, Interleaved)
    ann.claim()
    met, lost = len(ann.transport.swaps), ann.transactions.lost_swaps

    replies = [
        ann.do(ClaimFiles(claim_id=f"c-{name}", wishes=(Wish(pattern=f"{name}.py"),)), None) for name in ("a", "b")
    ]

    posted, written, direct = ann.transport.swaps[met:]
    assert posted[0].ref.startswith("refs/coord/inbox/claims/")
    assert [{line.ref for line in swap} >= {REFS.claims} for swap in (written, direct)] == [True, True]
    assert ann.transactions.lost_swaps == lost
    assert {code(reply) for reply in replies} == {"claim_granted"}
    assert inbox(world) == []


def test_the_record_of_such_a_commit_says_who_wrote_it_and_whose_each_command_is(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl, bob = member(world, "carl"), member(world, "bob")
    ann = team(world, carl.claim, nothing, bob.claim)

    ann.claim()

    tip = world.remote.refs[APP]
    lines = record_of(world.remote.objects, commits.read(world.remote.objects, tip)).splitlines()
    assert '"writer":"bob"' in lines[0]
    landed = [event.record.line for event in world.events()][-2:]
    assert [(line["id"], by["agent"]) for line in landed if isinstance(by := line["by"], dict)] == [
        ("ann.1", "ann"),
        ("bob.1", "bob"),
    ]
    reader = world.reader()
    state = reader.project(APP, world.remote.refs[APP])
    counters = {name: reader.applied(state, name) for name in ("ann", "bob")}
    assert {name: (said.counter, len(said.outcomes), said.at) for name, said in counters.items()} == {
        "ann": (1, 1, state.meta.at),
        "bob": (1, 1, state.meta.at),
    }


@pytest.mark.rule("SAFE-5")
def test_a_step_and_its_paths_land_together_out_of_a_post(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl, bob = member(world, "carl"), member(world, "bob")
    steps = tuple(StepDefinition(step_num=num, paths=(f"src/{num}.py",)) for num in (1, 2, 3))
    carl.do(CreateProject(name="app", base_commit=BASE_COMMIT, steps=steps))
    callers = [lambda: carl.claim(claim_id="c-carl0001"), nothing, lambda: bob.claim(claim_id="c-bob00001")]
    ann = member(world, "ann", lambda inner: Interleaved(inner, [*callers]))

    reply = ann.claim(claim_id="c-ann00001")

    assert fact(reply, "step_num") == 2
    claims = world.reader().claims(world.remote.refs).content.claims
    assert {name: claim.agent for name, claim in claims.items()} == {
        "c-carl0001": "carl",
        "c-ann00001": "ann",
        "c-bob00001": "bob",
    }
    assert bob.transactions.won_swaps == 2  # two ledgers, in one swap
    assert inbox(world) == []
    assert audited(world) == 5  # the project, carl's claim in two ledgers, and those of both


@pytest.mark.rule("SAFE-5", "CLAIM-5")
def test_a_step_out_of_a_post_is_given_by_the_ownership_rules_of_its_own_paths(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl, bob = member(world, "carl"), member(world, "bob")
    rules(world, hard_requires_owner=True)
    steps = tuple(StepDefinition(step_num=num, paths=(f"src/{num}.py",)) for num in (1, 2, 3))
    carl.do(CreateProject(name="app", base_commit=BASE_COMMIT, steps=steps))
    callers = [lambda: carl.do(add(4)), lambda: carl.claim(claim_id="c-carl"), lambda: bob.claim(claim_id="c-bob")]
    ann = member(world, "ann", lambda inner: Interleaved(inner, [*callers]))
    of_zoe = PathRules(owned=(OwnedPlace(paths=("src/2.py",), owners=("zoe",)),))

    reply = ann.do(ClaimStep(claim_id="c-ann", rules=of_zoe))

    assert fact(reply, "step_num") == 3  # as it was decided for the post, step 1 was free
    record = record_of(world.remote.objects, commits.read(world.remote.objects, world.remote.refs[APP]))
    lines = [json.loads(line) for line in record.splitlines()]
    recorded = [ClaimStep.parse(line["args"]).rules for line in lines if line.get("do") == "claim_step"]
    assert recorded == [of_zoe, PathRules()]  # as in the post
    assert audited(world) == 6  # the project, a step more, carl's claim in two ledgers, and those of both


@pytest.mark.rule("SEC-3")
def test_a_server_that_judges_pushes_takes_posts_and_what_carries_them_out(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl, bob = member(world, "carl"), member(world, "bob")
    ann = team(world, carl.claim, nothing, bob.claim)
    ann.claim()
    transport = MemoryTransport(world.remote, objects=world.remote.objects)
    place = ReceivingPlace(transport, REFS, ann.setting.host)
    assert isinstance(ann.transport, Interleaved)
    assert isinstance(bob.transport, Wrapped)
    posted, folded = ann.transport.swaps[1], bob.transport.swaps[-1]
    (line,) = posted
    forged = post.write(world.remote.objects, zoes(world), SIGNATURE, world.clock.now)

    assert [refusals(place, swap) for swap in (posted, folded)] == [[], []]
    assert len(refusals(place, [RefUpdate(line.ref, line.new, forged)])) == 1
    assert len(refusals(place, [RefUpdate(line.ref, forged, line.new)])) == 1
    assert len(refusals(place, [RefUpdate(REFS.below("inbox/steps/app/x"), None, line.new)])) == 1


# --- what is left alone ---


def stranger(world: World, said: PostedCommands, name: str = "zoe") -> RefName:
    """Put a post there, as any clone can."""
    ref = REFS.post(APP, int(world.clock.now.timestamp() * 1000) - 1, name, "drawn0")
    tip = post.write(world.remote.objects, said, SIGNATURE, world.clock.now)
    assert world.plain().swap([RefUpdate(ref, None, tip)]).status is SwapStatus.WON
    return ref


def zoes(world: World, **changed: Json) -> PostedCommands:
    zoe = member(world, "zoe")
    entry = zoe.entry(add(77), "app").evolve(deadline=world.clock.now + timedelta(seconds=30))
    said = PostedCommands(clone="zoe", ledger=APP, entries=(entry,))
    return PostedCommands.parse({**said.dump(), **changed})


@pytest.mark.rule("TXN-2")
@pytest.mark.parametrize(
    "changed",
    [{"version": 2}, {"counter": 5}, {"ledger": "refs/coord/claims"}, {"entries": []}],
    ids=str,
)
def test_a_post_of_another_version_or_that_is_void_is_left_alone(tmp_path: Path, changed: dict[str, Json]) -> None:
    world = World(tmp_path)
    ann = team(world)
    left = stranger(world, zoes(world, **changed))

    reply = ann.claim()

    assert fact(reply, "step_num") == 1
    assert inbox(world) == [left]
    assert 77 not in world.board().steps


def test_a_post_in_the_name_of_another_clone_is_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = team(world)
    left = stranger(world, zoes(world), name="carl")

    ann.claim()

    assert inbox(world) == [left]
    assert 77 not in world.board().steps


def rules(world: World, **policy: Json) -> Oid:
    """Write the team's rules."""
    objects = world.remote.objects
    files = {"policy.json": Policy.parse(policy).encode(), "meta.json": Meta().encode()}
    tree = trees.write(objects, trees.EMPTY, files).oid
    old = world.remote.refs.get(REFS.config)
    tip = commits.write(objects, tree or Oid(""), [old] if old else [], SIGNATURE, world.clock.now, "rules")
    world.remote.refs[REFS.config] = tip
    return tip


@pytest.mark.rule("TXN-1", "SEC-6")
@pytest.mark.parametrize(
    ("policy", "config", "title", "is_left"),
    [
        ({}, None, "mine", False),
        ({}, "now", "mine", False),
        ({}, "", "mine", True),
        ({}, "1" * 40, "mine", True),
        ({"texts": "private"}, None, "mine", True),
        ({"texts": "private"}, None, "", False),
        ({"pin_agents": "zoe=zoe@example.org"}, None, "mine", True),
        ({"pin_agents": "bob=bob@example.org"}, None, "mine", False),
    ],
    ids=str,
)
def test_what_was_posted_by_other_rules_of_the_team_is_left_to_who_posted_it(
    tmp_path: Path, policy: dict[str, Json], config: str | None, title: str, is_left: bool
) -> None:
    world = World(tmp_path)
    ann = team(world)
    now = rules(world, **policy)
    said = zoes(world)
    step = StepDefinition(step_num=77, title=title)
    entry = said.entries[0].evolve(arguments=AddSteps(steps=(step,)).dump(), config=now if config == "now" else config)
    stranger(world, said.evolve(entries=(entry,)))

    ann.claim()

    assert (77 not in world.board().steps) == bool(inbox(world)) == is_left


TITLED = AddSteps(steps=(StepDefinition(step_num=78, title="mine"),))


def bytes_behind(world: World, tip: Oid) -> bytes:
    """Return all that is reachable from a commit, as one text."""
    read = world.remote.objects.read
    return b"".join(read(oid)[1] for oid in sorted(reachable([tip], read)))


@pytest.mark.rule("SEC-6")
def test_of_a_post_that_has_texts_nothing_is_carried_out_where_they_are_private(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann, said = team(world), zoes(world)
    rules(world, texts="private")
    titled = said.entries[0].evolve(uid="titled", arguments=TITLED.dump())
    left = stranger(world, said.evolve(entries=(*said.entries, titled)))

    ann.claim()

    assert inbox(world) == [left]
    assert {77, 78}.isdisjoint(world.board().steps)
    assert b"mine" not in bytes_behind(world, world.remote.refs[APP])


@pytest.mark.rule("SEC-6")
def test_what_was_posted_before_texts_became_private_is_written_without_and_its_post_goes(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl = member(world, "carl")
    ann = team(world, carl.claim, nothing, lambda: rules(world, texts="private"))
    rules(world)

    reply = ann.do(TITLED)

    assert isinstance(ann.transport, Interleaved)
    posted = ann.transport.swaps[1][-1]
    assert posted.ref.startswith("refs/coord/inbox/steps/app/")
    assert (code(reply), inbox(world)) == ("steps_added", [])
    assert 78 in world.board().steps
    assert b"mine" in bytes_behind(world, posted.new or Oid(""))
    assert b"mine" not in bytes_behind(world, world.remote.refs[APP])


@pytest.mark.rule("SEC-8")
@pytest.mark.parametrize("is_gone", [True, False])
def test_where_the_rules_of_the_team_are_lost_a_post_that_the_last_ones_do_not_take_is_left_alone(
    tmp_path: Path, is_gone: bool
) -> None:
    world = World(tmp_path)
    ann = team(world)
    before = rules(world)
    rules(world, pin_agents="zoe=zoe@example.org")
    ann.do(ClaimFiles(claim_id="c-ann", wishes=(Wish(pattern="a.py"),)), None)
    if is_gone:
        del world.remote.refs[REFS.config]
    else:
        world.remote.refs[REFS.config] = before
    left = stranger(world, zoes(world))

    reply = ann.claim()

    assert fact(reply, "step_num") == 1
    assert inbox(world) == [left]
    assert 77 not in world.board().steps


@pytest.mark.rule("TXN-1")
def test_a_post_lands_only_while_the_rules_of_the_team_are_those_it_was_decided_by(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl = member(world, "carl")
    ann = team(world, carl.claim, lambda: rules(world, note="changed"))
    config = rules(world)
    assert isinstance(ann.transport, Interleaved)

    reply = ann.claim()

    checked = [{line.ref: line.new for line in swap if line.is_check} for swap in ann.transport.swaps]
    assert fact(reply, "step_num") == 2
    assert checked[:2] == [{REFS.config: config}, {REFS.config: config}]
    assert checked[-1] == {REFS.config: world.remote.refs[REFS.config]}
    assert inbox(world) == []


@pytest.mark.rule("TXN-1", "TXN-4")
def test_who_has_posted_by_rules_that_moved_meanwhile_takes_the_post_back_and_reads_that(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl = member(world, "carl")

    class Moving(Interleaved):
        def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
            if inbox(world) and world.remote.refs[REFS.config] == config:
                rules(world, note="changed")
            return super().read(prefixes)

    member(world, "dora").create(steps=9)
    config = rules(world)
    ann = member(world, "ann", lambda inner: Moving(inner, [carl.claim]))
    entry = ann.entry(add(33), "app").evolve(config=config, deadline=world.clock.now + timedelta(seconds=PATIENCE_S))

    (reply,) = ann.run(entry)

    assert code(reply) == "rules_moved"
    assert inbox(world) == []
    assert ann.setting.posted().posts() == {}
    assert 33 not in world.board().steps


def test_a_post_that_is_over_is_left_alone_and_swept_later(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = team(world)
    left = stranger(world, zoes(world))
    world.clock.advance(seconds=31)

    ann.claim()

    assert inbox(world) == [left]
    assert 77 not in world.board().steps
    later = world.clock.now + timedelta(days=1)
    assert [line.ref for line in sweep(world.remote.objects, REFS, world.remote.refs, later)] == [left]


def test_what_a_fold_would_refuse_is_left_to_who_posted_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl, bob = member(world, "carl"), member(world, "bob")
    wanted: list[Reply] = []
    ann = team(world, carl.claim, nothing, lambda: wanted.append(bob.claim(step_num=2)))

    reply = ann.claim(step_num=2)  # before bob's, since it was posted before

    assert fact(reply, "step_num") == 2
    assert [code(refused) for refused in wanted] == ["step_held"] or [
        refused.outcome and refused.outcome.verdict for refused in wanted
    ] == ["refused"]
    assert inbox(world) == []
    assert len(world.uids()) == len({*world.uids()})


# --- where clones may not meet ---


@pytest.mark.parametrize("atomic", [True, False])
def test_nothing_is_posted_where_a_remote_takes_one_ref_at_a_time(tmp_path: Path, atomic: bool) -> None:
    world = World(tmp_path, atomic=atomic, sends_checks=atomic)
    carl = member(world, "carl")
    ann = team(world, carl.claim)

    ann.claim()

    assert isinstance(ann.transport, Interleaved)
    posts = [line.ref for swap in ann.transport.swaps for line in swap if REFS.is_inbox(line.ref)]
    assert bool(posts) == atomic


class NoInbox(Interleaved):
    """A remote that declines what is in the inbox."""

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        if any(REFS.is_inbox(update.ref) for update in updates):
            return DENIED
        return super().send(updates)


@pytest.mark.rule("LIVE-1")
def test_where_the_inbox_is_declined_a_loser_tries_again_by_itself(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl = member(world, "carl")
    member(world, "dora").create(steps=9)
    ann = member(world, "ann", lambda inner: NoInbox(inner, [carl.claim]))

    replies = [ann.claim()]
    Crowd(ann.setting.place_folder, ann.setting.host).meet()
    replies += [ann.claim(agent="ann/two"), ann.restarted().claim(agent="ann/three")]

    assert [fact(reply, "step_num") for reply in replies] == [2, 3, 4]
    assert isinstance(ann.transport, NoInbox)
    posts = [line for swap in ann.transport.swaps for line in swap if REFS.is_inbox(line.ref)]
    assert len(posts) == 1  # it is not asked again for a while


@pytest.mark.rule("LIVE-1", "SAFE-2")
def test_where_a_post_is_declined_refs_are_listed_before_the_command_is_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = member(world, "bob")
    member(world, "dora").create(steps=9)
    ann = member(world, "ann", lambda inner: NoInbox(inner, []))
    ann.claim()
    bob.claim()
    Crowd(ann.setting.place_folder, ann.setting.host).meet()
    assert isinstance(ann.transport, NoInbox)
    first = len(ann.transport.swaps)

    reply = ann.claim(agent="ann/two")

    assert fact(reply, "step_num") == 3
    posted, written = ann.transport.swaps[first:]
    assert REFS.is_inbox(posted[0].ref)
    assert APP in {line.ref for line in written}


# --- deadlines ---


class LosingFolds(Wrapped):
    """A remote where every write of a ledger loses; `before` runs before each deletion."""

    def __init__(self, inner: Transport, before: Callable[[], object] = nothing) -> None:
        super().__init__(inner)
        self.before = before

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        if any(update.ref == APP and not update.is_check for update in updates):
            return LOST
        if any(update.new is None for update in updates):
            self.before()
        return self.inner.swap(updates)


def late(who: Member) -> tuple[Entry, Mapping[str, Reply]]:
    """Give a command that a caller waits for as long as callers wait."""
    entry = who.entry(add(55), "app").evolve(deadline=who.clock.now + timedelta(seconds=PATIENCE_S))
    return entry, who.transactions.run([entry], until=entry.deadline, left_s=LEAD_S)


@pytest.mark.rule("TXN-4")
def test_who_waits_no_longer_takes_the_post_back_and_nothing_of_it_can_land(tmp_path: Path) -> None:
    world = World(tmp_path)
    member(world, "dora").create()
    ann = member(world, "ann", LosingFolds)

    entry, replies = late(ann)

    assert code(replies[entry.uid]) == "contended"
    assert inbox(world) == []
    assert 55 not in world.board().steps
    assert ann.setting.posted().posts() == {}


@pytest.mark.rule("TXN-4", "SAFE-3")
def test_who_takes_a_post_back_that_was_carried_out_reads_the_outcome(tmp_path: Path) -> None:
    world = World(tmp_path)
    member(world, "dora").create()
    ann, bob = member(world, "ann", LosingFolds), member(world, "bob")
    assert isinstance(ann.transport, LosingFolds)
    ann.transport.before = bob.claim  # it finds ann's post, and carries it out

    entry, replies = late(ann)

    assert code(replies[entry.uid]) == "steps_added"
    assert 55 in world.board().steps
    assert inbox(world) == []


# --- waiting ---


def waiting(world: World, ann: Member, ledger: RefName, uid: str = "", *, behind: float | None = None) -> RefName:
    """Let ann have a post there, which zoe's is so many seconds older than."""
    now_ms = int(world.clock.now.timestamp() * 1000)
    places = {REFS.post(ledger, now_ms, "ann", f"drawn{uid}"): uid}
    if behind is not None:
        places[REFS.post(ledger, now_ms - int(behind * 1000), "zoe", "drawn0")] = ""
    tip = post.write(world.remote.objects, zoes(world), SIGNATURE, world.clock.now)
    assert world.plain().swap([RefUpdate(ref, None, tip) for ref in places]).status is SwapStatus.WON
    own = next(iter(places))
    ann.setting.posted().add({ledger: OwnPost(own, tip, (uid,), made=True)})
    return own


def inbox_of(ann: Member) -> tuple[Inbox, Crowd]:
    crowd = Crowd(ann.setting.place_folder, ann.setting.host)
    return Inbox(ann.setting, ann.setting.reader(), ann.setting.posted(), crowd), crowd


@pytest.mark.rule("LIVE-1")
def test_what_was_carried_out_is_answered_though_a_post_for_another_ledger_waits(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = team(world)
    step, claim = ann.entry(add(33), "app"), ann.entry(add(34), "app")
    first = waiting(world, ann, APP, step.uid)
    waiting(world, ann, REFS.claims, claim.uid, behind=1)
    kept, crowd = inbox_of(ann)
    claims = SimpleNamespace(state=absent(CLAIMS, REFS.claims))  # of the plan for that ledger, what counts
    found: list[tuple[float | None, bool, float | None]] = []
    world.clock.advance(seconds=2)
    for _ in range(2):
        listed = {ref: tip for ref, tip in world.remote.refs.items() if ref != first}
        looked = kept.look(listed, [step, claim])
        found.append((looked, kept.holds([cast("Plan", claims)]), crowd.fold_s))
        world.clock.advance(seconds=0.1)

    assert found == [(None, True, pytest.approx(2 * FOLD_OF_WAIT, abs=0.01))] * 2  # of a wait of 2 s, once


def test_from_a_post_that_nobody_waited_for_it_is_not_learned_what_a_fold_takes(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = team(world)
    first = waiting(world, ann, APP, "ann.7")
    kept, crowd = inbox_of(ann)
    world.clock.advance(seconds=9)

    looked = kept.look({ref: tip for ref, tip in world.remote.refs.items() if ref != first}, [ann.entry(add(3), "app")])

    assert looked is None
    assert crowd.fold_s is None


@pytest.mark.rule("LIVE-1")
@pytest.mark.parametrize(("older_s", "waits"), [(1.0, True), (PATIENCE_S + 1, False)])
def test_who_posted_longer_ago_than_callers_wait_is_not_waited_for_and_is_folded(
    tmp_path: Path, older_s: float, waits: bool
) -> None:
    world = World(tmp_path)
    ann = team(world)
    entry = ann.entry(add(33), "app")
    waiting(world, ann, APP, entry.uid, behind=older_s)
    kept, _ = inbox_of(ann)

    looked = kept.look(world.remote.refs, [entry])

    assert (looked is not None) == waits
    assert len(kept.to_fold()) == (not waits)


@pytest.mark.rule("LIVE-1")
@pytest.mark.parametrize("is_first", [True, False])
def test_who_posted_just_now_looks_once_others_could_come_and_then_four_times_a_fold(
    tmp_path: Path, is_first: bool
) -> None:
    world = World(tmp_path)
    ann = team(world)
    entry = ann.entry(add(33), "app")
    if not is_first:
        stranger(world, zoes(world))
    kept, crowd = inbox_of(ann)
    crowd.meet(2.0)
    listed = dict(world.remote.refs)
    plan = SimpleNamespace(
        state=ann.setting.reader().ledger(APP, listed[APP]),
        done=[SimpleNamespace(entry=entry, given=None)],
        replies=[entry.uid],
    )
    assert kept.post([cast("Plan", plan)], listed) is not None
    kept.let_others_come(inf)

    looked = kept.look(world.remote.refs, [entry])
    kept.let_others_come(inf)

    assert ann.clock.slept == [pytest.approx(GATHER_PUSHES * PUSH_MIN_S)]
    assert looked == (None if is_first else 2.0 / LOOKS_A_FOLD)  # in the middle of its spread


@pytest.mark.rule("LIVE-1")
@pytest.mark.parametrize("changed", [{"counter": 5}, {"version": 2}], ids=str)
def test_a_post_of_a_clone_that_died_is_waited_for_once_by_all_processes_of_a_clone(
    tmp_path: Path, changed: dict[str, Json]
) -> None:
    world = World(tmp_path)
    ann = team(world)
    assert isinstance(ann.transport, Interleaved)
    left = stranger(world, zoes(world, **changed))
    cost: list[tuple[int, int]] = []

    for number in range(4):
        before = len(ann.transport.swaps), len(ann.clock.slept)
        Member("ann", ann.setting, Transactions(ann.setting), ann.clock, ann.sessions).do(add(30 + number))
        cost.append((len(ann.transport.swaps) - before[0], len(ann.clock.slept) - before[1]))

    (posted, waits), (posted_as_others_were_met, fewer), *alone = cost
    assert (posted, posted_as_others_were_met, alone) == (2, 2, [(1, 0)] * 2)
    assert waits > fewer
    assert inbox(world) == [left]


@pytest.mark.rule("LIVE-1")
def test_who_writes_without_a_look_has_left_no_post_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = team(world)
    left = stranger(world, zoes(world, version=2))
    crowd = Crowd(ann.setting.place_folder, ann.setting.host)
    ann.do(add(30))
    ann.do(add(31))
    assert crowd.left_alone == {left}
    assert ann.setting.last_listing is not None
    assert isinstance(ann.transport, Interleaved)

    ann.clock.advance(seconds=30)
    ann.setting.last_listing.note(Listing(world.clock.now, {**world.remote.refs}), "w")  # as the clone's server does
    before = len(ann.transport.swaps)
    ann.do(add(32))

    assert len(ann.transport.swaps) == before + 1
    assert crowd.left_alone == frozenset()


@pytest.mark.rule("TXN-4")
def test_no_caller_waits_for_others_to_come_beyond_its_deadline(tmp_path: Path) -> None:
    world = World(tmp_path)
    member(world, "dora").create()
    ann = member(world, "ann")
    Crowd(ann.setting.place_folder, ann.setting.host).meet(2.0)
    entry = ann.entry(add(33), "app").evolve(deadline=world.clock.now + timedelta(milliseconds=4))

    ann.run(entry)

    assert ann.clock.slept == [pytest.approx(0.004)]
    assert inbox(world) == []


def test_what_a_fold_takes_is_not_learned_from_the_wait_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    member(world, "dora").create()
    ann = member(world, "ann", LosingFolds)
    stranger(world, zoes(world))
    Crowd(ann.setting.place_folder, ann.setting.host).meet(5.0)
    took: list[float] = []
    note_loss = Inbox.note_loss

    def noted(kept: Inbox, plans: Sequence[Plan], took_s: float, *, was_listed: bool) -> None:
        took.append(took_s)
        note_loss(kept, plans, took_s, was_listed=was_listed)

    monkeypatch.setattr(Inbox, "note_loss", noted)

    late(ann)

    assert sum(ann.clock.slept) > 5
    assert took
    assert {*took} == {0.0}


# --- crashes ---


def dying(world: World, *before: Callable[[], object]) -> tuple[Member, Entry]:
    """Return ann after her process has died before the nth swap, and the command that it was about."""
    ann = team(world, *before)
    entry = ann.entry(add(66), "app", uid="ann-66").evolve(deadline=world.clock.now + timedelta(seconds=PATIENCE_S))
    with pytest.raises(KilledError):
        ann.transactions.run([entry])
    return ann.restarted(), entry


def die() -> None:
    raise KilledError


@pytest.mark.rule("SAFE-3", "TXN-2")
@pytest.mark.parametrize("posted", [False, True])
@pytest.mark.parametrize("folded", [False, True])
def test_a_command_whose_process_died_with_its_post_lands_once(tmp_path: Path, posted: bool, folded: bool) -> None:
    world = World(tmp_path)
    carl, bob = member(world, "carl"), member(world, "bob")
    ann, entry = dying(world, carl.claim, *([nothing] if posted else []), die)
    assert bool(inbox(world)) == posted

    if folded:
        bob.claim()
    before = world.uids().count("ann-66")
    replies = ann.transactions.run([entry])

    assert before == (posted and folded)
    assert code(replies[entry.uid]) == "steps_added"
    assert world.uids().count("ann-66") == 1
    assert inbox(world) == []
    assert ann.setting.posted().posts() == {}


@pytest.mark.rule("LIVE-2")
def test_the_next_command_of_a_clone_takes_away_what_a_dead_process_has_posted(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl = member(world, "carl")
    ann, _ = dying(world, carl.claim, nothing, die)

    ann.claim()

    assert inbox(world) == []
    assert "ann-66" not in world.uids()
    assert ann.setting.posted().posts() == {}


@pytest.mark.rule("LIVE-2", "SAFE-3")
def test_of_who_dies_after_carrying_out_for_others_they_read_the_outcome(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl = member(world, "carl")

    class Dying(Wrapped):
        def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
            outcome = self.inner.swap(updates)
            if sum(REFS.is_inbox(update.ref) for update in updates) == 2:
                raise KilledError
            return outcome

    bob = member(world, "bob", Dying)
    killed: list[Entry] = []

    def fold() -> None:
        killed.append(bob.entry(add(44), "app", uid="bob-44"))
        with pytest.raises(KilledError):
            bob.transactions.run(killed)

    ann = team(world, carl.claim, nothing, fold)

    reply = ann.claim()
    again = bob.restarted().transactions.run(killed)

    assert fact(reply, "step_num") == 2
    assert code(again["bob-44"]) == "steps_added"
    assert world.uids().count("bob-44") == 1
    assert inbox(world) == []


@pytest.mark.rule("TXN-2", "SAFE-3")
def test_an_outcome_that_was_found_stays_on_record_until_it_is_delivered(tmp_path: Path) -> None:
    world = World(tmp_path)
    member(world, "dora").create(steps=9)
    carl = member(world, "carl")
    ann = member(world, "ann", lambda inner: Interleaved(inner, [nothing, carl.claim]))
    landed, fresh = ann.entry(add(31), "app"), ann.entry(add(32), "app")
    ann.run(landed)  # and its process died before it could say so

    replies = ann.run(landed, fresh)

    assert [code(reply) for reply in replies] == ["steps_added"] * 2
    assert ann.transactions.lost_swaps == 1
    reader = world.reader()
    applied = reader.applied(reader.project(APP, world.remote.refs[APP]), "ann")
    assert {*applied.outcomes} == {landed.uid, fresh.uid}
    assert world.did().count("add_steps") == 2
    assert audited(world) == 4


# --- answers that do not come ---


@pytest.mark.rule("TXN-2", "SAFE-3")
@pytest.mark.parametrize(
    "plan",
    [
        [LOST, "landed"],
        [LOST, "gone"],
        [LOST, "later", "late"],
        [LOST, "later", "gone", "late"],
        [LOST, "landed", "landed"],
        [LOST, "ok", "landed"],
        [LOST, "ok", "gone"],
        [LOST, "ok", "later", "late"],
        [LOST, "landed", LOST, "landed"],
        [LOST, UNKNOWN, "gone", "landed"],
    ],
    ids=str,
)
def test_a_command_lands_once_whatever_happens_to_the_answers(tmp_path: Path, plan: list[str | SwapOutcome]) -> None:
    world = World(tmp_path)
    member(world, "dora").create()
    ann, bob = member(world, "ann", lambda inner: Lossy(inner, plan)), member(world, "bob")
    assert isinstance(ann.transport, Lossy)
    ann.transactions.decider.note_loss()  # so that refs are listed before the first swap, too

    reply = ann.do(add(33))
    ann.transport.arrive()
    bob.do(add(34))

    assert code(reply) == "steps_added"
    did = [line["args"] for line in (event.record.line for event in world.events()) if line["do"] == "add_steps"]
    assert len(did) == 2
    assert {33, 34} <= {*world.board().steps}
    ann.do(add(35))
    assert all(REFS.post_at(ref) for ref in inbox(world))


def unreadable(ann: Member, error: CoordError, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first answer that ann misses her ledgers cannot be read, so many times."""
    reader, left = ann.transactions.reader, [error] * times
    read, fetch = reader.ledger, reader.prefetch

    def broken() -> bool:
        assert isinstance(ann.transport, Lossy)
        return not ann.transport.plan and bool(left)

    def prefetch(refs: Mapping[RefName, Oid], posts: Collection[RefName] = ()) -> None:
        if broken() and not isinstance(error, MissingObjectError):
            raise left.pop()
        fetch(refs, posts)

    def ledger(ref: RefName, tip: Oid | None) -> LedgerState[Any]:
        if broken() and isinstance(error, MissingObjectError):
            raise left.pop()
        return read(ref, tip)

    monkeypatch.setattr(reader, "prefetch", prefetch)
    monkeypatch.setattr(reader, "ledger", ledger)


@pytest.mark.rule("TXN-4")
@pytest.mark.parametrize(
    ("plan", "error", "said"),
    [
        (["landed"], UnreachableError("no route"), "unknown_outcome"),
        ([LOST, "ok"], UnreachableError("no route"), "unknown_outcome"),
        (["landed"], TooSlowError("no time"), "unknown_outcome"),
        ([LOST, "ok"], TooSlowError("no time"), "unknown_outcome"),
        (["landed"], MissingObjectError("not here"), "steps_added"),  # it is listed again, once or twice
        ([LOST, "ok"], MissingObjectError("not here"), "unknown_outcome"),
    ],
    ids=str,
)
def test_of_what_has_landed_it_is_not_said_that_nothing_was_sent_where_the_ledger_cannot_be_read(
    tmp_path: Path, plan: list[str | SwapOutcome], error: CoordError, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    member(world, "dora").create()
    bob = member(world, "bob")

    class Folded(Lossy):
        def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
            if inbox(world):
                bob.claim()
            return super().read(prefixes)

    ann = member(world, "ann", lambda inner: Folded(inner, plan))
    ann.transactions.decider.note_loss()
    is_final = said == "steps_added"
    unreadable(ann, error, 1 if is_final else 9, monkeypatch)
    entry = ann.entry(add(33), "app").evolve(deadline=world.clock.now + timedelta(seconds=PATIENCE_S))

    reply = ann.run(entry)[0]

    assert code(reply) == said
    assert world.did().count("add_steps") == 1
    assert bool(ann.setting.pending().pins() or ann.setting.posted().posts()) != is_final


def test_a_post_that_arrives_after_its_command_has_landed_is_void(tmp_path: Path) -> None:
    world = World(tmp_path)
    member(world, "dora").create()
    ann, bob = member(world, "ann", lambda inner: Lossy(inner, [LOST, "later"])), member(world, "bob")
    assert isinstance(ann.transport, Lossy)
    ann.transactions.decider.note_loss()
    ann.do(add(33))
    ann.transport.arrive()
    (left,) = inbox(world)

    reply = bob.claim()

    assert code(reply) == "step_claimed"
    assert inbox(world) == [left]
    assert world.did().count("add_steps") == 1
    assert sorted(
        trees.load(world.remote.objects, commits.read(world.remote.objects, world.remote.refs[left]).tree).files
    ) == [post.FILE]


@pytest.mark.rule("SAFE-9")
def test_the_history_of_a_ledger_does_not_lead_into_posts(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl, bob = member(world, "carl"), member(world, "bob")
    ann = team(world, carl.claim, nothing, bob.claim)
    root = world.remote.refs[APP]
    ann.claim()
    assert len(parents_of(world, world.remote.refs[APP])) == 2
    erin = member(world, "erin")

    erin.claim()

    marks = erin.setting.lookback().marks
    marks.load()
    assert not any(post.is_post(world.remote.objects, Oid(tip)) for tip in marks.tips(APP))
    assert root in marks.tips(APP)


@pytest.mark.rule("LIVE-1", "SAFE-1")
def test_claims_of_many_clones_at_once_land_in_one_commit(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl = member(world, "carl")
    granted: list[Reply] = []

    def claim(who: Member) -> None:
        wish = Wish(pattern=f"src/{who.name}.py")
        granted.append(who.do(ClaimFiles(claim_id=f"c-{who.name}", wishes=(wish,)), None))

    claim(carl)
    calls: list[Callable[[], object]] = []
    for number in range(6):  # each folds after the one before has posted, and the last one first of all
        later = member(world, f"clone{number}", lambda inner, calls=calls: Interleaved(inner, [*calls]))
        calls = [nothing, lambda later=later: claim(later)]
    carl_again = ClaimFiles(claim_id="c-again", wishes=(Wish(pattern="again.py"),))
    ann = member(world, "ann", lambda inner: Interleaved(inner, [lambda: carl.do(carl_again, None), *calls]))

    claim(ann)

    assert {code(reply) for reply in granted} == {"claim_granted"}
    assert len(world.reader().claims(world.remote.refs).content.claims) == 6 + 3
    assert len(parents_of(world, world.remote.refs[REFS.claims])) == 1 + 6
    assert audited(world) == 3
    assert inbox(world) == []


class Slow(Wrapped):
    """A remote that takes a tenth of a second for each answer."""

    def __init__(self, inner: Transport, clock: Clock) -> None:
        super().__init__(inner)
        self.clock = clock
        self.lists = 0

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        self.lists += 1
        self.clock.advance(seconds=0.1)
        return super().read(prefixes)

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        self.clock.advance(seconds=0.1)
        return super().send(updates)


@pytest.mark.rule("LIVE-1")
@pytest.mark.parametrize(("pause_s", "looks"), [(0.0, 3), (0.2, 3), (0.4, 0)])
def test_who_wins_at_once_again_and_again_looks_and_who_leaves_others_time_does_not(
    tmp_path: Path, pause_s: float, looks: int
) -> None:
    world = World(tmp_path)
    ann = member(world, "ann", lambda inner: Slow(inner, world.clock))
    ann.do(ClaimFiles(claim_id="c-first", wishes=(Wish(pattern="first.py"),)), None)
    assert isinstance(ann.transport, Slow)
    assert ann.setting.last_listing is not None
    ann.setting.last_listing.note(Listing(world.clock.now, {**world.remote.refs}), "w")  # as the clone's server does
    ann.transport.lists = 0

    for number in range(12):
        world.clock.advance(seconds=pause_s)
        ann.do(ClaimFiles(claim_id=f"c-{number}", wishes=(Wish(pattern=f"{number}.py"),)), None)

    assert ann.transport.lists == looks


class SlowRace(Interleaved):
    """A swap takes nine seconds and a listing five, as on a machine that is very busy."""

    def __init__(self, inner: Transport, before: list[Callable[[], object]], clock: Clock) -> None:
        super().__init__(inner, before)
        self.clock = clock

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        left_s = deadline.bounded(5.0)
        self.clock.advance(seconds=left_s)
        if left_s < 5.0:
            raise TooSlowError("the time is over")
        return super().read(prefixes)

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        self.clock.advance(seconds=9)
        return super().send(updates)


@pytest.mark.rule("LIVE-1")
def test_who_lost_with_what_was_listed_before_goes_on_until_its_callers_deadline_as_well(tmp_path: Path) -> None:
    world = World(tmp_path)
    carl = member(world, "carl")

    def claim(who: Member, name: str) -> Reply:
        return who.do(ClaimFiles(claim_id=f"c-{name}", wishes=(Wish(pattern=f"{name}.py"),)), None)

    claim(carl, "first")
    ann = member(world, "ann", lambda inner: SlowRace(inner, [lambda: claim(carl, "other")], world.clock))
    ann.transactions.reader.prefetch(world.remote.refs)
    assert ann.setting.last_listing is not None
    ann.setting.last_listing.note(Listing(world.clock.now, {**world.remote.refs}), "w")
    until = world.clock.now + timedelta(seconds=PATIENCE_S)
    entry = ann.entry(ClaimFiles(claim_id="c-ann", wishes=(Wish(pattern="ann.py"),)), None).evolve(deadline=until)

    replies = ann.transactions.run([entry], left_s=LEAD_S, until=until)

    assert code(replies[entry.uid]) == "claim_granted"
