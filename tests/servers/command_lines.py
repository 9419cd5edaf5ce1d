"""A git that notes the arguments of everything that it starts, for tests of what `ps` shows."""

import os
import shutil
import stat
import subprocess
from pathlib import Path


def spied(folder: Path, log: Path) -> dict[str, str]:
    """Return an environment in which every git, and what git starts to reach http, notes its arguments."""
    folder.mkdir()
    real_git = shutil.which("git")
    done = subprocess.run(["git", "--exec-path"], stdout=subprocess.PIPE, text=True, check=True, timeout=30)
    real_exec = done.stdout.strip()
    for name, real in (("git", real_git), ("git-remote-http", f"{real_exec}/git-remote-http")):
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"{log}"\nexec "{real}" "$@"\n')
        (folder / name).chmod(stat.S_IRWXU)
    for path in Path(real_exec).iterdir():
        if not (folder / path.name).exists():
            (folder / path.name).symlink_to(path)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "GIT_EXEC_PATH": str(folder)}
