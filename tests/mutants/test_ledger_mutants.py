"""Histories catch a ledger, or a transport, that is broken in one way."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.mutants.mutation import ROOT, Mutant

_HISTORIES = "tests/race/test_histories.py"


def _mutants() -> list[Mutant]:
    table = tomllib.loads(Path(__file__).with_name("ledger_mutants.toml").read_text("utf-8"))
    return [Mutant(row.pop("history"), **row) for row in table["mutant"]]


_ALL = _mutants()


@pytest.mark.docs
@pytest.mark.parametrize("mutant", _ALL, ids=lambda mutant: mutant.fault)
def test_a_mutant_of_the_ledger_changes_one_place_and_can_be_imported(mutant: Mutant) -> None:
    source = (ROOT / "gitcoord" / mutant.module).read_text("utf-8")

    assert source.count(mutant.old) == 1
    assert not mutant.module.startswith("core/"), "the serial ledger of the checker has the same rules"
    compile(mutant.mutated(source), mutant.module, "exec")


@pytest.mark.torture
@pytest.mark.parametrize("mutant", _ALL, ids=lambda mutant: mutant.fault)
def test_histories_catch_a_mutant_of_the_ledger(mutant: Mutant, tmp_path: Path) -> None:
    mutant.plant(tmp_path / "copy")
    what, _, kind = mutant.rule.rpartition("-")
    named = f"{'missing' if what else 'a_long_history_is'} and [{kind}-"
    options = (
        "-q",
        "-n0",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        "--tb=line",
        "--maxfail=2",
        "-m",
        "torture",
        "-k",
        named,
    )

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, _HISTORIES],
        cwd=tmp_path / "copy",
        env={**os.environ, "TORTURE_SEED": "1"},
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1, done.stdout[-4000:] + done.stderr[-2000:]
    assert "not linearizable" in done.stdout, done.stdout[-4000:]
