"""Landed: a branch is judged once, whatever is asked about it."""

from gitcoord.source.history.landed import DefaultLine, landed, on_own_line
from tests.conftest import Git, MakeRepo
from tests.unit.source.places import opened


def test_whether_a_branch_landed_and_what_it_may_have_brought_rest_on_the_same_look(
    make_repo: MakeRepo, git: Git
) -> None:
    repo = make_repo()
    git(repo, "branch", "feat")
    main = git(repo, "rev-parse", "main")
    line = DefaultLine(opened(repo), main)

    assert landed(line, "feat") is None
    git(repo, "branch", "--delete", "feat")

    assert [commit.id for commit in on_own_line(line, "feat", 0)] == [main]
    assert on_own_line(DefaultLine(opened(repo), main), "feat", 0) == []
