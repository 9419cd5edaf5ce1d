"""P7, the push: what the pre-push hook adds to a push of 300 changed files, against 1,000 claims."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from gitcoord.service.claims.claims import claim_files
from tests.bench.installed import on_path, programs
from tests.bench.places import environment, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

CLAIMS = 1000
FILES = 300
RUNS = 15
LIMIT_MS = 100
_WITHOUT = ("-c", "core.hooksPath=/dev/null")


@measures("P7p")
def p7_push() -> list[Figure]:
    """A push to a remote on a path, where the claims are too: with our hook, and with a hook that does nothing."""
    with programs() as folder:
        return [measured(folder, CLAIMS, RUNS, remote=remote) for remote in (True, False)]


def measured(folder: Path, claims: int, runs: int, *, remote: bool) -> Figure:
    """Push in pairs, with the shim that `init` installs and with a hook that does nothing. `folder`: of programs."""
    home = Path(tempfile.mkdtemp(prefix="gitcoord-bench-"))
    env = on_path(environment(home), folder)
    (home / ".gitconfig").write_text("[user]\n name = bench\n email = bench@localhost\n[init]\n defaultBranch = main\n")
    try:
        return _pushed(home, env, claims, runs, remote=remote)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _pushed(home: Path, env: dict[str, str], claims: int, runs: int, *, remote: bool) -> Figure:
    one, two, bare = home / "one", home / "two", home / "remote.git"
    _git(home, env, "init", "-q", "--bare", str(bare))
    _git(home, env, "init", "-q", str(one))
    _commit(one, env, "first", 0)
    _git(one, env, "remote", "add", "origin", str(bare))
    _git(one, env, "push", "-q", "origin", "main")
    if remote:
        _git(home, env, "clone", "-q", str(bare), str(two))
    holder = two if remote else one
    for repo in {one, holder}:
        words = ["init", "--tool", "none", "--remote", "origin" if remote else ".", "--yes"]
        subprocess.run(["gitcoord", *words], cwd=repo, env=env, check=True, capture_output=True)
    _claim(holder, env, claims)
    workspace(one, env, "bench/cli/one").close()
    shims, nothing = one / ".git" / "hooks", _nothing(home)
    assert (shims / "pre-push").is_file()
    added: list[float] = []
    for at in range(runs):
        times = {which: _push(one, env, which, f"{at}-{which.name}") for which in (nothing, shims)}
        added.append((times[shims] - times[nothing]) * 1000)
    where = "a remote on a path" if remote else "the store of the clone"
    work = f"pre-push, {FILES} files, {claims:,} claims, {where}"
    return Figure("P7p", work, added, unit="ms added").at_most(LIMIT_MS)


def _claim(repo: Path, env: dict[str, str], claims: int) -> None:
    """Make claims of other files, a tenth of them with wildcards."""
    for agent in range(10):
        one = workspace(repo, env, f"bench/cli/holder-{agent}")
        for at in range(claims // 10):
            name = f"held/part{at % 97}/file{agent}-{at}"
            claim_files(one, patterns=[f"{name}/**/*.py" if at % 10 == 0 else f"{name}.py"])
        one.close()


def _nothing(home: Path) -> Path:
    hook = home / "nothing" / "pre-push"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\ncat >/dev/null\n")
    hook.chmod(0o755)
    return hook.parent


def _push(repo: Path, env: dict[str, str], hooks: Path, branch: str) -> float:
    _git(repo, env, *_WITHOUT, "switch", "-q", "--create", branch, "main")
    _commit(repo, env, branch, 1)
    begin = time.perf_counter()
    _git(repo, env, "-c", f"core.hooksPath={hooks}", "push", "-q", "origin", branch)
    return time.perf_counter() - begin


def _commit(repo: Path, env: dict[str, str], text: str, at: int) -> None:
    for number in range(FILES):
        file = repo / f"lib/part{number // 20}/file{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"value = {at}\n# {text}\n")
    _git(repo, env, "add", ".")
    _git(repo, env, *_WITHOUT, "commit", "-q", "-m", text)


def _git(cwd: Path, env: dict[str, str], *words: str) -> None:
    subprocess.run(["git", *words], cwd=cwd, env=env, check=True, capture_output=True)
