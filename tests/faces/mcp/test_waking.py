"""A session learns what concerns it without calling: by updates of `coord://notices`, by the channel of Claude Code."""

import json
from typing import Any

import pytest

from gitcoord.faces.mcp.channel import VARIABLE
from tests.conftest import Git
from tests.faces.mcp.conftest import Serve
from tests.faces.mcp.process import Message, ServerProcess, envelope, handshake
from tests.unit.service.world import Shared
from tests.unit.service.world import shared as shared  # noqa: PLC0414 - a fixture, exported to pytest

NOTICES = "coord://notices"
ANN = {"GITCOORD_AGENT": "ann/test/one"}
CHANNEL = "notifications/claude/channel"


def of_notices(message: Message) -> bool:
    return message.get("method") == "notifications/resources/updated" and message["params"]["uri"] == NOTICES


def of_channel(message: Message) -> bool:
    return message.get("method") == CHANNEL


@pytest.fixture
def ann(serve: Serve, shared: Shared) -> ServerProcess:
    """Someone who subscribed, in the first clone."""
    server = serve(shared.one, env=ANN)
    server.initialize()
    server.request("resources/subscribe", {"uri": NOTICES})
    return server


@pytest.fixture
def bob(serve: Serve, shared: Shared) -> ServerProcess:
    server = serve(shared.two)
    server.initialize()
    return server


def notices(server: ServerProcess) -> list[dict[str, Any]]:
    """Read the resource; that shows nothing to the agent."""
    read = server.request("resources/read", {"uri": NOTICES})["result"]["contents"][0]["text"]
    return json.loads(read)["notices"]


def line_of(server: ServerProcess) -> list[dict[str, Any]]:
    """Return who waits for files."""
    read = server.request("resources/read", {"uri": "coord://claims"})["result"]["contents"][0]["text"]
    return json.loads(read)["queued"]


def test_who_is_asked_is_told_and_reading_it_answers_and_shows_nothing(ann: ServerProcess, bob: ServerProcess) -> None:
    held = ann.call("claim_files", patterns=["a.py"])["claim"]

    bob.call("request_release", claim_id=held["id"], reason="the fix", wait_seconds=0)
    ann.receive_until(of_notices)
    read = [notices(ann) for _ in range(2)]

    assert read[0] == read[1]
    assert [(row["notice"], row["due"]) for row in read[0]] == [("request_pending", True)]
    assert [row["notice"] for row in ann.call("list_claims")["notices"]] == ["request_pending"]


@pytest.mark.rule("CLAIM-20")
def test_who_was_granted_is_told_and_reading_it_acknowledges_nothing(ann: ServerProcess, bob: ServerProcess) -> None:
    held = bob.call("claim_files", patterns=["a.py"])["claim"]
    asked = ann.call("request_release", claim_id=held["id"], reason="the fix", wait_seconds=0)["request"]

    bob.call("respond_to_request", request_id=asked["id"], decision="approved")
    ann.receive_until(of_notices)
    read = notices(ann)
    (claim,) = bob.call("list_claims")["claims"]

    assert [row["notice"] for row in read if row["due"]] == ["queue_grant"]
    assert (claim["agent"], "ack_by" in claim) == ("ann/test/one", True)


def test_who_lost_a_step_is_told(ann: ServerProcess, bob: ServerProcess) -> None:
    steps = [{"step_num": 1, "branch": "first"}]
    ann.call("create_project", name="app", base_commit="HEAD", steps=steps)
    ann.call("claim_step")

    bob.call("recover_step", step_id="app/1", force=True)
    ann.receive_until(of_notices)

    assert [row["notice"] for row in notices(ann)] == ["step_lost"]
    assert [row["notice"] for row in ann.call("list_projects")["notices"]] == ["step_lost"]
    assert notices(ann) == []


