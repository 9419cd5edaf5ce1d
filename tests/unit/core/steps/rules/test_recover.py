"""Recovery: who may put back whose step, and what is kept for the next holder."""

from datetime import timedelta

import pytest

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.liveness import Sighting
from gitcoord.core.documents.outcomes import Verdict
from gitcoord.core.steps.step import StepStatus
from gitcoord.core.steps.step_commands import ClaimStep, RecoverStep, StartStep
from tests.unit.core.play import ANN, ANN_AGAIN, ANN_TESTS, BOB, NOW, Play, chain, defined, minutes, play, seen

RECOVER = RecoverStep(step_num=1)
LOCKED = Sighting(locked=True, clone_beats=True)
CRASHED = Sighting(locked=False, clone_beats=True)


def running(by: Actor = ANN) -> Play:
    """Return a game in which somebody works on step 1."""
    game = play(defined(1, branch="f/1"), defined(2, 1))
    game.do(ClaimStep(), by)
    game.do(StartStep(step_num=1, fence=1, worktree="wt-1"), by)
    return game


@pytest.mark.rule("STEP-9")
def test_a_stale_step_goes_back_with_what_its_holder_left() -> None:
    game = running()
    game.tick(16)
    game.sightings[ANN.session] = seen(16, game.now, branch_tip="f" * 40, branch_at=game.now - minutes(20))

    outcome = game.do(RECOVER, BOB)

    why = "ann/cli/wt-1 fell silent: last seen 16 min ago"
    assert (outcome.code, outcome.facts) == ("step_recovered", {"step_num": 1, "from": ANN.agent, "reason": why})
    assert game[1].dump() == {
        "id": "app/1",
        "step_num": 1,
        "branch": "f/1",
        "fence": 1,
        "attempts": 1,
        "recoveries": 1,
        "last_activity": "2026-11-21T09:46:00.000Z",
        "checkpoint": {
            "agent_id": ANN.agent,
            "clone": ANN.clone,
            "session_id": ANN.session,
            "branch": "f/1",
            "commit": "f" * 40,
            "worktree": "wt-1",
            "reason": why,
            "fence": 1,
            "at": "2026-11-21T09:46:00.000Z",
        },
    }
    assert game.available == [1]


@pytest.mark.rule("STEP-9")
def test_a_checkpoint_stays_with_the_step_for_the_next_holder() -> None:
    game = running()
    game.do(RECOVER)
    checkpoint = game[1].checkpoint

    game.claimed(1, BOB)

    assert game[1].checkpoint == checkpoint
    assert checkpoint["reason"] == "handed back by its holder"


@pytest.mark.rule("STEP-9")
def test_the_last_known_commit_outlives_a_holder_who_left_none() -> None:
    game = running()
    game.do(RECOVER.evolve(branch_tip="f" * 40))
    game.claimed(1, BOB)

    game.do(RECOVER, BOB)

    assert (game[1].checkpoint["agent_id"], game[1].checkpoint["commit"]) == (BOB.agent, "f" * 40)


@pytest.mark.rule("STEP-8", "STEP-9")
def test_anybody_may_put_back_a_failed_step_and_its_reason_is_kept() -> None:
    game = play(*chain(2))
    game.failed(1, ANN, "no network")

    outcome = game.do(RECOVER, BOB)

    assert outcome.facts == {"step_num": 1, "from": ANN.agent, "reason": "no network"}
    assert (game[1].status, game[1].reason, game[1].failed_at) == (StepStatus.NOT_STARTED, None, None)
    assert game[1].checkpoint["reason"] == "no network"
    assert game.available == [1]


