"""Planning: what a plan may be, and how it may change."""

import pytest

from gitcoord.core.documents import limits
from gitcoord.core.documents.json_text import time_text
from gitcoord.core.documents.outcomes import Verdict
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.rules.plan import NUMBER_MAX, PRIORITY_MAX
from gitcoord.core.steps.step import StepDefinition, StepStatus
from gitcoord.core.steps.step_commands import (
    AbortProject,
    AddSteps,
    CompleteStep,
    CreateProject,
    FailStep,
    SkipStep,
    UpdateStep,
)
from tests.unit.core.play import ANN, BASE, BOB, COMMIT, NOW, Play, chain, creation, defined, play

ABORT = AbortProject(reason="no budget")


# --- creating ---


@pytest.mark.rule("STEP-1")
def test_a_project_is_created_whole() -> None:
    game = Play()
    given = defined(1, title="one", branch="f/1", scope="api", paths=("a/**",), priority=2, description="d")

    outcome = game.do(creation(given, defined(5, 1, 1)))

    assert (outcome.code, outcome.facts) == ("project_created", {"project": "app", "steps": 2})
    assert game.whole.project.dump() == {
        "name": "app",
        "base_commit": BASE,
        "created_at": "2026-11-21T09:30:00.000Z",
        "created_by": ANN.agent,
    }
    assert game[1].dump() == {**given.dump(), "id": "app/1"}
    assert game[5].dump() == {"id": "app/5", "step_num": 5, "depends_on": [1]}
    assert game.available == [1]


@pytest.mark.parametrize(
    ("pushed", "others", "required", "code"),
    [
        (False, False, None, "project_created"),
        (False, True, None, "not_pushed"),
        (False, False, True, "not_pushed"),
        (False, True, False, "project_created"),
        (True, True, True, "project_created"),
        (None, True, True, "project_created"),
    ],
)
def test_a_base_must_be_pushed_where_the_policy_or_another_live_clone_asks_for_it(
    pushed: bool | None, others: bool, required: bool | None, code: str
) -> None:
    game = Play(policy=Policy(require_pushed=required))

    outcome = game.do(creation(defined(1)).evolve(pushed=pushed, others_live=others, remote="team"))

    push = f"`git push team {BASE[:12]}:refs/heads/app-base`."
    lacks = f"base_commit {BASE[:12]} is on no branch of the remote: other clones cannot begin with it."
    warned = f"{lacks} Push a branch that has it, such as: {push}"
    assert outcome.code == code
    assert outcome.hint == ("" if outcome.is_done else f"Push a branch that has it, such as: {push}")
    assert outcome.facts.get("warnings") == ([warned] if outcome.is_done and pushed is False else None)
    assert (game.board is None) is not outcome.is_done


@pytest.mark.rule("STEP-1")
@pytest.mark.parametrize(
    ("definitions", "code", "sentence"),
    [
        ([], "no_steps", "There are no steps."),
        ([defined(1), defined(2), defined(1)], "duplicate", "The number 1 is given twice."),
        ([defined(0)], "bad_number", "0 is not the number of a step; it is from 1 to 999999999."),
        ([defined(-3)], "bad_number", "-3 is not the number of a step; it is from 1 to 999999999."),
        ([defined(NUMBER_MAX + 1)], "bad_number", "1000000000 is not the number of a step; it is from 1 to 999999999."),
        ([defined(1, 2)], "bad_dependency", "Step 1 depends on step 2, which does not exist."),
        ([defined(1, 1)], "bad_dependency", "Step 1 depends on itself."),
        ([defined(1, 2), defined(2, 1)], "cycle", "The steps depend on each other in a circle: 1 → 2 → 1."),
        ([defined(1, branch="a..b")], "bad_branch", "Step 1: 'a..b' is not a legal name of a branch."),
        ([defined(1, branch="-x")], "bad_branch", "Step 1: '-x' is not a legal name of a branch."),
        ([defined(1, branch="")], "bad_branch", "Step 1: '' is not a legal name of a branch."),
        (
            [defined(1, branch="f"), defined(2), defined(3, branch="f")],
            "same_branch",
            "Steps 1 and 3 have the same branch, 'f'.",
        ),
        (
            [defined(1, branch="z/a/4"), defined(2), defined(3, branch="z")],
            "nested_branch",
            "Git cannot have branch 'z' (step 3) beside 'z/a/4' (step 1).",
        ),
        ([defined(1, priority=PRIORITY_MAX + 1)], "bad_number", "Step 1 has priority 1000001, beyond a million."),
        (
            [defined(1, *range(2, limits.STEP_DEPENDENCIES + 3))],
            "too_many",
            "Step 1 depends on more than 10000 steps.",
        ),
    ],
)
def test_a_plan_with_a_fault_is_invalid_and_nothing_is_created(
    definitions: list[StepDefinition], code: str, sentence: str
) -> None:
    game = Play()

    outcome = game.do(creation(*definitions))

    assert (outcome.verdict, outcome.code, outcome.message) == (Verdict.INVALID, code, sentence)
    assert game.board is None


