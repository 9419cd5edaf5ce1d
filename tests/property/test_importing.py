"""Random imports into random registers: whatever lands, no two holders may write the same."""

from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.claims.claim import Claim, Item, Kind, Mode
from gitcoord.core.claims.claim_commands import ImportClaims
from gitcoord.core.documents.actor import Actor
from gitcoord.core.steps.project import Project, ProjectStatus
from gitcoord.core.steps.step import Step, StepStatus
from gitcoord.core.steps.step_commands import ClaimStep, CompleteStep, ImportProject
from tests.property.naive_claims import Want, Who
from tests.property.test_claims_machine import CALLS, PEOPLE, WANTS, WHO, agreed, wish_of, writes
from tests.unit.core.claim_play import NOW, Claims
from tests.unit.core.play import ANN, BASE, BOB, COMMIT, Play

SOURCES = st.tuples(st.sampled_from(["ann", "bob", "eve"]), WANTS, st.sampled_from([True, True, False]))


def foreign(number: int, agent: str, want: Want, narrowable: bool) -> Claim:
    item = Item(
        pattern=want.pattern,
        symbols=want.symbols,
        mode=Mode.WRITE if want.writes else Mode.READ,
        kind=Kind.MODULE if want.is_module else Kind.FILE,
        narrowable=narrowable,
        expires_at=NOW + timedelta(hours=want.hours or 4),
    )
    return Claim(
        id=f"c-i{number}",
        agent=agent,
        clone="coord",
        items=(item,),
        created_at=NOW,
        expires_at=item.expires_at,
        last_activity=NOW,
    )


@pytest.mark.rule("SAFE-1", "IMPORT-2", "IMPORT-3")
@given(
    held=st.lists(st.tuples(WHO, CALLS), max_size=3),
    sources=st.lists(SOURCES, max_size=4),
    pairs=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=3),
    later=st.lists(st.tuples(WHO, CALLS), max_size=2),
)
def test_no_import_lets_two_holders_write_the_same(
    held: list[tuple[Who, list[Want]]],
    sources: list[tuple[str, Want, bool]],
    pairs: set[tuple[int, int]],
    later: list[tuple[Who, list[Want]]],
) -> None:
    game = Claims()
    for who, wants in held:
        game.ask(actor_of(who), *map(wish_of, wants))
    claims = tuple(foreign(number, *one) for number, one in enumerate(sources))
    shared = tuple((f"c-i{one}", f"c-i{two}") for one, two in sorted(pairs) if one != two)
    command = ImportClaims(claims=claims, shared=shared)

    outcome = game.do(command, actor_of(PEOPLE[0]))
    after = game.register
    again = game.do(command, actor_of(PEOPLE[2]))

    assert outcome.code in {"claims_imported", "conflict"}
    assert (again.is_done, again.facts.get("already")) == (outcome.is_done, True if outcome.is_done else None)
    assert game.register is after
    for who, wants in later:
        game.ask(actor_of(who), *map(wish_of, wants))
    safe(game)


def actor_of(who: Who) -> Actor:
    return Actor(agent=who[0], clone=who[1], session=who[2])


def safe(game: Claims) -> None:
    """SAFE-1, from the documents alone."""
    for one, two in combinations(game.register.claims.values(), 2):
        both = writes(one) & writes(two) - (agreed(one, two) & agreed(two, one))
        assert one.holder == two.holder or not both


STATES = st.sampled_from([StepStatus.NOT_STARTED, StepStatus.COMPLETED, StepStatus.FAILED])


@pytest.mark.rule("SAFE-2", "STEP-3", "STEP-7", "IMPORT-1")
@given(plan=st.lists(st.tuples(STATES, st.sets(st.integers(1, 6), max_size=3)), min_size=1, max_size=6))
def test_whatever_was_settled_there_the_rest_is_done_here_once_and_in_order(
    plan: list[tuple[StepStatus, set[int]]],
) -> None:
    game = Play()
    steps = tuple(
        Step(id=f"app/{num}", step_num=num, status=status, depends_on=tuple(sorted(one for one in after if one < num)))
        for num, (status, after) in enumerate(plan, start=1)
    )
    settled = {step.step_num for step in steps if step.is_settled}
    status = ProjectStatus.COMPLETED if len(settled) == len(steps) else ProjectStatus.ACTIVE
    project = Project(name="app", base_commit=BASE, created_at=NOW, created_by="hq", status=status)
    assert game.do(ImportProject(project=project, steps=steps)).is_done

    taken: list[int] = []
    for turn in range(2 * len(steps)):
        actor = (ANN, BOB)[turn % 2]
        outcome = game.do(ClaimStep(), actor)
        if outcome.is_done:
            num = int(str(outcome.facts["step_num"]))
            assert all(game[one].is_settled for one in game[num].depends_on)
            assert (game[num].fence, num in settled, num in taken) == (1, False, False)
            taken.append(num)
            assert game.do(CompleteStep(step_num=num, fence=1, commit_hash=COMMIT), actor).is_done

    blocked = {step.step_num for step in steps if step.status is StepStatus.FAILED}
    for step in steps:
        if blocked.intersection(step.depends_on) and step.step_num not in settled:
            blocked.add(step.step_num)
    assert {*taken} == {step.step_num for step in steps} - settled - blocked
    assert (game.whole.project.status is ProjectStatus.COMPLETED) == (not blocked)
