"""Processes in several clones change steps and claims of every kind of remote at once, as one serial ledger would."""

import pytest

from tests.race.conftest import Races
from tests.race.histories import KINDS, SLOW_KINDS, record
from tests.servers.fixtures import Remote, Servers
from tests.torture_seed import ANY_SEED

HISTORIES, COMMANDS = 5, 40


def remote_of(servers: Servers, kind: str) -> Remote | None:
    return None if kind == "store" else servers.remote(kind)


@pytest.mark.rule("SAFE-1", "SAFE-2", "SAFE-4", "TXN-1")
@pytest.mark.parametrize("kind", KINDS)
def test_a_history_is_linearizable(races: Races, servers: Servers, kind: str) -> None:
    history = record(races, kind, remote_of(servers, kind), seed=1, commands=8)

    history.check()


@pytest.mark.rule("SAFE-3", "TXN-2", "TXN-4")
def test_a_history_in_which_answers_go_missing_is_linearizable(races: Races) -> None:
    history = record(races, "store", None, seed=1, commands=12, unsure=3)

    history.check()


@pytest.mark.torture
@pytest.mark.rule("SAFE-1", "SAFE-2", "SAFE-4", "TXN-1")
@pytest.mark.parametrize("number", range(HISTORIES))
@pytest.mark.parametrize("kind", [*KINDS, *SLOW_KINDS])
def test_a_long_history_is_linearizable(races: Races, servers: Servers, kind: str, number: int) -> None:
    record(races, kind, remote_of(servers, kind), seed=ANY_SEED + number, commands=COMMANDS, agents=2).check()


@pytest.mark.torture
@pytest.mark.rule("SAFE-3", "TXN-2", "TXN-4")
@pytest.mark.parametrize("number", range(HISTORIES))
@pytest.mark.parametrize("kind", ["store", "path", "http"])
def test_a_long_history_in_which_answers_go_missing_is_linearizable(
    races: Races, servers: Servers, kind: str, number: int
) -> None:
    record(races, kind, remote_of(servers, kind), seed=ANY_SEED + number, commands=25, agents=2, unsure=5).check()
