"""Changes: files, lines and commits of real ranges, with names and histories that are meant to confuse."""

import subprocess
import sys
from pathlib import Path

import pytest

from gitcoord.errors import RepositoryError
from gitcoord.source.history.changed_lines import Lines, changed_lines
from gitcoord.source.history.changes import (
    Range,
    blobs,
    changed_files,
    commits_of,
    empty_tree,
    files_by_commit,
    merge_bases,
    own_range,
    sizes,
)
from tests.conftest import Clone, Git, MakeRepo
from tests.unit.source.places import commit, commit_file, opened

STANDARD_ONLY = """
import sys
import gitcoord.core.checks.verdict, gitcoord.source.history.changes, gitcoord.source.history.changed_lines
heavy = {"filelock", "mcp", "pydantic", "pygit2", "rich", "ruamel", "tomlkit", "tree_sitter", "typer"}
sys.exit(", ".join(sorted(heavy & sys.modules.keys())) or 0)
"""


def found(repo: Path, base: str, head: str | None = "HEAD") -> dict[str, str]:
    return {one.path: one.status for one in changed_files(opened(repo), Range((base,), head))}


def lines(repo: Path, base: str, head: str | None = "HEAD") -> dict[str, Lines]:
    what = Range((base,), head)
    return changed_lines(opened(repo), what, changed_files(opened(repo), what))


