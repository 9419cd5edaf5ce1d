"""The wheel and the sdist, built once a module."""

import sys
from pathlib import Path

import pytest

from tests.packaging.programs import ROOT, run


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _built("--wheel", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _built("--sdist", tmp_path_factory.mktemp("dist"))


def _built(kind: str, out: Path) -> Path:
    run(sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", out, ROOT, cwd=out)
    [built] = out.iterdir()
    return built
