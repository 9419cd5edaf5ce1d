"""The checker of histories on histories that were written by hand: good ones, and each bad in one way."""

from collections.abc import Mapping

import pytest

from gitcoord.core.claims.claim_commands import ClaimFiles, ExtendClaims, KeepWaiting, ReleaseClaims, Wish
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps.step_commands import ClaimStep, CompleteStep
from tests.race.linearizable import FOREVER, Call, is_linearizable
from tests.race.specification import Answer, State, answer_of, decide
from tests.unit.core.play import ANN, BOB, CAT, defined, play

COMMIT = "c" * 40
START = State(play(defined(1, paths=("src/**",)), defined(2), defined(3)).whole)
FILE, OTHER = "src/a.py", "docs/b.md"


def claim(claim_id: str, *patterns: str, wait_s: int = 0) -> ClaimFiles:
    wishes = tuple(Wish(pattern=pattern) for pattern in patterns)
    return ClaimFiles(claim_id=claim_id, entry_id=f"q-{claim_id}", wishes=wishes, wait_s=wait_s)


def done(code: str, **facts: Json) -> Answer:
    return answer_of("done", code, facts)


def refused(code: str, **facts: Json) -> Answer:
    return answer_of("refused", code, facts)


def granted(claim_id: str, fence: int) -> Answer:
    return done("claim_granted", claim=claim_id, fence=fence)


def in_the_way(claim_id: str) -> Answer:
    return refused("conflict", conflicts=[{"claim_id": claim_id}])


def call(actor: Actor, command: Doc, when: tuple[int, int], answer: Answer | None) -> Call:
    return Call(actor, command, when[0], when[1] if answer else FOREVER, answer)


RELEASE = ReleaseClaims(ids=("c-1",))
RELEASED = done("claim_released", released=["c-1"])
HELD = call(ANN, claim("c-1", FILE), (1, 2), granted("c-1", 1))
WAITS = call(
    BOB,
    claim("c-2", FILE, wait_s=600),
    (3, 4),
    done("waiting", queue_id="q-c-2", position=1, conflicts=[{"claim_id": "c-1"}]),
)
STEP_1, STEP_2 = (done("step_claimed", step_num=num, fence=1) for num in (1, 2))

GOOD: Mapping[str, list[Call]] = {
    "one after the other": [HELD, call(BOB, claim("c-2", OTHER), (3, 4), granted("c-2", 2))],
    "at once, in the order that their answers tell": [
        call(ANN, claim("c-1", FILE), (1, 9), in_the_way("c-2")),
        call(BOB, claim("c-2", FILE), (2, 8), granted("c-2", 1)),
    ],
    "refused while the release was on its way": [
        HELD,
        call(ANN, RELEASE, (3, 6), RELEASED),
        call(BOB, claim("c-2", FILE), (4, 5), in_the_way("c-1")),
    ],
    "without an answer, and landed": [
        call(ANN, claim("c-1", FILE), (1, 2), None),
        call(BOB, claim("c-2", FILE), (3, 4), in_the_way("c-1")),
    ],
    "without an answer, and lost": [
        call(ANN, claim("c-1", FILE), (1, 2), None),
        call(BOB, claim("c-2", FILE), (3, 4), granted("c-2", 1)),
    ],
    "without an answer, and landed late": [
        call(ANN, claim("c-1", FILE), (1, 2), None),
        call(BOB, claim("c-2", FILE), (3, 4), granted("c-2", 1)),
        call(BOB, ReleaseClaims(ids=("c-2",)), (5, 6), done("claim_released", released=["c-2"])),
        call(CAT, claim("c-3", FILE), (7, 8), in_the_way("c-1")),
    ],
    "a waiter is served by the release": [
        HELD,
        WAITS,
        call(ANN, RELEASE, (5, 6), RELEASED),
        call(BOB, KeepWaiting(entry_id="q-c-2"), (7, 8), done("claim_granted", claim="c-2", fence=3, queue_id="q-c-2")),
    ],
    "holders were told of refusals between two grants": [
        HELD,
        call(BOB, claim("c-2", OTHER), (3, 4), granted("c-2", 5)),
        call(CAT, claim("c-3", "lib/c.py"), (5, 6), granted("c-3", 6)),
    ],
    "a step whose paths are held is passed over": [HELD, call(BOB, ClaimStep(claim_id="c-2"), (3, 4), STEP_2)],
    "the paths of a step come with it": [
        call(BOB, ClaimStep(claim_id="c-2"), (1, 2), STEP_1),
        call(ANN, claim("c-1", FILE), (3, 4), in_the_way("c-2")),
    ],
}