@pytest.mark.rule("STEP-1")
def test_a_cycle_is_told_as_a_fact_too() -> None:
    outcome = Play().do(creation(defined(1), defined(2, 4), defined(3, 2), defined(4, 3)))

    assert outcome.facts == {"cycle": [2, 4, 3, 2]}


@pytest.mark.rule("STEP-1")
def test_an_unknown_field_of_a_step_is_invalid_and_quoted() -> None:
    definition = StepDefinition.parse({"step_num": 1, "dependson": [2], "\x1b[31m": 1})

    outcome = Play().do(creation(definition))

    assert outcome.code == "unknown_field"
    assert outcome.message == "Step 1 has unknown fields: '\N{REPLACEMENT CHARACTER}[31m', 'dependson'."


@pytest.mark.rule("STEP-1")
def test_more_than_a_hundred_thousand_steps_are_invalid() -> None:
    definitions = (StepDefinition(step_num=1),) * (limits.STEPS + 1)

    assert Play().do(creation(*definitions)).code == "too_many"


@pytest.mark.rule("STEP-1")
@pytest.mark.parametrize("minutes", [0, -1, 9, 7 * 24 * 60 + 1])
def test_a_limit_of_silence_outside_of_ten_minutes_and_a_week_is_invalid(minutes: int) -> None:
    command = CreateProject(name="app", base_commit=BASE, steps=(defined(1),), stale_minutes=minutes)

    assert Play().do(command).code == "bad_number"


@pytest.mark.rule("STEP-1")
def test_a_name_that_exists_is_invalid_in_any_case() -> None:
    game = play(defined(1))

    outcome = game.do(creation(defined(1), name="APP"))

    assert (outcome.verdict, outcome.code) == (Verdict.INVALID, "exists")
    assert outcome.message == "A project named 'app' exists already."


# --- adding ---


@pytest.mark.rule("STEP-1")
def test_added_steps_may_depend_on_any_step_that_exists_even_a_done_one() -> None:
    game = play(defined(1), defined(2))
    game.completed(1)

    outcome = game.do(AddSteps(steps=(defined(4, 3), defined(3, 1))))

    assert outcome.facts == {"step_nums": [3, 4]}
    assert game.available == [3, 2]


@pytest.mark.parametrize(
    ("added", "code"),
    [
        ([], "no_steps"),
        ([defined(1)], "duplicate"),
        ([defined(3), defined(3)], "duplicate"),
        ([defined(3, 9)], "bad_dependency"),
        ([defined(3, 4), defined(4, 3)], "cycle"),
        ([defined(3, branch="f/1")], "same_branch"),
        ([defined(3, branch="f")], "nested_branch"),
        ([defined(3, branch="f/1/x")], "nested_branch"),
    ],
)
@pytest.mark.rule("STEP-1")
def test_added_steps_are_checked_like_a_plan(added: list[StepDefinition], code: str) -> None:
    game = play(defined(1, branch="f/1"), defined(2))

    outcome = game.do(AddSteps(steps=tuple(added)))

    assert (outcome.verdict, outcome.code) == (Verdict.INVALID, code)


