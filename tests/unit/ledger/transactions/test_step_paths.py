"""A step and its paths: two ledgers, one swap; or a half that confers nothing."""

from pathlib import Path

import pytest

from gitcoord.core.claims.claim_commands import ClaimFiles, ReleaseClaims, Wish
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.liveness import SessionBeat
from gitcoord.core.steps.step import StepDefinition
from gitcoord.core.steps.step_commands import CreateProject, FailStep, RecoverStep
from gitcoord.ledger.format.entry import Reply
from gitcoord.remote.contract.protocol import Oid
from tests.unit.ledger.fakes import BASE_COMMIT, REFS, Interleaved, Lossy, Member, World, code, fact

DRAWN = "c-00000001"


def create(member: Member, *paths: tuple[str, ...]) -> None:
    steps = tuple(StepDefinition(step_num=num, paths=some) for num, some in enumerate(paths, start=1))
    assert code(member.do(CreateProject(name="app", base_commit=BASE_COMMIT, steps=steps))) == "project_created"


def files(member: Member, claim_id: str, *patterns: str) -> Reply:
    wishes = tuple(Wish(pattern=pattern) for pattern in patterns)
    return member.do(ClaimFiles(claim_id=claim_id, wishes=wishes), None)


def register(world: World) -> Register:
    return world.reader().claims(world.remote.refs).content


def held(world: World) -> dict[str, tuple[str, str | None, tuple[str, ...]]]:
    claims = register(world).claims.values()
    return {one.id: (one.agent, one.step, tuple(item.pattern for item in one.items)) for one in claims}


