"""Histories catch a ledger, or a transport, that is broken in one way."""

from pathlib import Path

import pytest

from tests import torture_report, torture_seed
from tests.mutants.mutation import Mutant, mutants, pytest_in

_HISTORIES = "tests/race/test_histories.py"


_ALL = mutants(Path(__file__).with_name("ledger_mutants.toml"), "history")


@pytest.mark.docs
@pytest.mark.parametrize("mutant", _ALL, ids=lambda mutant: mutant.fault)
def test_a_mutant_of_the_ledger_changes_one_place_and_can_be_imported(mutant: Mutant) -> None:
    mutant.check()
    assert not mutant.module.startswith("core/"), "the serial ledger of the checker has the same rules"


@pytest.mark.torture
@pytest.mark.parametrize("mutant", _ALL, ids=lambda mutant: mutant.fault)
def test_histories_catch_a_mutant_of_the_ledger(mutant: Mutant, tmp_path: Path) -> None:
    mutant.plant(tmp_path / "copy")
    what, _, kind = mutant.breaks.rpartition("-")
    named = f"{'missing' if what else 'a_long_history_is'} and [{kind}-"

    which = ("--maxfail=2", "-m", "torture", "-k", named)
    done = pytest_in(tmp_path / "copy", *which, _HISTORIES, **{torture_seed.VARIABLE: "1"})

    assert done.returncode == 1, done.stdout[-4000:] + done.stderr[-2000:]
    assert "not linearizable" in done.stdout, done.stdout[-4000:]
    torture_report.add("mutants", count=1, operations=1, fault=mutant.fault)
