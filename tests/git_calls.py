"""Which git processes a program starts: a `git` that comes first on PATH and writes down what it is asked."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

_BY_GIT = ("-c", "--git-dir")  # what stands before the word that says what is asked


class GitCalls:
    """Counts what one environment starts; the processes that git starts itself come from its own folder."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        """Write the program into a folder that is not there yet."""
        folder.mkdir()
        self._log = folder / "calls"
        program = folder / "git"
        program.write_text(f'#!/bin/sh\necho "$*" >>"{self._log}"\nexec "{shutil.which("git")}" "$@"\n', "utf-8")
        program.chmod(0o755)
        self.env = {**env, "PATH": f"{folder}{os.pathsep}{env['PATH']}"}

    def taken(self) -> list[str]:
        """Return the words that say what was asked, in their order, and begin anew."""
        lines = self._log.read_text("utf-8").splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return [_asked(line.split(" ")) for line in lines]


def _asked(words: list[str]) -> str:
    position = 0
    while words[position].partition("=")[0] in _BY_GIT:
        position += 2 if words[position] == "-c" else 1
    return words[position]
