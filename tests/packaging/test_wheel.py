"""The wheel holds all that is needed and nothing else, and works where there is no checkout.

No network: the wheel is built with the hatchling that is here, and installed beside the dependencies that are here.
"""

import zipfile
from pathlib import Path

import pytest

import gitcoord
from tests.packaging.programs import ROOT, beside_dependencies, run


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment in which the wheel is installed."""
    return beside_dependencies(wheel, tmp_path_factory.mktemp("environment"))


def test_the_installed_program_tells_its_version(scripts: Path, tmp_path: Path) -> None:
    printed = run(scripts / "gitcoord", "--version", cwd=tmp_path)

    assert gitcoord.__version__ in printed.split()


def test_an_installed_package_finds_its_hooks_and_templates(scripts: Path, tmp_path: Path) -> None:
    code = "import gitcoord.assets as a; print(a.hooks()); print(a.templates())"

    printed = run(scripts / "python", "-I", "-c", code, cwd=tmp_path).splitlines()

    assert [_files(Path(folder)) for folder in printed] == [_files(ROOT / name) for name in ("hooks", "templates")]
    assert all(Path(folder).is_relative_to(scripts.parent) for folder in printed)


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    top = {name.split("/", 1)[0] for name in names}
    assert top == {"gitcoord", f"gitcoord-{gitcoord.__version__}.dist-info"}
    assert [name for name in names if "__pycache__" in name or "/tests/" in name] == []


def test_every_shim_stays_executable_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        modes = {
            Path(info.filename).name: bool(info.external_attr >> 16 & 0o100)
            for info in archive.infolist()
            if info.filename.startswith("gitcoord/_assets/hooks/")
        }

    assert modes == {path.name: bool(path.stat().st_mode & 0o100) for path in (ROOT / "hooks").iterdir()}
