"""Where a repository is, and what is said where there is none that can be used."""

import os
import subprocess
from pathlib import Path

import pygit2
import pytest

from gitcoord.errors import RepositoryError
from tests.conftest import AddWorktree, Clone, Git, MakeBare, MakeRepo
from tests.unit.source.places import opened

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")


def test_a_repository_is_found_from_its_top(make_repo: MakeRepo) -> None:
    repo = make_repo()

    found = opened(repo)

    assert (found.top, found.common_dir, found.object_format, found.is_shallow) == (repo, repo / ".git", "sha1", False)


def test_a_repository_is_found_from_a_folder_below(make_repo: MakeRepo) -> None:
    repo = make_repo()
    (repo / "a" / "b").mkdir(parents=True)

    assert opened(repo / "a" / "b").top == repo


def test_a_linked_worktree_has_a_top_of_its_own_and_the_common_folder_of_all(
    make_repo: MakeRepo, add_worktree: AddWorktree
) -> None:
    repo = make_repo()
    worktree = add_worktree(repo, "wt-1")

    found = opened(worktree)

    assert (found.top, found.common_dir) == (worktree, repo / ".git")


def test_a_worktree_of_a_bare_repository_is_found(make_repo: MakeRepo, git: Git, tmp_path: Path) -> None:
    bare = tmp_path / "hub.git"
    git(tmp_path, "clone", "--quiet", "--bare", "--", str(make_repo()), str(bare))
    git(bare, "worktree", "add", "--quiet", str(tmp_path / "wt"), "main")

    found = opened(tmp_path / "wt")

    assert (found.top, found.common_dir) == (tmp_path / "wt", bare)


def test_a_submodule_is_a_repository_of_its_own(make_repo: MakeRepo, git: Git) -> None:
    outer, inner = make_repo("outer"), make_repo("inner")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "lib")

    found = opened(outer / "lib")

    assert (found.top, found.common_dir) == (outer / "lib", outer / ".git" / "modules" / "lib")


def test_a_shallow_clone_says_so(make_repo: MakeRepo, clone: Clone, git: Git) -> None:
    source = make_repo()
    git(source, "commit", "--quiet", "--allow-empty", "--message", "second")
    git(source.parent, "clone", "--quiet", "--depth=1", source.as_uri(), "shallow")

    assert opened(source.parent / "shallow").is_shallow


def test_a_repository_of_sha256_objects_says_so_and_its_commits_have_long_ids(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo(object_format="sha256")

    found = opened(repo)

    assert found.object_format == "sha256"
    assert found.resolve_commit("HEAD") == git(repo, "rev-parse", "HEAD")
    assert len(found.resolve_commit("HEAD")) == 64


def test_a_repository_that_libgit2_cannot_open_is_read_with_git(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    git(repo, "config", "core.repositoryFormatVersion", "1")
    git(repo, "config", "extensions.partialClone", "origin")

    found = opened(repo)

    with pytest.raises(pygit2.GitError, match="unsupported extension"):
        pygit2.Repository(str(repo))
    assert found.resolve_commit("main") == git(repo, "rev-parse", "HEAD")


def test_a_repository_without_a_commit_is_found(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "--quiet", "new")

    assert opened(tmp_path / "new").top == tmp_path / "new"


@pytest.mark.parametrize("name", ["sp ace", "ünï", "tab\there", "form\x0cfeed", "next\x85line", "quote'\"", "-dash"])
def test_a_folder_of_any_name_is_found_as_it_is(make_repo: MakeRepo, name: str) -> None:
    repo = make_repo(f"parent/{name}")

    assert opened(repo).top == repo


def test_a_folder_whose_name_is_not_utf8_is_found_as_it_is(make_repo: MakeRepo) -> None:
    repo = make_repo(os.fsdecode(b"caf\xe9"))

    found = opened(repo)

    assert found.top == repo
    assert found.top.is_dir()


def test_a_line_break_in_the_path_is_refused_by_name(make_repo: MakeRepo) -> None:
    with pytest.raises(RepositoryError, match="has a line break") as caught:
        opened(make_repo("line\nbreak"))

    assert caught.value.hint == "Rename the folder."
    assert "\n" not in str(caught.value)


def test_no_repository_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="is not inside a git repository") as caught:
        opened(tmp_path)

    assert (caught.value.exit_status, caught.value.code) == (2, "repository")
    assert "git init" in caught.value.hint


def test_a_bare_repository_is_refused_with_where_to_go(make_bare: MakeBare) -> None:
    with pytest.raises(RepositoryError, match="is a bare repository") as caught:
        opened(make_bare())

    assert "worktree" in caught.value.hint


@pytest.mark.parametrize("below", ["", "refs/heads", "objects"])
def test_a_folder_inside_git_s_own_is_refused(make_repo: MakeRepo, below: str) -> None:
    with pytest.raises(RepositoryError, match="is inside git's own folder") as caught:
        opened(make_repo() / ".git" / below)

    assert caught.value.hint == "Run gitcoord in the work tree."


def test_a_folder_that_is_gone_and_a_file_are_refused(make_repo: MakeRepo) -> None:
    repo = make_repo()

    with pytest.raises(RepositoryError, match="is gone"):
        opened(repo / "gone")
    with pytest.raises(RepositoryError, match="is not a folder"):
        opened(repo / "README.md")


def test_damaged_configuration_is_said_in_git_s_own_words(make_repo: MakeRepo) -> None:
    repo = make_repo()
    (repo / ".git" / "config").write_text("[core\n", encoding="utf-8")

    with pytest.raises(RepositoryError, match="bad config line 1"):
        opened(repo)


def test_what_git_exports_to_its_hooks_does_not_lead_astray(make_repo: MakeRepo) -> None:
    here, elsewhere = make_repo("here"), make_repo("elsewhere")

    found = opened(here, GIT_DIR=str(elsewhere / ".git"), GIT_WORK_TREE=str(elsewhere), GIT_PREFIX="x/")

    assert (found.top, found.common_dir) == (here, here / ".git")
    assert found.resolve_commit("HEAD")


@AS_ROOT
def test_a_repository_of_another_user_is_refused_with_git_s_remedy(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    subprocess.run(["chown", "-R", "65534", str(repo)], check=True)

    with pytest.raises(RepositoryError, match="belongs to another user") as caught:
        opened(repo)

    assert "safe.directory" in caught.value.hint


@AS_ROOT
def test_a_repository_of_another_user_that_git_trusts_is_used(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    head = git(repo, "rev-parse", "HEAD")
    subprocess.run(["chown", "-R", "65534", str(repo)], check=True)
    git(repo, "config", "--global", "safe.directory", str(repo))

    assert opened(repo).resolve_commit("HEAD") == head
