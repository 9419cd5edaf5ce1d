"""Nothing available: the answer says why, and whether there is a use in asking again."""

from collections.abc import Callable

import pytest

from gitcoord.core.documents.outcomes import Verdict
from gitcoord.core.steps.step_commands import ClaimStep
from tests.unit.core.play import ANN, BOB, CAT, Play, claim, defined, play

pytestmark = pytest.mark.rule("STEP-12")


@pytest.mark.parametrize(
    ("prepare", "wanted", "message", "hint"),
    [
        (
            lambda game: game.claimed(1),
            claim(),
            "Project 'app' has no available step: ann/cli/wt-1 holds step 1, for which 2 steps wait.",
            "Ask again in 60 s, or when a step that is held completes.",
        ),
        (
            lambda game: game.failed(1),
            claim(),
            "Project 'app' has no available step: step 1 failed.",
            "Retry a failed step by its number: claim_step(step_id='app/1').",
        ),
        (
            lambda game: (game.completed(1), game.claimed(2), game.failed(3, CAT)),
            claim(),
            "Project 'app' has no available step: ann/cli/wt-1 holds step 2; step 3 failed.",
            "Ask again in 60 s, or when a step that is held completes.",
        ),
        (
            lambda _: None,
            claim(scope="ui"),
            "No step of project 'app' has scope 'ui'.",
            "Claim without a scope: claim_step().",
        ),
        (
            lambda game: (game.completed(1), game.skipped(2), game.skipped(3)),
            claim(),
            "Project 'app' is completed.",
            "",
        ),
    ],
)
def test_when_nothing_is_available_the_answer_says_why_and_what_to_do(
    prepare: Callable[[Play], object], wanted: ClaimStep, message: str, hint: str
) -> None:
    game = play(defined(1), defined(2, 1), defined(3, 1, 1))
    prepare(game)

    outcome = game.do(wanted, BOB)

    assert outcome.verdict is Verdict.REFUSED
    assert (outcome.message, outcome.hint) == (message, hint)


def test_why_nothing_is_available_is_told_as_facts_too() -> None:
    game = play(*(defined(num) for num in range(1, 6)))
    for num in range(1, 5):
        game.claimed(num, ANN.evolve(agent=f"a{num}"))
    game.failed(5, CAT)

    outcome = game.do(claim(), BOB)

    assert outcome.message.endswith("a1 holds step 1; a2 holds step 2; a3 holds step 3; 1 more is held; step 5 failed.")
    assert outcome.facts == {
        "project": "app",
        "held": [{"step_num": num, "agent": f"a{num}"} for num in range(1, 5)],
        "failed": [5],
        "stale": 0,
        "ask_again_s": 60,
    }


def test_where_nobody_works_there_is_no_use_in_asking_again() -> None:
    game = play(defined(1))
    game.failed(1)

    assert "ask_again_s" not in game.do(claim(), BOB).facts
