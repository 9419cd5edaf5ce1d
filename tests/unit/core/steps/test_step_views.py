"""Replies: the step and the project that an outcome speaks of."""

import pytest

from gitcoord.core.documents.outcomes import done, refused
from gitcoord.core.steps.step_views import STEP_FIELDS, documents, project_view, step_view
from tests.unit.core.play import BASE, COMMIT, OTHER_COMMIT, defined, play


def test_a_step_comes_with_where_its_dependencies_ended() -> None:
    game = play(defined(1, branch="f/1"), defined(2), defined(3), defined(4, 1, 2, 3))
    game.completed(1)
    game.completed(2, commit=OTHER_COMMIT)
    game.skipped(3)

    view = step_view(game.whole, game[4])

    given = {name: value for name, value in view.items() if value not in (None, [], "", 0, {})}
    assert set(STEP_FIELDS) <= view.keys()
    assert (view["paths"], view["files_modified"], view["notes"], view["checkpoint"]) == ([], [], None, {})
    assert given == {
        "id": "app/4",
        "step_num": 4,
        "depends_on": [1, 2, 3],
        "project": "app",
        "status": "not_started",
        "base": [
            {"step_num": 1, "branch": "f/1", "commit_hash": COMMIT},
            {"step_num": 2, "branch": None, "commit_hash": OTHER_COMMIT},
        ],
    }


def test_a_step_without_a_finished_dependency_starts_from_the_projects_base() -> None:
    game = play(defined(1), defined(2, 1))
    game.skipped(1)

    assert step_view(game.whole, game[2])["base_commit"] == BASE


def test_behind_a_skipped_step_is_what_that_waited_for() -> None:
    game = play(defined(1, branch="f/1"), defined(2, 1), defined(3, 2), defined(4, 3, 1))
    game.completed(1)
    game.skipped(2)
    game.skipped(3)

    view = step_view(game.whole, game[4])

    assert view["base"] == [{"step_num": 1, "branch": "f/1", "commit_hash": COMMIT}]
    assert "base_commit" not in view


def test_a_project_comes_with_its_counts() -> None:
    game = play(defined(1), defined(2), defined(3))
    game.completed(1)
    game.failed(2)

    view = project_view(game.whole)

    assert (view["status"], view["steps"]) == ("active", 3)
    assert view["counts"] == {"completed": 1, "failed": 1, "not_started": 1}


def test_a_done_outcome_speaks_of_its_step_or_of_the_project_and_a_refused_one_of_nothing() -> None:
    game = play(defined(1))

    assert documents(game.board, done("step_claimed", step_num=1))["project_status"] == "active"
    assert list(documents(game.board, done("project_aborted"))) == ["project"]
    assert documents(game.board, refused("held", "No.", step_num=1)) == {}
    assert documents(None, done("project_aborted")) == {}


@pytest.mark.rule("SEC-1")
def test_of_what_a_predecessor_left_only_what_gitcoord_writes_is_shown() -> None:
    game = play(defined(1))
    left = {"agent_id": "ann/cli/wt", "branch": "f/1", "notes": "two\nlines", "fence": 3}
    strange = {"next_step": "x", "notices": ["x"], "commit": "a\nb", "at": "\x1b[2J", "worktree": ["x"], "reason": 7}

    view = step_view(game.whole, game[1].evolve(checkpoint={**left, **strange, "clone": "c" * 2000}))

    assert view["checkpoint"] == left
