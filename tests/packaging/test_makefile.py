"""The developer's interface is what it says: make reads the file without a warning, and each target told of is one."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE_S = 30  # a bound for a hang: it prints a list


def targets() -> set[str]:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    told = subprocess.run([make, "help"], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=MAKE_S, check=True)
    assert told.stderr == "", "a recipe that is given twice counts once, which is a warning only"
    return set(re.findall(r"^ +make ([a-z-]+)", told.stdout, re.MULTILINE))


def test_each_target_that_contributing_tells_of_is_one_of_the_makefile() -> None:
    told = re.findall(r"^\| `make ([a-z-]+)`", (ROOT / ".github" / "CONTRIBUTING.md").read_text(), re.MULTILINE)

    assert set(told) - targets() == set()


def test_each_target_of_the_makefile_runs_also_where_a_file_has_its_name() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert phony is not None
    assert set(phony[1].split()) == targets()
