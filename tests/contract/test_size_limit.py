"""A server that takes pushes up to a size takes nothing of a larger one, and goes on with the next."""

import random

import pytest

from gitcoord.remote.contract.protocol import SwapStatus
from tests.contract.worlds import CLAIMS, Worlds, commit, put, won

LARGE = random.Random(1).randbytes(200_000).hex()  # what cannot be packed smaller than the limit


@pytest.mark.parametrize("kind", ["gitcli-path-hook", "gitcli-daemon", "smarthttp-http", "smartssh-ssh"])
def test_nothing_of_a_push_that_is_too_large_lands_and_a_smaller_one_does(worlds: Worlds, kind: str) -> None:
    world = worlds.make(kind)
    transport = world.transport()
    assert world.remote
    world.remote.git("config", "receive.maxInputSize", "100k")  # before a session that is begun ahead reads it
    tip = commit(transport, "small")
    assert won(put(transport, CLAIMS, None, tip))

    outcome = put(transport, CLAIMS, tip, commit(transport, LARGE, tip))

    # A server that hangs up while it is sent to says no more than that.
    assert outcome.status in {SwapStatus.DENIED, SwapStatus.UNKNOWN}
    assert world.refs() == {CLAIMS: tip}
    assert won(put(transport, CLAIMS, tip, commit(transport, "small again", tip)))
