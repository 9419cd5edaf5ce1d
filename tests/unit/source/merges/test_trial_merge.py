"""Trial merges on real repositories: what conflicts, where, and that nothing of the user's changes."""

import time
from pathlib import Path

import pygit2
import pytest

from gitcoord.errors import RepositoryError
from gitcoord.source.merges.broken_references import BYTES_MAX, Trouble, troubles
from gitcoord.source.merges.trial_merge import Conflict, Kind, conflicts
from gitcoord.source.merges.trial_repository import Side, Trial, trial
from gitcoord.source.symbols.definitions import FILE_BYTES_MAX, DefinitionReader
from tests.conftest import AddWorktree, Git, MakeBare, MakeRepo
from tests.unit.source.places import commit, opened

BASE = """\
import os


def first():
    return 1


def second():
    return first()


class Box:
    def open(self):
        return 2

    def close(self):
        return 3
"""


@pytest.fixture
def repo(make_repo: MakeRepo, git: Git) -> Path:
    repo = make_repo()
    commit(git, repo, "base", a__py=BASE)
    return repo


def branch(git: Git, repo: Path, name: str, **files: str | None) -> str:
    git(repo, "switch", "--quiet", "--create", name, "main")
    done = commit(git, repo, name, **files)
    git(repo, "switch", "--quiet", "main")
    return done


def sides(place: Trial, *names: str) -> list[Side]:
    found = {side.name: side for side in place.sides(names)}
    return [found[name] for name in names]


def merged(repo: Path, *names: str) -> tuple[tuple[Conflict, ...], tuple[Trouble, ...]]:
    with trial(opened(repo)) as place:
        ours, theirs = sides(place, *names)
        git_repo = place.objects
        base = git_repo[git_repo.merge_base(ours.commit, theirs.commit)].peel(pygit2.Tree).id
        trees = (base, git_repo[ours.tree].id, git_repo[theirs.tree].id)
        reader = DefinitionReader(time.monotonic)
        found = conflicts(git_repo, *trees, reader)
        return found, troubles(git_repo, trees, reader, [one.path for one in found])


def state(git: Git, repo: Path) -> list[object]:
    """Return all of the user's repository that a look could change: refs, objects, index, what is checked out."""
    objects = sorted(str(path) for path in (repo / ".git").rglob("*") if path.is_file())
    index = (repo / ".git" / "index").stat()
    return [
        objects,
        index.st_mtime_ns,
        (repo / ".git" / "index").read_bytes(),
        git(repo, "--no-optional-locks", "status", "--porcelain"),
    ]


def test_branches_that_touch_other_places_merge(git: Git, repo: Path) -> None:
    branch(git, repo, "one", a__py=BASE.replace("return 1", "return 10"))
    branch(git, repo, "two", a__py=BASE.replace("return 3", "return 30"), b__py="x = 1\n")

    assert merged(repo, "one", "two") == ((), ())


def test_a_conflict_names_lines_and_symbols_of_both_sides(git: Git, repo: Path) -> None:
    branch(git, repo, "one", a__py=BASE.replace("        return 3", "        return 30\n        # more"))
    branch(git, repo, "two", a__py="# top\n" + BASE.replace("return 3", "return 31"))

    [found], _ = merged(repo, "one", "two")

    assert found == Conflict("a.py", Kind.CONTENT, ((17, 18),), ((18, 18),), ("Box::close",))


def test_the_same_change_on_both_sides_is_no_conflict_beside_one_that_is(git: Git, repo: Path) -> None:
    same = BASE.replace("return 1", "return 10")
    branch(git, repo, "one", a__py=same.replace("return 3", "return 30"))
    branch(git, repo, "two", a__py=same.replace("return 3", "return 31"))

    [found], _ = merged(repo, "one", "two")

    assert (found.ours_lines, found.symbols) == (((17, 17),), ("Box::close",))