def test_a_number_that_is_taken_is_answered_with_the_next_free_one() -> None:
    outcome = play(defined(1), defined(7)).do(AddSteps(steps=(defined(7),)))

    assert (outcome.message, outcome.hint) == ("Step 7 exists already.", "The next free number is 8.")


@pytest.mark.rule("STEP-10")
def test_nothing_is_added_to_a_project_that_ended() -> None:
    for end in (lambda game: game.completed(1), lambda game: game.do(ABORT)):
        game = play(defined(1))
        end(game)

        assert game.do(AddSteps(steps=(defined(2),))).code == "project_ended"


# --- updating ---


@pytest.mark.rule("STEP-11")
def test_a_step_that_nobody_holds_is_updated_field_by_field() -> None:
    game = play(defined(1), defined(2, title="old", branch="f/2", scope="api"))

    outcome = game.do(UpdateStep(step_num=2, title="new", branch="", priority=3, depends_on=(1, 1), paths=("x",)))

    assert outcome.facts == {"step_num": 2, "changed": ["branch", "depends_on", "paths", "priority", "title"]}
    assert game[2].dump() == {
        "id": "app/2",
        "step_num": 2,
        "title": "new",
        "scope": "api",
        "priority": 3,
        "depends_on": [1],
        "paths": ["x"],
    }
    assert game.available == [1]


@pytest.mark.rule("STEP-11")
def test_new_dependencies_and_priorities_move_what_is_available() -> None:
    game = play(*chain(2), defined(3))

    game.do(UpdateStep(step_num=2, depends_on=()))
    game.do(UpdateStep(step_num=3, priority=1))

    assert game.available == [3, 1, 2]


@pytest.mark.rule("STEP-1")
def test_a_branch_of_a_step_that_is_done_is_in_no_ones_way() -> None:
    game = play(defined(1, branch="f"), defined(2))
    game.do(SkipStep(step_num=1, reason="no"))

    assert game.do(AddSteps(steps=(defined(3, branch="f/1"),))).code == "steps_added"


@pytest.mark.rule("STEP-11")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (UpdateStep(step_num=1, depends_on=(2,)), "cycle"),
        (UpdateStep(step_num=1, depends_on=(1,)), "bad_dependency"),
        (UpdateStep(step_num=1, depends_on=(9,)), "bad_dependency"),
        (UpdateStep(step_num=1, branch="f/2"), "same_branch"),
        (UpdateStep(step_num=1, branch="f"), "nested_branch"),
        (UpdateStep(step_num=1, branch="x.lock"), "bad_branch"),
        (UpdateStep(step_num=9, title="x"), "not_found"),
    ],
)
def test_an_update_that_would_break_the_plan_is_invalid(command: UpdateStep, code: str) -> None:
    game = play(defined(1), defined(2, 1, branch="f/2"))

    outcome = game.do(command)

    assert (outcome.verdict, outcome.code) == (Verdict.INVALID, code)


def test_a_step_that_does_not_exist_is_answered_with_those_that_do() -> None:
    assert play(*chain(3)).do(UpdateStep(step_num=9)).hint == "Its steps are 1 to 3; see get_project(name='app')."
    assert play(defined(1), defined(4)).do(UpdateStep(step_num=9)).hint.startswith("Its steps are 1, 4;")


@pytest.mark.rule("STEP-11")
@pytest.mark.parametrize("command", [UpdateStep(step_num=1, title="x"), SkipStep(step_num=1, reason="x")])
def test_a_step_is_neither_updated_nor_skipped_while_somebody_holds_it_or_once_it_is_done(
    command: UpdateStep | SkipStep,
) -> None:
    claimed, started, completed = play(*chain(2)), play(*chain(2)), play(*chain(2))
    claimed.claimed(1)
    started.started(1)
    completed.completed(1)

    outcomes = [game.do(command, BOB) for game in (claimed, started, completed)]

    assert [outcome.code for outcome in outcomes] == ["not_open"] * 3
    assert [outcome.verdict for outcome in outcomes] == [Verdict.REFUSED] * 3
    assert outcomes[0].message == f"Step app/1 is held by {ANN.agent}."


