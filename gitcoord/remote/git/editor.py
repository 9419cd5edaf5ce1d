"""The user's editor as a child process: the one program that is given the terminal.

Rules:
  * It is what `VISUAL` or else `EDITOR` says, with its arguments, as a list; no shell.
  * It has no time limit: a person works in it.

What this file does not know: what is edited.
"""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from gitcoord.errors import UsageError


def edit(file: Path, env: Mapping[str, str]) -> bool:
    """Let the user edit a file; tell whether the editor ended well.

    Raises:
        UsageError: no editor is named, or it cannot be started.
    """
    named = env.get("VISUAL") or env.get("EDITOR") or ""
    try:
        words = shlex.split(named)
    except ValueError:
        words = []
    if not words:
        raise UsageError("No editor is named.", hint="Set EDITOR, for example EDITOR=vi.")
    try:
        return subprocess.run([*words, str(file)], env=dict(env), check=False).returncode == 0
    except OSError as error:
        raise UsageError(f"The editor {words[0]!r} cannot be started: {error.strerror}.", hint="Set EDITOR.") from None
