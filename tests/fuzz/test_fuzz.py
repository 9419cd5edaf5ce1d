"""Each parser is fuzzed: a few inputs each time, 100,000 in `make torture`, which also finds three faults in each."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import torture_report
from tests.fuzz.faults import faults
from tests.fuzz.fuzzer import CORPUS, Target, fuzz
from tests.fuzz.targets import TARGETS
from tests.mutants.mutation import Mutant
from tests.torture_seed import SEED

ROOT = Path(__file__).parents[2]
FEW = 100  # more than its corpus; all parsers together take two seconds
MANY = 100_000
FAULTS_EACH = 3
TAKEN = 0.75  # of the branches of each parser; the rest is for what none of these inputs can say, such as a size
_ALL = faults()


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_parser_reads_or_refuses_whatever_it_is_given(target: Target) -> None:
    tried = fuzz(target, 0, len(target.corpus()) + FEW)

    assert tried.findings == []


def test_the_inputs_that_are_kept_take_nearly_all_branches_of_each_parser() -> None:
    said = json.loads(_run().stdout)

    missed = {name: of["missed"] for name, of in said.items() if of["branches_taken"] < TAKEN * of["branches"]}
    assert missed == {}
    assert said.keys() == {target.name for target in TARGETS}


def test_each_parser_has_three_faults_and_each_corpus_a_parser() -> None:
    names = {target.name for target in TARGETS}

    assert Counter(fault.breaks for fault in _ALL) == dict.fromkeys(names, FAULTS_EACH)
    assert {path.name for path in CORPUS.iterdir()} <= {name.replace(" ", "-") for name in names}


@pytest.mark.docs
@pytest.mark.parametrize("fault", _ALL, ids=lambda fault: f"{fault.breaks}: {fault.fault}")
def test_a_fault_changes_one_place_and_can_be_imported(fault: Mutant) -> None:
    fault.check()


@pytest.mark.torture
@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_parser_reads_or_refuses_a_hundred_thousand_inputs(target: Target) -> None:
    done = _fuzzed(target.name, MANY)
    said = json.loads(done.stdout)
    sys.stdout.write(done.stdout)

    assert said["findings"] == []
    assert said["inputs"] == MANY
    assert said["branches_taken"] >= TAKEN * said["branches"], said["missed"]
    torture_report.add("fuzz", count=1, operations=MANY, parser=target.name, seed=SEED)
    torture_report.add("branches", count=said["branches_taken"], operations=said["branches"], parser=target.name)


@pytest.mark.torture
@pytest.mark.parametrize("fault", _ALL, ids=lambda fault: f"{fault.breaks}: {fault.fault}")
def test_fuzzing_finds_the_fault(fault: Mutant) -> None:
    done = _fuzzed(fault.breaks, MANY, fault.fault)

    assert done.returncode == 1, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert len(said["findings"]) == 1
    torture_report.add("mutants", count=1, operations=said["inputs"], parser=fault.breaks, fault=fault.fault)


def _fuzzed(parser: str, count: int, fault: str = "") -> subprocess.CompletedProcess[str]:
    return _run(parser, str(count), str(SEED), fault)


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the fuzzer in a process whose branches it measures itself."""
    program = [sys.executable, "-m", "tests.fuzz", *words]
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return subprocess.run(program, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