@pytest.mark.rule("STEP-9")
@pytest.mark.parametrize(
    ("by", "fence"),
    [(ANN, 1), (ANN, None), (ANN_AGAIN, None), (ANN_TESTS, 1)],
    ids=["by its fence", "by name", "from a new session", "for a sub-agent"],
)
def test_a_holder_may_put_back_its_own_step_at_any_time(by: Actor, fence: int | None) -> None:
    game = running()
    game.sightings[ANN.session] = CRASHED if by is ANN_AGAIN else LOCKED

    outcome = game.do(RECOVER.evolve(fence=fence, reason="lunch"), by)

    assert outcome.facts == {"step_num": 1, "from": ANN.agent, "reason": "lunch"}
    assert game.last is not None
    judged = [(held.id, life.sighting) for held, life in game.last.judged]
    assert judged == ([("app/1", CRASHED)] if by is ANN_AGAIN else [])  # what was looked at is in the record


@pytest.mark.rule("STEP-5", "SAFE-4")
@pytest.mark.parametrize(("successor", "fence"), [(LOCKED, 1), (LOCKED, None), (Sighting(), 1)])
def test_a_zombie_does_not_put_back_what_its_successor_holds(successor: Sighting, fence: int | None) -> None:
    game = running()
    game.claimed(1, ANN_AGAIN)
    game.sightings[ANN_AGAIN.session] = successor

    outcome = game.do(RECOVER.evolve(fence=fence, reason="its session ended"))

    assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "alive")
    assert game[1].session_id == ANN_AGAIN.session


@pytest.mark.rule("STEP-9")
@pytest.mark.parametrize("by", [BOB, BOB.evolve(clone=ANN.clone), ANN.evolve(clone="phone")])
def test_anothers_live_step_is_refused_with_the_evidence(by: Actor) -> None:
    game = running()
    game.tick(100)
    game.sightings[ANN.session] = seen(3, game.now)

    outcome = game.do(RECOVER.evolve(branch_tip="f" * 40, branch_at=game.now - timedelta(minutes=9)), by)

    assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "alive")
    assert outcome.message == (
        "Step app/1 is held by ann/cli/wt-1, who is live (last seen 3 min ago). "
        "The last commit on its branch is ffffffffffff, of 11:01 UTC."
    )
    assert outcome.facts == {
        "step_num": 1,
        "agent": ANN.agent,
        "life": "live",
        "last_seen": "2026-11-21T11:07:00.000Z",
        "last_commit": "f" * 40,
    }
    assert "force=true" in outcome.hint


@pytest.mark.rule("STEP-9")
def test_force_takes_a_live_step_and_says_that_it_did() -> None:
    game = running()
    game.sightings[ANN.session] = LOCKED

    outcome = game.do(RECOVER.evolve(force=True), BOB)

    assert outcome.facts["forced"] is True
    assert outcome.facts["reason"] == "taken from ann/cli/wt-1 by force"
    assert game[1].status is StepStatus.NOT_STARTED
    assert game.last is not None
    assert [life.sighting for _, life in game.last.judged] == [LOCKED]


@pytest.mark.rule("STEP-9")
def test_force_that_was_not_needed_is_not_said() -> None:
    game = running()
    game.tick(20)
    game.sightings[ANN.session] = seen(20, game.now)

    assert "forced" not in game.do(RECOVER.evolve(force=True), BOB).facts


@pytest.mark.rule("STEP-9", "LIFE-1")
def test_an_unknown_or_quiet_holder_is_not_stale() -> None:
    for sighting in (Sighting(), seen(15, NOW + minutes(60))):
        game = running()
        game.tick(60)
        game.sightings[ANN.session] = sighting

        assert game.do(RECOVER, BOB).code == "alive"


def test_putting_back_what_is_not_started_says_so_and_changes_nothing() -> None:
    game = play(*chain(2))
    before = game.board

    assert game.do(RECOVER).facts == {"step_num": 1, "already": True}
    assert game.board is before


@pytest.mark.rule("SAFE-2")
def test_a_settled_step_is_never_put_back() -> None:
    for settle in (Play.completed, Play.skipped):
        game = play(*chain(2))
        settle(game, 1)

        outcome = game.do(RECOVER.evolve(force=True), BOB)

        assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "settled")


def test_a_step_that_does_not_exist_is_invalid() -> None:
    assert play(*chain(2)).do(RecoverStep(step_num=9)).verdict is Verdict.INVALID
