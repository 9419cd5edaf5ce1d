"""`gitcoord land`: what CI on the default branch runs."""

import json
from pathlib import Path

import pytest

from tests.conftest import Git
from tests.faces.cli.conftest import Run
from tests.servers.fixtures import Servers


@pytest.fixture
def merged(run: Run, repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> str:
    """A claim of a branch that was merged into main."""
    monkeypatch.setenv("GITCOORD_AGENT", "ann/cli/wt")
    git(repo, "switch", "--quiet", "--create", "feat/y")
    one = run("claim", "add", "a.py", "--json").json["claim"]["id"]
    (repo / "a.py").write_text("x = 1\n", encoding="utf-8")
    git(repo, "add", "a.py")
    git(repo, "commit", "--quiet", "--message", "a part")
    git(repo, "switch", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "--no-edit", "feat/y")
    return one


def test_what_has_landed_is_released_and_named(run: Run, repo: Path, git: Git, merged: str) -> None:
    commit = git(repo, "rev-parse", "main")

    dry, kept = run("land", "--dry-run"), run("claim", "list", "--json")
    done, after = run("land", "--json"), run("claim", "list", "--json")
    again = run("land")

    assert (dry.status, dry.out) == (
        0,
        f"would release {merged} of ann/cli/wt: feat/y landed with {commit[:12]}\n",
    )
    assert [row["id"] for row in kept.json["claims"]] == [merged]
    row = {"id": merged, "agent": "ann/cli/wt", "branch": "feat/y", "commit": commit}
    assert done.json == {"default_branch": "main", "released": [row], "count": 1}
    assert after.json["claims"] == []
    assert (again.status, again.out) == (0, "no claim is of a branch that has landed on main\n")


def test_a_branch_that_can_be_none_is_a_mistake_and_a_policy_against_it_is_said(run: Run, merged: str) -> None:
    bad = run("land", "--branch", "..")
    run("policy", "set", "release_on_merge", "false")
    kept = run("land", "--json")

    assert bad.status == 2
    assert (kept.status, kept.json["released"]) == (0, [])
    assert "release_on_merge" in kept.json["next_step"]
    assert [row["id"] for row in run("claim", "list", "--json").json["claims"]] == [merged]


def test_a_step_that_landed_is_completed_and_what_can_begin_is_named(
    run: Run, repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITCOORD_AGENT", "ann/cli/wt")
    steps = [{"step_num": 1, "branch": "feat/y", "paths": ["a.py"]}, {"step_num": 2, "depends_on": [1]}]
    (repo.parent / "plan.json").write_text(json.dumps({"name": "app", "steps": steps}), encoding="utf-8")
    run("project", "create", str(repo.parent / "plan.json"))
    run("step", "claim")
    git(repo, "switch", "--quiet", "--create", "feat/y")
    (repo / "a.py").write_text("x = 1\n", encoding="utf-8")
    git(repo, "add", "a.py")
    git(repo, "commit", "--quiet", "--message", "a part")
    git(repo, "switch", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "--no-edit", "feat/y")
    commit = git(repo, "rev-parse", "main")[:12]
    run("policy", "set", "complete_on_merge", "false")

    left = run("land")
    run("policy", "set", "complete_on_merge", "true")
    done = run("land")

    assert left.out == (
        "not completed: app/1 of ann/cli/wt. Branch 'feat/y' of step app/1 landed; the team's policy leaves it to its "
        "holder to complete it.\n  Its holder calls `gitcoord step complete app/1 HEAD`.\n"
    )
    assert done.out == f"completed app/1 of ann/cli/wt: feat/y landed with {commit}; app/2 can begin\n"


@pytest.mark.parametrize("kind", ["path", "daemon"])
def test_a_holder_at_a_shell_is_told_once_that_somebody_else_s_land_completed_its_step(
    run: Run, repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch, servers: Servers, kind: str
) -> None:
    git(repo, "config", "gitcoord.remote", servers.remote(kind).url)
    monkeypatch.setenv("GITCOORD_AGENT", "ann/cli/wt")
    steps = [{"step_num": 1, "branch": "feat/y", "paths": ["a.py"]}]
    (repo.parent / "plan.json").write_text(json.dumps({"name": "app", "steps": steps}), encoding="utf-8")
    run("project", "create", str(repo.parent / "plan.json"))
    run("step", "claim")
    git(repo, "switch", "--quiet", "--create", "feat/y")
    (repo / "a.py").write_text("x = 1\n", encoding="utf-8")
    git(repo, "add", "a.py")
    git(repo, "commit", "--quiet", "--message", "a part")
    git(repo, "switch", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "--no-edit", "feat/y")
    monkeypatch.setenv("GITCOORD_AGENT", "bob/cli/wt")
    landed = run("land")
    monkeypatch.setenv("GITCOORD_AGENT", "ann/cli/wt")

    told = [run("step", "list").err, run("claim", "list").err, run("step", "list").err]

    assert landed.out.startswith("completed app/1 of ann/cli/wt")
    sentence = f"note: Step app/1 is completed: its branch landed with {git(repo, 'rev-parse', 'main')[:12]}."
    assert [text.count(sentence) for text in told] == [1, 0, 0]
    assert "gitcoord step claim" in told[0]
