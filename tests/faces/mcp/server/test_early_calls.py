"""A call that comes before the engine is up begins without the SDK, and is answered once, as the engine would do it."""

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.faces.mcp.channel import VARIABLE
from gitcoord.faces.mcp.manifest import MODERN_VERSION, load, path_of
from gitcoord.faces.mcp.manifest.recorder import VERSIONS, request_of
from gitcoord.faces.mcp.server.early_calls import EarlyCalls
from gitcoord.faces.mcp.server.engine import Engine
from gitcoord.faces.mcp.server.handshake import Opening
from gitcoord.faces.mcp.workplace import Workplace
from gitcoord.service.watch.pending_notices import Pending
from gitcoord.service.watch.watch import Tick
from tests.conftest import AddWorktree
from tests.faces.mcp.conftest import Serve
from tests.faces.mcp.process import ANSWER_S, ROOT, Message, ServerProcess, command, envelope, environment, handshake

_EARLY = "from gitcoord.faces.mcp.server.front import main; main('all')"
_BY_THE_ENGINE = "from gitcoord.faces.mcp.server.front import *; Front(Wire.claim(), 'all', None).run()"
_TITLE = "unseen \u202e and \x1b[31m"
_CALLS: list[Message] = [
    {"name": "get_available_steps", "arguments": {}},
    {"name": "get_available_steps"},
    {"name": "get_project", "arguments": {"name": "app", "limit": "1"}, "_meta": {"progressToken": 7}},
    {"name": "get_project", "arguments": {"name": "nowhere"}},
    {"name": "list_claims", "arguments": {"nonsense": True}},
]


def calls_of(version: str) -> list[Message]:
    opening = request_of(version, "server/discover" if version == MODERN_VERSION else "initialize")
    meta: Message = envelope() if version == MODERN_VERSION else {}
    requests: list[Message] = []
    for at, call in enumerate(_CALLS):
        params = {**call, "_meta": {**meta, **call.get("_meta", {})}}
        requests.append({"jsonrpc": "2.0", "id": at, "method": "tools/call", "params": params})
    return [opening, *requests]


def answers(script: str, repo: Path, messages: list[Message], path: str = "") -> dict[object, Message]:
    """Send everything, close the input, and return each answer by its id; a second one fails."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=repo,
        env=environment({"PYTHONPATH": f"{path}:{ROOT}", "GITCOORD_AGENT": "ann/test/one"}),
        input="".join(json.dumps(message) + "\n" for message in messages),
        capture_output=True,
        encoding="utf-8",
        timeout=ANSWER_S,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({message["id"] for message in found}) == len(found)
    return {message["id"]: message for message in found}


@pytest.fixture
def no_sdk(tmp_path: Path) -> str:
    """A folder for PYTHONPATH in which the SDK is broken, so that no engine answers anything."""
    (tmp_path / "mcp_types.py").write_text("raise ImportError('broken installation')")
    return str(tmp_path)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_is_answered_without_the_sdk_as_the_engine_answers_it(
    serve: Serve, repo: Path, no_sdk: str, version: str
) -> None:
    planner = serve(repo)
    planner.initialize()
    planner.call(
        "create_project", name="app", base_commit="HEAD", steps=[{"step_num": 1, "branch": "b", "title": _TITLE}]
    )
    planner.end()

    early = answers(_EARLY, repo, calls_of(version), no_sdk)
    later = answers(_BY_THE_ENGINE, repo, calls_of(version))

    assert [early[at] for at in range(len(_CALLS))] == [later[at] for at in range(len(_CALLS))]
    assert early[0]["result"]["structuredContent"]["steps"][0]["title"] == _TITLE


def test_a_writing_call_without_the_sdk_lands_once_and_the_session_is_closed(repo: Path, no_sdk: str) -> None:
    claim = {"name": "claim_files", "arguments": {"patterns": ["a.py"]}}
    call: Message = {"jsonrpc": "2.0", "id": "c", "method": "tools/call", "params": claim}
    opening: Message = {"jsonrpc": "2.0", "id": "o", "method": "initialize", "params": handshake()}

    found = answers(_EARLY, repo, [opening, call], no_sdk)

    assert found["c"]["result"]["structuredContent"]["granted"] is True
    (session,) = (repo / ".git" / "gitcoord" / "sessions").glob("*.json")
    assert json.loads(session.read_text())["closed_at"]


def waiting_claim(pattern: str) -> Message:
    return {
        "name": "claim_files",
        "arguments": {"patterns": [pattern], "wait_seconds": 50},
        "_meta": {"progressToken": "p"},
    }


def waiting(server: ServerProcess, call: str) -> ServerProcess:
    """Have a server's first call wait for what the holder has; return the server."""
    server.send({"id": "opening", "method": "initialize", "params": handshake()})
    server.send({"id": call, "method": "tools/call", "params": waiting_claim("a.py")})
    return server


