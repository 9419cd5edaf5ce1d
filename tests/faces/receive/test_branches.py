"""A server that checks branches, too: what another holds is not changed by a push from any program (HOOK-8)."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Git
from tests.faces.receive.test_receive import ROOT, Team
from tests.faces.receive.test_receive import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.faces.receive.test_receive import team as team  # noqa: PLC0414 - a fixture, exported to pytest
from tests.servers.fixtures import Remote

MARK = "gitcoord-branches"


def also_branches(remote: Remote) -> None:
    """Have the hook check branches, as `init --server --branches` does."""
    (remote.git_dir / MARK).write_text("on\n", encoding="ascii")


def commit(repo: Path, git: Git, name: str, *trailers: str) -> None:
    """Change a file on a branch of its own that begins at main."""
    (repo / name).write_text(f"{name} {trailers}\n", encoding="utf-8")
    git(repo, "checkout", "--quiet", "-B", "work", "main")
    git(repo, "add", name)
    git(repo, "commit", "--quiet", "--message", "\n\n".join(["change", "\n".join(trailers)]).strip())


def pushed(team: Team, ref: str) -> str:
    """Push the branch to a ref of the remote; return what was said, empty where it landed."""
    settings = [word for name, value in team.remote.settings for word in ("-c", f"{name}={value}")]
    words = ["git", *settings, "push", "--force", team.remote.url, f"work:{ref}"]
    env = {**os.environ, **team.remote.env, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=team.repo, env=env, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


@pytest.mark.timeout(600)
@pytest.mark.rule("HOOK-8")
@pytest.mark.parametrize("kind", ["path", *(pytest.param(kind, marks=pytest.mark.torture) for kind in ("http", "ssh"))])
def test_what_another_holds_is_pushed_by_its_holder_alone(kind: str, team: Callable[[str], Team], git: Git) -> None:
    ann = team(kind)
    ann.gitcoord("claim", "add", "/README.md")
    also_branches(ann.remote)

    commit(ann.repo, git, "README.md")
    refused = pushed(ann, "refs/heads/feature")
    commit(ann.repo, git, "free.py")
    free = pushed(ann, "refs/heads/feature")
    commit(ann.repo, git, "README.md", "Coord-Agent: ann/cli/wt")
    named = pushed(ann, "refs/heads/feature")
    tagged = pushed(ann, "refs/tags/v1")
    landed = pushed(ann, "refs/heads/main")

    assert "gitcoord: refused: refs/heads/feature" in refused
    assert 'is claimed by "ann/cli/wt"' in refused.replace("'", '"')
    assert free == ""
    assert (named, tagged, landed) == ("", "", "")
    assert "refs/heads/feature" in ann.remote.refs()


@pytest.mark.timeout(600)
@pytest.mark.rule("HOOK-8")
def test_an_old_fence_is_refused_and_the_branch_of_a_claim_is_its_holder_s(
    team: Callable[[str], Team], git: Git
) -> None:
    ann = team("path")
    ann.gitcoord("project", "create", "plan.yaml")
    ann.gitcoord("step", "claim", "app/1")
    ann.gitcoord("step", "fail", "app/1", "--reason", "she is away")
    ann.gitcoord("step", "claim", "app/1", agent="bob/cli/wt")
    also_branches(ann.remote)

    commit(ann.repo, git, "model.py", "Coord-Step: app/1", "Coord-Fence: 1", "Coord-Agent: ann/cli/wt")
    old = pushed(ann, "refs/heads/work")
    (ann.remote.git_dir / MARK).unlink()

    assert "was made with fence 1 of step app/1" in old
    assert pushed(ann, "refs/heads/work") == ""


def test_the_mark_is_made_and_taken_back(team: Callable[[str], Team], tmp_path: Path) -> None:
    remote = team("path").remote
    words = ["-m", "gitcoord"]

    def gitcoord(*more: str) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, *words, *more], cwd=tmp_path, env=env, capture_output=True, check=True)

    gitcoord("init", "--server", str(remote.git_dir), "--branches")
    assert (remote.git_dir / MARK).exists()
    gitcoord("init", "--server", str(remote.git_dir))
    assert (remote.git_dir / MARK).exists()
    gitcoord("init", "--server", str(remote.git_dir), "--no-branches")
    assert not (remote.git_dir / MARK).exists()
    gitcoord("init", "--server", str(remote.git_dir), "--branches")
    gitcoord("uninstall", "--server", str(remote.git_dir))
    assert not (remote.git_dir / MARK).exists()
