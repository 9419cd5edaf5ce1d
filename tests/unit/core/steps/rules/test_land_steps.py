"""A merge completes a held step without a fence, if all of its work landed; nothing else does."""

import pytest

from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.step import StepStatus
from gitcoord.core.steps.step_commands import LandStep
from tests.unit.core.play import ANN, BOB, COMMIT, OTHER_COMMIT, Play, claim, defined, play
from tests.unit.core.steps.rules.test_progress import complete

TIP = "e" * 40


def landing(fence: int, **fields: object) -> LandStep:
    return LandStep(step_num=1, commit_hash=COMMIT, branch="feat/1", seen_fence=fence, tips=(TIP,)).evolve(**fields)


def begun() -> tuple[Play, int]:
    game = play(defined(1, branch="feat/1"), defined(2, 1))
    return game, game.claimed(1)


@pytest.mark.rule("STEP-13")
def test_a_merge_completes_a_step_of_somebody_else_and_frees_what_waited() -> None:
    game, fence = begun()

    outcome = game.do(landing(fence, files_modified=("a.py",)), BOB)

    assert (outcome.code, outcome.facts) == ("step_completed", {"step_num": 1, "unblocked": [2]})
    step = game[1]
    assert (step.status, step.commit_hash, step.agent_id) == (StepStatus.COMPLETED, COMMIT, ANN.agent)
    assert (step.landed_tips, step.files_modified, step.completed_at) == ((TIP,), ("a.py",), game.now)


@pytest.mark.rule("STEP-13")
@pytest.mark.parametrize(
    ("fields", "policy", "code"),
    [
        ({"unlanded": "b.py"}, Policy(), "unlanded_work"),
        ({"branch": "feat/other"}, Policy(), "step_changed"),
        ({"seen_fence": 7}, Policy(), "step_changed"),
        ({}, Policy(complete_on_merge=False), "complete_on_merge"),
        ({"unlanded": "b.py"}, Policy(complete_on_merge=False), "unlanded_work"),
    ],
)
def test_a_merge_completes_neither_another_attempt_nor_a_part_nor_against_the_policy(
    fields: dict[str, object], policy: Policy, code: str
) -> None:
    game, fence = begun()
    game.policy = policy

    outcome = game.do(landing(fence, **fields), BOB)

    assert (outcome.code, game[1].status) == (code, StepStatus.CLAIMED)


@pytest.mark.rule("STEP-13")
def test_what_is_not_held_is_not_completed_by_a_merge() -> None:
    game = play(defined(1, branch="feat/1"))

    assert game.do(landing(0), BOB).code == "step_changed"


@pytest.mark.rule("STEP-13")
def test_the_same_merge_twice_and_its_holder_s_late_word_change_nothing() -> None:
    game, fence = begun()
    game.do(landing(fence), BOB)

    again = game.do(landing(fence), BOB)
    late = game.do(complete(1, fence, commit_hash=TIP), ANN)
    otherwise = game.do(complete(1, fence, commit_hash=OTHER_COMMIT), ANN)

    assert (again.facts.get("already"), late.facts.get("already")) == (True, True)
    assert (otherwise.code, "when its branch landed" in otherwise.message) == ("completed_otherwise", True)


@pytest.mark.rule("STEP-13")
def test_a_step_that_was_taken_over_is_not_completed_by_what_was_seen_before() -> None:
    game, fence = begun()
    game.do(claim(1), ANN)

    assert game.do(landing(fence + 1), BOB).code == "step_changed"
