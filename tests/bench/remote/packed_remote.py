"""P9, what a remote keeps: the size of its packed repository after many commands, those of a project and of claims."""

import subprocess
from pathlib import Path

from gitcoord.service.claims import claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, start_step
from tests.bench.places import as_agent, fill, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

COMMANDS = 10_000
AGENTS = 20
BYTES_MAX = 1024
OF_A_STEP = 5  # commands: claim, start and complete it, claim a file meanwhile and release it


@measures("P9r", limit_s=1800)
def p9r() -> list[Figure]:
    """Let twenty agents work through steps until there are so many commands, then pack as hosts do."""
    return [packed(COMMANDS)]


def packed(commands: int) -> Figure:
    """Work through steps at a remote on a path; each command is a commit of its own, as where agents are apart."""
    with repository() as (top, env):
        hub = top.parent / "hub.git"
        for words in (["init", "-q", "--bare", str(hub)], ["-C", str(top), "config", "gitcoord.remote", str(hub)]):
            subprocess.run(["git", *words], env=env, check=True)
        holder = workspace(top, env, "bench/cli/r")
        steps = commands // OF_A_STEP
        fill(holder, -(-steps // 100), 100)
        before = _packed_bytes(hub, env)
        for number in range(steps):
            _work(holder, number)
        size = _packed_bytes(hub, env) - before
        made = int(_git(hub, env, "rev-list", "--count", "--all"))
        disk = sum(file.stat().st_size for file in (hub / "objects").rglob("*") if file.is_file())
    notes: dict[str, object] = {"commands": steps * OF_A_STEP, "commits": made, "packed_kib": size // 1024}
    notes["with_bitmap_and_graph_kib"] = disk // 1024
    figure = Figure("P9", "packed remote, a command", [size / (steps * OF_A_STEP)], unit="bytes", notes=notes)
    return figure.at_most(BYTES_MAX)


def _work(holder: Workspace, number: int) -> None:
    as_agent(holder, f"bench/cli/r{number % AGENTS}")
    step = claim_step(holder)["step"]
    assert isinstance(step, dict)
    start_step(holder, step_id=str(step["id"]))
    assert claims.claim_files(holder, patterns=[f"area{number % 50}/file{number}.py"], description="work")["granted"]
    complete_step(holder, step_id=str(step["id"]), commit_hash="HEAD")
    claims.release_claims(holder)


def _packed_bytes(hub: Path, env: dict[str, str]) -> int:
    """Return what git calls the size of packs: with their index, without what makes reading faster."""
    _git(hub, env, "gc", "-q", "--prune=now")
    counts = dict(line.split(": ", 1) for line in _git(hub, env, "count-objects", "-v").splitlines())
    return int(counts["size-pack"]) * 1024


def _git(hub: Path, env: dict[str, str], *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=hub, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()