@pytest.mark.rule("STEP-11")
def test_a_failed_step_can_be_updated_and_skipped() -> None:
    game = play(*chain(2))
    game.failed(1)

    assert game.do(UpdateStep(step_num=1, title="smaller")).is_done
    assert game.do(SkipStep(step_num=1, reason="not needed")).facts == {"step_num": 1, "unblocked": [2]}


# --- skipping ---


@pytest.mark.rule("STEP-7", "STEP-11")
def test_a_skipped_step_counts_as_completed_for_its_dependants() -> None:
    game = play(defined(1), defined(2, 1), defined(3, 1), defined(4, 1, 2))

    outcome = game.do(SkipStep(step_num=1, reason="done elsewhere"))

    assert outcome.facts == {"step_num": 1, "unblocked": [2, 3]}
    assert (game[1].status, game[1].reason) == (StepStatus.SKIPPED, "done elsewhere")
    assert game.available == [2, 3]


@pytest.mark.rule("STEP-6", "STEP-11")
def test_skipping_twice_says_so_and_changes_nothing() -> None:
    game = play(*chain(2))
    game.skipped(1)
    before = game.board

    outcome = game.do(SkipStep(step_num=1, reason="again"))

    assert outcome.facts == {"step_num": 1, "already": True}
    assert game.board is before


@pytest.mark.rule("STEP-7")
def test_skipping_the_last_step_completes_the_project() -> None:
    game = play(*chain(2))
    game.completed(1)
    game.tick(5)

    outcome = game.do(SkipStep(step_num=2, reason="not needed"))

    assert outcome.facts == {"step_num": 2, "unblocked": [], "project_completed": True}
    assert (game.whole.project.status, game.whole.project.completed_at) == (ProjectStatus.COMPLETED, game.now)


# --- aborting ---


@pytest.mark.rule("STEP-10")
def test_an_aborted_project_names_what_still_runs_and_gives_nothing_more() -> None:
    game = play(defined(1), defined(2), defined(3))
    game.claimed(2)

    outcome = game.do(ABORT, BOB)

    assert outcome.facts == {"project": "app", "running": [2]}
    assert (game.whole.project.status, game.whole.project.reason) == (ProjectStatus.ABORTED, "no budget")
    assert game.whole.project.completed_at == NOW
    assert game.available == []


@pytest.mark.rule("STEP-10")
def test_aborting_twice_says_so_and_a_completed_project_is_not_aborted() -> None:
    game, done = play(defined(1)), play(defined(1))
    game.do(ABORT)
    done.completed(1)

    assert game.do(ABORT).facts == {"project": "app", "already": True}
    assert (done.do(ABORT).verdict, done.do(ABORT).code) == (Verdict.REFUSED, "project_ended")


@pytest.mark.rule("STEP-10")
def test_the_running_steps_of_an_aborted_project_end_and_complete_nothing_but_themselves() -> None:
    game = play(defined(1), defined(2), defined(3, 1))
    one, two = game.claimed(1), game.claimed(2, BOB)
    game.do(ABORT)

    completed = game.do(CompleteStep(step_num=1, fence=one, commit_hash=COMMIT))
    failed = game.do(FailStep(step_num=2, fence=two, reason="red"), BOB)

    assert completed.facts == {"step_num": 1, "unblocked": []}
    assert failed.is_done
    assert game.whole.project.status is ProjectStatus.ABORTED


@pytest.mark.parametrize("how", ["aborted", "completed"])
def test_the_plan_of_an_ended_project_is_not_changed_and_the_refusal_has_the_facts(how: str) -> None:
    game = play(defined(1))
    if how == "aborted":
        game.do(ABORT)
    else:
        game.completed(1)
    before = game.whole

    outcomes = [
        game.do(SkipStep(step_num=1, reason="not needed")),
        game.do(UpdateStep(step_num=1, title="x")),
        game.do(AddSteps(steps=(defined(2),))),
    ]

    assert [one.code for one in outcomes] == ["project_ended"] * 3
    facts = {"project": "app", "status": how, "ended_at": time_text(NOW)}
    assert [{**one.facts, "reason": None} for one in outcomes] == [{**facts, "reason": None}] * 3
    assert (game.whole.steps, game.whole.project) == (before.steps, before.project)
