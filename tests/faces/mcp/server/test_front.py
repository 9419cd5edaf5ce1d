"""The front is a cache of the engine's answers: equal where it answers, silent where it is not sure."""

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gitcoord import __version__
from gitcoord.faces.mcp.manifest import CALL, TOOL_SETS, Manifest, load, path_of
from gitcoord.faces.mcp.manifest.recorder import VERSIONS, engine_answers, methods_of, request_of
from gitcoord.faces.mcp.server import front
from gitcoord.faces.mcp.server.early_calls import EarlyCalls
from gitcoord.faces.mcp.server.engine import Engine
from gitcoord.faces.mcp.server.handshake import Opening
from gitcoord.faces.mcp.tools.tool import ToolSet
from tests.faces.mcp.conftest import Serve
from tests.faces.mcp.process import ANSWER_S, ROOT, Message, envelope, environment, handshake

_MODERN = {"_meta": envelope()}
_TOOLS = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


def manifest(tool_set: ToolSet = "work") -> Manifest:
    loaded = load(path_of(tool_set))
    assert loaded is not None, "run: python -m gitcoord.faces.mcp.manifest"
    return loaded


def request(method: str, params: object = None, request_id: object = 1) -> Message:
    message: Message = {"jsonrpc": "2.0", "id": request_id, "method": method}
    return message if params is None else {**message, "params": params}


@pytest.mark.parametrize("tool_set", TOOL_SETS)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_front_answers_what_the_engine_answers(tool_set: ToolSet, version: str) -> None:
    opening = Opening(manifest(tool_set))

    found = {method: opening.answer(request_of(version, method)) for method in methods_of(version)}

    answers = engine_answers(tool_set, version)
    result = answers.pop(CALL)
    assert answers == found
    assert isinstance(result, dict)
    added = opening.added(request_of(version, CALL))
    assert {name: result[name] for name in result.keys() - {"content", "isError"}} == added


# Conversations that a front could get wrong: (opening, then).
_ODD: list[list[Message]] = [
    [request("initialize", handshake("1999-01-01")), _TOOLS],
    [request("initialize", handshake("2026-07-28")), _TOOLS],
    [request("initialize", {"protocolVersion": "2025-06-18"}), _TOOLS],
    [request("initialize", [1]), _TOOLS],
    [request("initialize"), _TOOLS],
    [request("initialize", handshake(_meta={"progressToken": True})), _TOOLS],
    [request("initialize", handshake(_meta=envelope())), _TOOLS],
    [request("initialize", handshake(capabilities={"roots": {"listChanged": True}}, extra=1)), _TOOLS],
    [request("initialize", handshake()), request("initialize", handshake("2025-11-25"), 2), {**_TOOLS, "id": 3}],
    [request("initialize", handshake()), {**_TOOLS, "params": {"cursor": "x"}}],
    [request("initialize", handshake()), {**_TOOLS, "params": {"_meta": {"progressToken": "p"}}}],
    [request("initialize", handshake()), {**_TOOLS, "params": {"_meta": {"progressToken": 1.5}}}],
    [request("initialize", handshake()), {**_TOOLS, "params": _MODERN}],
    [request("initialize", handshake()), {**_TOOLS, "params": {}}],
    [request("initialize", handshake()), request("server/discover", None, 2), {**_TOOLS, "id": 3}],
    [request("tools/list")],
    [request("ping"), request("initialize", handshake(), 2), {**_TOOLS, "id": 3}],
    [request("server/discover")],
    [request("server/discover", _MODERN), {**_TOOLS, "params": _MODERN}],
    [request("server/discover", _MODERN), _TOOLS],
    [request("server/discover", _MODERN), request("ping", _MODERN, 2)],
    [request("server/discover", _MODERN), request("initialize", handshake(), 2)],
    [request("tools/list", _MODERN), request("server/discover", _MODERN, 2)],
    [request("server/discover", {"_meta": {**envelope(), "io.modelcontextprotocol/protocolVersion": "2099-01-01"}})],
    [request("server/discover", {"_meta": {**envelope(), "io.modelcontextprotocol/clientCapabilities": 1}})],
    [request("server/discover", {"_meta": {**envelope(), "io.modelcontextprotocol/clientInfo": {"name": 1}}})],
    [request("server/discover", {"_meta": {**envelope(), "io.modelcontextprotocol/clientInfo": None}})],
    [request("nonsense/method", _MODERN)],
]


@pytest.mark.parametrize("conversation", _ODD, ids=range(len(_ODD)))
def test_where_the_front_answers_an_odd_conversation_the_engine_would_answer_the_same(
    conversation: list[Message],
) -> None:
    opening = Opening(manifest())
    answers = conversation_with_engine(conversation)

    for message, answer in zip(conversation, answers, strict=True):
        found = opening.answer(message)
        assert found is None or found == (answer or {}).get("result")


