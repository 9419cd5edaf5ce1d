"""Overlapping: what no rule would have granted is found, and nothing that one did."""

import pytest

from gitcoord.core.checks.overlaps import overlapping
from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.actor import Actor
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.path_pattern import Pattern
from tests.unit.core.claim_play import ANN, ANN_TESTS, BOB, Claims, F, G, hours, read, wish


def found(claims: Claims, *by_hand: Claim) -> list[tuple[str, str]]:
    register = claims.register.with_changes(by_hand)
    return [(one.id, other.id) for one, other in overlapping(register, None, claims.now).pairs]


@pytest.mark.rule("SAFE-1")
def test_what_the_rules_granted_never_overlaps() -> None:
    claims = Claims()
    claims.claim(ANN, F, wish(G, "A"), read("docs/**"))
    claims.claim(BOB, wish(F, "X"), wish(G, "B"), "docs/a.md")
    claims.claim(ANN_TESTS, wish(F, "Y"))

    assert found(claims) == []


@pytest.mark.rule("SAFE-1")
@pytest.mark.parametrize(
    ("held", "asked"), [((F,), (F,)), (("src/**",), (F, "A")), ((F, "A"), ("src/*.py",)), ((F, "A"), (F, "A::m"))]
)
def test_a_claim_that_was_written_by_hand_over_another_s_is_found(
    held: tuple[str, ...], asked: tuple[str, ...]
) -> None:
    claims, other = Claims(), Claims()
    first = claims.claim(ANN, wish(held[0], *held[1:]))
    second = other.claim(BOB, wish(asked[0], *asked[1:])).evolve(id="c-99999999", fence=99)

    assert found(claims, second) == [(first.id, second.id)]
    assert found(claims, second.evolve(repo="shop")) == []
    claims.tick(hours(5))
    assert found(claims, second) == []


WILD = [f"gen/**/*{number}x*/**" for number in range(40)]


def by_hand(claims: Claims, *actors: Actor) -> Register:
    """Return a register in which each holds what all others do, as no rule would grant."""
    made = [claims.claim(ANN, "seed/**")]
    items = tuple(made[0].items[0].evolve(pattern=pattern) for pattern in WILD)
    return claims.register.with_changes(
        made[0].evolve(id=f"c-{number:08}", fence=number, agent=actor.agent, clone=actor.clone, items=items)
        for number, actor in enumerate(actors, start=10)
    )


@pytest.mark.rule("SAFE-1")
def test_a_holder_s_own_items_are_never_compared() -> None:
    claims = Claims()
    register = by_hand(claims, *[ANN] * 20)

    assert overlapping(register, None, claims.now, pairs_max=0).left == 0


@pytest.mark.rule("SAFE-1")
def test_what_takes_too_many_pairs_is_counted_and_not_passed_as_sound() -> None:
    claims = Claims()
    register = by_hand(claims, ANN, BOB)

    found = overlapping(register, None, claims.now, pairs_max=100)

    assert [(one.id, other.id) for one, other in found.pairs] == [("c-00000010", "c-00000011")]
    assert 0 < found.left < len(WILD)


def test_whether_a_claim_counts_is_asked_once_of_all_its_items() -> None:
    claims = Claims()
    register, asked = by_hand(claims, ANN, BOB), list[str]()

    near = register.near(
        Area(Pattern.of("gen/**")), lambda claim: not asked.append(claim.id) and claim.agent == BOB.agent
    )

    assert asked == ["c-00000010", "c-00000011"]
    assert [(claim.id, at) for claim, at in near] == [("c-00000011", at) for at in range(len(WILD))]
