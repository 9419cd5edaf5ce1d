"""The default branch of a clone: which one it is, what it is called, and where work left it."""

from pathlib import Path

from gitcoord.source.checkout.default_branch import default_tip, fork_point
from tests.conftest import Git, MakeRepo
from tests.unit.source.places import commit, opened


def named(repo: Path) -> tuple[str, str] | None:
    """Return the ref of the default branch and its name."""
    tip = default_tip(opened(repo))
    return (tip.ref, tip.name) if tip else None


def test_what_origin_s_head_names_comes_before_main_and_what_is_here_last(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    first = commit(git, repo, "one", a__py="1\n")
    git(repo, "branch", "--move", "work")
    alone = named(repo)
    git(repo, "branch", "master")
    local = named(repo)
    git(repo, "update-ref", "refs/remotes/origin/main", first)
    without = named(repo)
    git(repo, "update-ref", "refs/remotes/origin/rel/2", first)
    git(repo, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/rel/2")

    assert (alone, local) == (None, ("refs/heads/master", "master"))
    assert without == ("refs/remotes/origin/main", "main")
    assert named(repo) == ("refs/remotes/origin/rel/2", "rel/2")


def test_work_left_the_default_branch_where_its_own_line_was_last_in_its_history(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    git(repo, "branch", "--move", "main")
    start = commit(git, repo, "one", a__py="1\n")
    git(repo, "switch", "--quiet", "--create", "work")
    work = commit(git, repo, "two", b__py="1\n")
    git(repo, "switch", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "--no-edit", "work")
    later = commit(git, repo, "three", c__py="1\n")
    here = opened(repo)

    assert [fork_point(here, at, "work") for at in (work, later, start)] == [start, None, None]
    assert fork_point(here, work, "main") is None
