"""Two agents claim the same files, each through a real server over stdio in a worktree of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AddWorktree, Git
from tests.faces.mcp.conftest import Serve
from tests.faces.mcp.process import Message, ServerProcess


@pytest.fixture
def ann(serve: Serve, repo: Path) -> ServerProcess:
    return started(serve, repo, "ann/claude/one")


@pytest.fixture
def bob(serve: Serve, repo: Path, add_worktree: AddWorktree, ann: ServerProcess) -> ServerProcess:
    return started(serve, add_worktree(repo, "two"), "bob/claude/two")


def started(serve: Serve, folder: Path, agent: str) -> ServerProcess:
    server = serve(folder, "--tools", "work", env={"GITCOORD_AGENT": agent})
    server.initialize()
    return server


def ask(server: ServerProcess, request: int, tool: str, **arguments: object) -> None:
    """Send a call with a wish for progress, and do not wait for its answer."""
    params = {"name": tool, "arguments": arguments, "_meta": {"progressToken": f"p{request}"}}
    server.send({"id": request, "method": "tools/call", "params": params})


def answer(server: ServerProcess, request: int) -> dict[str, Any]:
    message = server.receive_until(lambda one: one.get("id") == request)
    result = message["result"]
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    return result["structuredContent"]


def told(message: Message, request: int) -> bool:
    """Whether this is progress of a call that waits in line."""
    params = message.get("params", {})
    is_progress = message.get("method") == "notifications/progress" and params.get("progressToken") == f"p{request}"
    return is_progress and params.get("message", "").startswith("waiting")


def test_a_claim_keeps_the_other_agent_out_until_it_is_given_back(ann: ServerProcess, bob: ServerProcess) -> None:
    granted = ann.call("claim_files", patterns=["src/auth/**"], description="split the login")
    checked = bob.call("check_conflicts", files=["src/auth/login.py"])
    refused = bob.call("claim_files", patterns='["src/auth/login.py"]')
    released = ann.call("release_claims")
    again = bob.call("claim_files", patterns=["src/auth/login.py"])

    assert granted["granted"] is True
    assert (checked["safe"], checked["conflicts"][0]["agent"]) == (False, "ann/claude/one")
    assert (refused["granted"], refused["refused"]) == (False, "conflict")
    assert f"request_release(claim_id='{granted['claim']['id']}'" in refused["next_step"]
    assert released == {"released": [granted["claim"]["id"]]}
    assert again["granted"] is True


def test_a_call_that_waits_reports_progress_and_others_go_on(ann: ServerProcess, bob: ServerProcess) -> None:
    ann.call("claim_files", patterns=["src/**"])
    ask(bob, 1001, "claim_files", patterns=["src/a.py"], wait_seconds=300)

    progress = bob.receive_until(lambda one: told(one, 1001))
    meanwhile = bob.call("claim_files", patterns=["docs/**"])
    ann.call("release_claims")
    served = answer(bob, 1001)

    assert "place 1 in line, behind ann/claude/one (src/** until " in progress["params"]["message"]
    assert meanwhile["granted"] is True
    assert served["granted"] is True
    assert served["claim"]["items"][0]["pattern"] == "src/a.py"


def test_a_call_that_is_cancelled_leaves_the_line(ann: ServerProcess, bob: ServerProcess) -> None:
    ann.call("claim_files", patterns=["src/**"])
    ask(bob, 1001, "claim_files", patterns=["src/a.py"], wait_seconds=300)
    bob.receive_until(lambda one: told(one, 1001))

    bob.send({"method": "notifications/cancelled", "params": {"requestId": 1001}})
    line = {"queued": [None]}
    while line["queued"]:  # the thread that waits sees it within a moment; the test's own bound ends a hang
        read = ann.request("resources/read", {"uri": "coord://claims"})
        line = json.loads(read["result"]["contents"][0]["text"])
    ann.call("release_claims")

    assert ann.call("claim_files", patterns=["src/a.py"])["granted"] is True


def test_a_release_is_asked_for_and_answered(ann: ServerProcess, bob: ServerProcess) -> None:
    held = ann.call("claim_files", patterns=["src/**"])["claim"]["id"]
    ask(bob, 1001, "request_release", claim_id=held, reason="the release waits", wait_seconds=300)
    bob.receive_until(lambda one: told(one, 1001))

    looked = ann.call("check_conflicts", files=["docs/**"])
    pending = ann.call("pending_requests")["pending"]
    ann.call("respond_to_request", request_id=pending[0]["id"], decision="approved", note="go ahead")
    approved = answer(bob, 1001)

    assert [one["notice"] for one in looked["notices"]] == ["request_pending"]
    assert "respond_to_request" in looked["notices"][0]["next_step"]
    assert (approved["request"]["decision"], approved["request"]["note"]) == ("approved", "go ahead")
    assert approved["claim"]["agent"] == "bob/claude/two"


def test_what_was_carved_out_is_told_once(ann: ServerProcess, bob: ServerProcess) -> None:
    ann.call("claim_files", patterns=["src/a.py"])
    bob.call("claim_files", symbols={"src/a.py": ["handle"]})

    first, second = (ann.call("check_conflicts", files=["docs/**"]) for _ in range(2))

    assert [one["notice"] for one in first["notices"]] == ["auto_narrow"]
    assert "notices" not in second


def test_sub_agents_of_one_session_are_in_each_other_s_way(ann: ServerProcess) -> None:
    ann.call("claim_files", patterns=["src/**"], agent_id="tests")

    refused = ann.call("claim_files", patterns=["src/a.py"])

    assert refused["conflicts"][0]["agent"] == "ann/claude/one/tests"


@pytest.mark.rule("SEC-4")
def test_a_server_outlives_a_file_that_is_made_to_break_a_parser(ann: ServerProcess, repo: Path, git: Git) -> None:
    (repo / "evil.c").write_text("%q(" * 21845, "utf-8")
    git(repo, "add", "evil.c")

    granted = ann.call("claim_files", symbols={"evil.c": ["f"]})
    after = ann.call("check_conflicts", files=["docs/**"])

    assert any("so its symbols were not looked up" in one for one in granted["warnings"]), granted["warnings"]
    assert after["safe"] is True


def test_mistakes_are_errors_that_say_what_is_right(ann: ServerProcess) -> None:
    nothing = ann.error("claim_files")
    pattern = ann.error("claim_files", patterns=["!src"])
    number = ann.error("claim_files", patterns=["a"], wait_seconds=-1)
    word = ann.error("respond_to_request", request_id="r-00000000", decision="maybe")
    claim = ann.error("request_release", claim_id="nonsense", reason="x")

    assert nothing == "[invalid] No patterns given. Name files, symbols or shared files."
    assert pattern.startswith("[invalid] ")
    assert number == "[invalid] wait_seconds is at least 0, not -1."
    assert word == '[invalid] decision is one of approved, denied, narrowed, coexist, not "maybe".'
    assert claim.startswith("[invalid] 'nonsense' is no id of a claim.")


def test_an_urgency_that_is_no_word_of_ours_counts_as_normal(ann: ServerProcess, bob: ServerProcess) -> None:
    held = ann.call("claim_files", patterns=["src/**"])["claim"]["id"]

    odd = bob.call("request_release", claim_id=held, reason="x", urgency="yesterday", wait_seconds=0)
    loud = ann.call("claim_files", patterns=["docs/**"], urgency=" HIGH ")

    assert odd["request"]["urgency"] == "normal"
    assert loud["granted"] is True


def test_what_comes_next_is_the_call_to_make(ann: ServerProcess, bob: ServerProcess) -> None:
    checked = ann.call("check_conflicts", files=["src/**", "a.py"])
    held = ann.call("claim_files", patterns=["src/**"])["claim"]["id"]
    own = ann.error("request_release", claim_id=held, reason="x")
    gone = ann.call("release_claims", claim_ids=["c-00000000"])
    nothing = bob.error("check_conflicts", files=[])

    assert checked["next_step"].endswith("Before you edit: claim_files(patterns=['src/**', 'a.py']).")
    assert own == f"[invalid] This claim is your own. End it: release_claims(claim_ids=['{held}'])."
    assert gone["next_step"] == f"You hold {held}. Name what to release: release_claims(claim_ids=…)."
    assert nothing.startswith("[invalid] No files are given to check. For example: check_conflicts(files=[")


def test_what_is_meant_is_taken_and_the_answer_says_how_it_was_read(ann: ServerProcess, bob: ServerProcess) -> None:
    plain = ann.call("claim_files", patterns=["docs/**"])
    granted = ann.call("claim_files", files="src/a.py", description="as older tools call it")
    checked = bob.call("check_conflicts", paths=["src/a.py"])
    symbols = bob.call("check_conflicts", symbols={"src/a.py": ["handle"]})
    both = bob.error("check_conflicts", files=["src/a.py"], patterns=["src/b.py"])

    assert "understood" not in plain
    assert granted["granted"] is True
    assert granted["understood"] == ["files was read as a list of one.", "files was read as patterns."]
    assert (checked["safe"], checked["understood"]) == (False, ["paths was read as files."])
    assert symbols["safe"] is True
    assert both == "[usage] files and patterns are the same, and have two values. Give files alone."


def test_a_large_refusal_stays_within_what_clients_pass_on(ann: ServerProcess, bob: ServerProcess) -> None:
    ann.call("claim_files", patterns=[f"src/{number:03}-{'x' * 60}.py" for number in range(100)])

    refused = bob.call("claim_files", patterns=[f"src/{number:03}-*.py" for number in range(100)])

    assert refused["conflicts_count"] == 100
    assert refused["cut"]
    assert len(json.dumps(refused, separators=(",", ":"))) <= 8000


def test_a_new_file_without_extension_is_free_beside_a_name_that_floats(ann: ServerProcess, bob: ServerProcess) -> None:
    held = ann.call("claim_files", patterns=["NOTES.md", "yb"])

    beside = bob.call("claim_files", patterns=["Dockerfile", "scripts/run"])
    inside = bob.call("claim_files", patterns=["yb/NOTES.txt"])

    assert beside["granted"] is True
    assert (inside["granted"], inside["conflicts"][0]["claim_id"]) == (False, held["claim"]["id"])


def test_a_file_is_taken_for_the_patterns_and_a_misspelling_is_asked_about(ann: ServerProcess) -> None:
    granted = ann.call("claim_files", file="src/a.py")
    unknown = ann.error("claim_files", fiels=["src/b.py"])

    assert (granted["granted"], granted["claim"]["items"][0]["pattern"]) == (True, "src/a.py")
    assert unknown.startswith("[usage] claim_files has no argument 'fiels'. Did you mean 'patterns'?")
