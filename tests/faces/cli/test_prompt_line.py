"""`gitcoord status` for prompts and scripts: one line, an exit status, and no question to a network."""

import socket
from pathlib import Path

import pytest

from gitcoord.service.claims.claims import claim_files
from gitcoord.service.claims.requests import request_release
from tests.conftest import Git, MakeRepo
from tests.faces.cli.conftest import Run
from tests.servers.git_daemon import GitDaemon
from tests.unit.service.world import Agents
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest

NEEDED_SOON, NEEDED_NOW = 10, 11


def held(run: Run, *more: str) -> str:
    """Claim a file for the test's own agent."""
    return run("claim", "add", "a.py", *more, "--json").json["claim"]["id"]


def ask(repo: Path, agents: Agents, claim: str) -> None:
    """Have another agent ask for a claim."""
    request_release(agents(repo, "bob/cli/two"), claim_id=claim, reason="the release waits", wait_seconds=0)


def wait_for_it(repo: Path, agents: Agents) -> None:
    """Have another agent wait for the file."""
    claim_files(agents(repo, "bob/cli/two"), patterns=["a.py"], wait_seconds=300)


def test_a_prompt_has_one_line_of_what_is_needed_and_the_status_says_how_much(
    repo: Path, run: Run, agents: Agents
) -> None:
    claim = held(run, "--no-narrow")
    nothing = run("status", "--line", "--exit-code")
    wait_for_it(repo, agents)
    soon = run("status", "--line", "--exit-code")
    ask(repo, agents, claim)
    now = run("status", "--line", "--exit-code")

    assert (nothing.status, nothing.out, nothing.err) == (0, "", "")
    assert (soon.status, soon.out, soon.err) == (NEEDED_SOON, "1 call waits behind you\n", "")
    assert (now.status, now.out, now.err) == (NEEDED_NOW, "1 request · 1 call waits behind you\n", "")
    assert run("status", "--line").status == 0


def test_the_whole_status_ends_with_the_same_status_where_a_script_wants_it(
    repo: Path, run: Run, agents: Agents
) -> None:
    ask(repo, agents, held(run))

    as_json, plain = run("status", "--exit-code", "--json"), run("status")

    assert (as_json.status, as_json.json["needed"]) == (NEEDED_NOW, "high")
    assert run("status", "--mine", "--exit-code").status == NEEDED_NOW
    assert plain.status == 0
    assert "next: Answer: `gitcoord request answer " in plain.out


@pytest.mark.parametrize("is_repository", [True, False])
def test_where_nothing_is_coordinated_a_prompt_is_empty_and_leaves_nothing(
    tmp_path: Path, make_repo: MakeRepo, run: Run, *, is_repository: bool
) -> None:
    folder = make_repo("other") if is_repository else tmp_path

    done = run("status", "--line", "--exit-code", cwd=folder)

    assert (done.status, done.out, done.err) == (0, "", "")
    assert not (folder / ".git" / "gitcoord").exists()


def test_a_prompt_asks_no_remote_over_a_network(tmp_path: Path, repo: Path, git: Git, run: Run, agents: Agents) -> None:
    daemon = GitDaemon(tmp_path / "daemon")
    git(tmp_path, "init", "--quiet", "--bare", str(daemon.root / "hub.git"))
    git(repo, "config", "gitcoord.remote", daemon.url("hub.git"))
    ask(repo, agents, held(run))
    run("status")
    daemon.stop()

    with socket.create_server(("127.0.0.1", daemon.port)) as in_its_place:
        done = run("status", "--line", "--exit-code")
        in_its_place.setblocking(False)

        with pytest.raises(BlockingIOError):
            in_its_place.accept()
    assert (done.status, done.out) == (NEEDED_NOW, "1 request\n")


def test_a_clone_that_never_read_its_remote_does_not_ask_it_either(repo: Path, git: Git, run: Run) -> None:
    held(run)
    git(repo, "config", "gitcoord.remote", "https://gitcoord.invalid/hub.git")

    done = run("status", "--line", "--exit-code")

    assert (done.status, done.out) == (5, "")


@pytest.mark.parametrize("more", ["--json", "--mine", "--fresh"])
def test_a_line_has_room_for_nothing_else(run: Run, more: str) -> None:
    assert run("status", "--line", more).status == 2
