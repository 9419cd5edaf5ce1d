"""How a server ends, and what becomes of the work it held."""

import json
import select
import signal
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import AddWorktree
from tests.faces.mcp.conftest import Serve
from tests.faces.mcp.process import ANSWER_S, ServerProcess, command, environment, handshake

STEPS = [{"step_num": num, "branch": f"branch-{num}"} for num in (1, 2)]
ONE = STEPS[:1]


def working(serve: Serve, folder: Path, client: str = "test-client") -> ServerProcess:
    server = serve(folder)
    server.initialize(client=client)
    return server


def session_file(repo: Path) -> dict[str, object]:
    (file,) = (repo / ".git" / "gitcoord" / "sessions").glob("*.json")
    return json.loads(file.read_text())


@pytest.mark.parametrize("how", ["end of input", signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_however_the_client_ends_it_the_session_closes_with_a_grace(
    serve: Serve, repo: Path, how: str | signal.Signals
) -> None:
    server = working(serve, repo)
    server.call("create_project", name="app", base_commit="HEAD", steps=ONE)
    server.call("claim_step")

    status = server.signal(how) if isinstance(how, signal.Signals) else server.end()

    assert status == 0
    assert server.rest() == []
    assert server.errors == b""
    assert datetime.fromisoformat(str(session_file(repo)["closed_at"]))


def test_a_second_signal_does_not_disturb_the_end(serve: Serve, repo: Path) -> None:
    server = working(serve, repo)
    server.call("list_projects")

    server._process.send_signal(signal.SIGINT)
    status = server.signal(signal.SIGTERM)

    assert status == 0
    assert server.errors == b""
    assert session_file(repo)["closed_at"]


_WIDE = {"name": "claim_files", "arguments": {"patterns": [f"{'x' * 60}-{at}.py" for at in range(60)]}}
_UNREAD = {
    "an answer of the front": ({"method": "tools/list"}, []),
    "an early call": ({"method": "tools/call", "params": _WIDE}, []),
    "a call by the engine": (
        {"method": "tools/call", "params": _WIDE},
        [{"jsonrpc": "2.0", "id": "up", "method": "resources/read", "params": {"uri": "coord://status"}}],
    ),
}


@pytest.mark.parametrize("unread", _UNREAD)
def test_a_server_whose_client_reads_no_more_ends_at_a_signal(repo: Path, unread: str) -> None:
    request, first = _UNREAD[unread]
    opening = {"jsonrpc": "2.0", "id": "opening", "method": "initialize", "params": handshake()}
    with subprocess.Popen(
        command(), cwd=repo, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, pipesize=4096
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        answered = []
        for message in (opening, *first):
            server.stdin.write(json.dumps(message).encode() + b"\n")
            server.stdin.flush()
            answered.append(json.loads(server.stdout.readline())["id"])

        server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": "unread", **request}).encode() + b"\n")
        server.stdin.flush()
        begun, _, _ = select.select(
            [server.stdout], [], [], ANSWER_S
        )  # it has begun to write what the pipe cannot hold
        server.send_signal(signal.SIGTERM)
        try:
            status = server.wait(ANSWER_S)
        finally:
            server.kill()

    assert answered == [message["id"] for message in (opening, *first)]
    assert begun
    assert status == 0


@pytest.mark.parametrize("how", ["end of input", signal.SIGTERM])
def test_a_client_that_only_looks_is_left_at_once_and_leaves_nothing(
    serve: Serve, repo: Path, how: str | signal.Signals
) -> None:
    server = serve(repo, program=command())
    server.request("initialize", handshake())
    server.request("tools/list")

    status = server.signal(how) if isinstance(how, signal.Signals) else server.end()

    assert status == 0
    assert server.errors == b""
    assert not (repo / ".git" / "gitcoord").exists()


def test_a_script_that_closes_the_input_at_once_still_gets_its_answers(repo: Path) -> None:
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": handshake()},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "list_projects", "arguments": {}}},
    ]

    done = subprocess.run(
        command(),
        cwd=repo,
        env=environment(),
        input="\n".join(json.dumps(line) for line in lines),
        capture_output=True,
        encoding="utf-8",
        timeout=ANSWER_S,
        check=True,
    )

    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 2]
    assert done.stderr == ""


def test_two_servers_in_two_worktrees_take_different_steps(serve: Serve, repo: Path, add_worktree: AddWorktree) -> None:
    here, there = working(serve, repo), working(serve, add_worktree(repo, "side"))
    here.call("create_project", name="app", base_commit="HEAD", steps=STEPS)
    request = {"id": "race", "method": "tools/call", "params": {"name": "claim_step", "arguments": {}}}

    here.send(request)
    there.send(request)
    answers = [server.receive_until(lambda one: one.get("id") == "race") for server in (here, there)]

    steps = [answer["result"]["structuredContent"]["step"] for answer in answers]
    assert {step["id"] for step in steps} == {"app/1", "app/2"}
    assert [step["agent_id"] for step in steps] == ["test-author/test-client/repo", "test-author/test-client/side"]


def test_the_step_of_a_killed_server_is_taken_over_at_once(serve: Serve, repo: Path, add_worktree: AddWorktree) -> None:
    victim, other = working(serve, repo), working(serve, add_worktree(repo, "side"))
    victim.call("create_project", name="app", base_commit="HEAD", steps=ONE)
    victim.call("claim_step")
    held = other.call("claim_step")

    victim.signal(signal.SIGKILL)
    taken = other.call("claim_step")

    assert held["step"] is None
    assert taken["step"]["id"] == "app/1"
    assert taken["step"]["agent_id"] == "test-author/test-client/side"
    assert taken["step"]["fence"] == 2


def test_a_session_that_closed_is_resumed_within_its_grace(serve: Serve, repo: Path, add_worktree: AddWorktree) -> None:
    first, other = working(serve, repo), working(serve, add_worktree(repo, "side"))
    first.call("create_project", name="app", base_commit="HEAD", steps=ONE)
    first.call("claim_step")
    first.end()

    kept = other.call("claim_step")
    resumed = working(serve, repo).call("claim_step")

    assert kept["step"] is None
    assert resumed["step"]["id"] == "app/1"


def test_a_second_server_of_the_same_name_is_told_its_new_one(serve: Serve, repo: Path) -> None:
    working(serve, repo).call("list_projects")
    second = working(serve, repo)

    result = second.call("list_projects")

    (notice,) = result["notices"]
    assert notice["notice"] == "name_changed"
    assert notice["agent"] == "test-author/test-client/repo-2"
    assert "notices" not in second.call("list_projects")


def test_a_lost_step_is_told_with_the_next_result(serve: Serve, repo: Path, add_worktree: AddWorktree) -> None:
    loser, other = working(serve, repo), working(serve, add_worktree(repo, "side"))
    loser.call("create_project", name="app", base_commit="HEAD", steps=ONE)
    loser.call("claim_step")
    loser.request("resources/subscribe", {"uri": "coord://status"})
    other.call("recover_step", step_id="app/1", force=True)
    other.call("claim_step")

    notices: list[dict[str, object]] = []
    while "step_lost" not in [notice["notice"] for notice in notices]:
        loser.receive_until(lambda one: one.get("method") == "notifications/resources/updated")
        notices += loser.call("list_projects").get("notices", [])

    assert "app/1" in str(notices)


@pytest.mark.rule("SEC-1")
def test_what_nobody_sees_is_spelled_out_on_the_wire(serve: Serve, repo: Path) -> None:
    """In text and in structured content alike; `receive` looks at every line."""
    hidden = "x \x9b31m \u202e \u2028 \ufeff \x7f \u2066 \u200b \U000e0041 \u3164 y"
    server = working(serve, repo)
    server.call("claim_files", patterns=["a.py"], description=hidden)

    (claim,) = server.call("list_claims")["claims"]

    assert claim["description"] == hidden