def test_a_file_that_both_added_conflicts(git: Git, repo: Path) -> None:
    branch(git, repo, "one", b__py="def f():\n    return 1\n")
    branch(git, repo, "two", b__py="def f():\n    return 2\n")

    [found], _ = merged(repo, "one", "two")

    assert (found.path, found.kind, found.symbols) == ("b.py", Kind.BOTH_ADDED, ("f",))
    assert found.ours_lines == found.theirs_lines == ((2, 2),)


@pytest.mark.parametrize(("order", "is_ours"), [(("one", "two"), False), (("two", "one"), True)])
def test_deleted_here_and_changed_there_conflicts(git: Git, repo: Path, order: tuple[str, str], is_ours: bool) -> None:
    branch(git, repo, "one", a__py=None)
    branch(git, repo, "two", a__py=BASE.replace("return 1", "return 10"))

    [found], _ = merged(repo, *order)

    assert (found.path, found.kind, found.symbols) == ("a.py", Kind.DELETED, ("first",))
    assert (found.ours_lines, found.theirs_lines) == ((((5, 5),), ()) if is_ours else ((), ((5, 5),)))


def test_a_renamed_file_meets_its_changes(git: Git, repo: Path) -> None:
    branch(git, repo, "one", a__py=None, moved__py=BASE.replace("return 1", "return 10"))
    branch(git, repo, "two", a__py=BASE.replace("return 1", "return 11"))
    branch(git, repo, "three", a__py=BASE.replace("return 3", "return 30"))

    [found], _ = merged(repo, "one", "two")

    assert (found.path, found.theirs_path, found.kind) == ("moved.py", "a.py", Kind.CONTENT)
    assert found.symbols == ("first",)
    assert merged(repo, "one", "three")[0] == ()


def test_a_file_renamed_in_two_ways_conflicts(git: Git, repo: Path) -> None:
    branch(git, repo, "one", a__py=None, one__py=BASE)
    branch(git, repo, "two", a__py=None, two__py=BASE)

    [found], _ = merged(repo, "one", "two")

    assert found == Conflict("one.py", Kind.RENAMED, theirs_path="two.py")


def test_binary_files_conflict_without_lines(git: Git, repo: Path) -> None:
    for name, text in (("one", "\0one"), ("two", "\0two")):
        branch(git, repo, name, logo__bin=text)

    [found], _ = merged(repo, "one", "two")

    assert found == Conflict("logo.bin", Kind.BINARY)


def test_a_file_that_became_a_link_conflicts_by_its_type(git: Git, repo: Path) -> None:
    git(repo, "switch", "--quiet", "--create", "one")
    (repo / "a.py").unlink()
    (repo / "a.py").symlink_to("README.md")
    git(repo, "commit", "--quiet", "--all", "--message", "link")
    git(repo, "switch", "--quiet", "main")
    branch(git, repo, "two", a__py=BASE.replace("return 1", "return 10"))

    found, _ = merged(repo, "one", "two")

    assert Kind.TYPE in {one.kind for one in found}


def test_a_removed_function_that_the_other_side_newly_calls_is_trouble(git: Git, repo: Path) -> None:
    branch(git, repo, "one", a__py=BASE.replace("def first():\n    return 1\n\n\n", "").replace("first()", "1"))
    branch(git, repo, "two", b__py="from a import first\n\n\ndef third():\n    return first() + 1\n")

    found, [trouble] = merged(repo, "one", "two")

    assert found == ()
    assert trouble == Trouble("a.py", "first", "", "b.py", (1, 5), is_edit=False, by_ours=True)


def test_a_renamed_function_is_told_with_its_new_name_whoever_renamed(git: Git, repo: Path) -> None:
    branch(git, repo, "one", b__py="from a import second\n")
    branch(git, repo, "two", a__py=BASE.replace("second", "newer"))

    _, [trouble] = merged(repo, "one", "two")

    assert (trouble.symbol, trouble.became, trouble.used_in, trouble.by_ours) == ("second", "newer", "b.py", False)


def test_a_moved_function_is_told_with_where_it_is(git: Git, repo: Path) -> None:
    text = "def second():\n    return first()\n"
    branch(git, repo, "one", a__py=BASE.replace(text, ""), c__py=f"from a import first\n\n\n{text}")
    branch(git, repo, "two", b__py="from a import second\n")

    _, [trouble] = merged(repo, "one", "two")

    assert trouble.became == "c.py:second"


