"""The life of a project at a shell: what each command answers, as text and as JSON."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import AddWorktree, Git, MakeBare
from tests.faces.cli.conftest import ROOT, Run
from tests.unit.service.world import store_of

EMPTY = ["status", "project list", "step available", "step stale", "step heartbeat", "log", "metrics", "sync"]


@pytest.mark.parametrize("words", EMPTY)
def test_looking_at_nothing_is_no_error(run: Run, words: str) -> None:
    done = run(*words.split())

    assert done.status == 0
    assert done.out
    assert done.err == ""


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("status", {"agent", "session", "clone", "remote", "sharing", "agents", "projects", "oddities"}),
        ("project list", {"projects", "count"}),
        ("project show app", {"project", "steps", "available", "critical_path", "held", "progress"}),
        ("step available", {"steps", "count"}),
        ("step stale", {"steps", "count"}),
        ("step show app/1", {"step"}),
        ("step heartbeat", {"steps", "count"}),
        ("log", {"events", "count"}),
        ("metrics", {"counts", "steps", "hours", "scopes", "agents", "throughput"}),
        ("sync", {"remote", "refs", "projects", "oddities"}),
        ("config list", {"settings", "count"}),
    ],
)
def test_json_has_the_fields_of_the_service(run: Run, project: str, words: str, fields: set[str]) -> None:
    done = run(*words.split(), "--json")

    assert done.status == 0
    assert fields <= set(done.json)


def test_a_project_is_worked_through(run: Run, project: str) -> None:
    first = run("step", "claim", "--json").json
    started = run("step", "start", "app/1", "--json").json
    completed = run("step", "complete", "1", "--json", "--notes", "as agreed").json

    assert first["step"]["id"] == "app/1"
    assert started["step"]["status"] == "in_progress"
    assert completed["unblocked"] == [2]
    assert [run("step", "claim", "--json").json["step"]["id"], run("step", "complete", "2").status] == ["app/2", 0]
    assert run("step", "skip", "3", "--reason", "not needed").out.splitlines() == [
        "app/3 is skipped",
        "project app is completed",
    ]
    assert run("status", "--json").json["projects"][0]["status"] == "completed"


def test_a_claim_is_shown_with_what_its_worker_needs(run: Run, project: str) -> None:
    done = run("step", "claim")

    assert done.status == 0
    assert done.out.startswith("app/1  claimed  Data model\n")
    assert "branch:      feat/model" in done.out
    assert "the project's base" in done.out
    assert "next: Begin with: `git switch -c feat/model" in done.err
    assert "`gitcoord step complete app/1 HEAD`" in done.err


def test_a_step_that_waits_has_nothing_yet_to_start_from(run: Run, project: str) -> None:
    waiting = run("step", "show", "app/2").out
    run("step", "claim")
    run("step", "complete", "app/1", "HEAD")

    assert "waits for:   step 1" in waiting
    assert "start from" not in waiting
    assert ", step 1" in run("step", "show", "app/2").out


def test_the_same_claim_twice_gives_the_same_step(run: Run, project: str) -> None:
    first, second = run("step", "claim", "--json").json, run("step", "claim", "--json").json

    assert "`gitcoord step complete app/1 HEAD`" in first["next_step"]
    assert first["step"]["fence"] == second["step"]["fence"]
    assert second["already"] is True


def test_a_sub_agent_has_a_step_of_its_own(run: Run, project: str) -> None:
    mine, its = run("step", "claim", "--json").json, run("step", "claim", "--as", "tests", "--json").json

    assert its["step"]["id"] == "app/3"
    assert its["step"]["agent_id"] == mine["step"]["agent_id"] + "/tests"
    assert run("step", "fail", "3", "--as", "tests", "--reason", "cannot").status == 0


def test_a_refusal_is_status_1_with_the_reason_on_stderr(run: Run, project: str) -> None:
    done = run("step", "claim", "app/2")

    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines() == [
        "refused: Step app/2 waits for step 1. [blocked]",
        "next: Claim what is available: `gitcoord step claim`.",
    ]


def test_a_refusal_with_json_is_a_result_with_the_facts(run: Run, project: str) -> None:
    done = run("step", "claim", "app/2", "--json")

    assert done.status == 1
    assert done.json["step"] is None
    assert done.json["refused"] == "blocked"
    assert done.json["waiting_on"] == [1]
    assert done.err == ""


def test_a_failed_step_is_recovered_with_its_checkpoint(run: Run, project: str) -> None:
    run("step", "claim", "app/1")
    failed = run("step", "fail", "app/1", "--reason", "the vendor is down")
    recovered = run("step", "recover", "app/1", "--json")

    assert (failed.status, recovered.status) == (0, 0)
    assert recovered.json["step"]["status"] == "not_started"
    assert "the vendor is down" in run("step", "show", "app/1").out


def test_a_step_is_changed_while_nobody_holds_it(run: Run, project: str) -> None:
    changed = run("step", "update", "3", "--title", "Handbook", "--after", "1 , 2", "--priority", "7", "--json").json[
        "step"
    ]
    cleared = run("step", "update", "3", "--after", "", "--json").json["step"]

    assert (changed["title"], changed["depends_on"], changed["priority"]) == ("Handbook", [1, 2], 7)
    assert cleared["depends_on"] == []


def test_agents_of_two_worktrees_do_not_get_the_same_step(
    run: Run, repo: Path, project: str, add_worktree: AddWorktree
) -> None:
    here = run("step", "claim", "--json").json["step"]
    there = run("step", "claim", "--json", cwd=add_worktree(repo, "wt-2")).json["step"]
    none = run("step", "claim", cwd=add_worktree(repo, "wt-3"))

    assert (here["id"], there["id"]) == ("app/1", "app/3")
    assert none.status == 1
    assert "refused: Project 'app' has no available step" in none.err


def test_status_shows_who_is_on_what(run: Run, project: str) -> None:
    run("step", "claim")

    out = run("status").out

    assert "you are test-author/cli/repo; only this clone" in out
    assert "test-author/cli/repo  at a shell  0 s   app/1  0 s  Data model\n" in out


def test_the_log_is_read_from_commits_newest_first(run: Run, project: str) -> None:
    run("step", "claim")

    events = run("log", "--json").json["events"]

    assert [event["event"] for event in events] == ["step_claimed", "project_created"]
    assert run("log", "--limit", "1").out.count("\n") == 2
    assert run("log", "--agent", "nobody").out == "Nothing has happened yet.\n"


def test_an_aborted_project_gives_out_nothing(run: Run, project: str) -> None:
    assert run("project", "abort", project, "--reason", "superseded").status == 0
    assert run("step", "claim").status == 1
    assert "superseded" in run("project", "show", project).out


def test_the_commit_of_a_completion_may_be_named(run: Run, repo: Path, project: str, git: Git) -> None:
    git(repo, "commit", "--allow-empty", "--quiet", "--message", "work")
    run("step", "claim")

    done = run("step", "complete", "1", "HEAD~1", "--file", "a.py", "--file", "b.py", "--json")

    assert done.json["step"]["commit_hash"] == git(repo, "rev-parse", "HEAD~1")
    assert done.json["step"]["files_modified"] == ["a.py", "b.py"]


def test_the_identity_may_come_from_the_environment(run: Run, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITCOORD_AGENT", "ann/script/one")

    assert run("step", "claim", "--json").json["step"]["agent_id"] == "ann/script/one"


def test_output_that_nobody_reads_is_no_error_to_talk_of(repo: Path, project: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m gitcoord project list | true"],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.stderr == b""


def test_a_damaged_ref_is_shown_with_what_to_do_instead_of_nothing(run: Run, project: str, repo: Path) -> None:
    ref = store_of(repo) / "refs" / "coord" / "steps" / project
    ref.write_text("garbage\n")

    status, listed, as_json = run("status"), run("project", "list"), run("project", "list", "--json")

    what, todo = "The ref 'refs/coord/steps/app' holds no object id.", "Write the id"
    assert f"damaged    refs/coord/steps/app  {what} {todo}" in status.out
    assert "No project" not in status.out
    assert "No project can be read." in listed.out
    assert f"attention: {what}\nnext: {todo}" in listed.err
    assert [one["ref"] for one in as_json.json["oddities"]] == ["refs/coord/steps/app"]


def test_a_project_that_was_kept_beside_the_remotes_is_not_called_damaged(
    run: Run, repo: Path, make_bare: MakeBare, git: Git
) -> None:
    git(repo, "remote", "add", "origin", str(make_bare("hub.git")))
    git(repo, "config", "gitcoord.remote", "origin")
    assert run("claim", "add", "README.md").status == 0
    store = store_of(repo)
    kept = git(store, "commit-tree", "-m", "", git(store, "hash-object", "-w", "-t", "tree", "/dev/null"))
    git(store, "update-ref", "refs/kept/coord/steps/app", kept)

    status, listed = run("status"), run("project", "list")

    words = [line.split()[:2] for line in status.out.splitlines()]
    assert ["kept", "refs/kept/coord/steps/app"] in words
    assert "damaged" not in status.out
    assert "see:" not in status.out
    assert "No project is active. Make one" in status.out
    assert "No projects. Make one" in listed.out


def test_a_bare_number_without_a_project_is_asked_about_in_words(run: Run) -> None:
    done = run("step", "show", "1")

    assert done.status == 2
    assert done.err.startswith("error: Step 1 of which project? None is active.")
    assert "`gitcoord project list`" in done.err


def test_one_project_is_not_called_projects(run: Run, project: str) -> None:
    assert run("sync").out.endswith(": 1 project, 1 ref\n")


def test_a_clone_that_nobody_else_sees_says_how_to_share(run: Run, repo: Path, git: Git) -> None:
    without = run("status").err
    git(repo, "remote", "add", "origin", "https://example.com/x.git")
    undecided = run("status").err
    git(repo, "config", "gitcoord.remote", ".")
    decided = run("status").err

    assert (without, decided) == ("", "")
    sentence = "Only this clone sees this; origin is https://example.com/x.git. To share it:"
    assert undecided == f"next: {sentence} `gitcoord init --remote origin`.\n"


def test_a_holder_that_is_unknown_is_explained(run: Run, project: str) -> None:
    run("step", "claim", "app/1")

    shown = run("step", "show", "app/1").out

    assert re.search(r"holder is:   at a shell \(last seen \d+ s ago\)", shown)
