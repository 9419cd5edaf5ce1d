"""Predicted conflicts: between the branches that somebody works on, kept, and told before an hour is lost."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitcoord.core.documents.call import calls_of
from gitcoord.core.documents.doc import replace
from gitcoord.errors import InvalidError, RepositoryError
from gitcoord.service.checks.predict_conflicts import active_branches, predict_conflicts
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.watch.overview import needs_attention
from tests.conftest import AddWorktree, Git, MakeRepo
from tests.unit.service.world import Agents, Shared, commit_on, project, seen
from tests.unit.source.places import commit_bomb


def pairs(workspace: Workspace, branch: str | None = None) -> list[list[str]]:
    return [row["branches"] for row in seen(predict_conflicts(workspace, branch=branch))["predictions"]]


def work(git: Git, repo: Path, branch: str, **files: str) -> str:
    tip = commit_on(git, repo, branch, **files)
    git(repo, "switch", "--quiet", "main")
    return tip


def test_a_clone_alone_has_nothing_to_merge(ann: Workspace) -> None:
    found = predict_conflicts(ann)

    compared = [{"branch": "main", "worktree": "repo"}]
    assert found == {
        "predictions": [],
        "count": 0,
        "branches": ["main"],
        "pairs": 0,
        "compared": compared,
        "warnings": [],
    }


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

    assert list(active_branches(ann)) == ["feat/1"]
    assert pairs(ann) == [["main", "feat/1"]]


def test_what_was_predicted_of_a_branch_needs_attention_of_its_party_until_one_has_moved(
    ann: Workspace, agents: Agents, repo: Path, git: Git
) -> None:
    bob, cat = agents(repo, "bob/cli/two"), agents(repo, "cat/cli/three")
    for workspace, branch in ((ann, "one"), (bob, "two")):
        work(git, repo, branch, **{"README.md": f"{branch}\n"})
        claim_files(workspace, patterns=[f"{branch}.md"], branch=branch)
    before = needs_attention(ann)
    assert pairs(cat) == [["one", "two"]]
    (row,), (theirs,), no_ones = needs_attention(ann), needs_attention(bob), needs_attention(cat)
    assert pairs(cat, "main") == []
    kept = needs_attention(ann)
    git(repo, "branch", "--force", "two", commit_on(git, repo, "more", "two", **{"more.md": "more\n"}))

    assert (before, no_ones) == ([], [])
    assert (row.kind, row.rank, row.who, row.about) == ("conflict_predicted", "medium", "you", "two")
    assert theirs.about == "one"
    assert row.message.startswith("one does not merge with it: README.md (predicted ")
    assert calls_of(row.next_step)[0].given == {"branch": "one"}
    assert [found.about for found in kept] == ["two"]
    assert needs_attention(ann) == []


def test_a_prediction_that_finds_nothing_any_more_takes_back_what_was_predicted(
    ann: Workspace, repo: Path, git: Git
) -> None:
    work(git, repo, "one", **{"README.md": "1\n"})
    (repo / "README.md").write_text("2\n")
    claim_files(ann, patterns=["README.md"], branch="one")
    assert pairs(ann) == [["main", "one"]]
    told = needs_attention(ann)
    (repo / "README.md").write_text("# A project\n")
    assert pairs(ann) == []

    assert [row.kind for row in told] == ["conflict_predicted"]
    assert needs_attention(ann) == []


def test_branches_of_claims_are_active(ann: Workspace, repo: Path, git: Git) -> None:
    work(git, repo, "one", **{"README.md": "1\n"})
    (repo / "README.md").write_text("2\n")

    claim_files(ann, patterns=["README.md"], branch="one")

    assert list(active_branches(ann)) == ["one"]
    assert pairs(ann) == [["main", "one"]]


def test_a_step_without_its_branch_yet_is_left_out_and_no_warning(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)

    found = seen(predict_conflicts(ann))

    assert found["warnings"] == []
    assert found["left_out"] == [{"branch": "feat/1", "why": "no commit of it is here or on the remote yet"}]


@dataclass(frozen=True)
class Team:
    """Two clones: bob's has pushed a change of line 1, and ann has another one that is not committed."""

    ann: Workspace
    bob: Workspace
    shared: Shared
    git: Git

    def push(self, branch: str, *, days_ago: int = 0, text: str = "1\n", start: str = "main") -> None:
        """Commit in bob's clone so many days ago, push, and leave no trace of it in ann's."""
        two = self.shared.two
        self.git(two, "switch", "--quiet", "--create", branch, start)
        (two / "README.md").write_text(text, encoding="utf-8")
        at = int(self.bob.setting.host.now().timestamp()) - days_ago * 86_400
        pinned = ("-c", "user.name=Bob", "-c", "user.email=bob@example.invalid")
        tree = self.git(two, *pinned, "commit", "--quiet", "--all", "--message", branch) or ""
        assert tree == ""
        old = self.git(two, "cat-file", "commit", "HEAD").splitlines()
        dated = [f"{line.rsplit('> ', 1)[0]}> {at} +0000" if line.startswith("committer ") else line for line in old]
        (two / ".git" / "dated").write_text("\n".join(dated) + "\n", encoding="utf-8")
        commit = self.git(two, "hash-object", "-t", "commit", "-w", str(two / ".git" / "dated"))
        self.git(two, "reset", "--quiet", "--hard", commit)
        self.git(two, "push", "--quiet", "origin", branch)
        self.git(two, "switch", "--quiet", "main")


