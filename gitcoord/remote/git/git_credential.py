"""A password that git's credential helper knows for a server; no person is asked. See git-credential(1).

Rules:
  * SEC-2: what is found is returned, and stands in no error, log or command line.

What this file does not know: what it is for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult

from gitcoord.remote.git.git_process import clean_env, run_git

_HELPER_S: Final = 10.0  # a helper that waits for a person is not waited for


def password_for(server: SplitResult, *, cwd: Path, env: Mapping[str, str]) -> str | None:
    """Return what a helper has for a server; `None` where there is none."""
    asked = f"protocol={server.scheme}\nhost={server.netloc}\n\n"
    done = run_git(["credential", "fill"], cwd=cwd, env=clean_env(env), timeout_s=_HELPER_S, input=asked.encode())
    lines = done.stdout.decode(errors="replace").splitlines() if done.rc == 0 else []
    return next((line.removeprefix("password=") for line in lines if line.startswith("password=")), None) or None