def test_nobody_is_told_of_what_concerns_others(ann: ServerProcess, bob: ServerProcess, serve: Serve) -> None:
    held = ann.call("claim_files", patterns=["a.py"])["claim"]
    bob.request("resources/subscribe", {"uri": NOTICES})
    bob.request("resources/subscribe", {"uri": "coord://claims"})

    bob.call("request_release", claim_id=held["id"], reason="the fix", wait_seconds=0)
    bob.receive_until(lambda one: one.get("params") == {"uri": "coord://claims"})
    ann.receive_until(of_notices)

    assert not any(of_notices(message) for message in bob.others)
    assert notices(bob) == []


def test_what_arrives_touches_no_call_that_waits(ann: ServerProcess, bob: ServerProcess) -> None:
    mine = ann.call("claim_files", patterns=["a.py"])["claim"]
    theirs = bob.call("claim_files", patterns=["b.py"])["claim"]
    arguments = {"patterns": ["b.py"], "wait_seconds": 50}
    ann.send({"id": "waits", "method": "tools/call", "params": {"name": "claim_files", "arguments": arguments}})
    while not line_of(bob):
        pass

    bob.call("request_release", claim_id=mine["id"], reason="the fix", wait_seconds=0)
    ann.receive_until(of_notices)
    is_answered = any(message.get("id") == "waits" for message in ann.others)
    bob.call("release_claims", claim_ids=[theirs["id"]])
    answer = ann.receive_until(lambda one: one.get("id") == "waits")

    assert not is_answered
    assert answer["result"]["structuredContent"]["granted"] is True


def opened(server: ServerProcess, version: str) -> tuple[Message, Message]:
    """Open the conversation as Claude Code does; return the answers to its probe and to the handshake."""
    asks = envelope("claude-code")
    asks["io.modelcontextprotocol/clientInfo"]["version"] = version
    probe = server.request("server/discover", {"_meta": asks}, request_id="server-discover-probe-1")
    if "result" in probe:
        return probe, {}
    hello = handshake("2025-11-25", "claude-code")
    hello["clientInfo"]["version"] = version
    answer = server.request("initialize", hello)["result"]
    server.send({"method": "notifications/initialized"})
    return probe, answer


def test_a_session_with_a_channel_is_woken_once_by_what_it_is_asked(
    serve: Serve, shared: Shared, bob: ServerProcess
) -> None:
    ann = serve(shared.one, env={**ANN, VARIABLE: "1"})
    probe, answer = opened(ann, "2.1.80")
    held = ann.call("claim_files", patterns=["a.py"])["claim"]

    asked = bob.call("request_release", claim_id=held["id"], reason="the fix", wait_seconds=0)["request"]
    told = ann.receive_until(of_channel)["params"]
    shown = ann.call("list_claims")["notices"]

    assert probe["error"]["code"] == -32601  # channels exist on connections of the handshake era alone
    assert answer["capabilities"]["experimental"] == {"claude/channel": {}}
    assert told["meta"] == {"notice": "request_pending", "id": asked["id"]}
    assert "respond_to_request" in told["content"]
    assert [notice["notice"] for notice in shown] == ["request_pending"]
    assert not any(of_channel(message) for message in ann.others)


@pytest.mark.parametrize(("version", "variable"), [("2.1.329", ""), ("2.1.329", "0"), ("2.1.79", "1"), ("next", "1")])
def test_who_did_not_ask_for_a_channel_or_has_none_hears_of_none(
    serve: Serve, shared: Shared, version: str, variable: str
) -> None:
    ann = serve(shared.one, env={**ANN, VARIABLE: variable})

    probe, _ = opened(ann, version)

    assert "experimental" not in probe["result"]["capabilities"]


def test_a_channel_is_silent_for_who_wants_to_be_left_alone(
    serve: Serve, shared: Shared, bob: ServerProcess, git: Git
) -> None:
    git(shared.one, "config", "gitcoord.wake", "off")
    ann = serve(shared.one, env={**ANN, VARIABLE: "1"})
    opened(ann, "2.1.329")
    ann.request("resources/subscribe", {"uri": NOTICES})
    held = ann.call("claim_files", patterns=["a.py"])["claim"]

    bob.call("request_release", claim_id=held["id"], reason="the fix", wait_seconds=0)
    ann.receive_until(of_notices)
    ann.call("list_claims")

    assert not any(of_channel(message) for message in ann.others)
