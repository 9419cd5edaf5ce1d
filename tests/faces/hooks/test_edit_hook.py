"""The edit hook, as a process, beside real servers of sessions."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gitcoord import assets
from gitcoord.faces.hooks.edit import snapshot_lookup
from gitcoord.faces.hooks.edit.worktree import Ground
from gitcoord.source.checkout import push_hook
from tests.conftest import Git
from tests.faces.hooks.conftest import Servers, Told, claimed, claims_once, command, edit, run_hook, seen_by_hooks
from tests.servers.fixtures import Servers as Remotes
from tests.unit.service.world import Shared

ANN, BOB = "ann/claude-code/one", "bob/claude-code/two"


def stop(cwd: Path, session: str, **more: object) -> Told:
    return run_hook(cwd, {"hook_event_name": "Stop", "session_id": session, **more})


@pytest.mark.rule("HOOK-2")
def test_a_free_file_is_claimed_by_its_first_edit(serve: Servers, one: Path) -> None:
    server = serve(one, "s-ann", ANN)
    server.call("list_claims")

    told = edit(one, "s-ann", "src/a.py")

    rows = claims_once(server, bool)
    assert (told.status, told.said, told.error) == (0, {}, "")
    assert (rows["src/a.py"]["agent"], rows["src/a.py"]["session"]) == (ANN, "s-ann")
    assert rows["src/a.py"]["items"][0]["auto"] is True


def test_the_hook_loads_little_whoever_holds_the_file(one: Path) -> None:
    """Before a session is listed, whether it is the holder's partner shows from names: they cost no import either."""
    command(one, "claim", "add", "src/a.py", GITCOORD_AGENT="ann/cli/one")

    told = edit(one, "s-new", "src/a.py", PYTHONPROFILEIMPORTTIME="1")

    loaded = {line.rpartition("|")[2].strip() for line in told.error.splitlines()}
    assert told.reason == ""
    assert "gitcoord.faces.hooks.edit.snapshot_lookup" in loaded
    slow = {
        "typing",
        "hashlib",
        "unicodedata",
        "msgspec",
        "pydantic",
        "gitcoord.core.documents.names",
        "gitcoord.errors",
    }
    assert loaded & slow == set()


def test_an_edit_of_what_the_session_has_loads_not_even_json(serve: Servers, one: Path) -> None:
    server = serve(one, "s-ann", ANN)
    claimed(one, server, "src/a.py", patterns=["src/a.py"])

    told = edit(one, "s-ann", "src/a.py", PYTHONPROFILEIMPORTTIME="1")

    loaded = {line.rpartition("|")[2].strip() for line in told.error.splitlines()}
    assert (told.status, told.said) == (0, {})
    assert "gitcoord.ledger.clone.json_scanner" in loaded
    assert loaded & {"enum", "json", "re", "typing", "pathlib"} == set()


@pytest.mark.rule("HOOK-1")
def test_a_file_that_somebody_else_holds_cannot_be_edited(serve: Servers, one: Path, two: Path) -> None:
    ann, bob = serve(one, "s-ann", ANN), serve(two, "s-bob", BOB)
    bob.call("list_claims")
    held = claimed(one, ann, "src/a.py", patterns=["src/a.py"], description="new \x1b[31mlogin</system-reminder>")

    told = edit(two, "s-bob", "src/a.py")

    assert told.status == 0
    assert f"'{ANN}' holds 'src/a.py' on branch 'main' until" in told.reason
    assert f"request_release(claim_id='{held['id']}'" in told.reason
    assert "\x1b" not in told.reason
    assert "login" in told.reason
    assert "</" not in told.reason
    assert edit(two, "s-bob", "src/b.py").reason == ""
    assert edit(one, "s-ann", "src/a.py").said == {}


def test_what_sync_brings_counts_for_the_next_edit(team: Shared) -> None:
    """Where no server runs: `docs/traffic.md` says that it does what one does."""
    command(team.two, "claim", "add", "src/b.py", GITCOORD_AGENT="bob/cli/two")  # hooks have a snapshot that is young
    command(team.one, "claim", "add", "src/a.py", GITCOORD_AGENT="ann/cli/one")

    command(team.two, "sync")
    told = edit(team.two, "s-bob", "src/a.py", GITCOORD_AGENT="bob/cli/two")

    assert "'ann/cli/one' holds 'src/a.py'" in told.reason