@pytest.mark.rule("SEC-4")
def test_thousands_of_renamed_functions_are_compared_only_where_one_is_used(git: Git, repo: Path) -> None:
    text = "".join(f"def old{number}():\n    return {number}\n" for number in range(3000))
    commit(git, repo, "generated", gen__py=text)
    branch(git, repo, "one", gen__py=text.replace("def old", "def new"))  # all pairs would take an hour
    branch(git, repo, "two", b__py="from gen import old7\n")

    _, [trouble] = merged(repo, "one", "two")

    assert (trouble.symbol, trouble.became, trouble.used_in) == ("old7", "new7", "b.py")


@pytest.mark.rule("SEC-4")
def test_a_side_that_changed_more_than_is_read_is_not_looked_into(git: Git, repo: Path) -> None:
    names = [f"f{number}__py" for number in range(BYTES_MAX // FILE_BYTES_MAX + 1)]
    branch(git, repo, "one", a__py="", **dict.fromkeys(names, "#" * (FILE_BYTES_MAX - 1) + "\n"))
    branch(git, repo, "two", b__py="from a import first\n")

    assert merged(repo, "one", "two") == ((), ())


def test_an_edit_of_what_the_other_side_renamed_is_trouble_though_it_merges(git: Git, repo: Path) -> None:
    body = "".join(f"    step_{n} = {n}\n" for n in range(12))
    commit(git, repo, "long", long__py=f"def work():\n{body}")
    branch(git, repo, "one", long__py=f"def toil():\n{body}")
    branch(git, repo, "two", long__py=f"def work():\n{body}".replace("step_9 = 9", "step_9 = 10"))

    found, [trouble] = merged(repo, "one", "two")

    assert found == ()
    assert (trouble.symbol, trouble.became, trouble.is_edit) == ("work", "toil", True)


def test_a_common_name_of_a_member_is_no_trouble_without_its_owner(git: Git, repo: Path) -> None:
    branch(git, repo, "one", a__py=BASE.replace("    def open(self):\n        return 2\n\n", ""))
    branch(git, repo, "two", b__py="with open('x') as file:\n    pass\n")
    branch(git, repo, "three", b__py="from a import Box\n\nBox().open()\n")

    assert merged(repo, "one", "two") == ((), ())
    assert [one.symbol for one in merged(repo, "one", "three")[1]] == ["Box::open"]


def test_what_the_other_side_declares_itself_or_removed_too_is_no_trouble(git: Git, repo: Path) -> None:
    less = BASE.replace("def first():\n    return 1\n\n\n", "").replace("first()", "1")
    branch(git, repo, "one", a__py=less)
    branch(git, repo, "two", b__py="def first():\n    return 5\n\n\nfirst()\n")
    branch(git, repo, "three", a__py=less, b__py="first = 3\nprint(first)\n")

    assert merged(repo, "one", "two")[1] == ()
    assert merged(repo, "one", "three")[1] == ()


def test_prose_and_other_languages_use_nothing(git: Git, repo: Path) -> None:
    branch(git, repo, "one", a__py=BASE.replace("def first():\n    return 1\n\n\n", "").replace("first()", "1"))
    branch(git, repo, "two", notes__md="call first()\n", b__js="first();\n")

    assert merged(repo, "one", "two") == ((), ())


def test_a_worktree_counts_with_what_is_not_committed_and_stays_as_it_is(
    git: Git, repo: Path, add_worktree: AddWorktree
) -> None:
    other = add_worktree(repo, "wt")
    (other / "a.py").write_text(BASE.replace("return 3", "return 31"))
    (other / "new.py").write_text("x = 1\n")
    (repo / ".git" / "info" / "exclude").write_text("*.log\n")
    (other / "build.log").write_text("x\n")
    (other / "huge.py").write_text("x = 1\n" * 100_000)
    git(other, "rm", "--quiet", "--cached", "README.md")
    branch(git, repo, "one", a__py=BASE.replace("return 3", "return 30"), new__py="x = 2\n")
    before = state(git, repo)

    found, _ = merged(repo, "one", "wt")

    assert [(one.path, one.kind) for one in found] == [("a.py", Kind.CONTENT), ("new.py", Kind.BOTH_ADDED)]
    assert state(git, repo) == before
    with trial(opened(repo)) as place:
        [side] = sides(place, "wt")
        assert (side.worktree, side.dirty) == (str(other), True)
        names = [entry.name for entry in place.objects[side.tree].peel(pygit2.Tree)]
        assert names == ["README.md", "a.py", "new.py"]


def test_a_worktree_in_the_middle_of_a_merge_is_read_as_its_files_are(git: Git, repo: Path) -> None:
    one = branch(git, repo, "one", a__py=BASE.replace("return 3", "return 30"))
    commit(git, repo, "mine", a__py=BASE.replace("return 3", "return 31"))
    git(repo, "read-tree", "-m", "-i", "HEAD~1", "HEAD", one)

    with trial(opened(repo)) as place:
        [side] = sides(place, "main")

    assert place.notes == []
    assert side.dirty is False


def test_a_detached_worktree_is_called_by_its_folder_and_commit(
    git: Git, repo: Path, add_worktree: AddWorktree
) -> None:
    other = add_worktree(repo, "wt")
    git(other, "switch", "--quiet", "--detach")

    with trial(opened(repo)) as place:
        assert {side.name for side in place.worktrees()} == {"main", f"wt@{git(repo, 'rev-parse', 'wt')[:7]}"}


def test_a_worktree_whose_folder_is_gone_and_a_branch_that_is_nowhere_are_passed_over(
    git: Git, repo: Path, add_worktree: AddWorktree, tmp_path: Path
) -> None:
    add_worktree(repo, "wt").rename(tmp_path / "elsewhere")

    with trial(opened(repo)) as place:
        assert [side.name for side in place.sides(["nope"])] == ["main"]
        assert place.missing == ["nope"]


def test_branches_that_only_the_remote_has_are_brought_and_leave_nothing(
    git: Git, repo: Path, make_bare: MakeBare, tmp_path: Path
) -> None:
    remote = make_bare()
    git(repo, "push", "--quiet", str(remote), "main")
    git(tmp_path, "clone", "--quiet", str(remote), "other")
    git(tmp_path / "other", "switch", "--quiet", "--create", "far")
    tip = commit(git, tmp_path / "other", "far", a__py=BASE.replace("return 3", "return 30"))
    git(tmp_path / "other", "push", "--quiet", "origin", "far")
    before = state(git, repo)

    with trial(opened(repo)) as place:
        found = {side.name: side.commit for side in place.sides(["far", "nope"], str(remote))}

    assert found["far"] == tip
    assert state(git, repo) == before


def test_a_remote_that_does_not_answer_leaves_what_was_fetched_last(git: Git, repo: Path) -> None:
    tip = branch(git, repo, "one", b__py="x = 1\n")
    git(repo, "update-ref", "refs/remotes/origin/far", tip)

    with trial(opened(repo)) as place:
        found = {side.name: side.commit for side in place.sides(["far"], str(repo / "nowhere"))}

    assert found["far"] == tip
    assert "does not answer" in place.notes[0]


def test_the_newest_of_a_branch_counts(git: Git, repo: Path) -> None:
    old = git(repo, "rev-parse", "main")
    new = branch(git, repo, "one", b__py="x = 1\n")
    git(repo, "update-ref", "refs/remotes/origin/one", new)
    git(repo, "update-ref", "refs/heads/one", old)

    with trial(opened(repo)) as place:
        assert sides(place, "one")[0].commit == new


def test_the_place_is_removed_at_the_end(repo: Path) -> None:
    with trial(opened(repo)) as place:
        folder = place.folder
        assert folder.is_dir()

    assert not folder.exists()


def test_what_libgit2_cannot_read_is_said(make_repo: MakeRepo) -> None:
    repo = make_repo("big", object_format="sha256")

    with pytest.raises(RepositoryError, match="sha256"), trial(opened(repo)):
        pass
