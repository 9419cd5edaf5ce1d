"""Taking: which step a claim gives, to whom, and why there is none."""

from collections.abc import Callable

import pytest

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.liveness import Sighting
from gitcoord.core.documents.outcomes import Outcome, Verdict
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.rules import take
from gitcoord.core.steps.step import StepDefinition, StepStatus
from gitcoord.core.steps.step_commands import AbortProject, BeatStep, ClaimStep, RecoverStep, StartStep
from tests.unit.core.play import (
    ANN,
    ANN_AGAIN,
    ANN_TESTS,
    BOB,
    CAT,
    NOW,
    Play,
    chain,
    claim,
    defined,
    minutes,
    play,
    seen,
)

ABORT = AbortProject(reason="no budget")
LOCKED = Sighting(locked=True, clone_beats=True)
CRASHED = Sighting(locked=False, clone_beats=True)


# --- order and filters ---


@pytest.mark.rule("STEP-2")
@pytest.mark.parametrize(("code", "expected"), [("conflict", [1, 2, 5]), ("not_owner", [1, 2, 3, 4, 5])])
def test_so_many_held_paths_are_looked_at_and_all_steps_that_are_for_others_or_have_none(
    monkeypatch: pytest.MonkeyPatch, code: str, expected: list[int]
) -> None:
    monkeypatch.setattr(take, "LOOKED_AT_MAX", 2)
    game = play(*(defined(num, paths=("src/**",)) for num in range(1, 5)), defined(5))
    blocked = outcomes.refused(code, "Not free.")

    found = [*take.looked_at(game.whole, None, lambda step: blocked if step.paths else None)]

    assert [step.step_num for step, _ in found] == expected
    assert [why for _, why in found] == [blocked] * (len(found) - 1) + [None]


HELD = outcomes.refused("conflict", "Held.", conflicts=[{"your_pattern": "a", "claim_id": "c-1", "item": "a"}])


@pytest.mark.rule("STEP-12")
@pytest.mark.parametrize(
    ("blocked", "why", "todo"),
    [
        ([HELD, HELD], "others hold their paths", "Ask again in 60 s, or when a claim on them ends."),
        ([HELD, ["ann"]], "you cannot have their paths", "Ask again in 60 s, or when a claim on them ends."),
        (
            [["ann", "bob"], ["bob", *"cdefghijk"]],
            "you cannot have their paths",
            "Ask an owner of their paths to do them, or to add you: ann, bob, c, d, e, f, g, h, i, j, ….",
        ),
    ],
)
def test_an_answer_without_a_step_says_why_those_there_are_were_passed_over_and_what_ends_it(
    blocked: list[Outcome | list[str]], why: str, todo: str
) -> None:
    game = play(*(defined(num, paths=("src/**",)) for num in range(1, len(blocked) + 1)))
    refusals = [
        one if isinstance(one, Outcome) else outcomes.refused("not_owner", "Theirs.", owners=[*one]) for one in blocked
    ]
    context = replace(game.context(ANN), paths=lambda step: refusals[step.step_num - 1])

    outcome = take.claim(game.whole, claim(), context).outcome

    assert f"Passed over, because {why}: step 1, 2." in outcome.message
    assert (outcome.hint, "ask_again_s" in outcome.facts) == (todo, HELD in refusals)


@pytest.mark.rule("STEP-2")
@pytest.mark.parametrize(
    ("definitions", "first"),
    [
        ([defined(1), defined(2, priority=1)], 2),
        ([defined(1), defined(2), defined(3, 2)], 2),
        ([defined(1), defined(2)], 1),
        ([defined(1, priority=-1), defined(2)], 2),
        ([defined(1, 2, priority=9), defined(2)], 2),
    ],
)
def test_a_claim_gets_priority_then_the_longest_chain_then_the_lowest_number(
    definitions: list[StepDefinition], first: int
) -> None:
    outcome = play(*definitions).do(claim())

    assert (outcome.code, outcome.facts["step_num"]) == ("step_claimed", first)


@pytest.mark.rule("STEP-2")
def test_a_claim_by_scope_gets_the_first_of_that_scope_only() -> None:
    game = play(defined(1, priority=9), defined(2, scope="ui", priority=5), defined(3, scope="api"))

    assert game.do(claim(scope="api")).facts["step_num"] == 3
    assert game.do(claim(scope="docs"), BOB).code == "nothing_available"


@pytest.mark.rule("STEP-2")
def test_a_claim_by_number_gets_that_step() -> None:
    assert play(*chain(1), defined(9)).do(claim(9)).facts["step_num"] == 9


@pytest.mark.rule("STEP-3")
def test_a_claim_writes_down_who_has_the_step_since_when() -> None:
    game = play(defined(1))
    game.tick(3)

    outcome = game.do(claim())

    assert outcome.facts == {"step_num": 1, "fence": 1, "agent": ANN.agent}
    assert game[1].dump() == {
        "id": "app/1",
        "step_num": 1,
        "status": "claimed",
        "agent_id": ANN.agent,
        "clone": ANN.clone,
        "session_id": ANN.session,
        "fence": 1,
        "attempts": 1,
        "claimed_at": "2026-11-21T09:33:00.000Z",
        "last_activity": "2026-11-21T09:33:00.000Z",
    }