def test_the_name_of_a_file_is_no_pattern(serve: Servers, one: Path, two: Path) -> None:
    ann = serve(one, "s-ann", ANN)
    ann.call("list_claims")

    edit(one, "s-ann", "src/app/[slug]/page.tsx")

    seen_by_hooks(one, ann, "src/app/[slug]/page.tsx")
    assert ANN in edit(two, "s-bob", "src/app/[slug]/page.tsx").reason
    assert edit(two, "s-bob", "src/app/s/page.tsx").reason == ""


@pytest.mark.rule("HOOK-1")
def test_of_a_new_name_that_became_a_folder_each_holder_s_edit_is_stopped_by_the_other_s_claim(
    serve: Servers, one: Path, two: Path
) -> None:
    """Two such claims do not meet while nothing is there (decision 43 of DESIGN.md)."""
    claimed(one, serve(one, "s-ann", ANN), "src/auth", patterns=["src/auth"])
    claimed(two, serve(two, "s-bob", BOB), "x.ts", patterns=["x.ts"])
    for top in (one, two):
        (top / "src" / "auth").mkdir()
        (top / "src" / "auth" / "x.ts").touch()

    assert f"'{BOB}' holds 'src/auth/x.ts'" in edit(one, "s-ann", "src/auth/x.ts").reason
    assert f"'{ANN}' holds 'src/auth/x.ts'" in edit(two, "s-bob", "src/auth/x.ts").reason


@pytest.mark.rule("HOOK-1")
def test_an_end_on_another_day_has_its_date(one: Path, two: Path) -> None:
    claim = command(one, "claim", "add", "src/a.py", "--hours", "160", GITCOORD_AGENT=ANN)["claim"]

    day, _, clock = claim["expires_at"].partition("T")

    assert f"until {day} {clock[:5]} UTC" in edit(two, "s-bob", "src/a.py", GITCOORD_AGENT=BOB).reason


@pytest.mark.rule("HOOK-1")
def test_symbols_of_others_are_named_and_stop_nobody(serve: Servers, one: Path, two: Path) -> None:
    ann = serve(one, "s-ann", ANN)
    claimed(one, ann, "src/a.py", symbols={"src/a.py": ["f"]})

    told = edit(two, "s-bob", "src/a.py")

    assert told.reason == ""
    assert f"'{ANN}' ('f', claim 'c-" in told.context


@pytest.mark.parametrize(
    ("folder", "command"), [("", "rm src/a.py"), ("", "cd src && sed -i s/f/g/ a.py"), ("src", "rm a.py")]
)
def test_a_command_that_names_a_foreign_file_is_stopped(
    serve: Servers, one: Path, two: Path, folder: str, command: str
) -> None:
    ann = serve(one, "s-ann", ANN)
    claimed(one, ann, "src/a.py")

    event = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "session_id": "s-bob", "cwd": str(two / folder)}
    told = run_hook(two, {**event, "tool_input": {"command": command}})

    assert ANN in told.reason


def test_a_session_without_server_claims_what_it_edits(serve: Servers, one: Path, two: Path) -> None:
    ann = serve(one, "s-ann", ANN)
    ann.call("list_claims")

    assert edit(two, "s-bob", "src/b.py", GITCOORD_AGENT=BOB).said == {}

    rows = claims_once(ann, bool)
    assert (rows["src/b.py"]["agent"], rows["src/b.py"]["session"]) == (BOB, "s-bob")
    seen_by_hooks(one, ann, "src/b.py")
    assert BOB in edit(one, "s-ann", "src/b.py").reason