BAD: Mapping[str, list[Call]] = {
    "two hold one file": [HELD, call(BOB, claim("c-2", FILE), (3, 4), granted("c-2", 2))],
    "two get one file at once": [
        call(ANN, claim("c-1", FILE), (1, 9), granted("c-1", 1)),
        call(BOB, claim("c-2", FILE), (2, 8), granted("c-2", 2)),
    ],
    "refused for what nobody has": [call(BOB, claim("c-2", FILE), (3, 4), in_the_way("c-1"))],
    "refused after the release had its answer": [
        HELD,
        call(ANN, RELEASE, (3, 4), RELEASED),
        call(BOB, claim("c-2", FILE), (5, 6), in_the_way("c-1")),
    ],
    "refused before the claim was given": [call(BOB, claim("c-2", FILE), (0, 0), in_the_way("c-1")), HELD],
    "without an answer, seen, and then not": [
        call(ANN, claim("c-1", FILE), (1, 2), None),
        call(BOB, claim("c-2", FILE), (3, 4), in_the_way("c-1")),
        call(CAT, claim("c-3", FILE), (5, 6), granted("c-3", 2)),
    ],
    "a fence goes back": [
        call(ANN, claim("c-1", FILE), (1, 2), granted("c-1", 4)),
        call(BOB, claim("c-2", OTHER), (3, 4), granted("c-2", 3)),
    ],
    "two have one fence": [
        call(ANN, claim("c-1", FILE), (1, 9), granted("c-1", 4)),
        call(BOB, claim("c-2", OTHER), (2, 8), granted("c-2", 4)),
    ],
    "extended after it was released": [
        HELD,
        call(ANN, RELEASE, (3, 4), RELEASED),
        call(ANN, ExtendClaims(ids=("c-1",), hours=9), (5, 6), done("claim_extended", claims={"c-1": "late"})),
    ],
    "a release that serves no waiter": [
        HELD,
        WAITS,
        call(ANN, RELEASE, (5, 6), RELEASED),
        call(BOB, KeepWaiting(entry_id="q-c-2"), (7, 8), done("waiting", queue_id="q-c-2", position=1)),
    ],
    "one step, twice": [
        call(ANN, ClaimStep(claim_id="c-1"), (1, 4), STEP_1),
        call(BOB, ClaimStep(claim_id="c-2"), (2, 3), STEP_1),
    ],
    "a free step is passed over": [call(BOB, ClaimStep(claim_id="c-2"), (1, 2), STEP_2)],
    "the paths of a step are given to another": [
        call(BOB, ClaimStep(claim_id="c-2"), (1, 2), STEP_1),
        call(ANN, claim("c-1", FILE), (3, 4), granted("c-1", 2)),
    ],
    "completed with the fence of another": [
        call(BOB, ClaimStep(claim_id="c-2"), (1, 2), STEP_1),
        call(ANN, CompleteStep(step_num=1, commit_hash=COMMIT, fence=2), (3, 4), done("step_completed", step_num=1)),
    ],
}


@pytest.mark.parametrize("calls", GOOD.values(), ids=GOOD)
def test_a_good_history_is_linearizable(calls: list[Call]) -> None:
    assert is_linearizable(START, calls)


@pytest.mark.parametrize("calls", BAD.values(), ids=BAD)
def test_a_bad_history_is_not_linearizable(calls: list[Call]) -> None:
    assert not is_linearizable(START, calls)


def test_a_history_ends_as_the_ledgers_were_left() -> None:
    end = decide(START, ANN, HELD.command, HELD.answer)
    twice = decide(end, ANN, claim("c-9", FILE, OTHER), None) if end else None
    assert end
    assert twice

    assert is_linearizable(START, [HELD], end)
    assert not is_linearizable(START, [HELD], START)
    assert not is_linearizable(START, [HELD], twice)


def test_what_was_not_answered_explains_how_the_ledgers_were_left() -> None:
    end = decide(START, ANN, HELD.command, HELD.answer)
    unanswered = call(ANN, claim("c-1", FILE), (1, 2), None)

    assert is_linearizable(START, [unanswered], end)
    assert is_linearizable(START, [unanswered], START)
