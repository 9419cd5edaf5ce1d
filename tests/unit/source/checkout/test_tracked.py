"""The tracked files: what is in the list, when it is read again, and how paths are spelled."""

import unicodedata
from pathlib import Path

import pytest

from gitcoord.errors import RepositoryError
from gitcoord.source.checkout.tracked import Tracked, TrackedFiles
from tests.conftest import Git, MakeRepo
from tests.unit.source.places import commit, commit_file, opened

COMPOSED = unicodedata.normalize("NFC", "größe/é.py")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo()


def test_tracked_files_are_sorted_and_those_beside_them_left_out(git: Git, repo: Path) -> None:
    commit_file(git, repo, "b/x y.py")
    commit_file(git, repo, "a.py")
    commit_file(git, repo, "b.py")
    (repo / "untracked.py").write_text("x\n")

    found = Tracked(opened(repo)).files()

    assert found.paths == tuple(sorted({"a.py", "b.py", "b/x y.py", *found.paths}))
    assert "b/x y.py" in found
    assert "untracked.py" not in found
    assert "b" not in found
    assert 3 not in found


def test_the_whole_worktree_is_listed_whoever_asks_from_where(git: Git, repo: Path) -> None:
    commit_file(git, repo, "a.py")
    commit_file(git, repo, "deep/b.py")

    assert {"a.py", "deep/b.py"} <= set(Tracked(opened(repo / "deep")).files().paths)


def test_names_of_any_kind_are_read(git: Git, repo: Path) -> None:
    commit_file(git, repo, 'with "quotes"\nand a break.py')
    commit_file(git, repo, "größe.py")
    commit_file(git, repo, b"caf\xe9.py")

    found = Tracked(opened(repo)).files()

    assert {'with "quotes"\nand a break.py', "größe.py", "caf\N{REPLACEMENT CHARACTER}.py"} <= set(found.paths)


def test_a_repository_without_an_index_tracks_nothing(git: Git, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "--quiet")
    tracked = Tracked(opened(tmp_path / "new"))

    assert tracked.files().paths == ()
    (tmp_path / "new" / "a").write_text("a\n")
    git(tmp_path / "new", "add", "a")
    assert tracked.files().paths == ("a",)


def test_the_list_is_read_again_when_the_index_changed_and_only_then(git: Git, repo: Path) -> None:
    commit(git, repo, "one", a__py="a\n")
    tracked = Tracked(opened(repo))
    first = tracked.files()
    (repo / "a.py").write_text("changed\n")
    assert first is tracked.files()

    git(repo, "mv", "a.py", "b.py")

    assert "b.py" in tracked.files()
    assert "a.py" not in tracked.files()


def test_a_linked_worktree_has_its_own_list(git: Git, repo: Path, tmp_path: Path) -> None:
    commit(git, repo, "one", a__py="a\n")
    git(repo, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    commit(git, tmp_path / "linked", "two", b__py="b\n")

    assert "b.py" in Tracked(opened(tmp_path / "linked")).files()
    assert "b.py" not in Tracked(opened(repo)).files()


@pytest.mark.parametrize("is_sparse_index", [False, True])
def test_files_that_sparse_checkout_left_out_are_tracked(git: Git, repo: Path, is_sparse_index: bool) -> None:
    commit_file(git, repo, "in/a.py")
    commit_file(git, repo, "out/deep/b.py")
    git(repo, "sparse-checkout", "set", "--cone", *(["--sparse-index"] if is_sparse_index else []), "in")
    assert not (repo / "out").exists()

    assert {"in/a.py", "out/deep/b.py"} <= set(Tracked(opened(repo)).files().paths)


def test_a_submodule_is_one_path(git: Git, repo: Path) -> None:
    tip = commit(git, repo, "base", a__py="a\n")
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{tip},vendor/lib")

    assert "vendor/lib" in Tracked(opened(repo)).files()


def test_a_path_in_conflict_is_listed_once(git: Git, repo: Path) -> None:
    commit(git, repo, "base", both__py="base\n")
    git(repo, "switch", "--quiet", "-c", "theirs")
    commit(git, repo, "theirs", both__py="theirs\n")
    git(repo, "switch", "--quiet", "-c", "ours", "HEAD~1")
    commit(git, repo, "ours", both__py="ours\n")
    git(repo, "-c", "alias.conflict=!git merge theirs || true", "conflict")
    assert len(git(repo, "ls-files", "--unmerged").splitlines()) == 3

    assert Tracked(opened(repo)).files().paths.count("both.py") == 1


def test_a_damaged_index_is_an_error_with_gits_words(git: Git, repo: Path) -> None:
    commit(git, repo, "one", a__py="a\n")
    (repo / ".git" / "index").write_bytes(b"not an index")

    with pytest.raises(RepositoryError, match=r"git cannot list the tracked files: .*index"):
        Tracked(opened(repo)).files()


@pytest.mark.parametrize(
    ("folds_case", "path", "expected"),
    [
        (True, "SRC/App.py", "src/app.py"),
        (True, "src/app.py", "src/app.py"),
        (True, "SRC/New.py", "src/New.py"),
        (True, "SRC", "src"),
        (True, "Other/New.py", "Other/New.py"),
        (True, DECOMPOSED.upper(), COMPOSED),
        (True, "README", "README"),
        (True, "readme", "readme"),
        (True, "ReadMe", "README"),
        (False, "SRC/App.py", "SRC/App.py"),
        (False, "src/App.py", "src/App.py"),
        (False, DECOMPOSED, COMPOSED),
        (False, unicodedata.normalize("NFD", "größe") + "/new.py", "größe/new.py"),
        (False, "", ""),
        (False, "/", "/"),
    ],
)
def test_a_path_is_spelled_as_in_the_index(folds_case: bool, path: str, expected: str) -> None:
    files = TrackedFiles(("README", COMPOSED, "readme", "src/app.py"), folds_case)

    assert expected == files.spelling(path)


def test_a_path_that_is_tracked_decomposed_keeps_that_spelling() -> None:
    files = TrackedFiles((DECOMPOSED,))

    assert DECOMPOSED == files.spelling(COMPOSED) == files.spelling(DECOMPOSED)


@pytest.mark.parametrize("says", ["true", "false"])
def test_the_repository_says_whether_case_counts(git: Git, repo: Path, says: str) -> None:
    commit(git, repo, "one", a__py="a\n")
    git(repo, "config", "core.ignorecase", says)

    assert ("a.py" if says == "true" else "A.py") == Tracked(opened(repo)).files().spelling("A.py")


def test_whether_case_counts_is_asked_again_when_the_configuration_changed_and_the_index(git: Git, repo: Path) -> None:
    commit(git, repo, "one", a__py="a\n")
    git(repo, "config", "core.ignorecase", "false")
    tracked = Tracked(opened(repo))
    assert tracked.files().spelling("A.py") == "A.py"

    git(repo, "config", "core.ignorecase", "true")
    commit(git, repo, "two", b__py="b\n")

    assert tracked.files().spelling("A.py") == "a.py"
