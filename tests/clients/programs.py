"""Claude Code and Codex, by npm, in a folder of the user's cache: hundreds of megabytes, so they are kept.

`python -m tests.clients.programs` installs them; the tests of this folder do so by themselves.
"""

import functools
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests import npm
from tests.npm import MissingProgramError

CLAUDE_VERSION = "2.1.329"
CODEX_VERSION = "0.169.0"
PACKAGES = (f"@anthropic-ai/claude-code@{CLAUDE_VERSION}", f"@openai/codex@{CODEX_VERSION}")
INSTALL_S = 1200
ASK_S = 60
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gitcoord-test-clients"


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
    if not npm.is_installed(_CACHE, PACKAGES):
        raise MissingProgramError(
            "Claude Code and Codex are not installed for tests; to do so: python -m tests.clients.programs"
        )
    bin_folder = _CACHE / "node_modules" / ".bin"
    found = Programs((str(bin_folder / "claude"),), (str(npm.node()), str((bin_folder / "codex").resolve())))
    for command, version in ((found.claude, CLAUDE_VERSION), (found.codex, CODEX_VERSION)):
        _check_version(command, version)
    return found


def install() -> Programs:
    """Install them, if they are not there yet.

    Raises:
        MissingProgramError: npm or a program says no.
    """
    npm.install(_CACHE, PACKAGES, INSTALL_S)
    return find()


def _check_version(command: tuple[str, ...], version: str) -> None:
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, timeout=ASK_S, check=False)
    except OSError as error:
        raise MissingProgramError(f"{command[-1]} does not start: {error}") from None
    if version.encode() not in done.stdout:
        raise MissingProgramError(f"{command[-1]} is not version {version}: {done.stdout!r} {done.stderr[-300:]!r}")


if __name__ == "__main__":
    install()