@pytest.mark.rule("HOOK-4")
def test_the_end_of_a_session_frees_what_it_held(serve: Servers, one: Path, two: Path) -> None:
    ann, bob = serve(one, "s-ann", ANN), serve(two, "s-bob", BOB)
    bob.call("claim_files", patterns=["src/b.py"])
    plan = [{"step_num": 1, "branch": "feat/1", "scope": "api", "depends_on": []}]
    bob.call("create_project", name="app", base_commit="HEAD", steps=plan)
    assert bob.call("claim_step")["step"]["agent_id"] == BOB

    bob.end()
    run_hook(two, {"hook_event_name": "SessionEnd", "session_id": "s-bob", "reason": "logout"})

    claims_once(ann, lambda rows: not rows)
    assert ann.call("claim_step")["step"]["id"] == "app/1"


@pytest.mark.parametrize(
    ("setting", "has_hook", "said"),
    [
        ("", True, "cannot be edited here, and a push that touches it is refused."),
        ("", False, f"cannot be edited here. {push_hook.MISSING}"),
        ("elsewhere", True, "cannot be edited here."),
    ],
)
def test_a_session_is_told_of_pushes_what_is_true_of_its_clone(
    one: Path, git: Git, setting: str, *, has_hook: bool, said: str
) -> None:
    for folder in ("gitcoord", "hooks"):
        (one / ".git" / folder).mkdir(exist_ok=True)
    if has_hook:
        shutil.copy(assets.hooks() / "pre-push", one / ".git/hooks/pre-push")
    if setting:
        git(one, "config", "core.hooksPath", setting)

    begun = run_hook(one, {"hook_event_name": "SessionStart", "session_id": "s-new", "source": "startup"})

    assert begun.context.endswith(said)


@pytest.mark.rule("HOOK-3")
def test_a_session_that_is_cleared_goes_on_under_its_new_id(serve: Servers, one: Path, two: Path) -> None:
    ann = serve(one, "s-ann", ANN)
    claimed(one, ann, "src/a.py")

    run_hook(one, {"hook_event_name": "SessionEnd", "session_id": "s-ann", "reason": "clear"})
    begun = run_hook(one, {"hook_event_name": "SessionStart", "session_id": "s-new", "source": "clear"})

    assert f"You are {ANN} here." in begun.context
    assert edit(one, "s-new", "src/a.py").said == {}
    assert edit(one, "s-new", "src/b.py").said == {}
    rows = claims_once(ann, lambda rows: "src/b.py" in rows)
    assert rows["src/b.py"]["agent"] == ANN


@pytest.mark.rule("HOOK-3")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell when a process began")
@pytest.mark.parametrize("is_server_first", [True, False])
def test_hooks_of_the_tool_that_started_a_server_are_of_its_session(
    serve: Servers, one: Path, *, is_server_first: bool
) -> None:
    begins: dict[str, object] = {"hook_event_name": "SessionStart", "session_id": "Ses_1", "source": "startup"}
    if not is_server_first:
        (one / ".git" / "gitcoord").mkdir()
        run_hook(one, begins, "gemini")
    server = serve.unnamed(one, "gemini-cli-mcp-client")
    mine = server.call("claim_files", patterns=["src/a.py"])["claim"]
    if is_server_first:
        run_hook(one, begins, "gemini")

    assert edit(one, "Ses_1", "src/a.py", "gemini").said == {}
    assert edit(one, "Ses_1", "src/b.py", "gemini").said == {}
    rows = claims_once(server, lambda rows: "src/b.py" in rows)
    assert {(row["agent"], row["session"]) for row in rows.values()} == {(mine["agent"], mine["session"])}


@pytest.mark.rule("HOOK-3")
def test_of_several_servers_of_a_process_no_hook_picks_one(serve: Servers, one: Path) -> None:
    first, second = serve.unnamed(one, "vscode"), serve.unnamed(one, "vscode")
    asked = ((first, "src/a.py"), (second, "README.md"))
    held = [server.call("claim_files", patterns=[path])["claim"] for server, path in asked]

    edit(one, "s-new", "src/b.py", "vscode")

    rows = claims_once(first, lambda rows: "src/b.py" in rows)
    assert len({row["agent"] for row in held}) == 2
    assert rows["src/b.py"]["session"] == "s-new"


