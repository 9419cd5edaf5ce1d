"""`gitcoord init`: what it writes, and above all what it leaves alone."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.faces.cli.wiring import block
from gitcoord.faces.cli.wiring.change import NotOursError
from tests.conftest import Git, MakeBare
from tests.faces.cli.conftest import Done, Run

FILES = (
    ".mcp.json",
    ".claude/settings.json",
    "CLAUDE.md",
    ".codex/config.toml",
    ".codex/hooks.json",
    "AGENTS.md",
)
HOOKS = tuple(
    f".git/hooks/{name}" for name in ("pre-commit", "prepare-commit-msg", "pre-push", "post-checkout", "post-merge")
)
BOTH = ("--tool", "claude", "--tool", "codex")
ENTRY = {"command": "gitcoord", "args": ["mcp", "--tools", "work"]}


def actions(done: Done) -> dict[str, str]:
    return {row["path"]: row["action"] for row in done.json["changes"]}


def contents(repo: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(repo)): path.read_bytes()
        for path in repo.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def test_it_writes_what_both_tools_read(run: Run, repo: Path) -> None:
    done = run("init", *BOTH, "--json")

    assert done.status == 0
    assert actions(done) == dict.fromkeys((*FILES, *HOOKS), "created")
    assert json.loads((repo / ".mcp.json").read_text())["mcpServers"]["gitcoord"] == ENTRY
    assert tomllib.loads((repo / ".codex/config.toml").read_text())["mcp_servers"]["gitcoord"]["args"] == ENTRY["args"]
    assert "claim_step" in (repo / "AGENTS.md").read_text()
    assert (repo / "AGENTS.md").read_text() == (repo / "CLAUDE.md").read_text()


def test_a_second_run_changes_no_byte(run: Run, repo: Path) -> None:
    run("init", *BOTH)
    before = contents(repo)

    done = run("init", *BOTH, "--json")

    assert actions(done) == dict.fromkeys((*FILES, *HOOKS), "unchanged")
    assert contents(repo) == before


@pytest.mark.parametrize(
    ("tool", "expected"),
    [("claude", set(FILES[:3])), ("codex", set(FILES[3:])), ("none", set[str]())],
)
def test_one_tool_gets_its_own_files(run: Run, tool: str, expected: set[str]) -> None:
    assert set(actions(run("init", "--tool", tool, "--no-hooks", "--json"))) == expected - {".codex/hooks.json"}


def test_tools_in_use_are_found_by_their_files(run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch, git: Git) -> None:
    (repo / ".codex").mkdir()
    monkeypatch.setenv("PATH", _only("git", repo.parent / "bin"))

    assert set(actions(run("init", "--json"))) == {*FILES[3:], *HOOKS}


def _only(program: str, folder: Path) -> str:
    folder.mkdir()
    found = shutil.which(program)
    assert found
    (folder / program).symlink_to(found)
    return str(folder)


def test_a_dry_run_shows_a_diff_and_writes_nothing(run: Run, repo: Path) -> None:
    before = contents(repo)

    done = run("init", *BOTH, "--dry-run", "--remote", "origin", "--repo", "app")

    assert done.status == 0
    assert contents(repo) == before
    assert "--- /dev/null\n+++ b/.mcp.json\n" in done.out
    assert "git config gitcoord.remote origin" in done.out
    assert run("config", "get", "remote").status == 1


def test_text_outside_the_block_is_never_touched(run: Run, repo: Path) -> None:
    (repo / "AGENTS.md").write_bytes(b"# Mine\r\n\r\nbefore\r\n")
    run("init", "--tool", "codex")
    first = (repo / "AGENTS.md").read_bytes()
    (repo / "AGENTS.md").write_bytes(first.replace(b"Working with others", b"Old words") + b"after\r\n")

    run("init", "--tool", "codex")

    assert first.startswith(b"# Mine\r\n\r\nbefore\r\n\r\n<!-- gitcoord:begin -->\r\n")
    assert b"\n" not in first.replace(b"\r\n", b"")
    assert (repo / "AGENTS.md").read_bytes() == first + b"after\r\n"


def test_members_of_others_keep_every_byte(run: Run, repo: Path) -> None:
    text = '{\n\t"mcpServers": {\n\t\t"x": {"command":  "y", "env": {"A": "é"}}\n\t},\n\t"z": [1,2]\n}'
    (repo / ".mcp.json").write_text(text)

    run("init", "--tool", "claude")

    after = (repo / ".mcp.json").read_text()
    head, _, tail = after.partition(',\n\t\t"gitcoord": {')
    assert text.startswith(head)
    assert tail.endswith('}\n\t},\n\t"z": [1,2]\n}')


def test_tables_and_comments_of_others_stay(run: Run, repo: Path) -> None:
    text = 'model = "x" # mine\n\n[mcp_servers.other]\ncommand = "a"\n\n[projects."/x"]\ntrust_level = "trusted"\n'
    (repo / ".codex").mkdir()
    (repo / ".codex/config.toml").write_text(text)

    run("init", "--tool", "codex")

    after = (repo / ".codex/config.toml").read_text()
    assert [line for line in text.splitlines() if line not in after.splitlines()] == []
    assert set(tomllib.loads(after)["mcp_servers"]) == {"other", "gitcoord"}


BROKEN = {
    ".mcp.json": ["{ // no end\n", "[]", '{"mcpServers": []}', '{"a": 1, "a": 2}', "\xff"],
    ".codex/config.toml": ["x = ", "mcp_servers = 1", 'mcp_servers = "x"'],
    "AGENTS.md": ["<!-- gitcoord:begin -->\n", "<!-- gitcoord:end -->\n<!-- gitcoord:begin -->", "\xff"],
    "CLAUDE.md": ["<!-- gitcoord:begin --><!-- gitcoord:end --><!-- gitcoord:begin -->"],
}


@pytest.mark.parametrize(("path", "text"), [(path, text) for path, texts in BROKEN.items() for text in texts])
def test_a_broken_file_is_left_untouched_and_the_others_are_written(run: Run, repo: Path, path: str, text: str) -> None:
    (repo / path).parent.mkdir(exist_ok=True)
    (repo / path).write_bytes(text.encode("latin-1"))

    done = run("init", *BOTH, "--json")

    assert done.status == 1
    assert {name for name, action in actions(done).items() if action == "skipped"} == {path}
    assert (repo / path).read_bytes() == text.encode("latin-1")


@pytest.mark.parametrize("entry", [{"command": "other"}, {"command": "gitcoord", "args": []}, "x"])
def test_an_entry_of_our_name_that_is_not_ours_is_left_alone(run: Run, repo: Path, entry: object) -> None:
    text = json.dumps({"mcpServers": {"gitcoord": entry}})
    (repo / ".mcp.json").write_text(text)

    done = run("init", "--tool", "claude")

    assert done.status == 1
    assert "skipped: .mcp.json: its server 'gitcoord' does not start gitcoord" in done.err
    assert (repo / ".mcp.json").read_text() == text


def test_an_entry_of_ours_with_more_in_it_is_kept(run: Run, repo: Path) -> None:
    text = json.dumps({"mcpServers": {"gitcoord": {**ENTRY, "env": {"GITCOORD_AGENT": "ann/x/y"}}}})
    (repo / ".mcp.json").write_text(text)

    assert run("init", "--tool", "claude").status == 0
    assert (repo / ".mcp.json").read_text() == text


@pytest.mark.parametrize("path", [".mcp.json", "CLAUDE.md", "AGENTS.md", ".codex"])
def test_a_symbolic_link_is_never_written_through(run: Run, repo: Path, tmp_path: Path, path: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    if path == ".codex":
        elsewhere.mkdir()
    else:
        elsewhere.write_text("")
    (repo / path).symlink_to(elsewhere)

    done = run("init", *BOTH)

    assert done.status == 1
    assert "is a symbolic link" in done.err
    assert list(elsewhere.iterdir()) == [] if path == ".codex" else elsewhere.read_text() == ""


def test_a_link_from_claude_to_agents_is_served_by_the_file_itself(run: Run, repo: Path) -> None:
    (repo / "CLAUDE.md").symlink_to("AGENTS.md")

    done = run("init", "--tool", "claude", "--json")

    assert done.status == 0
    assert actions(done)["AGENTS.md"] == "created"
    assert (repo / "CLAUDE.md").is_symlink()


def test_a_remote_is_tried_before_it_becomes_the_setting(run: Run, repo: Path, make_bare: MakeBare, git: Git) -> None:
    remote = make_bare()
    git(repo, "remote", "add", "origin", str(remote))

    done = run("init", "--tool", "none", "--remote", "origin", "--repo", "app", "--json")

    assert done.status == 0
    assert done.json["probe"]["atomic"] is True
    assert [run("config", "get", key).out.strip() for key in ("remote", "repo")] == ["origin", "app"]
    assert git(remote, "for-each-ref") == ""


@pytest.mark.parametrize("remote", ["nosuch", "-x", "file:///nowhere.git", "a\nb"])
def test_a_remote_that_cannot_be_used_changes_nothing(run: Run, repo: Path, remote: str) -> None:
    before = contents(repo)

    done = run("init", f"--remote={remote}")

    assert done.status in (2, 5)
    assert contents(repo) == before
    assert run("config", "get", "remote").status == 1


def test_a_remote_that_is_not_there_is_said_with_what_would_help(run: Run, repo: Path, git: Git) -> None:
    none = run("init", "--tool", "none", "--remote", "origin")
    git(repo, "remote", "add", "upstream", "file:///nowhere.git")
    other = run("init", "--tool", "none", "--remote", "origin")

    assert (none.status, other.status) == (2, 2)
    assert "git remote add" in none.err
    assert "git config gitcoord.remote origin" not in none.err + other.err
    assert "It has 'upstream'" in other.err


@pytest.mark.rule("STORE-2")
def test_a_clone_goes_back_to_itself_only_when_it_is_told_to(
    run: Run, repo: Path, make_bare: MakeBare, git: Git, plan: str
) -> None:
    remote = make_bare()
    git(repo, "remote", "add", "origin", str(remote))
    run("init", "--tool", "none", "--remote", "origin")
    created = run("project", "create", plan)
    git(repo, "config", "--unset", "gitcoord.remote")
    before = git(remote, "for-each-ref")

    refused = run("status")
    back = run("init", "--tool", "none", "--remote", ".", "--json")
    after = run("project", "list", "--json")

    assert (created.status, refused.status, back.status, after.status) == (0, 2, 0, 0)
    assert "gitcoord init --remote ." in refused.err
    assert (back.json["remote"], after.json["count"]) == (None, 0)
    assert run("config", "get", "remote").out == ".\n"
    assert git(remote, "for-each-ref") == before
    assert "within this clone" in run("init", "--tool", "none").out


def test_who_works_here_is_asked_for_before_the_first_command_needs_it(run: Run, hermetic: Path) -> None:
    (hermetic / ".gitconfig").write_text("[init]\ndefaultBranch = main\n")

    done = run("init", "--tool", "claude", "--yes")
    as_json = run("init", "--tool", "claude", "--json")
    status = run("status")

    assert (done.status, as_json.status, status.status) == (1, 1, 2)
    assert "git does not know your name" in done.err
    assert "git config --global user.name" in done.err
    assert as_json.json["missing"]["message"] in status.err


def test_yes_takes_origin_if_it_can_be_used(run: Run, repo: Path, make_bare: MakeBare, git: Git) -> None:
    git(repo, "remote", "add", "origin", "file:///nowhere.git")
    without = run("init", "--tool", "none", "--yes")
    git(repo, "remote", "set-url", "origin", str(make_bare()))
    silent = run("init", "--tool", "none")
    first = run("config", "get", "remote")
    yes = run("init", "--tool", "none", "--yes")

    assert (without.status, silent.status, first.status, yes.status) == (0, 0, 1, 0)
    assert "origin cannot be used" in without.err
    assert run("config", "get", "remote").out == "origin\n"


@pytest.mark.rule("STORE-2")
@pytest.mark.parametrize("is_set_before", [False, True])
def test_what_a_clone_holds_is_on_the_remote_when_init_ends(
    run: Run, repo: Path, make_bare: MakeBare, git: Git, plan: str, *, is_set_before: bool
) -> None:
    remote = make_bare()
    git(repo, "remote", "add", "origin", str(remote))
    run("init", "--tool", "none", "--remote", ".", "--yes")
    run("project", "create", plan)
    if is_set_before:
        git(repo, "config", "gitcoord.remote", "origin")

    done = run("init", "--tool", "none", "--yes", *(() if is_set_before else ("--remote", "origin")))
    again = run("init", "--tool", "none", "--yes", "--json")

    assert (done.status, "1 ledger of this clone is now on the remote.\n" in done.out) == (0, True), done
    assert git(remote, "for-each-ref", "--format=%(refname)", "refs/coord/steps") == "refs/coord/steps/app"
    assert (again.json["published"], again.json["hints"]) == ([], [])


@pytest.mark.rule("STORE-2")
def test_a_remote_that_does_not_take_what_a_clone_holds_is_a_warning(
    run: Run, repo: Path, make_bare: MakeBare, git: Git, plan: str
) -> None:
    remote = make_bare()
    git(repo, "remote", "add", "origin", f"file://{remote}")
    run("init", "--tool", "none", "--remote", ".", "--yes")
    run("project", "create", plan)
    hook = remote / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase $1 in refs/coord/steps/*) echo "not on a Friday"; exit 1;; esac\n')
    hook.chmod(0o755)

    done = run("init", "--tool", "none", "--remote", "origin", "--yes")
    as_json = run("init", "--tool", "none", "--yes", "--json")
    hook.unlink()
    later = run("init", "--tool", "none", "--yes", "--json")

    assert done.status == as_json.status == 0
    assert "warning: What this clone holds is not on the remote yet: " in done.err
    assert "not on a Friday" in done.err
    assert as_json.json["published"] == []
    assert as_json.json["hints"][0].startswith("What this clone holds is not on the remote yet: ")
    assert later.json["published"] == ["1 ledger of this clone is now on the remote."]
    assert git(remote, "for-each-ref", "--format=%(refname)", "refs/coord/steps") == "refs/coord/steps/app"


def test_files_keep_their_permissions(run: Run, repo: Path) -> None:
    (repo / "AGENTS.md").write_text("x\n")
    (repo / "AGENTS.md").chmod(0o600)

    run("init", "--tool", "codex")

    assert (repo / "AGENTS.md").stat().st_mode & 0o777 == 0o600


@given(st.text(), st.text(alphabet="ab \n#", min_size=1))
def test_a_block_that_was_put_in_is_found_again(text: str, body: str) -> None:
    try:
        once = block.put(text, body)
    except NotOursError:
        return

    assert block.put(once, body) == once
    assert once.startswith(text) or block.BEGIN in text or not text.strip()


def test_other_clones_are_told_of_where_a_remote_was_found(run: Run, repo: Path, make_bare: MakeBare, git: Git) -> None:
    git(repo, "remote", "add", "origin", str(make_bare()))

    first, again = run("init", "--yes"), run("init", "--yes")

    assert "next: once .gitcoord/config is on the default branch" in first.err
    assert "each other clone" not in again.err


def test_a_remote_that_was_set_and_is_gone_is_said(run: Run, repo: Path, git: Git) -> None:
    git(repo, "config", "gitcoord.remote", "origin")

    done, refused = run("init", "--yes"), run("status")

    assert done.status == 1
    assert "missing: 'origin' is neither a remote of this repository nor a URL." in done.err
    assert "`gitcoord init --remote NAME|URL`" in done.err
    assert (refused.status, "`gitcoord init --remote NAME|URL`" in refused.err) == (2, True)


@pytest.mark.rule("SEC-5")
def test_init_proposes_the_file_that_says_where_the_team_coordinates(
    run: Run, repo: Path, make_bare: MakeBare, git: Git
) -> None:
    git(repo, "remote", "add", "origin", str(make_bare()))

    run("init", "--yes", "--tool", "none", "--repo", "app")
    again = run("init", "--yes", "--tool", "none")

    listed = git(repo, "config", "--file", ".gitcoord/config", "--list")
    assert listed.splitlines() == ["gitcoord.remote=origin", "gitcoord.repo=app"]
    assert "unchanged  .gitcoord/config" in again.out


@pytest.mark.rule("SEC-5")
def test_init_proposes_no_file_for_a_remote_that_others_would_not_understand(
    run: Run, repo: Path, make_bare: MakeBare
) -> None:
    done = run("init", "--yes", "--tool", "none", "--remote", str(make_bare()))

    assert "next: in each other clone run `gitcoord init --remote`" in done.err
    assert not (repo / ".gitcoord").exists()


@pytest.mark.rule("SEC-5")
def test_init_moves_a_clone_that_holds_something_to_where_the_team_coordinates(
    run: Run, repo: Path, make_bare: MakeBare, git: Git
) -> None:
    remote = make_bare()
    git(repo, "remote", "add", "origin", str(remote))
    first = run("claim", "add", "README.md")
    (repo / ".gitcoord").mkdir()
    (repo / ".gitcoord/config").write_text("[gitcoord]\n\tremote = origin\n", encoding="utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "where")
    git(repo, "push", "--quiet", "origin", "main")
    git(repo, "remote", "set-head", "origin", "main")

    before, moved, after = run("claim", "add", "other.md"), run("init", "--tool", "none"), run("claim", "list")

    assert first.err.startswith("warning: Only this clone sees this; origin is ")
    assert before.err.startswith("warning: Only this clone sees this; the team coordinates through 'origin'")
    assert f"coordinating through {remote}, as .gitcoord/config of the default branch says" in moved.out
    assert "README.md" in after.out
    assert git(repo, "config", "--default", "", "--get", "gitcoord.remote") == ""
    assert git(remote, "for-each-ref", "refs/coord/claims")


def test_init_says_where_a_tool_that_a_desktop_starts_would_not_find_the_program(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    wired, unwired = (run("init", "--yes", "--remote", ".", "--tool", tool) for tool in ("claude", "none"))

    assert "warning: a login does not find gitcoord, so a tool that a desktop starts does not either." in wired.err
    assert "a login does not find" not in unwired.err


def test_keys_of_the_team_s_file_that_do_not_count_are_named_by_init_and_doctor(
    run: Run, repo: Path, git: Git, make_bare: MakeBare
) -> None:
    git(repo, "remote", "add", "origin", str(make_bare()))
    (repo / ".gitcoord").mkdir()
    text = "[gitcoord]\n\tremote = origin\n\tprogram = /tmp/evil\n[core]\n\tsshCommand = evil\n"
    (repo / ".gitcoord/config").write_text(text, encoding="utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "where we coordinate")
    git(repo, "push", "--quiet", "origin", "main")
    git(repo, "remote", "set-head", "origin", "main")

    begun = run("init", "--tool", "none", "--no-hooks")
    checks = {check["id"]: check for check in run("doctor", "--offline", "--json").json["checks"]}

    for key in ("gitcoord.program", "core.sshcommand"):
        assert f".gitcoord/config has '{key}', which is ignored: only gitcoord.remote, " in begun.err
        assert f".gitcoord/config has '{key}', which is ignored: " in checks["settings"]["text"]
    assert (checks["settings"]["status"], checks["settings"]["hint"]) == (
        "warn",
        "Change .gitcoord/config on the default branch.",
    )
