"""The clients, by npm, in folders of the user's cache: hundreds of megabytes, so they are kept.

`python -m tests.clients.programs` installs them; the tests of this folder do so by themselves.
"""

import functools
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from tests import npm
from tests.npm import MissingProgramError

Name = Literal["claude", "codex", "gemini", "opencode"]
NAMES: tuple[Name, ...] = get_args(Name)
INSTALL_S = 1200
ASK_S = 60
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gitcoord-test-clients"


@dataclass(frozen=True, slots=True)
class Program:
    """What a client is called, and what npm installs for it. `is_script`: it is Node's, else one of its own."""

    title: str
    package: str
    version: str
    is_script: bool


PROGRAMS: Mapping[Name, Program] = {
    "claude": Program("Claude Code", "@anthropic-ai/claude-code", "2.1.329", is_script=False),
    "codex": Program("Codex", "@openai/codex", "0.169.0", is_script=True),
    "gemini": Program("Gemini CLI", "@google/gemini-cli", "0.61.0", is_script=True),
    "opencode": Program("opencode", "opencode-ai", "1.18.33", is_script=False),
}


@functools.cache
def find(name: Name) -> tuple[str, ...]:
    """Return the command line that starts the client that was installed.

    Raises:
        MissingProgramError: nothing was, or something else, or something that does not start.
    """
    program, folder = PROGRAMS[name], _CACHE / name
    if not npm.is_installed(folder, _packages(name)):
        how = "to do so: python -m tests.clients.programs"
        raise MissingProgramError(f"{program.title} {program.version} is not installed for tests; {how}")
    start = (folder / "node_modules" / ".bin" / name).resolve()
    command = (str(npm.node()), str(start)) if program.is_script else (str(start),)
    _check_version(command, program.version)
    return command


def install(name: Name) -> tuple[str, ...]:
    """Install the client, if it is not there yet.

    Raises:
        MissingProgramError: npm or the program says no.
    """
    npm.install(_CACHE / name, _packages(name), INSTALL_S)
    try:
        return find(name)
    except MissingProgramError:
        npm.forget(_CACHE / name)  # npm is content without a part that it could not fetch; the next run asks again
        raise


def _packages(name: Name) -> tuple[str, ...]:
    return (f"{PROGRAMS[name].package}@{PROGRAMS[name].version}",)


def _check_version(command: tuple[str, ...], version: str) -> None:
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, timeout=ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingProgramError(f"{command[-1]} does not start: {error}") from None
    if version.encode() not in done.stdout:
        raise MissingProgramError(f"{command[-1]} is not version {version}: {done.stdout!r} {done.stderr[-300:]!r}")


if __name__ == "__main__":
    for one in NAMES:
        install(one)
