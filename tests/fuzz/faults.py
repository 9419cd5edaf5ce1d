"""Faults in parsers, and how one is planted in a process: the module is another one when it is imported."""

import importlib.abc
import importlib.machinery
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

from tests.fuzz.fuzzer import PROJECT


class Fault(NamedTuple):
    """One fault.

    Attributes:
        parser: the parser that it breaks.
        fault: what goes wrong, in words.
        module: where, below `gitcoord/`.
        old, new: the text that is there, once, and what stands there instead.
    """

    parser: str
    fault: str
    module: str
    old: str
    new: str

    def plant(self) -> None:
        """Plant it in this process, before the module is imported."""
        sys.meta_path.insert(0, _Finder(self))


def faults() -> list[Fault]:
    """Return all of them."""
    table = tomllib.loads(Path(__file__).with_name("faults.toml").read_text(encoding="utf-8"))
    return [Fault(**row) for row in table["fault"]]


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, fault: Fault) -> None:
        super().__init__(fullname, path)
        self._fault = fault

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        source = Path(self.path).read_text(encoding="utf-8")
        return compile(source.replace(self._fault.old, self._fault.new), self.path, "exec")  # not what is cached


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, fault: Fault) -> None:
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
