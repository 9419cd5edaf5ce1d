"""P15: the claim of a folder in a large repository whose index has just changed, beside `git ls-files` there."""

import subprocess
import time
from pathlib import Path

from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from tests.bench.places import as_agent, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

FILES = 200_000
IN_A_FOLDER = 50
RUNS = 15
LIMIT = 2


@measures("P15", limit_s=300)
def p15() -> list[Figure]:
    """A repository that is checked out whole, and then one folder of it alone, with the sparse index of git."""
    return beside_ls_files(FILES, RUNS)


def beside_ls_files(files: int, runs: int) -> list[Figure]:
    """Claim a folder after each change of the index, in turn with git's own list."""
    with repository() as (top, env):
        _commit(top, env, files)
        claimer = workspace(top, env, "bench/cli/r")
        whole = _measured(top, env, claimer, f"{files:,} files, whole", range(1, 2 + runs))
        _git(top, env, "sparse-checkout", "set", "--cone", "--sparse-index", "area0/part0")
        return [whole, _measured(top, env, claimer, f"{files:,} files, sparse", range(2 + runs, 3 + 2 * runs))]


def _measured(top: Path, env: dict[str, str], claimer: Workspace, which: str, folders: range) -> Figure:
    """Return the ratios of the pairs, a folder each; the first one is not counted."""
    ratios: list[float] = []
    claims: list[float] = []
    blob = _git(top, env, "rev-parse", "HEAD:lib/part0/file0.py")
    for number in folders:
        _git(top, env, "update-index", "--add", "--cacheinfo", f"100644,{blob},area0/part0/more{number}.py")
        begin = time.perf_counter()
        subprocess.run(["git", "ls-files"], cwd=top, env=env, check=True, stdout=subprocess.DEVNULL)
        listed = time.perf_counter()
        as_agent(claimer, f"bench/cli/r{number}")
        result = claim_files(claimer, patterns=[f"{_folder(number)}/"])
        assert result["granted"], result
        claims.append((time.perf_counter() - listed) * 1000)
        ratios.append(claims[-1] / ((listed - begin) * 1000))
    figure = Figure("P15", f"claim of a folder, {which}", ratios[1:], "x git ls-files")
    figure.notes = {"median_ms": round(sorted(claims)[len(claims) // 2], 1)}
    return figure.at_most(LIMIT)


def _commit(top: Path, env: dict[str, str], files: int) -> None:
    """Commit so many files. They are in the index and not in the worktree, which neither side looks at."""
    blob = _git(top, env, "rev-parse", "HEAD:lib/part0/file0.py")
    lines = "".join(f"100644 {blob}\t{_folder(at // IN_A_FOLDER)}/file{at}.py\n" for at in range(files))
    subprocess.run(["git", "update-index", "--index-info"], cwd=top, env=env, check=True, input=lines, text=True)
    _git(top, env, "commit", "-q", "-m", "many")


def _folder(number: int) -> str:
    return f"area{number % 40}/part{number}"


def _git(top: Path, env: dict[str, str], *words: str) -> str:
    return subprocess.run(["git", *words], cwd=top, env=env, check=True, capture_output=True, text=True).stdout.strip()
