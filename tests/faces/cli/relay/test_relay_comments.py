"""Comments on pull requests as their users have them kept: once in CI, or for ever."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Git, MakeBare
from tests.faces.cli.conftest import ROOT, Run
from tests.servers.forge import TOKEN, FakeForge, served_forge
from tests.servers.webhook_receiver import reply

ONCE = ("relay", "pull-requests", "--once")


@pytest.fixture
def forge(repo: Path, make_bare: MakeBare, git: Git, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeForge]:
    """A forge with a pull request that changes what another branch has claimed, and the environment of its CI."""
    hub = make_bare("hub.git")
    git(repo, "remote", "add", "origin", str(hub))
    git(repo, "push", "--quiet", "origin", "main")
    git(repo, "config", "gitcoord.remote", "origin")
    assert run("claim", "add", "README.md", "--branch", "feat/ann", "--as", "docs").status == 0
    git(repo, "switch", "--quiet", "--create", "feat/bob")
    (repo / "README.md").write_text("Changed.\n")
    git(repo, "commit", "--quiet", "--all", "--message", "change")
    git(repo, "push", "--quiet", "--no-verify", "origin", "feat/bob")
    with served_forge() as forge:
        forge.propose(7, head=git(repo, "rev-parse", "HEAD").strip(), branch="feat/bob")
        for name, value in (
            ("GITHUB_API_URL", forge.url),
            ("GITHUB_REPOSITORY", "ann/shop"),
            ("GITHUB_TOKEN", TOKEN),
        ):
            monkeypatch.setenv(name, value)
        yield forge


def test_in_ci_everything_is_known_and_the_comment_is_written_once(run: Run, forge: FakeForge) -> None:
    done, again = run(*ONCE), run(*ONCE, "--json")

    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines()[0] == "pull request 7: comment created"
    assert done.out.splitlines()[-1] == "pull requests 1, with a collision 1, changed 1, failed 0"
    assert (again.json["changed"], again.json["pull_requests"][0]["comment"]) == (0, "unchanged")
    assert len(forge.bodies(7)) == 1


def test_a_dry_run_shows_the_comment_and_writes_nothing(run: Run, forge: FakeForge) -> None:
    done = run("relay", "pull-requests", "--dry-run")

    assert done.status == 0
    assert done.out.startswith("pull request 7: comment would be created\n")
    assert "  - collides with branch `feat/ann` in `README.md`: " in done.out
    assert forge.changes == []


@pytest.mark.rule("SEC-1")
def test_text_of_others_writes_nothing_to_a_terminal_but_text(run: Run, forge: FakeForge, git: Git, repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD").strip()
    forge.propose(8, head=head, branch="feat/\x1b[31mred")

    done = run(*ONCE)

    assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize(
    ("status", "exit_status", "code"),
    [(401, 6, "denied"), (404, 2, "not_found"), (429, 4, "rate_limited"), (500, 5, "unreachable")],
)
def test_what_a_forge_answers_is_a_status_and_a_code(
    run: Run, forge: FakeForge, status: int, exit_status: int, code: str
) -> None:
    forge.fails_at, forge.answers = "/pulls$", reply(status, TOKEN)

    done = run(*ONCE, "--json")

    assert (done.status, done.json["error"]["code"]) == (exit_status, code)
    assert TOKEN not in done.out + done.err


def test_a_comment_that_cannot_be_written_is_a_status_and_is_named(run: Run, forge: FakeForge) -> None:
    forge.fails_at, forge.answers = "^POST", reply(403)

    done = run(*ONCE)

    assert done.status == 1
    assert "problem: 7: " in done.err
    assert "does not allow that with this token (HTTP 403)" in done.err


def test_what_is_not_said_is_asked_for(run: Run, forge: FakeForge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY")

    no_repo, no_forge = run(*ONCE), run(*ONCE, "--format", "gitea")

    assert (no_repo.status, no_forge.status) == (2, 2)
    assert "No repository is named." in no_repo.err
    assert "it is one of github, gitlab" in no_forge.err


def test_a_process_goes_on_until_it_is_interrupted(repo: Path, forge: FakeForge) -> None:
    program = (sys.executable, "-P", "-m", "gitcoord", "relay", "pull-requests", "--json")
    with subprocess.Popen(
        program,
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        try:
            first = json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGINT)
        status = process.wait(timeout=150)

    assert (first["changed"], status) == (1, 130)
