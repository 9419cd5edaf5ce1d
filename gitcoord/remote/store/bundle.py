"""A bundle: one file of git's with a ref and all that it leads to, as a copy of what is about to be replaced.

Rules:
  * It is complete in itself: `git fetch FILE` brings the ref back into any repository.
  * SEC-4: git streams what is large and has a bound of time; the ref may name anything that an object can be.
  * The objects may lie in several repositories, as a remote on a path and this clone's copy of it; nothing is written
    there.

What this file does not know: what the ref is of, where the file belongs.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.git.git_process import clean_env, run_git

BUNDLE_S: Final = 120.0  # 20,000 commits of a ledger take 3 s; a blob of 200 MB takes 8
_LEAN: Final = ("pack.threads=1", "pack.windowMemory=64m", "core.bigFileThreshold=1m")


def write_bundle(
    objects: Sequence[Path], ref: RefName, tip: Oid, target: Path, env: Mapping[str, str], object_format: str
) -> bool:
    """Write a ref as it is at a tip into a file; tell whether that could be done: what it leads to may not be here.

    Args:
        objects: folders of objects, each as `objects` of a repository.
        ref: what the bundle names.
        tip: what that leads to, an object of any kind.
        target: the file, which is not there yet.
        env: the environment of this process.
        object_format: `sha1` or `sha256`.

    Raises:
        OSError: a file cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="gitcoord-bundle-") as name:
        folder, words = Path(name, "from.git"), [word for setting in _LEAN for word in ("-c", setting)]
        init = ["init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", str(folder)]
        if run_git(init, cwd=Path(name), env=clean_env(env), timeout_s=BUNDLE_S).rc != 0:
            return False
        (folder / "objects" / "info").mkdir(exist_ok=True)
        (folder / "objects" / "info" / "alternates").write_bytes(
            b"".join(os.fsencode(path) + b"\n" for path in objects)
        )
        (folder / ref).parent.mkdir(parents=True, exist_ok=True)
        (folder / ref).write_text(f"{tip}\n", encoding="ascii")  # by hand: git names no tag by a branch, say
        words = [f"--git-dir={folder}", *words, "bundle", "create", "--quiet", str(target.absolute()), ref]
        return run_git(words, cwd=Path(name), env=clean_env(env), timeout_s=BUNDLE_S).rc == 0
