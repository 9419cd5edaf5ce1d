"""A server imports nothing once it has been up for a while: the package may be another version on disk by then."""

import json
import os
import sys
from pathlib import Path

import pytest

from gitcoord import source
from gitcoord.faces.mcp.server import late_modules
from gitcoord.faces.mcp.tools.tool_table import tools_of
from tests.conftest import Git
from tests.faces.mcp.conftest import Serve
from tests.faces.mcp.process import ServerProcess

_SERVE = """
import json, sys, threading
from gitcoord.faces.mcp.server import front, late_modules

late_modules.AFTER_S = 0

def tell():
    for path in sys.argv[1:]:
        with open(path, "w") as asked:  # by the test, which opens it to read
            for thread in threading.enumerate():
                if thread.name == late_modules.THREAD:
                    thread.join()
            json.dump(sorted(sys.modules), asked)

threading.Thread(target=tell, daemon=True).start()
front.main("all")
"""


def call_every_tool(server: ServerProcess) -> set[str]:
    """Return the names of the tools that were called; each has a result."""
    called: set[str] = set()

    def call(tool: str, **arguments: object) -> dict[str, object]:
        called.add(tool)
        return server.call(tool, **arguments)

    def id_of(result: dict[str, object], what: str) -> object:
        document = result[what]
        assert isinstance(document, dict)
        return document["id"]

    call(
        "create_project", name="app", base_commit="HEAD", steps=[{"step_num": at, "branch": f"b{at}"} for at in (1, 2)]
    )
    call("add_steps", project="app", steps=[{"step_num": 3, "branch": "b3"}])
    call("update_step", step_id="app/3", title="third")
    call("skip_step", step_id="app/3", reason="not needed")
    call("get_available_steps")
    call("claim_step")
    call("start_step", step_id="app/1")
    call("heartbeat", step_id="app/1")
    call("get_step", step_id="app/1")
    call("complete_step", step_id="app/1", commit_hash="HEAD")
    call("claim_step")
    call("fail_step", step_id="app/2", reason="broken")
    call("recover_step", step_id="app/2")
    held = id_of(call("claim_files", patterns=["a.py"], symbols={"b.py": ["f"]}), "claim")
    call("check_conflicts", files=["a.py"], agent_id="sub")
    call("list_claims")
    call("extend_claims", ttl_hours=2)
    asked = id_of(call("request_release", claim_id=held, reason="now", wait_seconds=0, agent_id="sub"), "request")
    call("pending_requests")
    call("respond_to_request", request_id=asked, decision="denied", note="soon")
    call("wait_for_request", request_id=asked, timeout=0, agent_id="sub")
    call("my_requests", agent_id="sub")
    call("cancel_queue_request", queue_id="q-aaaaaaaa", agent_id="sub")
    call("predict_conflicts")
    call("release_claims")
    for look in ("list_projects", "detect_stale_work", "get_metrics", "get_agent_events"):
        call(look)
    call("get_project", name="app")
    call("abort_project", name="app", reason="done")
    call("release_session")
    return called


def test_a_module_that_cannot_be_loaded_keeps_none_of_the_others_from_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "late_broken").mkdir()
    (tmp_path / "late_broken" / "__init__.py").write_text("raise RuntimeError('half of an upgrade')")
    (tmp_path / "late_broken_too.py").write_text("from gitcoord import nothing_of_the_kind")
    (tmp_path / "late_mixed.py").write_text("import gitcoord; gitcoord.nothing_of_the_kind()")
    (tmp_path / "late_whole.py").write_text("")
    monkeypatch.setattr(source, "__path__", [*source.__path__, str(tmp_path)])
    monkeypatch.setattr(late_modules, "LAYERS", ("no_such_layer", "source"))

    late_modules.load()

    assert sys.modules.pop("gitcoord.source.late_whole").__file__ == str(tmp_path / "late_whole.py")


def test_after_its_first_minute_a_server_imports_nothing(serve: Serve, repo: Path, git: Git, tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (repo / name).write_text("def f():\n    return 1\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "start")
    git(repo, "branch", "main-too")
    for number, branch in ((2, "one"), (3, "two")):
        git(repo, "checkout", "-q", "-b", branch, "main-too")
        (repo / "a.py").write_text(f"def f():\n    return {number}\n")
        git(repo, "commit", "-qam", branch)
    before, after = tmp_path / "before", tmp_path / "after"
    for path in (before, after):
        os.mkfifo(path)
    server = serve(repo, program=[sys.executable, "-c", _SERVE, str(before), str(after)])
    server.initialize()
    server.request("resources/read", {"uri": "coord://status"})

    loaded = set(json.loads(before.read_text()))
    called = call_every_tool(server)
    later = set(json.loads(after.read_text()))

    assert called == set(tools_of("all"))
    assert sorted(later - loaded) == []
