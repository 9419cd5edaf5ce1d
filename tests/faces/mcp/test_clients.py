"""The openings of real clients, as they were recorded on the wire, and what the server makes of who is there."""

from pathlib import Path

import pytest

from gitcoord.faces.mcp.client import alias_of, client_of, session_of, tool_name
from gitcoord.faces.mcp.tools.tool_table import tools_of
from tests.faces.mcp.conftest import Serve
from tests.faces.mcp.process import Message, envelope, handshake


def test_claude_code_probes_and_lists_without_waiting_for_a_subscription(serve: Serve, repo: Path) -> None:
    """Its opening of 2.1.329, since our lists are said to stay: before, it listened first, and listed after the ack."""
    server = serve(repo, "--tools", "work")
    meta = {"_meta": envelope("claude-code")}

    probe = server.request("server/discover", meta, request_id="server-discover-probe-1")
    prompts = server.request("prompts/list", meta, request_id=0)
    resources = server.request("resources/list", meta, request_id=1)
    tools = server.request("tools/list", meta, request_id=2)

    assert probe["result"]["supportedVersions"] == ["2026-07-28"]
    assert probe["result"]["capabilities"] == {
        "prompts": {"listChanged": False},
        "resources": {"listChanged": False, "subscribe": True},
        "tools": {"listChanged": False},
    }
    assert len(probe["result"]["instructions"].encode()) <= 1536
    assert [one["name"] for one in prompts["result"]["prompts"]] == ["start-work", "hand-over"]
    assert [one["uri"] for one in resources["result"]["resources"]] == [
        "coord://status",
        "coord://claims",
        "coord://notices",
    ]
    assert "claim_step" in [one["name"] for one in tools["result"]["tools"]]


def test_a_client_that_probes_again_and_listens_before_it_lists_is_served(serve: Serve, repo: Path) -> None:
    server = serve(repo, "--tools", "work")
    meta = {"_meta": envelope("claude-code")}
    wanted = {"notifications": {"toolsListChanged": True, "resourcesListChanged": True}}

    probe = server.request("server/discover", meta, request_id="server-discover-probe-1")
    server.send({"id": "listen:0", "method": "subscriptions/listen", "params": {**meta, **wanted}})
    discovered = server.request("server/discover", meta, request_id="server-discover:1")
    tools = server.request("tools/list", meta, request_id="b")
    listening = server.receive_until(lambda one: one.get("method") == "notifications/subscriptions/acknowledged")

    assert probe["result"] == discovered["result"]
    assert "claim_step" in [one["name"] for one in tools["result"]["tools"]]
    assert listening["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == "listen:0"


def test_codex_handshakes_and_lists_with_a_progress_token(serve: Serve, repo: Path) -> None:
    server = serve(repo)
    capabilities = {"elicitation": {}}

    opened = server.request("initialize", handshake("2025-06-18", "codex-mcp-client", capabilities=capabilities))
    server.send({"method": "notifications/initialized"})
    tools = server.request("tools/list", {"_meta": {"progressToken": 0}})
    status = server.request("resources/read", {"uri": "coord://status"})

    assert opened["result"]["protocolVersion"] == "2025-06-18"
    assert opened["result"]["serverInfo"]["name"] == "gitcoord"
    assert len(tools["result"]["tools"]) == len(tools_of("all"))
    assert '"agent":"test-author/codex/repo"' in status["result"]["contents"][0]["text"]


def test_gemini_is_answered_its_health_check(serve: Serve, repo: Path) -> None:
    server = serve(repo)

    server.request("initialize", handshake("2025-06-18", "gemini-cli-mcp-client"))
    early = server.request("ping")
    server.send({"method": "notifications/initialized"})
    server.call("list_projects")
    late = server.request("ping")

    assert [early["result"], late["result"]] == [{}, {}]


def test_opencode_handshakes_with_roots(serve: Serve, repo: Path) -> None:
    server = serve(repo)
    capabilities = {"roots": {"listChanged": True}, "sampling": {}}

    opened = server.request("initialize", handshake("2025-11-25", "opencode", capabilities=capabilities))
    server.send({"method": "notifications/initialized"})
    tools = server.request("tools/list")

    assert opened["result"]["protocolVersion"] == "2025-11-25"
    assert tools["result"]["tools"]


def test_what_is_asked_before_the_engine_is_up_is_answered_once_it_is(serve: Serve, repo: Path) -> None:
    server = serve(repo)
    server.send({"id": 1, "method": "initialize", "params": handshake()})
    server.send({"method": "notifications/initialized"})
    server.send({"id": "2", "method": "tools/call", "params": {"name": "list_projects"}})
    server.send({"id": 3, "method": "tools/list"})

    opened, *others = [server.receive() for _ in range(3)]

    results = {answer["id"]: answer["result"] for answer in others}  # the call is quick, and may come first
    assert (opened["id"], {*results}) == (1, {"2", 3})
    assert results["2"]["structuredContent"] == {"projects": [], "count": 0}


def test_lines_that_are_no_messages_change_nothing(serve: Serve, repo: Path) -> None:
    server = serve(repo)
    for line in (b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"jsonrpc":"2.0"}', b'{"jsonrpc":"2.0","id":null}'):
        server.send_line(line)

    server.initialize()

    assert server.call("list_projects") == {"projects": [], "count": 0}
    assert server.end() == 0
    assert server.rest() == []


def test_an_unknown_method_and_an_unknown_tool_are_protocol_errors(serve: Serve, repo: Path) -> None:
    server = serve(repo, "--tools", "work")
    server.initialize()

    method = server.request("no/such/method")
    tool = server.request("tools/call", {"name": "create_project", "arguments": {}})

    assert method["error"]["code"] == -32601
    assert tool["error"]["code"] == -32602
    assert "claim_step" in tool["error"]["message"]


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("claude-code", "claude-code"),
        ("codex-mcp-client", "codex"),
        ("gemini-cli-mcp-client", "gemini"),
        ("cursor-vscode", "cursor"),
        ("Cursor", "cursor"),
        ("Visual Studio Code - Insiders", "vscode"),
        ("Zed", "zed"),
        ("My Own Client/2 (beta)", "my-own-client-2-beta"),
        ("x" * 200, "x" * 32),
        ("…", "mcp"),
    ],
)
def test_a_client_is_known_by_one_word(client: str, expected: str) -> None:
    assert expected == tool_name(client)


