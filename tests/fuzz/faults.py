"""Faults in parsers, and how one is planted in a process: the module is another one when it is imported."""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

from tests.fuzz.fuzzer import PROJECT
from tests.mutants.mutation import Mutant, mutants


def faults() -> list[Mutant]:
    """Return all of them."""
    return mutants(Path(__file__).with_name("faults.toml"), "parser")


def plant(fault: Mutant) -> None:
    """Plant one in this process, before the module is imported."""
    sys.meta_path.insert(0, _Finder(fault))


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, fault: Mutant) -> None:
        super().__init__(fullname, path)
        self._fault = fault

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        source = Path(self.path).read_text(encoding="utf-8")
        return compile(self._fault.mutated(source), self.path, "exec")  # not what is cached


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, fault: Mutant) -> None:
        self._path = str(PROJECT / fault.module)
        self._name = f"{PROJECT.name}.{fault.module.removesuffix('.py').replace('/', '.')}"
        self._fault = fault

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname != self._name:
            return None
        loader = _Loader(fullname, self._path, self._fault)
        return importlib.machinery.ModuleSpec(fullname, loader, origin=self._path)
