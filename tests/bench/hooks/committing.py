"""P7c: what git's hooks add to a commit and to a rebase where nothing is held here, in processor time.

Counted is the whole tree of processes, those that hooks start apart included where the system lets them be waited for;
a unit is `python -c pass` of the interpreter that the hooks use, measured in turn with each pair.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.watch.snapshot import Snapshot
from tests.bench import claims
from tests.bench.installed import on_path, programs
from tests.bench.places import repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

FOREIGN = 10_000
PICKS = 20
COMMITS = 25  # pairs
REBASES = 8
LIMIT = 3.0
UNIT = "x python -c pass"
_WITHOUT = ("-c", "core.hooksPath=/dev/null")
# A process of its own becomes the parent of what hooks leave running: prctl(2), 36 is PR_SET_CHILD_SUBREAPER.
_MEASURING = """
import ctypes, os, resource, subprocess, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
try:
    while True:
        os.waitpid(-1, 0)
except ChildProcessError:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(used.ru_utime + used.ru_stime)
"""


@measures("P7c")
def p7c() -> list[Figure]:
    """A commit and a rebase of 20 commits, alone in a clone and among many."""
    with programs() as folder:
        with repository() as (top, env), among(top, on_path(env, folder), 0) as given:
            figures = measured("no one claims", top, given)
        with repository() as (top, env), among(top, on_path(env, folder), FOREIGN) as given:
            figures += measured(f"{FOREIGN:,} claims of others, a step held in another worktree", top, given)
    return figures


@contextmanager
def among(top: Path, env: dict[str, str], foreign: int) -> Iterator[dict[str, str]]:
    """Install the hooks of the `gitcoord` on PATH, and let others be at work."""
    _run(top, env, "gitcoord", "init", "--tool", "none", "--remote", ".", "--yes")
    one = workspace(top, env, "bench/cli/r")
    if foreign:
        claims.fill(one, foreign)
        create_project(one, name="app", base_commit="HEAD", steps=[{"step_num": 1, "title": "x", "branch": "feat/1"}])
        _run(top, env, "git", *_WITHOUT, "worktree", "add", "-q", "-b", "feat/1", str(top.parent / "other"))
        other = workspace(top.parent / "other", env, "bench/cli/other")
        assert claim_step(other, project="app")["step"]
        other.close()
    listed = one.listed()
    Snapshot(one).write(one.register(listed), listed)
    one.close()
    yield env


def measured(
    where: str, top: Path, env: dict[str, str], *, commits: int = COMMITS, rebases: int = REBASES
) -> list[Figure]:
    """Make commits and rebases in pairs, with our hooks and without."""
    commit = Figure("P7c", f"a commit: {where}", [*_commits(top, env, commits)], UNIT)
    rebase = Figure("P7c", f"a rebase of {PICKS} commits: {where}", [*_rebases(top, env, rebases)], UNIT)
    return [commit.at_most(LIMIT), rebase.at_most(LIMIT * PICKS)]


def _commits(top: Path, env: dict[str, str], count: int) -> Iterator[float]:
    def commit(*settings: str) -> float:
        file = top / "lib" / "part0" / "file0.py"
        file.write_text(f"{file.read_text()}# more\n")
        return processor_s(top, env, "git", *settings, "commit", "-q", "-a", "-m", "more")

    yield from _pairs(top, env, count, commit)


def _rebases(top: Path, env: dict[str, str], count: int) -> Iterator[float]:
    base = _run(top, env, "git", "rev-parse", "HEAD")
    for at in range(PICKS):
        (top / f"picked{at}.py").write_text(f"value = {at}\n")
        _run(top, env, "git", "add", "--all")
        _run(top, env, "git", *_WITHOUT, "commit", "-q", "-m", f"pick {at}")
    work = _run(top, env, "git", "rev-parse", "HEAD")
    _run(top, env, "git", *_WITHOUT, "switch", "-q", "--detach", base)
    _run(top, env, "git", *_WITHOUT, "commit", "-q", "--allow-empty", "-m", "elsewhere")
    onto = _run(top, env, "git", "rev-parse", "HEAD")

    def rebase(*settings: str) -> float:
        _run(top, env, "git", *_WITHOUT, "switch", "-q", "-C", "picked", work)
        return processor_s(top, env, "git", *settings, "rebase", "-q", onto)

    yield from _pairs(top, env, count, rebase)


def _pairs(top: Path, env: dict[str, str], count: int, run: Callable[..., float]) -> Iterator[float]:
    run()
    for _ in range(count):
        unit = sorted(processor_s(top, env, "python", "-c", "pass") for _ in range(3))[1]
        without, with_hooks = run(*_WITHOUT), run()
        yield (with_hooks - without) / unit


def processor_s(top: Path, env: dict[str, str], *words: str) -> float:
    """Run a program; return the processor time that it took, with all that it started."""
    return float(_run(top, env, sys.executable, "-c", _MEASURING, *words))


def _run(top: Path, env: dict[str, str], *words: str) -> str:
    done = subprocess.run(words, cwd=top, env=env, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout.strip()
