"""Commits: what a name means, what a commit changed, and which branch here has it."""

from pathlib import Path

import pytest

from gitcoord.errors import InvalidError
from tests.conftest import Git, MakeRepo
from tests.unit.source.places import HOSTILE, HOSTILE_IDS, commit, commit_file, opened

MISSING = "1" * 40


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo()


@pytest.fixture
def first(repo: Path, git: Git) -> str:
    return git(repo, "rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["HEAD", "main", "refs/heads/main", "@", "v1", "v2", "HEAD^{/first}", "main@{0}"])
def test_every_way_to_name_a_commit_gives_its_full_id(repo: Path, first: str, git: Git, name: str) -> None:
    git(repo, "tag", "v1")
    git(repo, "tag", "--annotate", "--message", "two", "v2")

    assert opened(repo).resolve_commit(name) == first


def test_an_abbreviation_that_is_unique_gives_the_full_id(repo: Path, first: str) -> None:
    assert opened(repo).resolve_commit(first[:8]) == first


def test_a_tree_is_not_a_commit(repo: Path) -> None:
    with pytest.raises(InvalidError, match="is not a commit of this repository"):
        opened(repo).resolve_commit("HEAD^{tree}")


@pytest.mark.parametrize("name", [MISSING, "0" * 40, "no-such-branch", "abcd", "HEAD~99"])
def test_an_unknown_commit_is_invalid_with_what_to_do(repo: Path, name: str) -> None:
    with pytest.raises(InvalidError, match="is not a commit of this repository") as caught:
        opened(repo).resolve_commit(name)

    assert caught.value.exit_status == 2
    assert "git rev-parse HEAD" in caught.value.hint


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("name", HOSTILE, ids=HOSTILE_IDS)
def test_a_hostile_name_is_no_commit_and_runs_nothing(repo: Path, name: str) -> None:
    with pytest.raises(InvalidError, match="is not a commit of this repository") as caught:
        opened(repo).resolve_commit(name)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200
    assert list(repo.glob("**/pwned")) == []


def test_a_shallow_clone_says_how_to_get_older_commits(make_repo: MakeRepo, git: Git) -> None:
    source = make_repo("source")
    old = git(source, "rev-parse", "HEAD")
    commit(git, source, "second")
    git(source.parent, "clone", "--quiet", "--depth=1", source.as_uri(), "shallow")

    with pytest.raises(InvalidError) as caught:
        opened(source.parent / "shallow").resolve_commit(old)

    assert "git fetch --unshallow" in caught.value.hint


@pytest.mark.parametrize("name", HOSTILE, ids=HOSTILE_IDS)
def test_a_hostile_id_is_no_commit_that_is_here(repo: Path, name: str) -> None:
    assert opened(repo).has_commit(name) is False


def test_an_id_of_a_blob_or_of_nothing_is_no_commit_that_is_here(repo: Path, first: str, git: Git) -> None:
    found = opened(repo)

    assert found.has_commit(first)
    assert not found.has_commit(git(repo, "rev-parse", "HEAD:README.md"))
    assert not found.has_commit(MISSING)
    assert not found.has_commit("1" * 64)


# --- changed files


def test_changed_files_are_those_since_the_base(repo: Path, first: str, git: Git) -> None:
    commit(git, repo, "second", a__py="1", b__py="1")
    tip = commit(git, repo, "third", b__py="2", README__md=None)

    assert opened(repo).changed_files(tip, [first]) == ["README.md", "a.py", "b.py"]


def test_nothing_changed_is_an_empty_list(repo: Path, first: str) -> None:
    assert opened(repo).changed_files(first, [first]) == []


def test_what_git_cannot_list_is_not_nothing(repo: Path, first: str, git: Git) -> None:
    tip = commit(git, repo, "second", a__py="1")
    tree = git(repo, "rev-parse", f"{tip}^{{tree}}")
    (repo / ".git" / "objects" / tree[:2] / tree[2:]).unlink()

    assert opened(repo).changed_files(tip, [first]) is None


def test_a_rename_counts_for_both_names(repo: Path, first: str, git: Git) -> None:
    git(repo, "config", "diff.renames", "true")
    git(repo, "mv", "README.md", "READ.md")

    assert opened(repo).changed_files(commit(git, repo, "rename"), [first]) == ["READ.md", "README.md"]


def test_the_work_of_what_was_merged_from_the_bases_does_not_count(repo: Path, first: str, git: Git) -> None:
    git(repo, "switch", "--quiet", "--create", "other")
    other = commit(git, repo, "other", other="1")
    git(repo, "switch", "--quiet", "--create", "mine", first)
    commit(git, repo, "mine", mine="1")
    git(repo, "merge", "--quiet", "--no-edit", "other")

    tip = git(repo, "rev-parse", "HEAD")

    assert opened(repo).changed_files(tip, [first, other]) == ["mine"]
    assert opened(repo).changed_files(tip, [first]) == ["mine", "other"]


def test_how_a_merge_resolved_a_conflict_counts(repo: Path, git: Git) -> None:
    base = commit(git, repo, "base", both="0\n", calm="0\n")
    git(repo, "switch", "--quiet", "--create", "left")
    left = commit(git, repo, "left", both="left\n", only_left="1")
    git(repo, "switch", "--quiet", "--create", "right", base)
    right = commit(git, repo, "right", both="right\n", only_right="1")
    git(repo, "merge", "--quiet", "--no-edit", "--strategy=ours", "left")
    (repo / "both").write_text("left and right\n", encoding="utf-8")
    git(repo, "commit", "--quiet", "--all", "--amend", "--no-edit")

    tip = git(repo, "rev-parse", "HEAD")

    assert opened(repo).changed_files(tip, [base, left, right]) == ["both"]


@pytest.mark.parametrize(
    "name", ["sp ace", "quo\"te'", "line\nbreak", "\nfirst", "ünï/cödé", "tab\t", "-x", "back\\slash", "\x1b[31m"]
)
def test_a_file_of_any_name_is_listed_as_it_is(repo: Path, first: str, git: Git, name: str) -> None:
    tip = commit_file(git, repo, name)

    assert opened(repo).changed_files(tip, [first]) == [name]


def test_a_name_that_is_not_utf8_is_listed_readably(repo: Path, first: str, git: Git) -> None:
    tip = commit_file(git, repo, b"caf\xe9")

    assert opened(repo).changed_files(tip, [first]) == ["caf\N{REPLACEMENT CHARACTER}"]


def test_a_base_that_is_missing_is_left_out(repo: Path, first: str, git: Git) -> None:
    tip = commit(git, repo, "second", a="1")

    assert opened(repo).changed_files(tip, [MISSING, first]) == ["a"]


def test_with_no_base_here_nothing_is_guessed(repo: Path, git: Git) -> None:
    tip = commit(git, repo, "second", a="1")

    assert opened(repo).changed_files(tip, [MISSING]) is None


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("base", HOSTILE, ids=HOSTILE_IDS)
def test_a_hostile_base_from_a_ledger_is_left_out(repo: Path, first: str, git: Git, base: str) -> None:
    tip = commit(git, repo, "second", a="1")

    assert opened(repo).changed_files(tip, [base, first]) == ["a"]
    assert list(repo.glob("**/pwned")) == []


# --- branches of this clone


def test_a_commit_is_on_the_branch_that_contains_it(repo: Path, first: str, git: Git) -> None:
    git(repo, "branch", "feat/login")
    tip = commit(git, repo, "second")

    found = opened(repo)

    assert found.is_in(first, found.refs_of("feat/login").values()) is True
    assert found.is_in(tip, found.refs_of("feat/login").values()) is False
    assert found.is_in(first, found.refs_of("main").values()) is True
    assert found.is_in(tip, [MISSING, "", "-x\n--all"]) is False


def test_a_branch_that_is_not_there_is_not_guessed(repo: Path, first: str, git: Git) -> None:
    git(repo, "branch", "feat/login")

    assert opened(repo).refs_of("nowhere") == {}
    assert opened(repo).refs_of("feat") == {}  # the folder of a branch is no branch


def test_a_remote_tracking_branch_counts(repo: Path, first: str, git: Git) -> None:
    git(repo, "update-ref", "refs/remotes/origin/feat/login", first)

    assert opened(repo).refs_of("feat/login") == {"refs/remotes/origin/feat/login": first}
    assert opened(repo).refs_of("login") == {}


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("name", HOSTILE, ids=HOSTILE_IDS)
def test_a_hostile_branch_of_a_ledger_is_no_branch(repo: Path, first: str, name: str) -> None:
    found = opened(repo)

    assert found.refs_of(name) == {}
    assert found.local_tip(name) is None
    assert found.branch_tip(name, str(repo)) is None
    assert list(repo.glob("**/pwned")) == []


def test_the_tip_of_a_branch_of_this_clone_comes_with_its_time(repo: Path, first: str, git: Git) -> None:
    git(repo, "branch", "feat/login")

    found = opened(repo).local_tip("feat/login")

    assert found is not None
    assert (found[0], int(found[1].timestamp())) == (first, int(git(repo, "show", "-s", "--format=%ct", first)))
    assert opened(repo).local_tip("feat") is None
