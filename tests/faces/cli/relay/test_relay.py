"""A relay as its users run it: once or for ever, side by side, killed, and looked at."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from gitcoord.core.relay import schedule
from gitcoord.runtime import open_workspace
from gitcoord.service.relay import relay_ref
from gitcoord.service.session.workspace import Workspace
from tests.conftest import AddWorktree, Git, MakeBare
from tests.faces.cli.conftest import ROOT, Done, Run
from tests.servers.webhook_receiver import SECRET, Hook, received

ONCE = ("relay", "--url-env", "HOOK_URL", "--secret-env", "HOOK_SECRET", "--once")


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with received() as hook:
        monkeypatch.setenv("HOOK_URL", f"{hook.url}/T0/secret-path")
        monkeypatch.setenv("HOOK_SECRET", SECRET)
        yield hook


@pytest.fixture
def begun(run: Run, hook: Hook) -> Hook:
    """A relay that has begun, and two events that it has not delivered."""
    assert run(*ONCE).status == 0
    assert run("claim", "add", "a.zig", "--as", "tests").status == 0
    assert run("claim", "add", "b.zig", "--as", "docs").status == 0
    return hook


def test_what_is_there_is_delivered_once_and_shown(run: Run, begun: Hook) -> None:
    done, again = run(*ONCE), run(*ONCE, "--json")

    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        *(f"delivered claim_granted {post.id[:12]}: HTTP 200" for post in begun.posts),
        "delivered 2, failed 0, waiting 0, exhausted 0",
    ]
    assert again.json["attempts"] == []
    assert all(post.is_signed_with(SECRET) for post in begun.posts)


def test_a_failure_is_a_status_and_is_listed_tried_again_and_purged(run: Run, begun: Hook) -> None:
    begun.answers(500, 200, 500, 500)

    assert run(*ONCE).status == 1
    assert "claim_granted, after 1: HTTP 500" in run("relay", "tail").out
    stats = run("relay", "stats", "--json").json["relays"][0]
    assert (stats["relay"], stats["delivered"], stats["failed"], stats["waiting"]) == ("webhooks", 1, 1, 1)
    assert stats["receiver"] == begun.url
    assert run("relay", "retry", begun.ids[0]).out == "to be tried again by the relay webhooks: 1\n"
    assert run(*ONCE).status == 1
    assert len({*begun.ids}) == 2
    assert run("relay", "purge", "--waiting", "--yes").out == "forgotten: 1 event\n"
    assert run("relay", "retry", "--json").json["count"] == 0
    assert run(*ONCE).status == 0
    assert run("relay", "purge", "--relay", "--yes").out == "forgotten: 0 events, and the relay webhooks\n"
    assert run("relay", "stats").out == "No relay was started yet.\n"


def words_of_usage(done: Done) -> tuple[int, str]:
    return done.status, json.loads(done.out)["error"]["message"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--url-env", "HOOK_URL"], "A relay needs one URL and one secret."),
        (["--secret-env", "HOOK_SECRET"], "A relay needs one URL and one secret."),
        (
            ["--url-env", "HOOK_URL", "--secret-env", "NONE"],
            "The environment has no 'NONE', where the secret was to be.",
        ),
        ([*ONCE[1:], "--event", "step_complete"], "There is no event 'step_complete'."),
        ([*ONCE[1:], "--name", "../x"], "'../x' cannot be the id of a relay."),
    ],
)
def test_what_cannot_be_delivered_is_a_usage_error(run: Run, hook: Hook, words: Sequence[str], message: str) -> None:
    assert words_of_usage(run("relay", *words, "--json")) == (2, message)
    assert hook.posts == []


@pytest.mark.rule("SEC-2")
def test_a_password_in_the_url_is_refused_and_not_shown(run: Run, hook: Hook) -> None:
    done = run("relay", "--url", "https://ann:hush@example.com/", "--secret-env", "HOOK_SECRET", "--once")

    assert done.status == 2
    assert "hush" not in done.out + done.err


@pytest.mark.rule("SEC-2")
def test_a_secret_that_is_no_line_is_refused_and_not_shown(
    run: Run, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "hush\nhush")

    done = run(*ONCE, "--format", "github")

    assert done.status == 2
    assert "hush" not in done.out + done.err


def test_a_message_to_slack_needs_no_secret_and_an_unknown_format_is_named(run: Run, hook: Hook) -> None:
    words = ("relay", "--url-env", "HOOK_URL", "--once", "--format")
    assert run(*words, "slack").status == 0
    assert run("claim", "add", "a.zig").status == 0

    assert run(*words, "slack", "--json").json["delivered"] == 1
    assert hook.posts[0].value["text"].startswith("`repo`: claim granted `a.zig` by `")
    assert run(*words, "teams").status == 2


def opened(repo: Path) -> Workspace:
    return open_workspace(repo, {**os.environ, "GITCOORD_AGENT": "ann/cli/x"}, tool="cli")


def test_another_process_that_delivers_is_a_status_of_its_own(run: Run, begun: Hook, repo: Path) -> None:
    workspace = opened(repo)
    now = workspace.setting.host.now()
    relay_ref.change(workspace, "webhooks", lambda before: before and schedule.take_turn(before, "other", now))

    done = run(*ONCE)

    assert done.status == 4
    assert "Another process delivers as the relay 'webhooks' now." in done.err
    assert begun.posts == []


def test_a_remote_that_is_away_is_a_status_of_its_own(
    run: Run, hook: Hook, repo: Path, git: Git, make_bare: MakeBare
) -> None:
    remote = make_bare("hub.git")
    git(repo, "remote", "add", "origin", str(remote))
    git(repo, "config", "gitcoord.remote", "origin")
    assert run(*ONCE).status == 0
    remote.rename(remote.with_name("gone.git"))

    assert run(*ONCE).status == 5


def start(cwd: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "gitcoord", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.rule("RELAY-1")
def test_two_processes_side_by_side_deliver_each_event_once(
    run: Run, hook: Hook, repo: Path, add_worktree: AddWorktree
) -> None:
    assert run(*ONCE).status == 0
    processes = [start(cwd, *ONCE[:-1]) for cwd in (repo, add_worktree(repo, "wt-2"))]
    try:
        for process in processes:  # who is interrupted before it runs ends as its interpreter does
            assert process.stdout is not None
            assert "delivers to" in process.stdout.readline()
        for number in range(1, 5):
            assert run("claim", "add", f"{number}.zig", "--as", f"a{number}").status == 0
            hook.wait_for(number)
    finally:
        for process in processes:
            process.send_signal(signal.SIGINT)
        said = [process.communicate(timeout=150)[0] for process in processes]

    assert [process.returncode for process in processes] == [130, 130], said
    assert len(hook.ids) == len({*hook.ids}) == 4
    assert "HTTP 200" in "".join(said)


@pytest.mark.rule("RELAY-1", "RELAY-4")
def test_a_process_that_is_killed_before_it_settles_delivers_under_the_same_id_again(
    run: Run, begun: Hook, repo: Path
) -> None:
    begun.answers(begun.hang, 200)
    process = start(repo, *ONCE)
    begun.wait_for(1)
    process.kill()
    process.communicate(timeout=150)

    assert run(*ONCE).status == 4
    workspace = opened(repo)
    over = workspace.setting.host.now() - timedelta(seconds=1)
    relay_ref.change(workspace, "webhooks", lambda before: before and before.evolve(turn_until=over))

    assert run(*ONCE).status == 0
    assert len(begun.posts) == 3
    assert begun.ids[0] == begun.ids[1]
    assert begun.posts[0].body == begun.posts[1].body


def test_a_relay_that_runs_shows_what_it_did_as_objects(run: Run, begun: Hook, repo: Path) -> None:
    with start(repo, *ONCE[:-1], "--json") as process:
        begun.wait_for(2)
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        process.send_signal(signal.SIGINT)

    assert lines[0].startswith("relay: webhooks delivers to http://127.0.0.1:")
    assert json.loads(lines[1])["delivered"] == 2
