"""Tools while the remote is away: what only looks answers from what is here, the others say what to go on with."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock, Timeout

from gitcoord.faces.mcp.tools.tool_table import tools_of
from gitcoord.remote.contract.protocol import RefName
from tests import fork_server
from tests.conftest import Git, MakeBare
from tests.faces.mcp.conftest import Serve
from tests.faces.mcp.process import ANSWER_S, environment
from tests.servers.fixtures import Remote, Servers
from tests.servers.hanging_git import HangingGit

# Every tool that only looks, with what it needs to find something.
LOOKS: dict[str, dict[str, object]] = {
    "get_project": {"name": "app"},
    "list_projects": {},
    "get_step": {"step_id": "app/1"},
    "get_available_steps": {},
    "detect_stale_work": {},
    "get_metrics": {},
    "get_agent_events": {},
    "check_conflicts": {"files": ["free.py"]},
    "list_claims": {},
    "pending_requests": {},
    "my_requests": {},
    "predict_conflicts": {},
}


def test_every_tool_that_only_looks_is_tried_here() -> None:
    assert {tool.name for tool in tools_of("all").values() if tool.is_look} == set(LOOKS)


@pytest.mark.parametrize("kind", ["path", "path-hook"])
def test_what_looks_answers_from_what_is_here_and_what_writes_says_what_to_go_on_with(
    kind: str, repo: Path, git: Git, serve: Serve, servers: Servers
) -> None:
    remote = servers.remote(kind)
    git(repo, "push", "--quiet", remote.url, "main")
    git(repo, "config", "gitcoord.remote", remote.url)
    server = serve(repo)
    server.initialize()
    server.call("create_project", name="app", base_commit="HEAD", steps=[{"step_num": 1, "branch": "one"}])
    claim = server.call("claim_files", patterns=["README.md"])["claim"]["id"]
    server.call("claim_step")
    server.call("list_claims")
    wait_for_copy(repo, remote)

    gone = remote.git_dir.rename(remote.git_dir.with_name(f"gone-{kind}.git"))
    found = {name: server.call(name, **arguments) for name, arguments in LOOKS.items()}
    refused = server.error("claim_files", patterns=["other.py"])
    gone.rename(remote.git_dir)

    assert {name: result.get("fresh") for name, result in found.items()} == dict.fromkeys(LOOKS, False)
    assert all(result["as_of"] and result["notices"][0]["notice"] == "not_fresh" for result in found.values())
    assert [one["id"] for one in found["list_claims"]["claims"]] == [claim]
    assert found["get_project"]["held"][0]["step_num"] == 1
    assert found["check_conflicts"]["safe"] is False
    # It was sent at once, on what was listed a moment ago, if that was listed a moment ago.
    assert refused.startswith(("[unknown_outcome] ", "[unreachable] "))
    assert "Go on with what you hold" in refused
    assert claim in refused


def wait_for_copy(repo: Path, remote: Remote) -> None:
    """Wait until what the remote has is here: the watch copies it from a path, git brings it with each read."""
    wait_until(lambda: ledgers(remote.refs()).items() <= listed(repo).items())


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + ANSWER_S
    while not condition():
        assert time.monotonic() < end, "a bound for a hang"
        time.sleep(0.02)  # a poll of another process, bounded


def ledgers(refs: Mapping[RefName, str]) -> dict[str, str]:
    return {ref: tip for ref, tip in refs.items() if ref.startswith(("refs/coord/claims", "refs/coord/steps"))}


def listed(repo: Path) -> dict[str, str]:
    """Return what the clone would answer from."""
    found = [json.loads(file.read_bytes()[24:]) for file in repo.glob(".git/gitcoord/places/*/listed")]
    return found[0] if found else {}


def test_a_remote_that_hangs_stops_no_tool_that_looks(repo: Path, git: Git, serve: Serve, servers: Servers) -> None:
    remote = servers.remote("http")
    git(repo, "config", "gitcoord.remote", remote.url)
    server = serve(repo)
    server.initialize()
    claim = server.call("claim_files", patterns=["README.md"])["claim"]["id"]
    server.call("list_claims")

    with servers.http().hanging():
        found = server.call("list_claims")
        status = server.request("resources/read", {"uri": "coord://status"})
        refused = server.error("release_claims")

    assert (found["fresh"], [one["id"] for one in found["claims"]]) == (False, [claim])
    assert content(status)["fresh"] is False
    # It was sent at once, on what was listed a moment ago: whether it landed no one knows, and calling again finds out.
    assert refused.startswith(("[unknown_outcome] ", "[unreachable] "))
    assert ("Nothing was released" if refused.startswith("[unreachable] ") else "Call again") in refused


def test_who_waits_for_a_call_that_a_remote_leaves_without_an_answer_does_not_ask_it_again(
    repo: Path, git: Git, serve: Serve, make_bare: MakeBare, tmp_path: Path
) -> None:
    git(repo, "config", "gitcoord.remote", f"file://{make_bare()}")
    theirs, ours = HangingGit(tmp_path / "theirs"), HangingGit(tmp_path / "ours")
    server = serve(repo, env=theirs.env)
    server.initialize()
    server.call("claim_files", patterns=["README.md"])

    with theirs.hanging(), ours.hanging():
        call = {"name": "extend_claims", "arguments": {"ttl_hours": 5}}
        server.send({"id": "hangs", "method": "tools/call", "params": call})
        wait_until(lambda: theirs.unanswered() != () and is_locked(repo))
        words = [sys.executable, "-m", "gitcoord", "claim", "extend", "--hours", "5"]
        done = fork_server.run(
            words, cwd=repo, env=environment(ours.env), stdin="", timeout_s=ANSWER_S, encoding="utf-8"
        )
        asked = theirs.unanswered(), ours.unanswered()
        answer = server.receive_until(lambda message: message.get("id") == "hangs")

    assert (done.returncode, asked[1]) == (5, ())
    # By the call, for what became of it, and by the watch beside it, which looks twice where the machine is busy.
    assert (asked[0].count("push") <= 1, len(asked[0]) <= 4) == (True, True), asked
    assert "Nothing was extended" in done.stderr
    assert answer["result"]["content"][0]["text"].startswith("[unreachable] ")


def is_locked(repo: Path) -> bool:
    """Whether a process of the clone carries out commands."""
    lock = FileLock(repo / ".git" / "gitcoord" / "lock", timeout=0)
    with contextlib.suppress(Timeout), lock:
        return False
    return True


def content(answer: dict[str, Any]) -> dict[str, Any]:
    (part,) = answer["result"]["contents"]
    found = json.loads(part["text"])
    assert isinstance(found, dict)
    return found
