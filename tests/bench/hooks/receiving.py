"""P7r, the server: what the pre-receive hook adds to a push that touches nothing of ours, in processor time."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.bench.hooks.committing import processor_s
from tests.bench.installed import on_path, programs
from tests.bench.places import environment
from tests.bench.registry import measures
from tests.bench.report import Figure

RUNS = 40


@measures("P7r")
def p7_receive() -> list[Figure]:
    """A push of a branch to a bare repository: with the server's hook, and with a hook that does nothing."""
    with programs() as folder:
        return [measured(folder, RUNS)]


def measured(folder: Path, runs: int) -> Figure:
    """Push in pairs, to the hook that `init --server` installs and to one that does nothing. `folder`: of programs."""
    home = Path(tempfile.mkdtemp(prefix="gitcoord-bench-"))
    env = on_path(environment(home), folder)
    (home / ".gitconfig").write_text("[user]\n name = bench\n email = bench@localhost\n[init]\n defaultBranch = main\n")
    try:
        return Figure("P7r", "pre-receive, a push of a branch", _pushed(home, env, runs), unit="ms of processor added")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _pushed(home: Path, env: dict[str, str], runs: int) -> list[float]:
    repo, bare, empty = home / "repo", home / "remote.git", home / "empty" / "pre-receive"
    _run(home, env, "git", "init", "-q", "--bare", str(bare))
    _run(home, env, "git", "init", "-q", str(repo))
    _run(repo, env, "git", "commit", "-q", "--allow-empty", "-m", "first")
    _run(home, env, "gitcoord", "init", "--server", str(bare))
    assert (bare / "hooks" / "pre-receive").is_file()
    empty.parent.mkdir()
    empty.write_text("#!/bin/sh\ncat >/dev/null\n")
    empty.chmod(0o755)
    added: list[float] = []
    for at in range(runs):
        times: list[float] = []
        for hooks in (empty.parent, bare / "hooks"):
            _run(bare, env, "git", "config", "core.hooksPath", str(hooks))
            push = ("git", "push", "-q", str(bare), f"HEAD:refs/heads/{hooks.name}-{at}")
            times.append(processor_s(repo, env, *push))
        added.append((times[1] - times[0]) * 1000)
    return added


def _run(cwd: Path, env: dict[str, str], *words: str) -> None:
    subprocess.run(words, cwd=cwd, env=env, check=True, capture_output=True)