@pytest.mark.rule("STEP-3", "SAFE-2")
def test_each_claim_raises_fence_and_attempts_and_a_fence_never_goes_back() -> None:
    game = play(defined(1))
    fences = [game.failed(1, ANN), game.failed(1, BOB), game.failed(1, CAT)]
    game.do(RecoverStep(step_num=1))

    fences.append(game.claimed(1, BOB))

    assert fences == [1, 2, 3, 4]
    assert (game[1].attempts, game[1].recoveries) == (4, 3)


# --- a step by its number ---


@pytest.mark.parametrize(
    ("prepare", "code", "sentence"),
    [
        (lambda game: game.claimed(1), "held", "Step app/1 is held by ann/cli/wt-1 (last seen 0 s ago)."),
        (lambda game: game.completed(1), "settled", "Step app/1 is completed."),
        (lambda game: game.skipped(1), "settled", "Step app/1 is skipped."),
        (lambda game: game.do(ABORT), "project_ended", "Project 'app' is aborted."),
    ],
)
def test_a_step_that_cannot_be_had_is_refused_with_the_reason(
    prepare: Callable[[Play], object], code: str, sentence: str
) -> None:
    game = play(defined(1), defined(2))
    prepare(game)

    outcome = game.do(claim(1), BOB)

    assert (outcome.verdict, outcome.code, outcome.message) == (Verdict.REFUSED, code, sentence)


def test_a_step_that_waits_is_refused_with_what_it_waits_for() -> None:
    game = play(defined(1), defined(2), defined(3, 1, 2))
    game.completed(1)

    outcome = game.do(claim(3))

    assert (outcome.code, outcome.facts) == ("blocked", {"step_num": 3, "waiting_on": [2]})
    assert outcome.message == "Step app/3 waits for step 2."


def test_a_step_that_does_not_exist_is_invalid() -> None:
    outcome = play(defined(1)).do(claim(7))

    assert (outcome.verdict, outcome.code) == (Verdict.INVALID, "not_found")


@pytest.mark.rule("STEP-8")
def test_a_failed_step_is_given_out_by_its_number_only() -> None:
    game = play(*chain(2))
    game.failed(1)

    anything = game.do(claim(), BOB)
    named = game.do(claim(1), BOB)

    assert anything.code == "nothing_available"
    assert named.facts == {"step_num": 1, "fence": 2, "agent": BOB.agent, "recovered": True}
    assert game[1].checkpoint["reason"] == "the tests are red"
    assert (game[1].status, game[1].reason, game[1].failed_at) == (StepStatus.CLAIMED, None, None)


# --- the same step back ---


@pytest.mark.rule("STEP-4")
@pytest.mark.parametrize("wanted", [claim(), claim(1), claim(scope="ui")])
def test_a_session_that_holds_a_step_gets_that_one_back_unchanged(wanted: ClaimStep) -> None:
    game = play(defined(1), defined(2, scope="ui"))
    game.started(1)
    before = game.board

    outcome = game.do(wanted)

    assert outcome.facts == {"step_num": 1, "fence": 1, "already": True}
    assert game.board is before


@pytest.mark.rule("STEP-4", "STEP-3")
@pytest.mark.parametrize(
    "sighting",
    [CRASHED, Sighting(locked=False, clone_beats=True, closed_at=NOW), Sighting(), seen(1)],
    ids=["crashed", "said good-bye", "never beat", "no lock here"],
)
def test_a_new_session_of_the_holder_resumes_the_step_with_a_new_fence(sighting: Sighting) -> None:
    game = play(defined(1), defined(2))
    game.started(1)
    game.sightings[ANN.session] = sighting
    game.tick(1)

    outcome = game.do(claim(), ANN_AGAIN)

    assert outcome.facts == {"step_num": 1, "fence": 2, "agent": ANN.agent, "already": True, "resumed": True}
    assert (game[1].session_id, game[1].status) == (ANN_AGAIN.session, StepStatus.IN_PROGRESS)
    assert (game[1].attempts, game[1].claimed_at, game[1].last_activity) == (1, NOW, game.now)


@pytest.mark.rule("STEP-4")
@pytest.mark.parametrize("wanted", [claim(), claim(1)])
def test_a_step_whose_session_lives_elsewhere_is_not_given_back(wanted: ClaimStep) -> None:
    game = play(defined(1), defined(2))
    game.claimed(1)
    game.sightings[ANN.session] = LOCKED

    outcome = game.do(wanted, ANN_AGAIN)

    assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "session_live")
    assert "agent_id" in outcome.hint