def test_the_client_is_named_by_the_handshake_or_by_the_envelope() -> None:
    nameless: list[Message] = [{}, {"_meta": 1}, {"clientInfo": {"name": "x"}}]

    assert client_of("initialize", handshake(client="zed")) == "zed"
    assert client_of("tools/call", {"_meta": envelope("claude-code")}) == "claude-code"
    assert [client_of("tools/call", params) for params in nameless] == [None, None, None]


def test_the_session_is_the_tools_own() -> None:
    assert session_of({"GEMINI_SESSION_ID": "g", "CLAUDE_CODE_SESSION_ID": "c"}) == "c"
    assert session_of({"GITCOORD_SESSION": "pinned", "CLAUDE_CODE_SESSION_ID": "c"}) == "pinned"
    assert session_of({"CLAUDE_CODE_SESSION_ID": ""}) is None
    assert alias_of({"_meta": {"threadId": "t", "sessionId": "s"}}) == "s"
    assert alias_of({"_meta": {"sessionId": 1}}) is None


def test_the_servers_session_is_the_one_of_the_tool_and_its_alias(serve: Serve, repo: Path) -> None:
    server = serve(repo, env={"CLAUDE_CODE_SESSION_ID": "ab12cd34"})
    server.initialize(client="claude-code")
    params = {"name": "list_projects", "_meta": {"sessionId": "other-id"}}

    server.request("tools/call", params)
    status = server.request("resources/read", {"uri": "coord://status"})["result"]["contents"][0]["text"]
    files = sorted((repo / ".git" / "gitcoord" / "sessions").glob("*.json"))

    assert '"session":"ab12cd34"' in status
    assert [file.stem for file in files] == ["ab12cd34"]
    assert "other-id" in files[0].read_text()
