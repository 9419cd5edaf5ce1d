"""Mutants: a copy of the project with one fault planted in it, and the tests of the promise that the fault breaks."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from tests import torture_report
from tests.unit.test_rules import ids_marked

ROOT = Path(__file__).parents[2]
_COPIED = ("gitcoord", "hooks", "templates", "tests", "docs", "pyproject.toml", "README.md", "LICENSE", ".github")


class Mutant(NamedTuple):
    """One fault.

    Attributes:
        breaks: what it breaks: the id of a promise, a parser, or which histories.
        fault: what goes wrong, in words.
        module: where, below `gitcoord/`.
        old, new: the text that is there, once, and what stands there instead.
    """

    breaks: str
    fault: str
    module: str
    old: str
    new: str

    def mutated(self, source: str) -> str:
        """Return the source of the module with the fault in it."""
        return source.replace(self.old, self.new)

    def check(self) -> None:
        """See that the fault changes one place, and that the module can still be imported."""
        source = (ROOT / "gitcoord" / self.module).read_text("utf-8")
        assert source.count(self.old) == 1
        assert self.mutated(source) != source
        compile(self.mutated(source), self.module, "exec")

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


def mutants(table: Path, key: str) -> list[Mutant]:
    """Return those of a file; `key`: what it calls that which they break."""
    rows = tomllib.loads(table.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(row.pop(key), **row) for row in rows]


def files_that_carry(rule: str) -> list[str]:
    """Return the test files with a test that carries the id, the quick kinds first."""
    kinds = ("tests/unit", "tests/property", "tests/contract", "tests/faces", "tests/scenarios")
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if rule in ids_marked(path.read_text("utf-8"))]
    names = [path.relative_to(ROOT).as_posix() for path in files]
    return sorted(names, key=lambda name: next((at for at, kind in enumerate(kinds) if name.startswith(kind)), 9))


def pytest_in(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy of the project; what they do is not counted in a report."""
    kept = {name: value for name, value in os.environ.items() if name != torture_report.VARIABLE}
    options = ("-q", "-n0", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=line")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *words],
        cwd=folder,
        env={**kept, **env},
        check=False,
        capture_output=True,
        text=True,
    )
