"""What stands in the way of somebody: whose a claim is."""

import pytest

from gitcoord.core.documents.actor import Actor


@pytest.mark.parametrize("agent", ["ann/cli/wt", "bob/cli/wt"])
@pytest.mark.parametrize("clone", ["one", "before", "other"])
def test_a_holder_is_one_of_its_pairs(agent: str, clone: str) -> None:
    actor = Actor(agent="ann/cli/wt", clone="one", session="s", others=("before",))

    assert actor.is_holder(agent, clone) is ((agent, clone) in actor.holders)
