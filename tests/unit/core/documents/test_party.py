"""Parties: the command line of a worktree and the sessions of one tool there never lock each other out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.checks.overlaps import overlapping
from gitcoord.core.claims.claim_commands import Answer, ExtendClaims, ReleaseClaims, RequestRelease
from gitcoord.core.documents import party
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.liveness import Sighting
from gitcoord.core.steps.step import StepStatus
from gitcoord.core.steps.step_commands import ClaimStep, CompleteStep, FailStep, RecoverStep, StartStep
from tests.unit.core.claim_play import BOB, Claims, F
from tests.unit.core.play import COMMIT, defined, play

SHELL = Actor(agent="ann/cli/wt", clone="laptop", session="cli-ann")
CLAUDE = Actor(agent="ann/claude-code/wt", clone="laptop", session="s-claude")
CODEX = Actor(agent="ann/codex/wt", clone="laptop", session="s-codex")
LIVE = Sighting(locked=True, clone_beats=True)
CRASHED = Sighting(locked=False, clone_beats=True)


@pytest.mark.rule("SAFE-10")
def test_long_names_that_begin_alike_are_of_different_agents() -> None:
    texts = [f"fix-{'the-long-name-of-a-branch-' * 3}{end}" for end in ("one", "two")]

    levels = [party.agent_level(text) for text in texts]

    assert levels[0] != levels[1]
    assert {len(level) for level in levels} == {party.LEVEL_CHARS}
    assert party.agent_level("x" * party.LEVEL_CHARS) == "x" * party.LEVEL_CHARS


@given(st.text(st.characters() | st.sampled_from("aB -._+/\n\u2028\x1c\u00a0"), max_size=40))
def test_a_part_of_a_name_has_one_dash_for_all_that_is_not_of_words(text: str) -> None:
    level = re.sub(r"[^\w.+-]+", "-", text.strip().lower()).strip("-.") or "unknown"

    assert party.agent_level(text) == level


@pytest.mark.parametrize(
    ("one", "other", "is_party"),
    [
        ("ann/cli/wt", "ann/claude-code/wt", True),
        ("ann/claude-code/wt", "ann/cli/wt", True),
        ("ann/claude-code/wt", "ann/codex/wt", False),
        ("ann/cli/wt", "ann/claude-code/wt-2", False),
        ("ann/cli/wt", "bob/claude-code/wt", False),
        ("ann/cli/wt", "ann/claude-code/wt/tests", False),
        ("ann/cli/wt/tests", "ann/claude-code/wt/tests", False),
        ("cli/claude-code/cli", "cli/codex/cli", False),
        ("cli/cli", "cli/codex", False),
        ("ann/cli/wt", "ann/cli/wt", False),
        ("reviewer", "ann/cli/wt", False),
    ],
)
def test_partners_are_the_command_line_and_a_tool_of_one_person_and_worktree(
    one: str, other: str, is_party: bool
) -> None:
    assert party.are_partners(one, other) is is_party


@pytest.mark.parametrize(("clone", "is_party"), [("laptop", True), ("before", True), ("cloud", False)])
def test_partners_are_of_one_clone_whatever_id_it_has(clone: str, is_party: bool) -> None:
    actor = SHELL.evolve(others=("before",))

    assert actor.is_partner(CLAUDE.agent, clone) is is_party
    assert actor.is_party(CLAUDE.agent, clone) is is_party
    assert party.is_one(("ann/cli/wt", "laptop"), (CLAUDE.agent, clone)) is (clone == "laptop")


# --- claims ---


@pytest.mark.rule("CLAIM-4")
@pytest.mark.parametrize(("first", "second"), [(SHELL, CLAUDE), (CLAUDE, SHELL)])
def test_what_one_holds_keeps_no_partner_out(first: Actor, second: Actor) -> None:
    game = Claims()
    game.claim(first, F)

    again = game.ask(second, F)

    assert (again.code, again.facts.get("already")) == ("claim_granted", None)
    assert game.ask(BOB, F).code == "conflict"
    assert overlapping(game.register, None, game.now).pairs == []


@pytest.mark.rule("SAFE-1")
def test_what_the_command_line_holds_goes_to_the_tool_that_claims_it_first() -> None:
    game = Claims()
    game.claim(SHELL, "src/**")
    game.claim(CLAUDE, F)

    assert game.ask(CODEX, F).code == "conflict"
    assert game.ask(CODEX, "src/b.py").code == "claim_granted"
    assert game.ask(CLAUDE, "src/b.py").code == "conflict"


@pytest.mark.rule("CLAIM-4")
@pytest.mark.parametrize("other", [CODEX, CLAUDE.evolve(agent="ann/claude-code/wt/tests")])
def test_another_tool_and_a_sub_agent_are_parties_of_their_own(other: Actor) -> None:
    game = Claims()
    game.claim(CLAUDE, F)

    assert game.ask(other, F).code == "conflict"


@pytest.mark.rule("CLAIM-7")
@pytest.mark.rule("CLAIM-12")
@pytest.mark.parametrize(("first", "second"), [(SHELL, CLAUDE), (CLAUDE, SHELL)])
def test_a_partner_extends_and_releases_by_id(first: Actor, second: Actor) -> None:
    game = Claims()
    one = game.claim(first, F)

    longer = game.do(ExtendClaims(ids=(one.id,), hours=9), second)
    ended = game.release(second, one)

    assert (longer.code, ended.facts["released"]) == ("claim_extended", [one.id])
    told = [(note.agent, note.by, note.text) for note in game.register.notices.values()]
    assert told == [(first.agent, second.agent, f"{second.agent} released your claim {one.id} ({F}).")]


def test_without_ids_each_extends_and_releases_its_own() -> None:
    game = Claims()
    kept, gone = game.claim(SHELL, F), game.claim(CLAUDE, F)

    game.do(ReleaseClaims(), CLAUDE)

    assert (kept.id in game.register.claims, gone.id in game.register.claims) == (True, False)


def test_a_partner_of_the_holder_answers_and_asks_for_nothing() -> None:
    game = Claims()
    one = game.claim(SHELL, F)
    asked = game.request(BOB, one)

    own = game.do(RequestRelease(request_id="r-1", claim_id=one.id, reason="needed"), CLAUDE)
    answered = game.answer(CLAUDE, asked, Answer.APPROVED)

    assert (own.code, answered.code) == ("own_claim", "request_answered")


def test_partners_do_not_wait_behind_each_other() -> None:
    game = Claims()
    game.claim(BOB, F)
    for actor in (SHELL, CLAUDE):
        assert game.ask(actor, F, wait_s=600).facts["position"] == 1

    game.do(ReleaseClaims(), BOB)

    assert sorted(claim.agent for claim in game.register.claims.values()) == [CLAUDE.agent, SHELL.agent]


# --- steps ---


@pytest.mark.rule("STEP-4")
def test_a_tool_goes_on_with_the_step_of_its_command_line() -> None:
    game = play(defined(1), defined(2))
    game.claimed(1, by=SHELL)

    outcome = game.do(ClaimStep(), CLAUDE)

    facts = {"step_num": 1, "fence": 2, "agent": CLAUDE.agent, "from": SHELL.agent, "already": True, "resumed": True}
    assert outcome.facts == facts
    assert (game[1].agent_id, game[1].session_id, game[1].attempts) == (CLAUDE.agent, CLAUDE.session, 1)
    assert game.do(ClaimStep(), CODEX).facts["step_num"] == 2


@pytest.mark.rule("STEP-4")
@pytest.mark.parametrize(("sighting", "fence", "agent"), [(LIVE, 1, CLAUDE.agent), (CRASHED, 2, SHELL.agent)])
def test_the_command_line_joins_a_tool_at_work_and_goes_on_where_it_died(
    sighting: Sighting, fence: int, agent: str
) -> None:
    game = play(defined(1), defined(2))
    game.claimed(1, by=CLAUDE)
    game.sightings[CLAUDE.session] = sighting

    outcome = game.do(ClaimStep(), SHELL)

    assert (outcome.facts["step_num"], outcome.facts["fence"], outcome.facts["already"]) == (1, fence, True)
    assert game[1].agent_id == agent


def test_a_partner_that_names_another_step_gets_that_one() -> None:
    game = play(defined(1), defined(2))
    game.claimed(1, by=CLAUDE)

    assert game.do(ClaimStep(step_num=2), SHELL).facts["step_num"] == 2


@pytest.mark.rule("STEP-5")
@pytest.mark.parametrize(("first", "second"), [(SHELL, CLAUDE), (CLAUDE, SHELL)])
def test_a_partner_with_the_present_fence_starts_completes_fails_and_hands_back(first: Actor, second: Actor) -> None:
    game = play(defined(1), defined(2), defined(3))
    held = {"agent_id": first.agent, "clone": first.clone, "session_id": first.session, "fence": 4}
    taken = [game[num].evolve(status=StepStatus.CLAIMED, **held) for num in (1, 2, 3)]
    game.board = game.whole.with_changes(None, taken)

    assert game.do(StartStep(step_num=1, fence=4), second).is_done
    done = CompleteStep(step_num=1, fence=4, commit_hash=COMMIT)
    assert [game.do(done, second).facts.get("already") for _ in range(2)] == [None, True]
    assert game.do(FailStep(step_num=2, fence=4, reason="red"), second).is_done
    assert game.do(RecoverStep(step_num=3, fence=4), second).is_done
    assert [game[num].status for num in (1, 2, 3)] == [
        StepStatus.COMPLETED,
        StepStatus.FAILED,
        StepStatus.NOT_STARTED,
    ]


@pytest.mark.rule("SAFE-4")
@pytest.mark.parametrize("who", [SHELL, CODEX, CLAUDE.evolve(session="s-before")])
@pytest.mark.parametrize("fence", [1, None])
def test_who_has_an_old_fence_completes_nothing_be_it_a_partner_or_of_the_same_name(
    who: Actor, fence: int | None
) -> None:
    game = play(defined(1))
    game.claimed(1, by=SHELL)
    game.do(ClaimStep(), CLAUDE)

    outcome = game.do(CompleteStep(step_num=1, fence=fence, commit_hash=COMMIT), who)

    assert outcome.code == "not_holder"


@pytest.mark.rule("SAFE-4")
@pytest.mark.parametrize("who", [CODEX, CLAUDE.evolve(session="s-before")])
def test_the_present_fence_is_of_use_to_partners_only(who: Actor) -> None:
    game = play(defined(1))
    game.claimed(1, by=CLAUDE)

    assert game.do(CompleteStep(step_num=1, fence=1, commit_hash=COMMIT), who).code == "not_holder"