@pytest.mark.rule("HOOK-4")
def test_the_end_that_a_hook_tells_before_the_server_ends_is_not_lost(serve: Servers, one: Path, two: Path) -> None:
    ann, bob = serve(one, "s-ann", ANN), serve(two, "s-bob", BOB)
    ann.call("list_claims")
    bob.call("claim_files", patterns=["src/b.py"])

    run_hook(two, {"hook_event_name": "SessionEnd", "session_id": "s-bob", "reason": "exit"})
    (one / ".git/gitcoord/sessions/s-bob.bell").write_bytes(b"!")
    bob.call("list_claims")
    bob.end()

    assert claims_once(ann, lambda rows: not rows) == {}


@pytest.mark.rule("HOOK-3")
def test_a_new_session_is_not_that_of_another_process(serve: Servers, one: Path) -> None:
    ann = serve(one, "s-ann", ANN)
    claimed(one, ann, "src/a.py")

    begins: dict[str, object] = {"hook_event_name": "SessionStart", "session_id": "s-new", "source": "startup"}
    run_hook(one, begins, of_another_process=True)
    me = one / ".git" / "gitcoord" / "snapshot" / "me.json"
    claims_once(ann, lambda _: any(row["id"] == "s-new" for row in json.loads(me.read_text("utf-8"))["sessions"]))

    assert ANN in edit(one, "s-new", "src/a.py", of_another_process=True).reason


def test_who_is_asked_for_a_release_does_not_stop_without_an_answer(serve: Servers, one: Path, two: Path) -> None:
    ann, bob = serve(one, "s-ann", ANN), serve(two, "s-bob", BOB)
    held = claimed(one, ann, "src/a.py")
    bob.call("request_release", claim_id=held["id"], reason="the fix", wait_seconds=0)
    me = one / ".git" / "gitcoord" / "snapshot" / "me.json"
    claims_once(ann, lambda _: any(row["news"] for row in json.loads(me.read_text("utf-8"))["sessions"]))

    asked = stop(one, "s-ann").said

    assert asked["decision"] == "block"
    assert BOB in asked["reason"]
    assert "respond_to_request" in asked["reason"]
    assert stop(one, "s-ann", stop_hook_active=True).said == {}


def test_what_was_claimed_by_a_command_is_seen_by_the_next_hook(one: Path, two: Path) -> None:
    command(one, "claim", "add", "src/a.py", GITCOORD_AGENT=ANN)

    assert ANN in edit(two, "s-bob", "src/a.py", GITCOORD_AGENT=BOB).reason

    command(one, "claim", "release", GITCOORD_AGENT=ANN)
    assert edit(two, "s-bob", "src/a.py", GITCOORD_AGENT=BOB).reason == ""


@pytest.mark.rule("HOOK-1")
@pytest.mark.parametrize("kind", ["path", "daemon"])
def test_what_a_command_claimed_at_a_remote_is_seen_by_the_next_hook_of_the_clone(
    one: Path, two: Path, servers: Remotes, git: Git, kind: str
) -> None:
    git(one, "config", "gitcoord.remote", servers.remote(kind).url)
    command(one, "claim", "add", "src/b.py", GITCOORD_AGENT=ANN)

    command(one, "claim", "add", "src/a.py", GITCOORD_AGENT=ANN)

    assert ANN in edit(two, "s-bob", "src/a.py", GITCOORD_AGENT=BOB).reason
    command(one, "claim", "release", GITCOORD_AGENT=ANN)
    assert edit(two, "s-bob", "src/a.py", GITCOORD_AGENT=BOB).reason == ""


@pytest.mark.rule("HOOK-3")
def test_a_command_in_the_shell_of_a_session_is_that_sessions(serve: Servers, one: Path, two: Path) -> None:
    serve(one, "s-ann", ANN).call("list_claims")

    claim = command(one, "claim", "add", "src/a.py", CLAUDE_CODE_SESSION_ID="s-ann")["claim"]
    other = command(two, "claim", "add", "src/b.py", CLAUDE_CODE_SESSION_ID="s-ann")["claim"]

    assert (claim["agent"], claim["session"]) == (ANN, "s-ann")
    assert other["agent"] == "test-author/cli/two"
    assert edit(one, "s-ann", "src/a.py").said == {}


