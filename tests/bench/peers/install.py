"""Programs of others, each in a virtual environment of a folder that a run removes; what cannot be had is left out."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "BENCH_PEERS"  # the variable with that folder


class LeftOutError(Exception):
    """A peer cannot be measured here."""


def folder() -> Path:
    """Return where programs are installed in this run."""
    return Path(os.environ[FOLDER])


@contextmanager
def left_out(name: str) -> Iterator[None]:
    """Name a peer that cannot be measured, and go on without it."""
    try:
        yield
    except (LeftOutError, OSError) as error:
        print(f"{name} is left out: {error}")


def environment(place: Path, what: str) -> Path:
    """Install a package, unless it is there, and return its environment.

    The pip that is here does it: a virtual environment without one is made ten times as fast.

    Raises:
        LeftOutError: it cannot be installed.
    """
    if (place / "installed").exists():
        return place
    make = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(place)]
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "--disable-pip-version-check"]
    try:
        subprocess.run(make, check=True, capture_output=True, timeout=300)
        subprocess.run([*pip, "install", "--quiet", what], check=True, capture_output=True, timeout=600, cwd=place)
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise LeftOutError(f"{what} cannot be installed: {' '.join(last)}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LeftOutError(f"{what} cannot be installed: {error}") from error
    (place / "installed").touch()
    return place