@pytest.mark.rule("SAFE-5")
def test_a_step_and_its_paths_are_taken_in_one_swap(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", lambda inner: Interleaved(inner, []))
    create(ann, ("src/a.py", "docs/**"))

    ann.claim(claim_id=DRAWN)

    assert held(world) == {DRAWN: ("ann", "app/1", ("src/a.py", "docs/**"))}
    assert isinstance(ann.transport, Interleaved)
    assert {update.ref for update in ann.transport.swaps[-1]} == {REFS.steps("app"), REFS.claims}


def test_a_step_whose_paths_are_held_is_passed_over_and_said_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    create(ann, ("src/**",), ("docs/**",))
    files(bob, "c-00000002", "src/b.py")

    reply = ann.claim(claim_id=DRAWN)

    assert fact(reply, "step_num") == 2
    (passed,) = fact(reply, "passed_over")  # type: ignore[misc]  # a list of one
    assert (passed["step_num"], passed["conflicts"][0]["agent"]) == (1, "bob")


def test_where_only_paths_are_in_the_way_nothing_is_said_of_scopes(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    create(ann, ("src/**",))
    files(bob, "c-00000002", "src/b.py")

    reply = ann.claim(claim_id=DRAWN)

    assert reply.outcome is not None
    assert "scope" not in reply.outcome.message
    assert "Passed over, because others hold their paths: step 1." in reply.outcome.message


def test_a_step_that_is_named_is_refused_while_its_paths_are_held(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    create(ann, ("src/**",))
    files(bob, "c-00000002", "src/b.py")

    reply = ann.claim(claim_id=DRAWN, step_num=1)

    assert code(reply) == "paths_held"
    assert reply.outcome is not None
    assert "ask the holder: request_release(claim_id='c-00000002', reason=…)." in reply.outcome.hint
    assert not world.step(1).is_held


def test_nothing_else_available_says_whose_paths_are_in_the_way(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    create(ann, ("src/**",))
    files(bob, "c-00000002", "src/b.py")

    reply = ann.claim(claim_id=DRAWN)

    assert code(reply) == "nothing_available"
    assert fact(reply, "passed_over")
    assert fact(reply, "ask_again_s") == 60


@pytest.mark.parametrize("how", ["complete", "fail", "recover"])
def test_ending_a_step_frees_its_paths_in_the_same_swap(tmp_path: Path, how: str) -> None:
    world = World(tmp_path)
    ann, bob = world.clone("ann", lambda inner: Interleaved(inner, [])), world.clone("bob")
    create(ann, ("src/**",))
    ann.claim(claim_id=DRAWN)
    assert code(files(bob, "c-00000002", "src/b.py")) == "conflict"

    if how == "complete":
        ann.complete(1, 1)
    else:
        ann.do(FailStep(step_num=1, reason="no", fence=1) if how == "fail" else RecoverStep(step_num=1, fence=1))

    assert held(world) == {}
    assert isinstance(ann.transport, Interleaved)
    assert {update.ref for update in ann.transport.swaps[-1]} == {REFS.steps("app"), REFS.claims}
    assert code(files(bob, "c-00000003", "src/b.py")) == "claim_granted"


@pytest.mark.rule("SAFE-5")
def test_paths_that_are_taken_between_reading_and_swapping_are_seen(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    create(bob, ("src/**",), ("docs/**",))
    first = lambda: files(bob, "c-00000002", "src/b.py")  # noqa: E731 - runs between our read and our swap
    ann = world.clone("ann", lambda inner: Interleaved(inner, [first]))

    reply = ann.claim(claim_id=DRAWN)

    assert fact(reply, "step_num") == 2
    assert not world.step(1).is_held
    assert sorted(held(world)) == [DRAWN, "c-00000002"]


@pytest.mark.rule("SAFE-3")
@pytest.mark.parametrize("word", ["landed", "gone", "later"])
def test_an_answer_that_is_missing_takes_neither_twice(tmp_path: Path, word: str) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", lambda inner: Lossy(inner, ["ok", word]))
    create(ann, ("src/**",))

    reply = ann.claim(claim_id=DRAWN)

    assert code(reply) == "step_claimed"
    assert (world.step(1).agent_id, world.step(1).fence) == ("ann", 1)
    assert held(world) == {DRAWN: ("ann", "app/1", ("src/**",))}


def test_who_resumes_a_step_keeps_its_claim_under_the_new_fence(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    create(ann, ("src/**",))
    first = ann.open_session()
    ann.claim(claim_id=DRAWN)
    first.close(world.clock.now)

    second = ann.sessions.open(SessionBeat(id="s-second", agents=("ann",), since=world.clock.now))
    reply = ann.claim(claim_id="c-00000009")

    claim = register(world).claims[DRAWN]
    assert (code(reply), fact(reply, "fence")) == ("step_claimed", 2)
    assert (claim.session, claim.step_fence) == (world.step(1).session_id, world.step(1).fence)
    assert [*held(world)] == [DRAWN]
    second.forget()


@pytest.mark.rule("SAFE-5")
def test_a_claim_whose_step_went_on_without_it_confers_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    create(ann, ("src/**",))
    before: Oid = world.remote.refs[REFS.steps("app")]
    ann.claim(claim_id=DRAWN)
    world.remote.refs[REFS.steps("app")] = before  # as a remote that is not atomic may leave it

    reply = files(bob, "c-00000002", "src/b.py")

    assert code(reply) == "claim_granted"
    assert [*held(world)] == ["c-00000002"]


@pytest.mark.rule("SAFE-5")
def test_a_void_claim_is_disregarded_only_while_its_step_stays_as_it_was_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    create(ann, ("src/**",))
    before: Oid = world.remote.refs[REFS.steps("app")]
    ann.claim(claim_id=DRAWN)
    after = world.remote.refs[REFS.steps("app")]
    world.remote.refs[REFS.steps("app")] = before

    def arrives() -> None:
        world.remote.refs[REFS.steps("app")] = after

    bob = world.clone("bob", lambda inner: Interleaved(inner, [arrives]))

    assert code(files(bob, "c-00000002", "src/b.py")) == "conflict"
    assert [*held(world)] == [DRAWN]


def test_without_atomic_both_land_one_after_the_other(tmp_path: Path) -> None:
    world = World(tmp_path, atomic=False)
    ann = world.clone("ann", lambda inner: Interleaved(inner, []))
    create(ann, ("src/**",))

    ann.claim(claim_id=DRAWN)
    taken = ann.transport
    ann.complete(1, 1)

    assert isinstance(taken, Interleaved)
    assert [swap[0].ref for swap in taken.swaps[1:]] == [
        *(REFS.claims, REFS.steps("app")),  # taking: the claim first
        *(REFS.steps("app"), REFS.claims),  # ending: the step first
    ]
    assert held(world) == {}


def test_releasing_what_belongs_to_a_step_leaves_the_step(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    create(ann, ("src/**",))
    ann.claim(claim_id=DRAWN)

    ann.do(ReleaseClaims(), None)

    assert held(world) == {}
    assert world.step(1).is_held


@pytest.mark.rule("SAFE-5")
def test_without_atomic_a_step_whose_paths_are_lost_in_between_is_handed_back(tmp_path: Path) -> None:
    world = World(tmp_path, atomic=False)
    bob = world.clone("bob")
    create(bob, ("src/**",))
    between = [lambda: None, lambda: files(bob, "c-00000002", "src/b.py")]
    ann = world.clone("ann", lambda inner: Interleaved(inner, between))

    reply = ann.claim(claim_id=DRAWN)

    assert code(reply) == "paths_lost"
    assert not world.step(1).is_held
    assert [*held(world)] == ["c-00000002"]


@pytest.mark.parametrize("path", ["../x", "!x", "", "a" * 2000, "src/\x00"])
def test_a_path_that_is_no_pattern_is_invalid_when_the_plan_is_made(tmp_path: Path, path: str) -> None:
    ann = World(tmp_path).clone("ann")
    steps = (StepDefinition(step_num=1, paths=(path,)),)

    assert code(ann.do(CreateProject(name="app", base_commit=BASE_COMMIT, steps=steps))) == "bad_paths"


def test_without_a_project_the_next_one_gives_a_step_when_all_paths_of_the_first_are_held(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    create(ann, ("src/**",))
    world.clock.advance(minutes=1)
    ann.create("later")
    files(bob, "c-00000002", "src/b.py")

    reply = ann.claim(None, claim_id=DRAWN)

    assert (code(reply), reply.project) == ("step_claimed", "later")


def test_a_step_without_paths_is_found_behind_any_number_that_collide(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    create(ann, *[("src/**",)] * 60, ())
    files(bob, "c-00000002", "src/b.py")

    reply = ann.claim(claim_id=DRAWN)

    passed = fact(reply, "passed_over")
    assert isinstance(passed, list)
    assert (fact(reply, "step_num"), len(passed), fact(reply, "passed_over_count")) == (61, 10, 60)