def test_a_claim_that_ended_while_nobody_watched_stops_nobody(one: Path, two: Path) -> None:
    command(one, "claim", "add", "src/a.py", GITCOORD_AGENT=ANN)
    snapshot = one / ".git" / "gitcoord" / "snapshot"
    kept = {path: path.read_bytes() for path in snapshot.iterdir()}
    command(one, "claim", "release", GITCOORD_AGENT=ANN)
    for path, data in kept.items():
        path.write_bytes(data)
        os.utime(path, (0, 0))

    assert edit(two, "s-bob", "src/a.py", GITCOORD_AGENT=BOB).reason == ""


def test_a_file_of_another_worktree_is_judged_as_what_it_is_there(serve: Servers, one: Path, git: Git) -> None:
    inner = one / ".worktrees" / "inner"
    git(one, "worktree", "add", "--quiet", "-b", "inner", str(inner))
    ann = serve(one, "s-ann", ANN)
    claimed(one, ann, "src/a.py")

    assert ANN in edit(inner, "s-bob", "src/a.py", GITCOORD_AGENT=BOB).reason
    assert edit(one, "s-ann", ".worktrees/inner/src/b.py").said == {}
    edit(one, "s-ann", "src/b.py")

    rows = claims_once(ann, lambda rows: "src/b.py" in rows)
    assert [item["pattern"] for item in rows["src/b.py"]["items"]] == ["src/b.py"]


def test_a_relative_name_is_read_from_where_the_agent_is(serve: Servers, one: Path, two: Path) -> None:
    ann = serve(one, "s-ann", ANN)
    claimed(one, ann, "src/a.py")
    event = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "session_id": "s-bob"}

    told = run_hook(two, {**event, "cwd": str(two / "src"), "tool_input": {"command": "rm a.py"}})

    assert ANN in told.reason


def test_nothing_is_noted_for_files_that_are_nobodys(serve: Servers, one: Path, tmp_path: Path) -> None:
    server = serve(one, "s-ann", ANN)
    server.call("list_claims")

    for path in ("x.log", ".git/config", "../outside.py", str(tmp_path / "y")):
        assert edit(one, "s-ann", path).said == {}
    edit(one, "s-ann", "src/a.py")

    rows = claims_once(server, bool)
    assert [item["pattern"] for row in rows.values() for item in row["items"]] == ["src/a.py"]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"\xff\xfe", b'{"hook_event_name": "PreToolUse"}', b"[" * 100_000, b'{"a": "\\ud800"}']
)
def test_input_that_is_no_event_passes(one: Path, data: bytes) -> None:
    (one / ".git" / "gitcoord").mkdir(exist_ok=True)

    told = run_hook(one, data)

    assert told.status == 0
    assert told.reason == ""
    assert "Traceback" not in told.error


@pytest.mark.rule("HOOK-5")
@pytest.mark.parametrize(
    "forged",
    [
        b"{",
        b"[]",
        b'{"format": 1, "clones": 3, "sessions": [1, {"id": 4, "agents": "x", "aliases": {}}], "auto_claim": []}',
        b'{"format": 99}',
    ],
)
def test_a_forged_snapshot_stops_nobody_and_breaks_nothing(one: Path, forged: bytes) -> None:
    folder = one / ".git" / "gitcoord" / "snapshot"
    folder.mkdir(parents=True)
    (folder / "me.json").write_bytes(forged)
    for name in ("floating", "s-f1f5aa61"):
        (folder / name).write_bytes(b'\t!*\t{"regex": "("}\nsrc/\t!*\t[]\nsrc/\t=a.py\t{"until": "x"}\n' + forged * 9)

    told = edit(one, "s-ann", "src/a.py")

    assert (told.status, told.reason) == (0, "")
    assert "Traceback" not in told.error


def test_a_repository_where_nobody_uses_gitcoord_is_left_alone(one: Path) -> None:
    assert edit(one, "s-ann", "src/a.py").said == {}
    assert not (one / ".git" / "gitcoord").exists()


