"""The wheel in an environment of its own: what is measured cold is what users install, compiled, and no checkout."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.packaging.programs import beside_dependencies, built


@contextmanager
def programs() -> Iterator[Path]:
    """Build and install it, beside the dependencies that are here; yield the folder of `gitcoord` and its `python`."""
    with tempfile.TemporaryDirectory(prefix="gitcoord-bench-wheel-") as folder:
        dist = Path(folder) / "dist"
        dist.mkdir()
        yield beside_dependencies(built("--wheel", dist), Path(folder) / "environment")


def on_path(env: dict[str, str], folder: Path) -> dict[str, str]:
    """Return an environment in which the programs of a folder are found first."""
    return {**env, "PATH": f"{folder}{os.pathsep}{env['PATH']}"}
