"""Which measurements there are: each registers itself where it stands, so that a new one needs no table.

    @measures("P6", limit_s=120)
    def p6() -> list[Figure]: ...

in any module below `tests/bench/`.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable
from typing import NamedTuple

from tests import bench
from tests.bench.report import Figure

PROMISED = tuple(f"P{number}" for number in range(1, 17))
LIMIT_S = 300.0

Run = Callable[[], list[Figure]]


class Measurement(NamedTuple):
    """One part of a run; `peers`: it compares with programs of others, and runs with `--peers` alone."""

    name: str
    run: Run
    limit_s: float
    peers: bool

    @property
    def says(self) -> str:
        """Return what it measures, in one line."""
        return (self.run.__doc__ or self.run.__name__).partition("\n")[0].rstrip(".")


_REGISTERED: dict[str, Measurement] = {}


def measures(name: str, *, limit_s: float = LIMIT_S, peers: bool = False) -> Callable[[Run], Run]:
    """Register what measures `P…`; a letter behind the number tells parts of it apart. It may take so many seconds."""

    def register(run: Run) -> Run:
        assert promise(name) in PROMISED, name
        assert name not in _REGISTERED, f"{name} is measured twice"
        _REGISTERED[name] = Measurement(name, run, limit_s, peers)
        return run

    return register


def measurements() -> list[Measurement]:
    """Return all there are, by number."""
    for module in pkgutil.walk_packages(bench.__path__, f"{bench.__name__}."):
        if not module.name.rpartition(".")[2].startswith(("__", "test_")):
            importlib.import_module(module.name)
    return sorted(_REGISTERED.values(), key=lambda measurement: order(measurement.name))


def promise(name: str) -> str:
    """Return the promise that a part belongs to: P7 of P7c."""
    return re.sub(r"\D+$", "", name)


def order(name: str) -> tuple[int, str]:
    """Return what sorts by number."""
    return int(promise(name)[1:]), name
