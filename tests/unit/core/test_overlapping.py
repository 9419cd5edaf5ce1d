"""Overlapping: what no rule would have granted is found, and nothing that one did."""

import pytest

from gitcoord.core.claims import Claim
from gitcoord.core.overlapping import overlapping
from tests.unit.core.claim_play import ANN, ANN_TESTS, BOB, Claims, F, G, hours, read, wish


def found(claims: Claims, *by_hand: Claim) -> list[tuple[str, str]]:
    register = claims.register.with_changes(by_hand)
    return [(one.id, other.id) for one, other in overlapping(register, claims.now)]


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