@pytest.fixture
def holder(serve: Serve, add_worktree: AddWorktree, repo: Path) -> ServerProcess:
    server = serve(add_worktree(repo, "side"))
    server.initialize()
    server.call("claim_files", patterns=["a.py"])
    return server


def test_the_engine_goes_on_with_a_call_that_takes_longer(serve: Serve, repo: Path, holder: ServerProcess) -> None:
    waiter = waiting(serve(repo, program=command()), "first")

    told = waiter.receive_until(lambda message: message.get("method") == "notifications/progress")
    holder.call("release_claims")
    answer = waiter.receive_until(lambda message: message.get("id") == "first")
    active = waiter.call("list_claims")["claims"]

    assert told["params"]["progressToken"] == "p"
    assert answer["result"]["structuredContent"]["granted"] is True
    assert [claim["items"][0]["pattern"] for claim in active] == ["a.py"]
    waiter.end()
    assert not [line for line in waiter.rest() if b'"first"' in line]


def test_a_call_that_is_cancelled_before_the_engine_is_up_is_not_answered(
    serve: Serve, repo: Path, holder: ServerProcess
) -> None:
    waiter = waiting(serve(repo, program=command()), "first")
    waiter.send({"method": "notifications/cancelled", "params": {"requestId": "first"}})

    held = waiter.call("list_claims")["claims"]
    status = waiter.end()

    assert [claim["agent"] for claim in held] == [holder.call("list_claims")["claims"][0]["agent"]]
    assert status == 0
    assert not [line for line in waiter.rest() if b'"first"' in line]


def test_a_call_that_waits_is_cancelled_where_no_engine_will_come(
    serve: Serve, repo: Path, no_sdk: str, holder: ServerProcess
) -> None:
    program = [sys.executable, "-c", f"import sys; sys.path.insert(0, {no_sdk!r}); {_EARLY}"]
    waiter = waiting(serve(repo, program=program), "first")
    refused = waiter.request("resources/read", {"uri": "coord://status"})["error"]["message"]  # once it is known

    waiter.send({"method": "notifications/cancelled", "params": {"requestId": "first"}})
    late = waiter.request("tools/call", {"name": "list_claims", "arguments": {}})["error"]["message"]
    status = waiter.end()

    assert late == refused
    assert "broken installation" in late
    assert "Nothing of this was carried out. Restart the server" in late
    assert status == 0
    assert not [line for line in waiter.rest() if b'"first"' in line]
    assert len(holder.call("list_claims")["claims"]) == 1


def claimed(answer: Message) -> str:
    """Return the pattern of a claim that was granted."""
    result = answer["result"]["structuredContent"]
    assert result["granted"] is True
    return result["claim"]["items"][0]["pattern"]


def test_a_call_under_an_id_that_was_used_before_is_carried_out(serve: Serve, repo: Path) -> None:
    """The protocol forbids it, and some clients do it: what is answered has been done."""
    server = serve(repo, program=command())
    server.request("initialize", handshake())

    first = server.request("tools/call", {"name": "claim_files", "arguments": {"patterns": ["a.py"]}}, request_id=2)
    server.request("resources/read", {"uri": "coord://status"})  # which the engine answers
    again = server.request("tools/call", {"name": "claim_files", "arguments": {"patterns": ["b.py"]}}, request_id=2)

    assert [claimed(first), claimed(again)] == ["a.py", "b.py"]
    held = [claim["items"][0]["pattern"] for claim in server.call("list_claims")["claims"]]
    assert sorted(held) == ["a.py", "b.py"]


def test_a_call_under_the_id_of_one_that_was_cancelled_is_carried_out(
    serve: Serve, repo: Path, holder: ServerProcess
) -> None:
    waiter = waiting(serve(repo, program=command()), "x")
    waiter.send({"method": "notifications/cancelled", "params": {"requestId": "x"}})
    waiter.request("resources/read", {"uri": "coord://status"})

    again = waiter.request("tools/call", waiting_claim("b.py"), request_id="x")

    assert claimed(again) == "b.py"
    assert len(holder.call("list_claims")["claims"]) == 2


