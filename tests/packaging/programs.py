"""Programs that tests of the package run: bounded, and heard where they fail."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
STEP_TIMEOUT_S = 200  # A bound for a hang, within pytest's own; building and installing take about two seconds each.
INSTALL_S = 600  # A bound for a hang: 60 packages take a minute.

# Read once: the environment is emptied for each test, and with it where the user's pip finds packages.
USERS = {**os.environ}


def run(
    *command: str | Path, cwd: Path, env: Mapping[str, str] | None = None, timeout_s: float = STEP_TIMEOUT_S
) -> str:
    """Return what a program prints; fail where it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


def environment(folder: Path, *what: str | Path, timeout_s: float = INSTALL_S) -> Path:
    """Install packages into a new environment; return the folder of its programs."""
    venv.create(folder, symlinks=True)
    # Python compiles what is imported: of what is described, nothing.
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet", "--no-compile")
    run(*pip, *what, cwd=folder, env=USERS, timeout_s=timeout_s)
    return folder / "bin"


def built(kind: str, out: Path) -> Path:
    """Build the `--wheel` or the `--sdist` into an empty folder with the hatchling that is here."""
    run(sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", out, ROOT, cwd=out)
    [package] = out.iterdir()
    return package


def beside_dependencies(wheel: Path, folder: Path) -> Path:
    """Install and compile the wheel in a new environment that finds the dependencies of this one; return its programs.

    No network: a `.pth` file leads to those dependencies.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel, cwd=folder)
    site_packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder))
    # Read as plain folders: the `.pth` files inside them, such as that of an editable gitcoord, have no effect here.
    here = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (site_packages / "dependencies.pth").write_text("\n".join(here) + "\n", encoding="utf-8")
    return python.parent
