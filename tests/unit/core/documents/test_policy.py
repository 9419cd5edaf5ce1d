"""Pins: of the patterns that match a name, which one counts."""

import pytest

from gitcoord.core.documents.policy import identities_of


@pytest.mark.parametrize(
    ("pins", "agent", "identities"),
    [
        ("ann/*=a@x, ann/b=b@x", "ann/b", ("b@x",)),  # both patterns have five characters
        ("ann/b=b@x, ann/*=a@x", "ann/b", ("b@x",)),
        ("ann/b=b@x, ann/b=c@x, *=d@x", "ann/b", ("b@x", "c@x")),
        ("a=b@x, *=a@x", "a", ("b@x",)),
        ("*=a@x, ann/*=b@x, ann/cli/*=c@x", "ann/cli/wt", ("c@x",)),
        ("*=a@x, ann/*=b@x", "ann", ("a@x",)),
        ("ann/*=a@x", "ann", ()),
    ],
)
def test_a_name_itself_counts_before_patterns_and_a_longer_one_before_a_shorter(
    pins: str, agent: str, identities: tuple[str, ...]
) -> None:
    assert identities_of(pins, agent) == identities
