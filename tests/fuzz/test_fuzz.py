"""Each parser is fuzzed: a few inputs each time, 100,000 in `make torture`, which also finds three faults in each."""

import json
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

FEW = 100  # more than its corpus; all parsers together take two seconds
MANY = 100_000
FAULTS_EACH = 3
_ALL = faults()


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_parser_reads_or_refuses_whatever_it_is_given(target: Target) -> None:
    tried = fuzz(target, 0, len(target.corpus()) + FEW)

    assert tried.findings == []


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
    branches = {name: said[name] for name in ("branches_taken", "branches")}
    torture_report.add("fuzz", count=1, operations=MANY, parser=target.name, seed=SEED, **branches)


@pytest.mark.torture
@pytest.mark.parametrize("fault", _ALL, ids=lambda fault: f"{fault.breaks}: {fault.fault}")
def test_fuzzing_finds_the_fault(fault: Mutant) -> None:
    done = _fuzzed(fault.breaks, MANY, fault.fault)

    assert done.returncode == 1, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert len(said["findings"]) == 1
    torture_report.add("mutants", count=1, operations=said["inputs"], parser=fault.breaks, fault=fault.fault)


def _fuzzed(parser: str, count: int, fault: str = "") -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "tests.fuzz", parser, str(count), str(SEED), fault]
    return subprocess.run(words, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