def test_the_engine_cancels_a_call_that_has_begun_before_its_handler_does() -> None:
    """And the next under that id is its own."""
    lines: queue.Queue[bytes] = queue.Queue()
    up: queue.Queue[Engine] = queue.Queue()
    early = EarlyCalls("work", "/", {})
    call: Message = {"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": waiting_claim("a.py")}
    cancel: Message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "x"}}
    engine = Engine(early, {}, lines.put)
    thread = threading.Thread(target=engine.run, args=(up.put,), daemon=True)
    thread.start()
    up.get(timeout=ANSWER_S)

    engine.deliver(json.dumps(request_of("2025-06-18", "initialize")).encode())
    begun = early.begin(waiting_claim("a.py"), lambda *_: None)
    engine.deliver(json.dumps(call).encode(), begun)
    engine.deliver(json.dumps(cancel).encode())
    engine.deliver(json.dumps({**call, "params": {"name": "none"}}).encode())
    answers = [json.loads(lines.get(timeout=ANSWER_S)) for _ in range(2)]
    engine.end(0)
    thread.join(ANSWER_S)

    assert begun is not None
    assert begun.patience.is_over
    assert [answer["id"] for answer in answers][1] == "x"
    assert "Unknown tool 'none'" in answers[1]["error"]["message"]


_PLAIN: Message = {"name": "claim_files", "arguments": {}}


@pytest.mark.parametrize(
    ("params", "is_early"),
    [
        (_PLAIN, True),
        ({"name": "claim_files"}, True),
        ({**_PLAIN, "_meta": {"progressToken": "t", "client/own": {"a": 1}}}, True),
        ({**_PLAIN, "_meta": {"progressToken": True}}, False),
        ({**_PLAIN, "_meta": envelope()}, False),
        ({**_PLAIN, "task": {"ttl": 1}}, False),
        ({**_PLAIN, "arguments": None}, False),
        ({**_PLAIN, "arguments": []}, False),
        ({"arguments": {}}, False),
        ([], False),
    ],
)
def test_a_call_with_anything_beside_its_arguments_is_left_to_the_engine(params: object, is_early: bool) -> None:
    opening = Opening(load(path_of("work")))
    opening.answer({"method": "initialize", "params": handshake()})

    found = opening.added({"method": "tools/call", "params": params})

    assert found == ({} if is_early else None)


def test_a_call_in_a_conversation_that_the_engine_opens_is_left_to_it() -> None:
    unknown, unopened = Opening(load(path_of("work"))), Opening(load(path_of("work")))
    unknown.answer({"method": "initialize", "params": handshake("1999-01-01")})

    assert unknown.added({"method": "tools/call", "params": _PLAIN}) is None
    assert unopened.added({"method": "tools/call", "params": _PLAIN}) is None


def test_what_was_seen_before_the_engine_listens_is_not_lost(
    serve: Serve, repo: Path, add_worktree: AddWorktree
) -> None:
    ticks: queue.Queue[Tick] = queue.Queue()
    workplace = Workplace(repo, environment())
    workplace.open()

    other = serve(add_worktree(repo, "side"))
    other.initialize()
    other.call("claim_files", patterns=["a.py"])
    workplace.listen(ticks.put)
    tick = ticks.get(timeout=ANSWER_S)
    workplace.close()

    assert "coord://claims" in tick.changed


def test_what_arrived_before_the_engine_is_up_wakes_a_session_with_a_channel() -> None:
    lines: queue.Queue[bytes] = queue.Queue()
    up: queue.Queue[Engine] = queue.Queue()
    env = {VARIABLE: "1"}
    early = EarlyCalls("work", "/", env)
    asked = Pending(("r-1",), CallerNotice.of("request_pending", "ann asks for a.py"), is_due=True)
    opening: Message = {"jsonrpc": "2.0", "id": "o", "method": "initialize", "params": handshake(client="claude-code")}
    opening["params"]["clientInfo"]["version"] = "2.1.80"
    engine = Engine(early, env, lines.put)

    def is_up(engine: Engine) -> None:
        engine.deliver(json.dumps(opening).encode())
        up.put(engine)

    early.workplace._tell(Tick(["coord://notices"], 0, [asked]))
    thread = threading.Thread(target=engine.run, args=(is_up,), daemon=True)
    thread.start()
    up.get(timeout=ANSWER_S)
    sent = [json.loads(lines.get(timeout=ANSWER_S)) for _ in range(2)]
    engine.end(0)
    thread.join(ANSWER_S)

    (woken,) = [message for message in sent if "method" in message]
    assert woken["method"] == "notifications/claude/channel"
    assert woken["params"] == {"content": "ann asks for a.py", "meta": {"notice": "request_pending", "id": "r-1"}}
