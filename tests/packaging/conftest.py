"""The wheel and the sdist, built once a module."""

from pathlib import Path

import pytest

from tests.packaging.programs import built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("--wheel", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("--sdist", tmp_path_factory.mktemp("dist"))
