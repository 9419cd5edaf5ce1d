"""The wheel holds all that is needed and nothing else, and works where there is no checkout.

No network: the wheel is built with the hatchling that is here, and installed without dependencies into a fresh
environment that finds those of this environment through a `.pth` file.
"""

import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import gitcoord
from tests.packaging.programs import ROOT, run


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment in which the wheel is installed."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel, cwd=environment)
    site_packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=environment))
    # Read as plain folders: the `.pth` files inside them, such as that of an editable gitcoord, have no effect here.
    here = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (site_packages / "dependencies.pth").write_text("\n".join(here) + "\n", encoding="utf-8")
    return python.parent


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
