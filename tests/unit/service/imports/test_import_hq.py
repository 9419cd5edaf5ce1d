"""Importing from hq: all that is chosen is checked before the first write, and lands with one commit a project."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gitcoord.errors import CoordError, InvalidError, RefusedError, UnreachableError
from gitcoord.ledger.format.entry import Reply, failed
from gitcoord.service.imports.import_hq import import_hq
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import projects, step_views, step_work
from tests.conftest import Git
from tests.foreign import HQ_TABLES, change, database, fill, hq_rows, step
from tests.unit.service.world import Agents, Shared, project, says, seen, tips


@pytest.fixture
def head(git: Git, repo: Path) -> str:
    return git(repo, "rev-parse", "HEAD")


@pytest.fixture
def file(tmp_path: Path, head: str) -> Path:
    return database(tmp_path / "hq.db", HQ_TABLES, hq_rows(head, head[:10]))


def add(file: Path, name: str, base: str, *rows: dict[str, object], **fields: object) -> None:
    """Add another project to a file; its steps have ids of their own."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        made = connection.execute("SELECT count(*) + 1 FROM projects").fetchone()[0]
        fill(connection, {"projects": [{"id": made, "name": name, "base_commit": base, **fields}]})
        found = [{**one, "project_id": made, "id": 100 * made + number} for number, one in enumerate(rows)]
        fill(connection, {"steps": found})


def refused(workspace: Workspace, file: Path, **options: object) -> CoordError:
    """Import what cannot be, and see that nothing of it was written."""
    before = tips(workspace)
    with pytest.raises(CoordError) as caught:
        import_hq(workspace, file=file, **options)  # pyright: ignore[reportArgumentType]
    assert tips(workspace) == before
    says(caught.value)
    return caught.value


@pytest.mark.rule("IMPORT-1")
def test_what_was_done_there_is_done_here_and_the_work_goes_on(ann: Workspace, file: Path, head: str) -> None:
    result = seen(import_hq(ann, file=file))

    assert result["projects"] == [
        {
            "name": "shop",
            "state": "imported",
            "status": "active",
            "steps": 5,
            "counts": {"completed": 2, "not_started": 2, "failed": 1},
            "was_held": [3],
        }
    ]
    whole = seen(projects.get_project(ann, name="shop"))
    assert (whole["project"]["base_commit"], whole["project"]["created_at"]) == (head, "2026-01-18T10:00:00.000Z")
    assert whole["available"] == [3]
    one = seen(step_views.get_step(ann, step_id="shop/1"))["step"]
    assert (one["status"], one["commit_hash"], one["agent_id"]) == ("completed", head, "agent-1")
    assert (one["files_modified"], one["notes"]) == (["src/a.py", "src/b.py"], "all of it")
    assert (one["claimed_at"], one["completed_at"]) == ("2026-01-18T10:30:00.000Z", "2026-01-18T11:30:00.000Z")


@pytest.mark.rule("IMPORT-1")
def test_a_step_that_somebody_held_there_is_open_with_what_they_left(ann: Workspace, file: Path) -> None:
    import_hq(ann, file=file)

    step = seen(step_work.claim_step(ann, project="shop"))["step"]

    assert (step["id"], step["fence"], step["attempts"]) == ("shop/3", 1, 2)
    assert step["checkpoint"] == {
        "agent_id": "agent-1",
        "branch": "step3/x",
        "notes": "half",
        "reason": "it was in_progress in hq",
        "worktree": "/w/3",
        "at": "2026-01-18T11:00:00.000Z",
    }
    assert [one["commit_hash"] is not None for one in step["base"]] == [True, True]


@pytest.mark.rule("STEP-8")
def test_what_failed_there_blocks_until_it_is_taken_by_its_number(ann: Workspace, file: Path) -> None:
    import_hq(ann, file=file)

    failed_step = seen(step_views.get_step(ann, step_id="shop/4"))["step"]
    taken = seen(step_work.claim_step(ann, step_id="shop/4"))["step"]

    assert (failed_step["status"], failed_step["reason"]) == ("failed", "no way")
    assert (taken["status"], taken["checkpoint"]["reason"]) == ("claimed", "no way")


def test_a_dry_run_says_what_would_come_and_writes_nothing(ann: Workspace, file: Path) -> None:
    before = tips(ann)

    result = seen(import_hq(ann, file=file, dry_run=True))

    assert [one["state"] for one in result["projects"]] == ["new"]
    assert tips(ann) == before


