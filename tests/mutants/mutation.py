"""Mutants: a copy of the project with one fault planted in it, and the tests of the promise that the fault breaks."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from tests.unit.test_rules import ids_marked

ROOT = Path(__file__).parents[2]
_COPIED = ("gitcoord", "hooks", "templates", "tests", "docs", "pyproject.toml", "README.md", "LICENSE", ".github")


class Mutant(NamedTuple):
    """One fault.

    Attributes:
        rule: the id of the promise that it breaks.
        fault: what goes wrong, in words.
        module: where, below `gitcoord/`.
        old, new: the text that is there, once, and what stands there instead.
    """

    rule: str
    fault: str
    module: str
    old: str
    new: str

    def mutated(self, source: str) -> str:
        """Return the source of the module with the fault in it."""
        return source.replace(self.old, self.new)

    def plant(self, folder: Path) -> None:
        """Write a copy of the project with the fault."""
        leave_out = shutil.ignore_patterns("__pycache__", "images", "bench")
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=leave_out, symlinks=True)
            else:
                shutil.copy2(source, folder / name)
        module = folder / "gitcoord" / self.module
        module.write_text(self.mutated(module.read_text(encoding="utf-8")), encoding="utf-8")


def mutants() -> list[Mutant]:
    """Return all of them."""
    table = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8"))
    return [Mutant(**row) for row in table["mutant"]]


def files_that_carry(rule: str) -> list[str]:
    """Return the test files with a test that carries the id, the quick kinds first."""
    kinds = ("tests/unit", "tests/property", "tests/contract", "tests/faces", "tests/scenarios")
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if rule in ids_marked(path.read_text("utf-8"))]
    names = [path.relative_to(ROOT).as_posix() for path in files]
    return sorted(names, key=lambda name: next((at for at, kind in enumerate(kinds) if name.startswith(kind)), 9))


def catch(mutant: Mutant, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests of the promise in the copy, up to the first that fails; pytest then ends with 1."""
    options = (
        "-x",
        "-q",
        "-n0",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        "--tb=line",
        "-m",
        "not external and not torture",
    )
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rule", mutant.rule, *files_that_carry(mutant.rule)],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )
