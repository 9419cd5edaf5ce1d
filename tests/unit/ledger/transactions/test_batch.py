"""A batch: what breaks at one command is that command's alone, and what has to land together does so by itself."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.decision import Decision
from gitcoord.core.documents.policy import Policy
from gitcoord.ledger.format.entry import Reply
from gitcoord.ledger.format.records import Done
from gitcoord.ledger.transactions.batch import groups_of
from gitcoord.ledger.transactions.plan import Ground, Plan
from gitcoord.remote.contract.protocol import RefName
from tests.unit.ledger.fakes import REFS, START, World, add

REPLY = Reply(outcome=outcomes.done("steps_added"))


@pytest.mark.rule("TXN-3")
def test_a_plan_is_rolled_back_to_what_was_decided_before_a_command_that_broke(tmp_path: Path) -> None:
    plan, done = begun(tmp_path)
    plan.take(done, plan.state.content)
    plan.replies["first"] = REPLY
    plan.relied.add(REFS.claims)
    state, savepoint = plan.state, plan.savepoint()

    plan.take(done, None)
    plan.replies["second"] = REPLY
    plan.before["second"] = outcomes.done("steps_added")
    plan.relied.add(REFS.config)
    plan.roll_back(savepoint)

    assert plan.state is state
    assert (plan.done, plan.replies, plan.before, plan.relied) == ([done], {"first": REPLY}, {}, {REFS.claims})


def begun(folder: Path) -> tuple[Plan, Done]:
    """Return the plan of a project, and something that was done in it."""
    ann = World(folder).clone("ann")
    ann.create()
    listed, reader = ann.setting.transport.read(REFS.everything), ann.transactions.reader
    ground = Ground(
        reader=reader,
        listed=listed,
        clone="ann",
        now=START,
        vantage=ann.setting.vantage(Policy(), ann.setting.sight(lambda: reader.heartbeats(listed))),
        rewound=lambda _: None,
    )
    plan = ground.plan(REFS.steps("app"))
    decision = Decision(outcomes.done("steps_added"), after=plan.state.content)
    return plan, Done(ann.entry(add(7), "app"), "", decision)


def test_two_pairs_that_have_nothing_to_do_with_each_other_land_each_by_itself() -> None:
    a, b, c, d, e, f = (RefName(letter) for letter in "abcdef")

    assert groups_of([a, b, c, d, e], [(a, b), (c, d), (e, f)]) == [[a, b], [c, d], [e]]
    assert groups_of([a, b, c, d, e], [(a, e), (b, e), (c, d)]) == [[b, a, e], [c, d]]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7))))
def test_what_a_link_joins_is_in_one_group_and_each_ledger_in_one_alone(pairs: list[tuple[int, int]]) -> None:
    refs = [RefName(str(number)) for number in range(8)]

    groups = groups_of(refs, [(refs[first], refs[second]) for first, second in pairs])

    assert sorted(ref for group in groups for ref in group) == refs
    assert all(any({refs[first], refs[second]} <= {*group} for group in groups) for first, second in pairs)
