"""What keeps a decision true that rests on an absent ref: a check, or the heartbeat that is created in its place."""

from pathlib import Path

import pytest

from gitcoord.ledger.clone.host import Clone
from gitcoord.ledger.transactions.carried import guards
from gitcoord.remote.contract.protocol import RefUpdate, Transport
from gitcoord.remote.transports.memory import MemoryRemote, MemoryTransport
from tests.unit.ledger.fakes import REFS, SIGNATURE, START, Wrapped

HEARTBEAT, STEPS = REFS.heartbeat("bob"), REFS.steps("app")


def lines_at(transport: Transport, folder: Path) -> list[RefUpdate]:
    return guards(transport, Clone("ann", folder, SIGNATURE), {HEARTBEAT: None, STEPS: None}, {HEARTBEAT}, START)


def test_where_absence_is_compared_in_the_swap_it_is_checked(tmp_path: Path) -> None:
    lines = lines_at(MemoryTransport(MemoryRemote()), tmp_path)

    assert lines == [RefUpdate(HEARTBEAT, None, None), RefUpdate(STEPS, None, None)]


@pytest.mark.rule("SAFE-7")
def test_over_a_network_a_heartbeat_that_was_judged_by_its_absence_is_created(tmp_path: Path) -> None:
    """There absence is looked at before the swap, and a first beat could land in between."""
    heartbeat, steps = lines_at(Wrapped(MemoryTransport(MemoryRemote())), tmp_path)

    assert (heartbeat.ref, heartbeat.old, heartbeat.is_check) == (HEARTBEAT, None, False)
    assert steps == RefUpdate(STEPS, None, None)