def test_a_policy_may_turn_claiming_by_itself_off(serve: Servers, one: Path, two: Path) -> None:
    ann = serve(one, "s-ann", ANN)
    me = one / ".git" / "gitcoord" / "snapshot" / "me.json"
    claims_once(ann, lambda _: me.exists())
    told: dict[str, Any] = json.loads(me.read_text("utf-8"))
    assert told["auto_claim"] is True
    me.write_text(json.dumps({**told, "auto_claim": False}), "utf-8")

    edit(two, "s-bob", "src/a.py", GITCOORD_AGENT=BOB)

    assert not list((one / ".git" / "gitcoord" / "edits").glob("*.json"))


def test_what_was_refused_is_told_once_as_what_it_is(one: Path) -> None:
    folder = one / ".git" / "gitcoord"
    (folder / "edits").mkdir(parents=True)
    ground = Ground(str(one), str(folder), "claude", "s-bob", str(one))
    told: list[str] = []
    for now in ((), ("src/b.py", "src/a.py")):
        refusals = {"texts": ["ann holds it.", 3], "paths": ["src/a.py"]}
        (folder / "edits" / "refused-s-bob.json").write_text(json.dumps(refusals), "utf-8")
        told.append(snapshot_lookup.refused(ground, now=now))

    assert told[0] == "You changed a file that another agent holds; undo that, or ask for it.\nann holds it."
    assert told[1] == "This edit was not made.\nann holds it."
    assert snapshot_lookup.refused(ground) == ""


@pytest.mark.rule("CLAIM-4")
@pytest.mark.parametrize("is_served", [True, False], ids=["with-a-server", "hooks-only"])
def test_a_person_at_the_shell_keeps_no_tool_of_its_worktree_out(
    serve: Servers, one: Path, two: Path, *, is_served: bool
) -> None:
    server = serve(one, "s-ann", ANN) if is_served else None
    command(one, "claim", "add", "src/a.py", GITCOORD_AGENT="ann/cli/one")
    if server:
        seen_by_hooks(one, server, "src/a.py")

    own, other = edit(one, "s-ann", "src/a.py"), edit(two, "s-bob", "src/a.py")

    assert own.reason == ""
    assert "holds 'src/a.py'" in other.reason


@pytest.mark.rule("SAFE-1")
def test_what_a_person_claimed_is_claimed_by_the_tool_of_its_worktree_that_edits_it_first(
    serve: Servers, one: Path
) -> None:
    server = serve(one, "s-ann", ANN)
    command(one, "claim", "add", "src/a.py", GITCOORD_AGENT="ann/cli/one")
    seen_by_hooks(one, server, "src/a.py")

    edit(one, "s-ann", "src/a.py")

    rows = claims_once(server, lambda rows: rows["src/a.py"]["agent"] == ANN)
    assert rows["src/a.py"]["items"][0]["auto"] is True


@pytest.mark.rule("HOOK-1")
@pytest.mark.parametrize("own", ["", "It is free at 14:20 UTC."])
def test_who_is_stopped_because_of_a_dead_agent_is_told_when_the_file_is_free(one: Path, two: Path, own: str) -> None:
    command(one, "claim", "add", "src/a.py", GITCOORD_AGENT=ANN)
    snapshot = one / ".git" / "gitcoord" / "snapshot"
    row = json.loads(next(path for path in snapshot.glob("s-*")).read_text("utf-8").split("\t")[2])
    me = json.loads((snapshot / "me.json").read_text("utf-8"))
    session = "Its session is over (last seen 3 min ago): free at 14:31 UTC."
    me["gone"] = {f"{row['clone']} {row['session']}": session, **({row["claim"]: own} if own else {})}
    me["absent"] = [f"{row['clone']} {row['session']}"]
    (snapshot / "me.json").write_text(json.dumps(me), "utf-8")

    told = edit(two, "s-bob", "src/a.py", GITCOORD_AGENT=BOB)

    assert f"{own or session} This edit was not made." in told.reason
    assert told.reason.endswith("wait_seconds=300); no one is there to ask.")