@pytest.mark.rule("IMPORT-3")
def test_the_same_import_again_changes_nothing(ann: Workspace, agents: Agents, repo: Path, file: Path) -> None:
    import_hq(ann, file=file)
    before = tips(ann)

    result = seen(import_hq(agents(repo, "bob/cli/wt"), file=file))

    assert [one["state"] for one in result["projects"]] == ["already"]
    assert tips(ann) == before


@pytest.mark.rule("IMPORT-3")
def test_a_project_that_has_gone_on_is_refused_by_name_with_all_others(ann: Workspace, file: Path, head: str) -> None:
    import_hq(ann, file=file)
    step_work.claim_step(ann, project="shop")
    add(file, "other", head, step(1))
    before = tips(ann)

    result = seen(import_hq(ann, file=file))
    only = seen(import_hq(ann, file=file, projects=["other"]))

    assert (result["refused"], [one["state"] for one in result["projects"]]) == ("exists", ["refused", "new"])
    assert "'shop' exists already" in result["why"]
    assert [one["state"] for one in only["projects"]] == ["imported"]
    assert {ref for ref, tip in tips(ann).items() if before.get(ref) != tip} == {"refs/coord/steps/other"}


@pytest.mark.rule("STEP-1")
@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        (["INSERT INTO dependencies VALUES (1, 5)"], "The steps depend on each other in a circle"),
        (["UPDATE steps SET branch = 'one' WHERE id IN (1, 2)"], "Steps 1 and 2 have the same branch, 'one'."),
        (["UPDATE steps SET branch = 'a..b' WHERE id = 2"], "'a..b' is not a legal name of a branch."),
        (["UPDATE steps SET step_num = 2 WHERE id = 3"], "The number 2 is given twice."),
        (["UPDATE steps SET step_num = -1 WHERE id = 5"], "-1 is not the number of a step"),
        (["DELETE FROM dependencies", "DELETE FROM steps"], "Project 'shop' has no steps."),
        (["UPDATE projects SET name = '../x'"], "'../x' cannot be the name of a project."),
        (["UPDATE projects SET base_commit = 'ffffff0'"], "base commit 'ffffff0' is not in this repository"),
        (["UPDATE projects SET base_commit = 'main'"], "base commit 'main' is not in this repository"),
        (["UPDATE projects SET base_commit = '--all'"], "base commit '--all' is not in this repository"),
        (["UPDATE projects SET base_commit = NULL"], "it has no base commit"),
    ],
)
def test_one_thing_that_cannot_be_here_keeps_everything_out(
    ann: Workspace, file: Path, head: str, statements: list[str], sentence: str
) -> None:
    change(file, *statements)
    add(file, "zz-good", head, step(1))

    error = refused(ann, file)

    assert isinstance(error, InvalidError)
    assert sentence in str(error)
    assert error.hint


def test_a_project_has_another_name_here_if_it_is_given_one(ann: Workspace, file: Path, head: str) -> None:
    add(file, "My App", head, step(1))

    error = refused(ann, file)
    result = seen(import_hq(ann, file=file, renamed={"My App": "my-app"}))

    assert "--rename 'My App'=NAME" in error.hint
    assert [(one["name"], one.get("was")) for one in result["projects"]] == [("shop", None), ("my-app", "My App")]


def test_two_projects_cannot_have_one_name_here(ann: Workspace, file: Path, head: str) -> None:
    add(file, "Shop", head, step(1))

    assert "Two projects would be named 'shop' here" in str(refused(ann, file))
    assert "is no project that is imported" in str(refused(ann, file, renamed={"none": "x"}))
    assert "There is no project 'none' in the file" in str(refused(ann, file, projects=["none"]))


@pytest.mark.parametrize("name", ["deadbeef", "HEAD", "see the log"])
def test_commits_that_are_not_here_are_said_and_kept_as_a_note(ann: Workspace, file: Path, name: str) -> None:
    change(file, f"UPDATE steps SET last_commit = '{name}' WHERE id = 1")  # noqa: S608

    result = seen(import_hq(ann, file=file))

    one = seen(step_views.get_step(ann, step_id="shop/1"))["step"]
    assert (one["commit_hash"], one["notes"]) == (None, f"all of it\nCommit in hq: {name}")
    assert f"its commit '{name}' is not in this repository" in result["warnings"][0]


