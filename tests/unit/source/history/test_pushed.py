"""What was pushed of a branch: git is asked once, whatever is looked for."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gitcoord.source.checkout.repository import open_repository
from gitcoord.source.history.pushed import Sought, last_pushed
from tests.conftest import Git, MakeRepo
from tests.git_calls import GitCalls
from tests.unit.service.world import commit_on


def test_all_that_is_looked_for_on_a_branch_is_found_by_one_look(make_repo: MakeRepo, git: Git, tmp_path: Path) -> None:
    repo = make_repo()
    git(repo, "update-ref", "refs/remotes/origin/main", "main")
    older = commit_on(git, repo, "feat", **{"a.py": "1\n", "b.py": "1\n"})
    (repo / "b.py").write_text("2\n", "utf-8")
    git(repo, "commit", "--quiet", "--all", "--message", "b")
    newer = git(repo, "rev-parse", "HEAD")
    git(repo, "update-ref", "refs/remotes/origin/feat", "feat")
    calls = GitCalls(tmp_path / "calls", os.environ)
    repository = open_repository(repo, calls.env)
    calls.taken()
    past = datetime.now(UTC) - timedelta(hours=1)

    found = last_pushed(
        repository,
        "feat",
        {
            "a": Sought(past, lambda path: path == "a.py"),
            "b": Sought(past, lambda path: path == "b.py"),
            "other": Sought(past, lambda path: path == "other.py"),
            "later": Sought(past + timedelta(hours=2), lambda path: path == "a.py"),
        },
    )

    assert found == {"a": older, "b": newer}
    assert calls.taken() == ["for-each-ref", "for-each-ref", "log"]
    assert last_pushed(repository, "elsewhere", {"a": Sought(past, lambda _: True)}) == {}
    assert calls.taken() == ["for-each-ref"]
