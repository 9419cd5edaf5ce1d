"""Predicted conflicts: between the branches that somebody works on, kept, and told before an hour is lost."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gitcoord.errors import InvalidError, RepositoryError
from gitcoord.service.claims import claim_files
from gitcoord.service.predicting import active_branches, predict_conflicts
from gitcoord.service.steps import claim_step
from gitcoord.service.workspace import Workspace
from tests.conftest import AddWorktree, Git, MakeRepo
from tests.unit.service.world import Agents, Shared, commit_on, project, seen


def pairs(workspace: Workspace, branch: str | None = None) -> list[list[str]]:
    return [row["branches"] for row in seen(predict_conflicts(workspace, branch=branch))["predictions"]]


def work(git: Git, repo: Path, branch: str, **files: str) -> str:
    tip = commit_on(git, repo, branch, **files)
    git(repo, "switch", "--quiet", "main")
    return tip


def test_a_clone_alone_has_nothing_to_merge(ann: Workspace) -> None:
    found = predict_conflicts(ann)

    assert found == {"predictions": [], "count": 0, "branches": ["main"], "pairs": 0, "warnings": []}


def test_three_branches_are_merged_by_pairs(ann: Workspace, repo: Path, git: Git, add_worktree: AddWorktree) -> None:
    for name, text in (("one", "1\n"), ("two", "2\n"), ("three", "# A project\n")):
        tree = add_worktree(repo, name)
        (tree / "README.md").write_text(text)
        git(tree, "commit", "--quiet", "--all", "--allow-empty", "--message", name)
    (repo.parent / "three" / "new.md").write_text("x\n")

    found = seen(predict_conflicts(ann))

    assert (found["branches"], found["pairs"]) == (["main", "one", "three", "two"], 6)
    assert [row["branches"] for row in found["predictions"]] == [["one", "two"]]
    [conflict] = found["predictions"][0]["conflicts"]
    assert conflict == {"path": "README.md", "kind": "content", "lines": ["1"], "their_lines": ["1"]}
    assert found["next_step"]


def test_what_is_not_committed_counts_and_is_said(
    ann: Workspace, repo: Path, git: Git, add_worktree: AddWorktree
) -> None:
    other = add_worktree(repo, "one")
    (other / "README.md").write_text("1\n")
    (repo / "README.md").write_text("2\n")
    before = git(repo, "--no-optional-locks", "status", "--porcelain")

    [row] = seen(predict_conflicts(ann))["predictions"]

    assert (row["branches"], row["uncommitted"]) == (["main", "one"], ["main", "one"])
    assert git(repo, "--no-optional-locks", "status", "--porcelain") == before


def test_a_branch_that_is_named_is_looked_at_with_all_others(ann: Workspace, repo: Path, git: Git) -> None:
    work(git, repo, "one", **{"README.md": "1\n"})
    (repo / "README.md").write_text("2\n")

    assert pairs(ann) == []
    assert pairs(ann, "one") == [["one", "main"]]


def test_branches_of_held_steps_are_active_wherever_they_are(agents: Agents, shared: Shared, git: Git) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    project(ann)
    claim_step(bob)
    work(git, shared.two, "feat/1", **{"README.md": "1\n"})
    git(shared.two, "push", "--quiet", "origin", "feat/1")
    (shared.one / "README.md").write_text("2\n")

    assert active_branches(ann) == {"feat/1"}
    assert pairs(ann) == [["main", "feat/1"]]


def test_branches_of_claims_are_active(ann: Workspace, repo: Path, git: Git) -> None:
    work(git, repo, "one", **{"README.md": "1\n"})
    (repo / "README.md").write_text("2\n")

    claim_files(ann, patterns=["README.md"], branch="one")

    assert active_branches(ann) == {"one"}
    assert pairs(ann) == [["main", "one"]]


def test_a_step_without_its_branch_yet_is_a_warning(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)

    assert predict_conflicts(ann)["warnings"] == ["Branch 'feat/1' is not here, nor on the remote."]


@pytest.mark.parametrize("branch", ["nope", "--help", "a..b"])
def test_a_branch_that_is_nowhere_is_an_error(ann: Workspace, branch: str) -> None:
    with pytest.raises(InvalidError):
        predict_conflicts(ann, branch=branch)


def test_a_merge_that_is_clean_and_breaks_is_told(ann: Workspace, repo: Path, git: Git) -> None:
    text = "def load():\n    return 1\n\n\ndef save():\n    return 2\n"
    (repo / "a.py").write_text(text)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "base")
    work(git, repo, "one", **{"a.py": text.replace("load", "read")})
    (repo / "b.py").write_text("from a import load\n")

    [row] = seen(predict_conflicts(ann, branch="one"))["predictions"]

    [trouble] = row["troubles"]
    assert trouble["why"] == "load is now read on one branch, and the other newly uses it in b.py."
    assert (row["branches"][trouble["removed_by"]], trouble["lines"]) == ("one", [1])


def test_what_was_found_is_kept_by_the_trees(ann: Workspace, repo: Path, git: Git) -> None:
    work(git, repo, "one", **{"README.md": "1\n"})
    (repo / "README.md").write_text("2\n")
    first = predict_conflicts(ann, branch="one")
    file = repo / ".git" / "gitcoord" / "predictions.json"
    kept = json.loads(file.read_text())
    [key] = kept["found"]
    kept["found"][key]["conflicts"][0]["path"] = "from what was kept"
    file.write_text(json.dumps(kept))

    second = predict_conflicts(ann, branch="one")
    (repo / "README.md").write_text("3\n")
    third = predict_conflicts(ann, branch="one")

    assert "from what was kept" in str(second)
    assert third == first


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1, "found": 3}', '{"format": 99, "found": {}}'])
def test_a_damaged_file_of_what_was_kept_is_none(ann: Workspace, repo: Path, git: Git, text: str) -> None:
    work(git, repo, "one", **{"README.md": "1\n"})
    (repo / "README.md").write_text("2\n")
    (repo / ".git" / "gitcoord" / "predictions.json").write_text(text)

    assert pairs(ann, "one") == [["one", "main"]]


def test_branches_without_a_common_commit_are_passed_over(ann: Workspace, repo: Path, git: Git) -> None:
    git(repo, "switch", "--quiet", "--orphan", "other")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "new")
    git(repo, "switch", "--quiet", "main")

    found = predict_conflicts(ann, branch="other")

    assert (found["predictions"], found["warnings"]) == ([], ["'other' and 'main' have no common commit here."])


def test_a_missing_object_ends_its_pair_alone(ann: Workspace, repo: Path, git: Git) -> None:
    work(git, repo, "one", **{"README.md": "1\n"})
    work(git, repo, "two", **{"README.md": "2\n"})
    blob = git(repo, "rev-parse", "two:README.md")
    (repo / "README.md").write_text("3\n")
    git(repo, "branch", "--quiet", "-D", "two")
    git(repo, "worktree", "add", "--quiet", str(repo.parent / "wt"), "one")
    git(repo, "update-ref", "refs/remotes/origin/two", git(repo, "rev-parse", "one"))
    (repo / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    assert pairs(ann) == [["main", "one"]]


def test_a_repository_that_libgit2_cannot_read_says_so(agents: Agents, make_repo: MakeRepo) -> None:
    ann = agents(make_repo("big", object_format="sha256"), "ann/cli/wt")

    with pytest.raises(RepositoryError, match="Trial merges cannot read"):
        predict_conflicts(ann)


def test_a_call_ends_in_time_and_the_next_one_goes_on(
    ann: Workspace, repo: Path, git: Git, add_worktree: AddWorktree
) -> None:
    for name in ("one", "two"):
        (add_worktree(repo, name) / "README.md").write_text(f"{name}\n")
    ticks = iter(range(0, 10_000, 30))
    real = ann.setting
    ann.setting = replace(real, host=replace(real.host, monotonic=lambda: float(next(ticks))))

    cut = predict_conflicts(ann)
    ann.setting = real

    assert "pairs are left; ask again to go on." in str(cut["warnings"])
    assert pairs(ann) == [["one", "two"]]
