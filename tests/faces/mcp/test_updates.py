"""A client that wants to know is told when another agent changed a resource, in both eras."""

import json
from pathlib import Path

from tests.conftest import AddWorktree
from tests.faces.mcp.conftest import Serve
from tests.faces.mcp.process import Message, ServerProcess, envelope

CLAIMS = "coord://claims"
PROJECT = "coord://projects/app"
STEPS = [{"step_num": 1, "branch": "one"}]


def updated(message: Message) -> bool:
    return message.get("method") == "notifications/resources/updated"


def another(serve: Serve, folder: Path) -> ServerProcess:
    server = serve(folder)
    server.initialize()
    return server


def test_a_subscriber_of_the_handshake_era_is_told(serve: Serve, repo: Path, add_worktree: AddWorktree) -> None:
    watcher, other = serve(repo), another(serve, add_worktree(repo, "side"))
    watcher.initialize()
    watcher.call("list_projects")
    subscribed = watcher.request("resources/subscribe", {"uri": PROJECT})
    watcher.request("resources/subscribe", {"uri": "coord://status"})
    watcher.request("resources/unsubscribe", {"uri": "coord://status"})

    other.call("create_project", name="app", base_commit="HEAD", steps=STEPS)
    first = watcher.receive_until(updated)
    other.call("claim_step")
    second = watcher.receive_until(updated)

    assert subscribed["result"] == {}
    assert first["params"] == second["params"] == {"uri": PROJECT}


def test_a_subscriber_is_told_when_claims_change(serve: Serve, repo: Path, add_worktree: AddWorktree) -> None:
    watcher, other = serve(repo), another(serve, add_worktree(repo, "side"))
    watcher.initialize()
    watcher.call("list_claims")
    watcher.request("resources/subscribe", {"uri": CLAIMS})

    other.call("claim_files", patterns=["a.py"])
    told = watcher.receive_until(updated)
    read = watcher.request("resources/read", {"uri": CLAIMS})["result"]["contents"][0]["text"]

    assert told["params"] == {"uri": CLAIMS}
    assert [one["items"][0]["pattern"] for one in json.loads(read)["claims"]] == ["a.py"]


def test_a_listener_of_2026_is_told_when_claims_change(serve: Serve, repo: Path, add_worktree: AddWorktree) -> None:
    watcher, other = serve(repo), another(serve, add_worktree(repo, "side"))
    meta = {"_meta": envelope("claude-code")}
    watcher.request("server/discover", meta)
    wanted = {"notifications": {"resourceSubscriptions": [CLAIMS]}}
    watcher.send({"id": "listen:0", "method": "subscriptions/listen", "params": {**meta, **wanted}})
    watcher.receive_until(lambda one: one.get("method") == "notifications/subscriptions/acknowledged")
    watcher.request("tools/call", {**meta, "name": "list_claims"})

    other.call("claim_files", patterns=["a.py"])
    told = watcher.receive_until(updated)

    assert told["params"]["uri"] == CLAIMS
    assert told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == "listen:0"


def test_a_listener_of_2026_is_told(serve: Serve, repo: Path, add_worktree: AddWorktree) -> None:
    watcher, other = serve(repo), another(serve, add_worktree(repo, "side"))
    meta = {"_meta": envelope("claude-code")}
    wanted = {"notifications": {"resourceSubscriptions": [PROJECT]}}
    watcher.request("server/discover", meta)
    watcher.send({"id": "listen:0", "method": "subscriptions/listen", "params": {**meta, **wanted}})
    acknowledged = watcher.receive_until(lambda one: "method" in one)
    watcher.request("tools/call", {**meta, "name": "list_projects"})

    other.call("create_project", name="app", base_commit="HEAD", steps=STEPS)
    told = watcher.receive_until(updated)

    assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
    assert told["params"]["uri"] == PROJECT
    assert told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == "listen:0"
    assert watcher.end() == 0
