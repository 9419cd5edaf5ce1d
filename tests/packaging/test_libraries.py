"""The wheel works with the libraries that a user gets: the newest of each, and the lowest that it says it works with.

The pinned versions that all other tests run with lie between the two. Here pip installs the wheel as a user does, from
the index that this machine's pip knows, on each Python that the classifiers name and that is here. Without an index
these tests are skipped, except where `CI` is set.
"""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

import gitcoord
from tests.npm import IN_CI
from tests.packaging import pins
from tests.packaging.programs import ROOT, USERS, run

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REQUIREMENTS = [*pins.runtime(), *pins.extras()]
INSTALL_S = 600  # 60 packages; 25 s of processor time measured
RUN_S = 600
RUNNING = "{}.{}".format(*sys.version_info)
_CLASSIFIER = re.compile(r"Programming Language :: Python :: (\d+\.\d+)")
PYTHONS = [match[1] for text in PROJECT["classifiers"] if (match := _CLASSIFIER.fullmatch(text))]

# Each library is leaned on by one of them: msgspec, filelock, pygit2, mcp and pydantic, typer and rich, ruamel.yaml,
# tomlkit, tree-sitter and its grammars, prometheus-client, opentelemetry-proto, textual,
# starlette and uvicorn.
SUITE = (
    "tests/unit/core/documents/test_doc.py",
    "tests/unit/runtime/test_disks.py",
    "tests/contract/transports/test_local.py",
    "tests/faces/mcp/test_tool_table.py",
    "tests/faces/cli/test_help.py",
    "tests/faces/cli/work/test_planfile.py",
    "tests/faces/cli/wiring/test_wiring_texts.py",
    "tests/unit/source/symbols/test_definitions.py",
    "tests/faces/cli/work/test_prometheus.py",
    "tests/faces/cli/dashboard/test_live_panels.py",
    "tests/faces/cli/work/test_otlp.py",
    "tests/faces/cli/watch/test_live_screen.py",
)


def floors() -> dict[str, str]:
    """Return the lowest version of each library that the wheel says it works with."""
    return {
        requirement.name: specifier.version
        for requirement in REQUIREMENTS
        for specifier in requirement.specifier
        if specifier.operator == ">="
    }


def test_every_library_has_a_lowest_version() -> None:
    assert list(floors()) == [requirement.name for requirement in REQUIREMENTS]


@dataclass(frozen=True)
class Kind:
    """An environment to try: on one Python, with one choice of versions."""

    python: str
    lowest: bool

    def __str__(self) -> str:
        return f"{self.python}-{'lowest' if self.lowest else 'newest'}"


@dataclass(frozen=True)
class Installed:
    """An environment in which the wheel is installed."""

    kind: Kind
    folder: Path

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    @property
    def packages(self) -> Path:
        [packages] = self.folder.glob("lib/python*/site-packages")
        return packages


KINDS = [Kind(RUNNING, lowest=True), *(Kind(python, lowest=False) for python in sorted({RUNNING, *PYTHONS}))]
external = [pytest.mark.external, pytest.mark.torture, pytest.mark.timeout(INSTALL_S + RUN_S)]


@pytest.fixture(scope="module", params=KINDS, ids=str)
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    kind: Kind = request.param
    folder = tmp_path_factory.mktemp(f"python-{kind}")
    installed = Installed(kind, folder / "environment")
    run(_python(kind.python), "-m", "venv", installed.folder, cwd=folder, env=USERS)
    limits = folder / "limits.txt"
    limits.write_text("".join(f"{name}=={version}\n" for name, version in floors().items() if kind.lowest), "utf-8")
    try:
        run(
            # Python compiles what is imported: a third of what a user's pip compiles, and a fifth of the whole time.
            *(installed.programs / "python", "-m", "pip", "install", "--quiet", "--no-compile"),
            *("--constraint", limits, f"{wheel}[otel]"),
            cwd=folder,
            env=USERS,
            timeout_s=INSTALL_S,
        )
    except AssertionError as error:
        if IN_CI or "No matching distribution" not in str(error):
            raise
        pytest.skip(f"no package index: {error}")
    return installed


def _python(version: str) -> str:
    """Return the program of a Python that really starts; a version manager has shims for those that do not."""
    if version == RUNNING:
        return sys.executable
    program = shutil.which(f"python{version}", path=USERS.get("PATH"))
    if program and subprocess.run([program, "-c", ""], env=USERS, capture_output=True, check=False).returncode == 0:
        return program
    pytest.skip(f"Python {version} is not here")


def _libraries(installed: Installed) -> Iterator[tuple[str, Version, Version]]:
    """Yield each library with the version that is installed, and the lowest one."""
    there = {
        canonicalize_name(found.name): found.version
        for found in importlib.metadata.distributions(path=[str(installed.packages)])
    }
    for name, version in floors().items():
        yield name, Version(there[canonicalize_name(name)]), Version(version)


class TestEach:
    pytestmark = external

    def test_the_libraries_are_those_that_were_asked_for(self, installed: Installed) -> None:
        libraries = list(_libraries(installed))

        assert [name for name, version, floor in libraries if version < floor] == []
        assert not installed.kind.lowest or [name for name, version, floor in libraries if version != floor] == []

    def test_the_program_starts_and_real_agents_share_their_work(self, installed: Installed, tmp_path: Path) -> None:
        program = installed.programs / "gitcoord"

        assert run(program, "--version", cwd=tmp_path).split() == ["gitcoord", gitcoord.__version__]
        run(program, "demo", cwd=tmp_path, timeout_s=RUN_S)

    def test_what_leans_on_libraries_works_with_them(self, installed: Installed) -> None:
        if installed.kind.python != RUNNING:
            pytest.skip("the tests' own libraries are those of the running Python")
        # pytest and its own libraries come last, so each library of the wheel is the one that was installed with it.
        tests = importlib.metadata.distribution("pytest").locate_file("")
        (installed.packages / "zz-tests.pth").write_text(f"{tests}\n", "utf-8")

        run(
            *(installed.programs / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", *SUITE),
            cwd=ROOT,
            timeout_s=RUN_S,
        )