@pytest.fixture
def team(agents: Agents, shared: Shared, git: Git) -> Team:
    (shared.one / "README.md").write_text("2\n", encoding="utf-8")
    return Team(agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two"), shared, git)


def test_a_completed_step_that_waits_for_review_is_active_and_its_agent_is_named(team: Team) -> None:
    project(team.bob)
    claim_step(team.bob)
    team.push("feat/1")
    complete_step(team.bob, step_id="app/1", commit_hash="feat/1")

    [row] = seen(predict_conflicts(team.ann))["predictions"]

    behind = {"branch": "feat/1", "agents": ["bob/cli/two"], "steps": ["app/1"]}
    assert (row["branches"], row["who"]) == (["main", "feat/1"], [{"branch": "main", "worktree": "one"}, behind])


@pytest.mark.parametrize(("days_ago", "expected"), [(0, [["main", "far"]]), (13, [["main", "far"]]), (15, [])])
def test_what_was_pushed_within_two_weeks_is_active_whoever_pushed_it(
    team: Team, days_ago: int, expected: list[list[str]]
) -> None:
    team.push("far", days_ago=days_ago)

    assert pairs(team.ann) == expected


@pytest.mark.parametrize("squash", [False, True])
def test_a_branch_that_landed_is_not_active_however_it_did(team: Team, git: Git, squash: bool) -> None:
    team.push("far")
    two = team.shared.two
    if squash:
        (two / "other.md").write_text("x\n", encoding="utf-8")
        git(two, "add", "other.md")
        git(two, "commit", "--quiet", "--message", "other")
    git(two, "merge", "--quiet", *(["--squash"] if squash else []), "far")
    git(two, "commit", "--quiet", "--allow-empty", "--all", "--message", "far (#7)")
    git(two, "push", "--quiet", "origin", "main")
    git(team.shared.one, "fetch", "--quiet")
    git(team.shared.one, "switch", "--quiet", "--create", "mine")

    assert [row["branches"] for row in seen(predict_conflicts(team.ann))["predictions"]] == [["mine", "main"]]


def test_a_branch_with_a_history_of_its_own_is_left_out_by_name(team: Team, git: Git) -> None:
    two = team.shared.two
    git(two, "switch", "--quiet", "--orphan", "pages")
    git(two, "commit", "--quiet", "--allow-empty", "--message", "pages")
    git(two, "push", "--quiet", "origin", "pages")

    found = seen(predict_conflicts(team.ann))

    assert found["left_out"] == [{"branch": "pages", "why": "it has no common commit with 'main'"}]
    assert found["warnings"] == []


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


@pytest.mark.rule("SEC-4")
def test_a_branch_of_billions_of_files_is_not_merged_and_the_others_are(ann: Workspace, repo: Path, git: Git) -> None:
    git(repo, "branch", "bomb", commit_bomb(git, repo))
    for branch, text in (("one", "1\n"), ("two", "2\n")):
        work(git, repo, branch, **{"README.md": text})
    for branch in ("one", "two"):
        claim_files(ann, patterns=[f"{branch}.py"], branch=branch)

    bombed, sound = (seen(predict_conflicts(ann, branch=branch)) for branch in ("bomb", "one"))

    assert bombed["predictions"] == []
    assert {"more than 2000000 entries" in warning for warning in bombed["warnings"]} == {True}
    assert [row["branches"] for row in sound["predictions"]] == [["one", "two"]]


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
