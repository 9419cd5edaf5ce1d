"""A shell completes names as this clone knows them, without asking a remote."""

from pathlib import Path

import pytest

from gitcoord.faces.cli.terminal import completion
from tests.conftest import Clone, Git, MakeBare
from tests.faces.cli.conftest import Run, RunProgram
from tests.unit.service.world import store_of


def completed(program: RunProgram, cwd: Path, line: str, **env: str) -> list[str]:
    """Return what bash is offered at the end of a line."""
    count = str(len(line.split(" ")) - 1)
    done = program([], cwd, env={"_GITCOORD_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": count, **env})
    assert done.err == ""
    return done.out.split()


def test_names_of_projects_steps_and_claims_are_offered(
    run: Run, repo: Path, project: str, program: RunProgram
) -> None:
    claim = run("claim", "add", "README.md", "--json").json["claim"]["id"]

    assert completed(program, repo, "gitcoord project show a") == ["app"]
    assert completed(program, repo, "gitcoord step claim --project ") == ["app"]
    assert completed(program, repo, "gitcoord step show app/") == ["app/1", "app/2", "app/3"]
    assert completed(program, repo, "gitcoord step show x") == []
    assert completed(program, repo, "gitcoord audit --ledger ") == ["claims", "steps/app"]
    assert completed(program, repo, "gitcoord claim release c-") == [claim]


def test_steps_are_offered_right_after_they_were_made(
    run: Run, repo: Path, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("project", "create", plan).status == 0
    monkeypatch.chdir(repo)

    assert completion.steps("app/") == ["app/1", "app/2", "app/3"]  # which only the journal of the store has yet


def test_a_remote_that_is_gone_is_not_asked(
    run: Run, repo: Path, program: RunProgram, git: Git, make_bare: MakeBare, plan: str, clone: Clone
) -> None:
    remote = make_bare("hub.git")
    git(repo, "remote", "add", "origin", str(remote))
    git(repo, "config", "gitcoord.remote", "origin")
    assert run("project", "create", plan).status == 0
    remote.rename(remote.with_name("gone.git"))

    assert completed(program, repo, "gitcoord project show ") == ["app"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gitcoord policy set auto_p", ["auto_promote_threshold"]),
        ("gitcoord config get be", ["beatSeconds"]),
        ("gitcoord request answer r-1 n", ["narrowed"]),
        ("gitcoord claim add a --urgency b", ["blocking"]),
        ("gitcoord project list --status ab", ["aborted"]),
        ("gitcoord mcp --tools w", ["work"]),
        ("gitcoord relay --event step_c", ["step_claimed", "step_completed"]),
        ("gitcoord relay --format gith", ["github"]),
        ("gitcoord relay pull-requests --format gitl", ["gitlab"]),
        ("gitcoord schema documents/st", ["documents/step"]),
    ],
)
def test_words_that_are_known_are_offered(repo: Path, program: RunProgram, line: str, expected: list[str]) -> None:
    assert completed(program, repo, line) == expected


def test_outside_of_a_repository_nothing_is_offered_and_nothing_said(tmp_path: Path, program: RunProgram) -> None:
    assert completed(program, tmp_path, "gitcoord step show ") == []


def test_relays_of_this_clone_are_offered(repo: Path, program: RunProgram, git: Git, project: str) -> None:
    store = store_of(repo)
    tip = git(store, "rev-parse", "refs/coord/steps/app").strip()
    for name in ("refs/coord/relay/chat", "refs/published/coord/relay/ci", "refs/coord/relay/$(x)"):
        git(store, "update-ref", name, tip)
    git(store, "pack-refs", "--all")
    git(store, "update-ref", "refs/coord/relay/code", tip)

    assert completed(program, repo, "gitcoord relay tail --name ") == ["chat", "ci", "code"]


def test_what_cannot_be_a_word_is_not_offered(repo: Path, program: RunProgram, run: Run, project: str) -> None:
    (seen,) = (repo / ".git" / "gitcoord" / "seen").iterdir()
    with seen.open("a", encoding="utf-8") as file:
        file.write("home 9 " + "a" * 40 + " - 0 0 refs/coord/steps/$(touch${IFS}x)\n")

    assert completed(program, repo, "gitcoord project show ") == ["app"]
