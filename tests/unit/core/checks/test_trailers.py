"""Trailers: every row of what commits may say of their step."""

import pytest

from gitcoord.core.checks.findings import Rule, Weight, strictly
from gitcoord.core.checks.trailers import Signed, behind, judge_dependencies, judge_trailers, own_steps
from gitcoord.core.steps.board import Board, make_board
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step, StepStatus
from tests.unit.core.claim_play import NOW

A, B, C = "a" * 40, "b" * 40, "c" * 40


def board(*steps: Step, repo: str | None = None) -> Board:
    made = Project(name="app", base_commit=A, repo=repo, created_at=NOW, created_by="ann/cli/wt")
    return make_board(made, {one.step_num: one for one in steps})


def step(num: int, *depends_on: int, **fields: object) -> Step:
    return Step(id=f"app/{num}", step_num=num, branch=f"feat/{num}", depends_on=depends_on).evolve(**fields)


def judged(
    found: Board, *commits: Signed, branch: str | None = "feat/2", has: frozenset[tuple[str, str]] = frozenset()
) -> list[Rule]:
    def step_of(one: str) -> Step | None:
        num = one.rpartition("/")[2]
        return found.steps.get(int(num)) if num.isdigit() else None

    own = own_steps([found], None, branch)
    return [
        one.rule
        for one in judge_trailers(
            commits, step_of, lambda name: name == "app", own, branch, lambda new, old: (new, old) in has
        )
    ]


def test_commits_of_the_branch_s_own_step_and_of_what_it_depends_on_are_at_home() -> None:
    found = board(step(1), step(2, 3), step(3, 1), step(4))

    assert judged(found, *(Signed(A, f"app/{num}") for num in (1, 2, 3))) == []
    assert judged(found, Signed(A, "app/4")) == [Rule.STEP_BRANCH]
    assert judged(found, Signed(A, "app/4"), branch=None) == []
    assert judged(found, Signed(A, "app/9"), Signed(A, "nonsense")) == [Rule.UNKNOWN_STEP] * 2
    assert behind(found, found.steps[2]) == {1, 3}


def test_a_step_of_a_project_that_is_not_there_is_a_note() -> None:
    deleted = Signed(A, "gone/1", "1")

    (found,) = judge_trailers([deleted], lambda _: None, lambda _: False, (), "feat/1", lambda *_: False)

    assert (found.rule, strictly(found).severity, found.commit) == (Rule.UNKNOWN_PROJECT, Weight.NOTE, A)
    assert found.message.endswith("names step 'gone/1' of a project that is not there; it may have been deleted.")


@pytest.mark.parametrize(
    ("fence", "fields", "expected"),
    [
        ("3", {}, []),
        ("", {}, []),
        ("x", {}, []),
        ("2", {}, [Rule.OLD_FENCE]),
        ("4", {}, [Rule.OLD_FENCE]),
        ("2", {"checkpoint": {"commit": B}}, []),
        ("2", {"checkpoint": {"commit": C}}, [Rule.OLD_FENCE]),
        ("2", {"checkpoint": {"commit": None}}, [Rule.OLD_FENCE]),
        ("2", {"commit_hash": B, "status": StepStatus.COMPLETED}, []),
        ("2", {"agent_id": "ann/cli/wt"}, []),
        ("2", {"agent_id": "bob/cli/wt"}, [Rule.OLD_FENCE]),
    ],
)
def test_an_old_fence_is_a_finding_unless_the_work_was_handed_over(
    fence: str, fields: dict[str, object], expected: list[Rule]
) -> None:
    found = board(step(2, fence=3, **fields))

    signed = Signed(A, "app/2", fence, ("ann/cli/wt",))

    assert judged(found, signed, has=frozenset({(B, A)})) == expected


@pytest.mark.parametrize(
    ("fields", "has", "expected"),
    [
        ({"status": StepStatus.COMPLETED, "commit_hash": B}, True, []),
        ({"status": StepStatus.COMPLETED, "commit_hash": B}, False, [Rule.MISSING_DEPENDENCY]),
        ({"status": StepStatus.COMPLETED, "commit_hash": B}, None, [Rule.CANNOT_CHECK]),
        ({"status": StepStatus.SKIPPED}, False, []),
        ({"status": StepStatus.IN_PROGRESS}, True, [Rule.MISSING_DEPENDENCY]),
    ],
)
def test_what_a_step_depends_on_is_in_it(fields: dict[str, object], has: bool | None, expected: list[Rule]) -> None:
    found = board(step(1, **fields), step(2, 1))

    got = judge_dependencies(own_steps([found], None, "feat/2"), A, lambda _head, _work: has)

    assert [one.rule for one in got] == expected


def test_steps_of_another_repository_are_not_this_branch_s() -> None:
    assert own_steps([board(step(2), repo="shop")], None, "feat/2") == []
    assert len(own_steps([board(step(2), repo="shop")], "shop", "feat/2")) == 1
    assert own_steps([board(step(2))], None, None) == []
