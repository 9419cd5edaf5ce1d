"""A branch of this clone, found whichever way git keeps it, and by no process where it is not there."""

from pathlib import Path

import pytest

from gitcoord.source.checkout import local_branch
from gitcoord.source.checkout.repository import Repository, open_repository
from tests.conftest import Git, MakeRepo


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo("repo")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what git is asked, as it goes on."""
    words, text = list[str](), Repository.text
    monkeypatch.setattr(Repository, "text", lambda of, *called: (words.append(called[0]), text(of, *called))[1])
    return words


@pytest.mark.parametrize("is_packed", [False, True], ids=["loose", "packed"])
def test_a_branch_is_found_whichever_way_it_is_kept(repo: Path, git: Git, *, is_packed: bool) -> None:
    git(repo, "branch", "feat/login")
    if is_packed:
        git(repo, "pack-refs", "--all")
    repository = open_repository(repo, {})

    found = [local_branch.local_branch(repository, name) for name in ("main", "feat/login")]

    tip = git(repo, "rev-parse", "HEAD")
    assert [row and (row.tip, row.is_here) for row in found] == [(tip, True), (tip, False)]


@pytest.mark.parametrize("is_packed", [False, True], ids=["loose", "packed"])
def test_a_branch_that_is_not_there_costs_no_process(
    repo: Path, git: Git, asked: list[str], *, is_packed: bool
) -> None:
    git(repo, "branch", "feature/login")
    if is_packed:
        git(repo, "pack-refs", "--all")
    repository = open_repository(repo, {})

    assert [local_branch.local_branch(repository, name) for name in ("feat", "login", "ma", "main2")] == [None] * 4
    assert asked == []


@pytest.mark.parametrize("made", ["refs/heads/feature/login", "reftable/tables.list"])
def test_git_is_asked_where_its_files_do_not_show_it(repo: Path, git: Git, asked: list[str], made: str) -> None:
    file = repo / ".git" / made
    file.parent.mkdir(parents=True)
    file.write_text(git(repo, "rev-parse", "HEAD") + "\n", "ascii")

    assert local_branch.local_branch(open_repository(repo, {}), "feature") is None
    assert asked == ["for-each-ref"]


def test_of_more_packed_refs_than_are_read_git_is_asked(
    repo: Path, git: Git, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repo, "branch", "feat")
    git(repo, "pack-refs", "--all")
    monkeypatch.setattr(local_branch, "_PACKED_BYTES_MAX", 10)

    assert local_branch.local_branch(open_repository(repo, {}), "feat") is not None
    assert asked == ["for-each-ref"]