@pytest.mark.rule("STEP-4")
def test_a_holder_does_not_get_a_second_step_but_a_sub_agent_gets_one_of_its_own() -> None:
    game = play(defined(1), defined(2))
    game.claimed(1)

    second = game.do(claim(2))
    of_sub_agent = game.do(claim(2), ANN_TESTS)

    assert (second.code, second.facts) == ("holds_another", {"step_num": 1})
    assert of_sub_agent.facts == {"step_num": 2, "fence": 1, "agent": ANN_TESTS.agent}


@pytest.mark.rule("STEP-4")
def test_the_same_agent_in_another_clone_is_another_holder() -> None:
    game = play(defined(1), defined(2))
    game.claimed(1)

    assert game.do(claim(), ANN.evolve(clone="phone", session="s-phone")).facts["step_num"] == 2


@pytest.mark.rule("STEP-4", "STEP-10")
def test_a_holder_gets_its_step_back_even_in_an_aborted_project() -> None:
    game = play(defined(1), defined(2))
    game.claimed(1)
    game.do(ABORT)

    assert game.do(claim()).facts["already"] is True
    assert game.do(claim(), BOB).code == "project_ended"


# --- taking over ---


@pytest.mark.rule("STEP-9", "LIVE-2")
def test_a_stale_step_is_taken_over_only_when_nothing_else_is_available() -> None:
    game = play(defined(1), defined(2))
    game.started(1)
    game.hear(ANN, 16)

    first = game.do(claim(), BOB)
    second = game.do(claim(), CAT)

    assert (first.facts["step_num"], "recovered" in first.facts) == (2, False)
    assert second.facts == {
        "step_num": 1,
        "fence": 2,
        "agent": CAT.agent,
        "recovered": True,
        "from": ANN.agent,
        "why": "last seen 16 min ago",
    }
    assert (game[1].status, game[1].agent_id, game[1].started_at) == (StepStatus.CLAIMED, CAT.agent, None)


@pytest.mark.rule("STEP-9")
def test_of_several_stale_steps_the_first_by_rank_is_taken_over() -> None:
    game = play(defined(1), defined(2, priority=5), defined(3, priority=5, scope="ui"))
    for num, who in ((1, ANN), (2, BOB), (3, CAT)):
        game.claimed(num, who)
    game.tick(100)
    game.sightings = {who.session: seen(20, game.now) for who in (ANN, BOB, CAT)}

    assert game.do(claim(scope="ui"), ANN.evolve(agent="zed")).facts["step_num"] == 3
    assert game.do(claim(), ANN.evolve(agent="eve")).facts["step_num"] == 2


@pytest.mark.rule("STEP-9")
def test_a_stale_step_is_taken_over_at_once_when_it_is_named() -> None:
    game = play(defined(1), defined(2))
    game.claimed(1)
    game.hear(ANN, 16)

    assert game.do(claim(1), BOB).facts["recovered"] is True


@pytest.mark.rule("STEP-9")
def test_nothing_is_taken_over_where_the_policy_says_so() -> None:
    game = play(defined(1), policy=Policy(auto_recover=False))
    game.claimed(1)
    game.hear(ANN, 99)

    assert game.do(claim(), BOB).code == "nothing_available"
    assert game.do(claim(1), BOB).code == "held"
    assert game.do(RecoverStep(step_num=1), BOB).is_done


@pytest.mark.rule("SAFE-7")
def test_a_take_over_names_everybody_whom_it_judged() -> None:
    game = play(defined(1, priority=1), defined(2))
    game.claimed(1)
    game.claimed(2, BOB)
    game.tick(100)
    game.sightings = {ANN.session: seen(3, game.now), BOB.session: seen(16, game.now)}

    game.do(claim(), CAT)

    assert game.last is not None
    assert [(held.id, life.life, life.sighting) for held, life in game.last.judged] == [
        ("app/1", "live", seen(3, game.now)),
        ("app/2", "stale", seen(16, game.now)),
    ]


@pytest.mark.rule("SAFE-4", "STEP-5")
def test_who_was_taken_over_can_do_nothing_more_with_the_step() -> None:
    game = play(defined(1))
    fence = game.started(1)
    game.hear(ANN, 16)
    game.claimed(1, BOB)

    for command in (StartStep(step_num=1, fence=fence), BeatStep(step_num=1, fence=fence)):
        outcome = game.do(command)

        assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "not_holder")
        assert outcome.message == f"Step app/1 is held by {BOB.agent}, not by {ANN.agent}."
        assert (outcome.facts["fence"], outcome.facts["your_fence"]) == (2, 1)


@pytest.mark.rule("LIVE-2")
def test_an_unknown_holder_is_given_four_times_the_limit() -> None:
    game = play(defined(1))
    game.claimed(1)
    game.tick(60)

    early = game.do(claim(), BOB)
    game.now += minutes(1 / 60)
    late = game.do(claim(), BOB)

    assert (early.code, late.code) == ("nothing_available", "step_claimed")