def conversation_with_engine(messages: list[Message]) -> list[Message | None]:
    """Return the engine's answer to each message; `None` to one that is not answered."""
    lines: queue.Queue[bytes] = queue.Queue()
    up: queue.Queue[Engine] = queue.Queue()
    engine = Engine(EarlyCalls("work", "/", {}), {}, lines.put)
    thread = threading.Thread(target=engine.run, args=(up.put,), daemon=True)
    thread.start()
    up.get(timeout=ANSWER_S)
    answers: list[Message | None] = []
    for message in messages:
        for one in (message, request("no/such/method", request_id="after")):
            engine.deliver(json.dumps(one).encode())
        got = [json.loads(lines.get(timeout=ANSWER_S))]
        while got[-1]["id"] != "after":
            got.append(json.loads(lines.get(timeout=ANSWER_S)))
        answers.append(got[0] if len(got) > 1 else None)
    engine.end(0)
    thread.join(ANSWER_S)
    return answers


def test_known_conversations_are_answered_from_the_manifest() -> None:
    modern, legacy = Opening(manifest()), Opening(manifest())

    assert legacy.answer(request("initialize", handshake(capabilities={"roots": {}}))) is not None
    assert legacy.answer(request("tools/list", {"_meta": {"progressToken": 0}}, "b")) is not None
    assert legacy.answer(request("ping")) == {}
    assert modern.answer(request("server/discover", _MODERN, "server-discover-probe-1")) is not None
    assert modern.answer(request("resources/list", _MODERN)) is not None


def test_a_manifest_of_another_version_or_a_damaged_one_does_not_count(tmp_path: Path) -> None:
    stale, damaged = tmp_path / "stale.json", tmp_path / "damaged.json"
    stale.write_text(Path(path_of("work")).read_text().replace(f'"{__version__}"', '"0.0.0"', 1))
    damaged.write_text('{"gitcoord"')

    assert [load(str(path)) for path in (stale, damaged, tmp_path / "none.json")] == [None, None, None]
    assert load(str(stale), "0.0.0") is not None


def test_without_a_manifest_the_engine_answers_everything(repo: Path) -> None:
    script = "import sys; from gitcoord.faces.mcp.server.front import *; Front(Wire.claim(), 'work', None).run()"
    lines = [request_of("2025-06-18", method) for method in methods_of("2025-06-18")]

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=repo,
        env=environment(),
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        encoding="utf-8",
        timeout=ANSWER_S,
        check=True,
    )

    answers = {answer["id"]: answer["result"] for answer in map(json.loads, done.stdout.splitlines())}
    found = engine_answers("work", "2025-06-18")
    assert found == {**answers, CALL: found[CALL]}


def test_an_engine_that_cannot_start_is_told_to_whoever_waits(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "mcp_types.py").write_text("raise ImportError('broken installation')")
    script = "from gitcoord.faces.mcp.server.front import main; import sys; sys.exit(main('all'))"
    read = request("resources/read", {"uri": "coord://status"}, "x")

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=repo,
        env=environment({"PYTHONPATH": f"{tmp_path}:{ROOT}"}),
        input="".join(json.dumps(line) + "\n" for line in (request("initialize", handshake()), read)),
        capture_output=True,
        encoding="utf-8",
        timeout=ANSWER_S,
        check=True,
    )

    opened, refused = map(json.loads, done.stdout.splitlines())
    assert opened["result"]["protocolVersion"] == "2025-06-18"
    assert refused["id"] == "x"
    assert "broken installation" in refused["error"]["message"]


def test_the_front_imports_nothing_that_takes_long() -> None:
    script = "import sys; import gitcoord.faces.entry, gitcoord.faces.mcp.server.front; print(*sys.modules)"

    out = subprocess.run(
        [sys.executable, "-S", "-c", script], env=environment(), capture_output=True, encoding="utf-8", check=True
    ).stdout

    loaded = {name.partition(".")[0] for name in out.split()}
    slow = {
        "typing",
        "pathlib",
        "dataclasses",
        "argparse",
        "asyncio",
        "pydantic",
        "pygit2",
        "mcp",
        "mcp_types",
        "anyio",
    }
    assert loaded & slow == set()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "all"),
        (["--tools", "work"], "work"),
        (["--tools=lead"], "lead"),
        (["--tools", "many"], None),
        (["--tools"], None),
        (["--port", "1"], None),
    ],
)
def test_the_tool_set_is_what_the_arguments_say(arguments: list[str], expected: str | None) -> None:
    assert expected == front.tool_set_of(arguments)


def test_wrong_arguments_are_a_usage_error_and_nothing_is_served(serve: Serve, tmp_path: Path) -> None:
    server = serve(tmp_path, "--tools", "many")

    assert server.wait() == 2
    assert server.errors.startswith(b"error: Invalid value for '--tools': 'many' is not one of 'work', 'lead', 'all'.")
    assert server.rest() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mcp", "--tools", "many"), "error: Invalid value for '--tools'"),
        (("mcp", "--json"), "No such option: --json"),
        (("hook", "--json"), "No such option: --json"),
        (("hook",), "error: Missing argument 'HOOK'"),
    ],
)
def test_what_a_server_or_a_hook_does_not_understand_is_said_as_everywhere(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gitcoord", *words],
        cwd=tmp_path,
        env=environment({}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]["message"] if "--json" in words else done.stderr.decode()
    assert said in error