def test_the_base_can_be_said_where_the_file_has_none(ann: Workspace, file: Path, head: str) -> None:
    change(file, "UPDATE projects SET base_commit = NULL")

    import_hq(ann, file=file, base="HEAD")

    assert seen(projects.get_project(ann, name="shop"))["project"]["base_commit"] == head


@pytest.mark.parametrize(
    ("word", "done", "status"),
    [
        ("active", False, "active"),
        ("active", True, "completed"),
        ("completed", True, "completed"),
        ("completed", False, "aborted"),
        ("aborted", False, "aborted"),
        ("aborted", True, "aborted"),
    ],
)
def test_the_status_of_a_project_follows_its_steps(
    ann: Workspace, file: Path, head: str, word: str, done: bool, status: str
) -> None:
    add(file, "other", head, step(1, status="merged" if done else "claimed"), status=word)

    result = seen(import_hq(ann, file=file, projects=["other"]))

    assert result["projects"][0]["status"] == status
    assert bool(result["warnings"]) == (word != status)
    assert seen(step_work.claim_step(ann, project="other")).get("step") is None or status == "active"


def test_names_of_agents_that_are_not_legal_are_changed_and_said(ann: Workspace, file: Path) -> None:
    change(file, "UPDATE steps SET agent_id = 'Agent 1 (opus)' WHERE id = 1")

    result = seen(import_hq(ann, file=file))

    name = seen(step_views.get_step(ann, step_id="shop/1"))["step"]["agent_id"]
    assert name.startswith("agent-1-opus-")
    assert result["warnings"] == [f"Agent 'Agent 1 (opus)' is {name} here."]


def test_a_project_that_is_too_large_for_one_record_is_refused(ann: Workspace, file: Path, head: str) -> None:
    add(file, "large", head, *(step(num, notes="x" * 4_000, status="completed") for num in range(1, 1_000)))

    assert "3,840 KB is the most" in str(refused(ann, file))


def test_a_file_without_projects_imports_nothing(ann: Workspace, tmp_path: Path) -> None:
    result = seen(import_hq(ann, file=database(tmp_path / "hq.db", HQ_TABLES)))

    assert (result["projects"], result["count"]) == ([], 0)


def test_a_project_of_another_repository_that_shares_the_remote_is_no_exception(
    agents: Agents, shared: Shared, tmp_path: Path, git: Git
) -> None:
    base = git(shared.one, "rev-parse", "HEAD")
    file = database(tmp_path / "hq.db", HQ_TABLES, hq_rows(base, base))

    import_hq(agents(shared.one, "ann/cli/wt"), file=file)

    assert seen(projects.get_project(agents(shared.two, "bob/cli/wt"), name="shop"))["available"] == [3]


@pytest.mark.rule("IMPORT-3")
def test_what_breaks_in_the_middle_says_what_landed_and_goes_on_when_it_is_called_again(
    ann: Workspace, file: Path, head: str
) -> None:
    add(file, "site", head, step(1))
    add(file, "tool", head, step(1))
    real = ann.combiner

    class Breaking:
        """The second command finds no remote."""

        calls = 0

        def submit(self, entry: object) -> Reply:
            self.calls += 1
            if self.calls == 2:
                return failed(UnreachableError("The remote is away."))
            return real.submit(entry)  # pyright: ignore[reportArgumentType]

    ann.combiner = Breaking()  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(UnreachableError) as caught:
        import_hq(ann, file=file)
    ann.combiner = real
    again = seen(import_hq(ann, file=file))

    assert "Imported before that: shop. Not known to be: site, tool." in caught.value.hint
    assert [one["state"] for one in again["projects"]] == ["already", "imported", "imported"]


def test_a_project_that_somebody_makes_meanwhile_is_left_as_it_is(ann: Workspace, file: Path) -> None:
    real = ann.combiner

    class Late:
        """Somebody else is faster."""

        def submit(self, entry: object) -> Reply:
            ann.combiner = real
            project(ann, name="shop")
            return real.submit(entry)  # pyright: ignore[reportArgumentType]

    ann.combiner = Late()  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(RefusedError) as caught:
        import_hq(ann, file=file)

    assert "Imported before that: nothing." in caught.value.hint
    assert seen(projects.get_project(ann, name="shop"))["project"]["steps"] == 1