def test_what_hooks_need_is_the_standard_library_alone() -> None:
    done = subprocess.run([sys.executable, "-c", STANDARD_ONLY], capture_output=True, encoding="utf-8", check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_rename_counts_for_both_names_and_a_change_of_mode_is_one(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = commit(git, repo, "a", a__py="a = 1\n" * 20, b__py="b\n", c__py="c\n", d__py="d\n")
    git(repo, "config", "diff.renames", "true")
    git(repo, "mv", "a.py", "z.py")
    (repo / "b.py").chmod(0o755)
    (repo / "c.py").unlink()
    (repo / "c.py").symlink_to("b.py")
    (repo / "d.py").unlink()
    head = commit(git, repo, "b", new__py="n\n")

    files = {one.path: one for one in changed_files(opened(repo), Range((base,), head))}

    assert {name: one.status for name, one in files.items()} == {
        "a.py": "D", "z.py": "A", "b.py": "M", "c.py": "T", "d.py": "D", "new.py": "A",
    }  # fmt: skip
    assert [one.path for one in files.values() if one.is_mode_only] == ["b.py"]
    assert sorted(one.path for one in files.values() if not one.is_content) == ["c.py"]


@pytest.mark.parametrize(
    "name",
    [
        "a\nb.py",
        'a"b.py',
        "\x1b[31mred.py",
        " blank ",
        "-option",
        ":(glob)*",
        "tab\there",
        "ünï.py",
        "a\\b",
        "\x01" * 9,
        "\nfirst",
    ],
    ids=[
        "newline",
        "quote",
        "escape",
        "blank",
        "option",
        "pathspec",
        "tab",
        "unicode",
        "backslash",
        "mark",
        "newline-first",
    ],
)
def test_a_name_is_read_as_git_has_it(make_repo: MakeRepo, git: Git, name: str) -> None:
    repo = make_repo()
    base = git(repo, "rev-parse", "HEAD")
    head = commit_file(git, repo, name, "one\ntwo\n")

    assert found(repo, base) == {name: "A"}
    assert lines(repo, base) == {name: Lines((), ((1, 2),), 1)}
    assert dict(files_by_commit(opened(repo), head, [base])) == {head: [name]}


def test_a_name_that_is_no_text_is_kept_as_bytes(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = git(repo, "rev-parse", "HEAD")
    commit_file(git, repo, b"caf\xe9.py", "one\n")

    [one] = changed_files(opened(repo), Range((base,), "HEAD"))

    assert (one.path, one.name) == ("caf\N{REPLACEMENT CHARACTER}.py", b"caf\xe9.py")
    assert lines(repo, base) == {one.path: Lines((), ((1, 1),), 1)}


def test_lines_are_told_for_both_sides(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = commit(git, repo, "a", a__py="1\n2\n3\n4\n5\n", b__py="1\n2\n", gone__py="1\n2\n")
    commit(git, repo, "b", a__py="1\nX\nY\n3\n5\nEND\n", b__py="2\n", gone__py=None, new__py="1\n")

    assert lines(repo, base) == {
        "a.py": Lines(((2, 2), (4, 4)), ((2, 3), (6, 6)), 2),
        "b.py": Lines(((1, 1),), (), 1),
        "gone.py": Lines(((1, 2),), (), 1),
        "new.py": Lines((), ((1, 1),), 1),
    }


def test_lines_that_look_like_a_patch_are_content(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    evil = "++ b/x\ndiff --git a/x b/x\n@@ -1,9 +1,9 @@\nindex " + "0" * 40 + ".." + "1" * 40 + "\n"
    base = commit(git, repo, "a", a__py=evil, z__py="z\n")
    commit(git, repo, "b", a__py="-- a/x\n" + evil * 2, z__py="y\n")

    changed = lines(repo, base)

    assert changed["z.py"] == Lines(((1, 1),), ((1, 1),), 1)
    assert sum(end - start + 1 for start, end in changed["a.py"].new) == 5


def test_binary_large_and_linked_files_have_no_lines(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = commit(git, repo, "a", a__txt="1\n", big__txt="1\n")
    (repo / "a.txt").write_bytes(b"\0\1")
    (repo / "link").symlink_to("a.txt")
    commit(git, repo, "b", big__txt="x\n" * 300_000)

    assert sorted(found(repo, base)) == ["a.txt", "big.txt", "link"]
    assert lines(repo, base) == {}


def test_a_submodule_is_a_change(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = git(repo, "rev-parse", "HEAD")
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{base},vendor/lib")
    git(repo, "commit", "--quiet", "--message", "submodule")
    git(repo, "config", "diff.ignoreSubmodules", "all")

    assert found(repo, base) == {"vendor/lib": "A"}
    assert lines(repo, base) == {}


def test_what_is_staged_is_a_range_too(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    (repo / "README.md").write_text("# A project\nmore\n")
    (repo / "new.py").write_text("x\n")
    git(repo, "add", "README.md")

    assert found(repo, "HEAD", None) == {"README.md": "M"}
    assert lines(repo, "HEAD", None) == {"README.md": Lines((), ((2, 2),), 2)}


def test_own_work_leaves_out_what_came_from_the_integration_branch(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    git(repo, "switch", "--quiet", "--create", "feat")
    mine = commit(git, repo, "mine", mine__py="1\n")
    git(repo, "switch", "--quiet", "main")
    commit(git, repo, "theirs", theirs__py="1\n")
    git(repo, "switch", "--quiet", "feat")
    git(repo, "merge", "--quiet", "--no-edit", "main")

    what = own_range(opened(repo), "main", "feat")

    assert what is not None
    assert [one.path for one in changed_files(opened(repo), what)] == ["mine.py"]
    walked = [one.id for one in commits_of(opened(repo), "feat", ["main"])]
    assert walked[-1] == mine
    assert len(walked) == 2
    assert dict(files_by_commit(opened(repo), "feat", ["main"])) == {walked[0]: [], mine: ["mine.py"]}


def test_with_two_merge_bases_a_change_differs_from_both(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    for name in ("one", "two"):
        git(repo, "switch", "--quiet", "--create", name, "main")
        commit(git, repo, name, **{f"{name}__py": "1\n"})
    git(repo, "branch", "was", "one")
    git(repo, "switch", "--quiet", "one")
    git(repo, "merge", "--quiet", "--no-edit", "two")
    git(repo, "switch", "--quiet", "two")
    git(repo, "merge", "--quiet", "--no-edit", "was")
    commit(git, repo, "own", own__py="1\n")

    what = own_range(opened(repo), "one", "two")

    assert what is not None
    assert len(what.bases) == 2
    assert [one.path for one in changed_files(opened(repo), what)] == ["own.py"]


def test_the_first_commit_of_all_is_compared_with_nothing(make_repo: MakeRepo) -> None:
    repo = make_repo()

    what = own_range(opened(repo), None, "HEAD")

    assert what is not None
    assert what == Range((empty_tree(opened(repo)),), "HEAD")
    assert found(repo, what.bases[0]) == {"README.md": "A"}


def test_branches_without_a_common_commit_have_no_range(make_repo: MakeRepo, clone: Clone, git: Git) -> None:
    repo = make_repo()
    git(repo, "switch", "--quiet", "--orphan", "alone")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "alone")

    assert merge_bases(opened(repo), "main", "alone") == ()
    assert own_range(opened(repo), "main", "alone") is None


def test_a_commit_has_its_trailers_and_nothing_that_only_looks_like_them(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = git(repo, "rev-parse", "HEAD")
    body = "Coord-Step: not/1\n\nCoord-Step: app/3\nCoord-Fence: 2\nCoord-Agent: ann/cli/wt\nCoord-Agent: bob/cli/wt"
    commit(git, repo, f"work\n\n{body}", a__py="1\n")

    [one] = commits_of(opened(repo), "HEAD", [base])

    assert (one.steps, one.fences, one.agents) == (("app/3",), ("2",), ("ann/cli/wt", "bob/cli/wt"))
    assert (one.parents, one.author) == ((base,), "Test Author <author@example.invalid>")


def test_a_commit_that_is_not_here_is_an_error_that_says_so(make_repo: MakeRepo) -> None:
    repo = make_repo()

    with pytest.raises(RepositoryError, match="git cannot say what changed: "):
        found(repo, "1" * 40)


def test_contents_are_read_by_id_and_what_is_missing_is_left_out(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    one = git(repo, "rev-parse", "HEAD:README.md")

    assert blobs(opened(repo), [one, "1" * 40, "0" * 40]) == {one: b"# A project\n"}
    assert sizes(opened(repo), [one, "1" * 40, "0" * 40]) == {one: 12}


def test_a_hundred_thousand_files_are_listed(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    base = git(repo, "rev-parse", "HEAD")
    blob = git(repo, "rev-parse", "HEAD:README.md")
    rows = "".join(f"100644 {blob}\td{number // 500}/f{number}.py\n" for number in range(100_000))
    subprocess.run(["git", "update-index", "--index-info"], cwd=repo, input=rows.encode(), check=True, timeout=60)
    git(repo, "commit", "--quiet", "--message", "many")

    changed = changed_files(opened(repo), Range((base,), "HEAD"))

    assert len(changed) == 100_000
    assert len(next(names for _, names in files_by_commit(opened(repo), "HEAD", [base]))) == 100_000
