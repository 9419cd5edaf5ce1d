"""Each promise of safety, progress, time and security has a fault that a test of that promise catches."""

from pathlib import Path

import pytest

from tests import torture_report
from tests.mutants.mutation import ROOT, Mutant, files_that_carry, mutants, pytest_in
from tests.unit.test_rules import ids_listed

_KINDS = ("SAFE-", "LIVE-", "TIME-", "SEC-")
_ALL = mutants(Path(__file__).with_name("mutants.toml"), "rule")


@pytest.mark.docs
def test_each_promise_has_a_mutant() -> None:
    promised = {
        rule for rule in ids_listed((ROOT / "gitcoord/DESIGN.md").read_text("utf-8")) if rule.startswith(_KINDS)
    }

    assert {mutant.breaks for mutant in _ALL} == promised


@pytest.mark.docs
@pytest.mark.parametrize("mutant", _ALL, ids=lambda mutant: f"{mutant.breaks}: {mutant.fault}")
def test_a_mutant_changes_one_place_and_can_be_imported(mutant: Mutant) -> None:
    mutant.check()


@pytest.mark.torture
@pytest.mark.parametrize("mutant", _ALL, ids=lambda mutant: f"{mutant.breaks}: {mutant.fault}")
def test_a_test_that_carries_the_promise_catches_the_mutant(mutant: Mutant, tmp_path: Path) -> None:
    mutant.plant(tmp_path / "copy")

    which = ("-x", "-m", "not external and not torture", "--rule", mutant.breaks)
    done = pytest_in(tmp_path / "copy", *which, *files_that_carry(mutant.breaks))

    assert done.returncode == 1, done.stdout[-4000:] + done.stderr[-2000:]
    assert " failed" in done.stdout.splitlines()[-1]
    torture_report.add("mutants", count=1, operations=1, fault=mutant.fault)
