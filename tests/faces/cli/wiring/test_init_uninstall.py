"""What `init` wrote is renewed by `upgrade` and taken back by `uninstall`, to the byte where nobody touched it."""

import json
import tempfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.faces.cli.wiring import tools, wire
from gitcoord.faces.cli.wiring.record import load_record
from tests.conftest import AddWorktree, Git, MakeBare
from tests.faces.cli.conftest import Run
from tests.faces.cli.setup.test_init import actions, contents

RECORD = ".git/gitcoord/wiring.json"
THEIRS = {
    ".mcp.json": b'{"mcpServers":{"x":{"command":"y"}}}',
    ".claude/settings.json": b'\xef\xbb\xbf{\r\n\t// mine\r\n\t"permissions": {"allow": ["Bash(ls)"],},\r\n}\r\n',
    "CLAUDE.md": b"# Mine\r\n\r\nwords",
    ".codex/config.toml": b'model = "x" # mine\n\n\n[mcp_servers.other]\ncommand = "a"',
    "AGENTS.md": b"  \n",
    ".vscode/mcp.json": b'{\n    "servers": {},\n    "inputs": [ ] /* none */\n}',
    ".zed/settings.json": b"// Zed\n{\n}\n",
    ".gemini/settings.json": b"",
    ".husky/pre-commit": b"npm test\n",
}


@pytest.fixture
def full(repo: Path) -> Path:
    """A repository with files of people for most tools."""
    for path, data in THEIRS.items():
        (repo / path).parent.mkdir(exist_ok=True)
        (repo / path).write_bytes(data)
    return repo


def folders(repo: Path) -> set[str]:
    return {str(path.relative_to(repo)) for path in repo.rglob("*") if path.is_dir() and ".git" not in path.parts}


def test_everything_is_as_it_was(run: Run, full: Path) -> None:
    before = (contents(full), folders(full), (full / ".git/config").read_bytes())
    done = run("init", "--tool", "all", "--ci", "github", "--owners", "--status-line")
    assert done.status == 0, done.err
    assert contents(full) != before[0]

    removed = run("uninstall")

    assert removed.status == 0, removed.err
    assert (contents(full), folders(full), (full / ".git/config").read_bytes()) == before
    assert not (full / RECORD).exists()


def test_what_has_its_old_bytes_again_is_called_restored(run: Run, full: Path) -> None:
    run("init", "--tool", "claude", "--no-hooks")
    (full / ".mcp.json").write_text((full / ".mcp.json").read_text().replace("{", "{ ", 1))

    rows = [line.split() for line in run("uninstall").out.splitlines()]
    lines = {row[1]: row[0] for row in rows}

    assert lines["CLAUDE.md"] == "restored"
    assert lines[".mcp.json"] == "changed"


def test_a_second_and_third_run_changes_nothing_and_forgets_nothing(run: Run, full: Path) -> None:
    before = contents(full)
    run("init", "--tool", "all")
    first = contents(full)

    for command in (("init", "--tool", "all"), ("upgrade",), ("init", "--tool", "claude")):
        done = run(*command, "--json")
        assert {row["action"] for row in done.json["changes"]} == {"unchanged"}
        assert contents(full) == first
    run("uninstall")

    assert contents(full) == before


def test_without_the_record_only_what_is_ours_goes(run: Run, full: Path) -> None:
    run("init", "--tool", "all", "--ci", "gitlab", "--owners")
    (full / RECORD).unlink()

    done = run("uninstall")

    left = contents(full)
    assert done.status == 0
    assert not [path for path, data in left.items() if b"gitcoord" in data]
    assert {path: left[path] for path in (".mcp.json", ".claude/settings.json", "CLAUDE.md", ".codex/config.toml")} == {
        path: THEIRS[path] for path in (".mcp.json", ".claude/settings.json", "CLAUDE.md", ".codex/config.toml")
    }
    assert "gitcoord" not in (full / ".git/config").read_text()


def test_what_people_changed_since_stays(run: Run, full: Path) -> None:
    run("init", "--tool", "all", "--ci", "github", "--owners")
    settings = json.loads((full / ".mcp.json").read_text())
    settings["mcpServers"]["new"] = {"command": "n"}
    (full / ".mcp.json").write_text(json.dumps(settings, indent=4))
    with (full / "CLAUDE.md").open("a") as file:
        file.write("\nafter\n")
    for path in (".github/workflows/gitcoord.yml", ".gitcoord/owners.yaml"):
        (full / path).write_text("# mine\n" + (full / path).read_text())

    done = run("uninstall")

    assert json.loads((full / ".mcp.json").read_text()) == {
        "mcpServers": {"x": {"command": "y"}, "new": {"command": "n"}}
    }
    assert (full / "CLAUDE.md").read_bytes() == b"# Mine\r\n\r\nwords\r\n\r\n\nafter\n"
    assert "kept       .github/workflows/gitcoord.yml" in done.out
    assert (full / ".gitcoord/owners.yaml").read_text().startswith("# mine\n")


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_entry_that_people_wrote_or_changed_is_theirs(run: Run, repo: Path, when: str) -> None:
    theirs = '{"mcpServers": {"gitcoord": {"command": "/opt/bin/gitcoord", "args": ["mcp"]}}}'
    if when == "before":
        (repo / ".mcp.json").write_text(theirs)
    run("init", "--tool", "claude")
    (repo / ".mcp.json").write_text(theirs)

    upgraded, removed = run("upgrade"), run("uninstall")

    assert (upgraded.status, removed.status) == (0, 0)
    for done in (upgraded, removed):
        assert "kept       .mcp.json  (its entry gitcoord is not as init writes it; yours is kept)" in done.out
    assert (repo / ".mcp.json").read_text() == theirs


def test_a_pinned_entry_goes_as_well(run: Run, repo: Path) -> None:
    pinned = {"command": "uvx", "args": ["--from", "gitcoord==0.0.1", "gitcoord", "mcp", "--tools", "work"]}
    (repo / ".mcp.json").write_text(json.dumps({"mcpServers": {"gitcoord": pinned, "x": {}}}))

    run("uninstall")

    assert json.loads((repo / ".mcp.json").read_text()) == {"mcpServers": {"x": {}}}


def test_upgrade_renews_what_an_older_version_wrote(run: Run, full: Path) -> None:
    before = contents(full)
    run("init", "--tool", "claude", "--tool", "opencode")
    present = contents(full)
    for path in ("CLAUDE.md", "AGENTS.md"):
        text = (full / path).read_bytes().replace(b"Working with others", b"Older words")
        (full / path).write_bytes(text)

    done = run("upgrade", "--json")
    again = run("uninstall")

    assert {path for path, action in actions(done).items() if action == "changed"} == {"CLAUDE.md", "AGENTS.md"}
    assert contents(full)["CLAUDE.md"] == before["CLAUDE.md"]
    assert again.status == 0
    assert present["CLAUDE.md"] != before["CLAUDE.md"]


def test_upgrade_leaves_files_of_people_as_init_wrote_them(run: Run, repo: Path, git: Git, make_bare: MakeBare) -> None:
    git(repo, "remote", "add", "origin", str(make_bare()))
    run("init", "--tool", "none", "--remote", "origin", "--owners", "--yes")
    before = {name: (repo / ".gitcoord" / name).read_text() for name in ("config", "owners.yaml")}

    done = run("upgrade", "--json")

    assert {name: (repo / ".gitcoord" / name).read_text() for name in before} == before
    assert "remote = origin" in before["config"]
    assert not any("upgrade renews" in text for text in before.values())
    assert {row["action"] for row in done.json["changes"]} == {"unchanged"}


def test_upgrade_adds_no_tool_and_no_hook_that_was_not_wired(run: Run, repo: Path) -> None:
    run("init", "--tool", "claude", "--no-hooks")
    before = contents(repo)

    done = run("upgrade", "--json")

    assert {row["action"] for row in done.json["changes"]} == {"unchanged"}
    assert contents(repo) == before


def test_upgrade_and_uninstall_say_where_nothing_is(run: Run, repo: Path) -> None:
    before = contents(repo)

    assert "Nothing of gitcoord is here" in run("upgrade").out
    assert "Nothing of gitcoord is here" in run("uninstall").out
    assert contents(repo) == before


@pytest.mark.parametrize("command", ["upgrade", "uninstall"])
def test_a_dry_run_shows_the_difference_and_writes_nothing(run: Run, full: Path, command: str) -> None:
    run("init", "--tool", "all")
    (full / "AGENTS.md").write_bytes((full / "AGENTS.md").read_bytes().replace(b"Working with", b"Older"))
    before = (contents(full), (full / ".git/config").read_bytes(), (full / RECORD).read_bytes())

    done = run(command, "--dry-run")

    assert done.status == 0
    assert "--- a/AGENTS.md\n" in done.out
    assert (contents(full), (full / ".git/config").read_bytes(), (full / RECORD).read_bytes()) == before


def test_a_dry_run_of_init_leaves_git_s_folder_alone(run: Run, full: Path) -> None:
    def everything() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in full.rglob("*") if path.is_file()}

    before = everything()

    done = run("init", "--tool", "all", "--dry-run", "--ci", "github", "--owners", "--remote", "origin")

    assert done.status == 0
    assert everything() == before
    assert "+++ b/.git/hooks/pre-push\n" in done.out or "+++ b/.husky/pre-push\n" in done.out


def test_a_broken_file_is_left_and_the_rest_goes_on(run: Run, full: Path) -> None:
    run("init", "--tool", "all")
    broken = b'{"mcpServers": {"gitcoord": \n'
    (full / ".mcp.json").write_bytes(broken)

    upgraded, removed = run("upgrade"), run("uninstall")

    assert (upgraded.status, removed.status) == (1, 1)
    for done in (upgraded, removed):
        assert "skipped: .mcp.json: it is not JSON (line 2: " in done.err
    assert (full / ".mcp.json").read_bytes() == broken
    assert not (full / ".cursor/mcp.json").exists()


def test_what_is_in_the_way_gets_a_clear_line_each(run: Run, repo: Path) -> None:
    (repo / ".mcp.json").write_text("{}")
    (repo / ".mcp.json").chmod(0o444)
    (repo / "AGENTS.md").mkdir()
    (repo / ".codex").write_text("")
    (repo / "CLAUDE.md").symlink_to("README.md")
    before = contents(repo)

    done = run("init", "--tool", "claude", "--tool", "codex", "--no-hooks")

    assert done.status == 1
    assert "skipped: .mcp.json: it is read-only" in done.err
    assert "skipped: AGENTS.md: a folder of this name is in the way" in done.err
    assert "skipped: .codex/config.toml: .codex is a file, where a folder is needed" in done.err
    assert "skipped: CLAUDE.md: CLAUDE.md is a symbolic link, which is not written through" in done.err
    assert {path for path, data in contents(repo).items() if before.get(path) != data} == {".claude/settings.json"}


def test_what_became_read_only_is_left_by_uninstall_and_the_rest_goes(run: Run, repo: Path) -> None:
    run("init", "--tool", "claude")
    (repo / ".mcp.json").write_text((repo / ".mcp.json").read_text().replace("{}", "{ }") + "\n")
    (repo / ".mcp.json").chmod(0o444)

    done = run("uninstall")

    assert done.status == 1
    assert "skipped: .mcp.json: it is read-only" in done.err
    assert "gitcoord" in (repo / ".mcp.json").read_text()
    assert not (repo / "CLAUDE.md").exists()


def test_each_worktree_gets_back_its_own(run: Run, repo: Path, git: Git, add_worktree: AddWorktree) -> None:
    other = add_worktree(repo, "wt-1")
    (repo / "AGENTS.md").write_text("one\n")
    (other / "AGENTS.md").write_text("two\n")
    for place in (repo, other):
        run("init", "--tool", "codex", cwd=place)

    for place in (other, repo):
        assert run("uninstall", cwd=place).status == 0

    assert [(place / "AGENTS.md").read_text() for place in (repo, other)] == ["one\n", "two\n"]
    assert not (other / ".codex").exists()


def test_a_folder_that_came_with_a_clone_goes_with_the_last_file_in_it(
    run: Run, repo: Path, git: Git, tmp_path: Path
) -> None:
    run("init", "--tool", "claude", "--tool", "codex", "--no-hooks")
    (repo / ".claude" / "theirs.md").write_text("theirs\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message", "gitcoord")
    git(repo, "clone", "--quiet", str(repo), str(tmp_path / "clone"))

    done = run("uninstall", cwd=tmp_path / "clone")

    assert done.status == 0, done.err
    assert contents(tmp_path / "clone") == {
        "README.md": (repo / "README.md").read_bytes(),
        ".claude/theirs.md": b"theirs\n",
    }
    assert folders(tmp_path / "clone") == {".claude"}


def test_settings_that_were_there_come_back(run: Run, repo: Path, git: Git, make_bare: MakeBare) -> None:
    git(repo, "remote", "add", "origin", str(make_bare()))
    git(repo, "config", "gitcoord.repo", "older")
    run("init", "--tool", "none", "--remote", "origin", "--repo", "app")
    run("init", "--tool", "none", "--repo", "newer")

    done = run("uninstall", "--json")

    assert git(repo, "config", "--local", "--get-regexp", "gitcoord") == "gitcoord.repo older"
    assert done.json["settings"] == {"gitcoord.remote": None, "gitcoord.repo": "older", "gitcoord.program": None}


def test_a_setting_that_people_changed_since_stays(run: Run, repo: Path, git: Git) -> None:
    run("init", "--tool", "none", "--repo", "app")
    git(repo, "config", "gitcoord.repo", "mine")

    run("uninstall")

    assert git(repo, "config", "gitcoord.repo") == "mine"


def test_the_record_is_for_its_owner_only_and_a_damaged_one_is_none(run: Run, full: Path) -> None:
    run("init", "--tool", "claude")
    mode = (full / RECORD).stat().st_mode & 0o777
    (full / RECORD).write_text("{")

    done = run("uninstall")

    assert mode == 0o600
    assert done.status == 0
    assert (full / "CLAUDE.md").read_bytes() == THEIRS["CLAUDE.md"]


def test_where_origin_is_a_fork_upstream_is_proposed(run: Run, repo: Path, git: Git, make_bare: MakeBare) -> None:
    git(repo, "remote", "add", "origin", str(make_bare("ann/app.git")))
    git(repo, "remote", "add", "upstream", str(make_bare("team/app.git")))

    done = run("init", "--tool", "none", "--yes")

    assert "origin looks like a fork of upstream" in done.err
    assert "gitcoord init --remote upstream" in done.err
    assert git(repo, "config", "gitcoord.remote") == "origin"


# --- any file of people ---

blanks = st.sampled_from(["", " ", "\n", "\r\n", "\t", "// note\n", "/* note */"])
scalars = st.sampled_from(["1", "true", "null", '"x"', '"é\\n"', "[]", "[ 1,2 ]", "{}", '{"gitcoordx": 1}'])


@st.composite
def json_texts(draw: st.DrawFn) -> str:
    """A JSON object with comments, blanks and trailing commas wherever they may be."""
    keys = draw(
        st.lists(st.sampled_from(["a", "mcpServers", "hooks", "permissions", "servers"]), unique=True, max_size=4)
    )
    parts = [draw(blanks), "{", draw(blanks)]
    for at, key in enumerate(keys):
        value = (
            draw(scalars) if key == "a" else draw(st.sampled_from(["{}", '{"x": 1}', '{ "x": {"y": []}, }', "{\n}"]))
        )
        comma = "," if at + 1 < len(keys) else draw(st.sampled_from(["", ","]))
        parts += [f'"{key}"', draw(blanks), ":", draw(blanks), value, draw(blanks), comma, draw(blanks)]
    return "".join([*parts, "}", draw(blanks)])


@st.composite
def toml_texts(draw: st.DrawFn) -> str:
    """A TOML file."""
    some = ['model = "x" # note', "", "# note", "[a]", "[mcp_servers.x]", 'command = "y"', "[[list]]", "b = {c = 1}"]
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return newline.join(draw(st.lists(st.sampled_from(some), max_size=8, unique=True))) + draw(
        st.sampled_from(["", newline])
    )


@given(json_texts(), toml_texts(), st.text(max_size=20), st.sampled_from(["", "\ufeff"]))
def test_what_is_wired_and_set_free_again_has_the_bytes_that_it_had(
    in_json: str, in_toml: str, words: str, mark: str
) -> None:
    texts = {
        ".mcp.json": mark + in_json,
        ".claude/settings.json": in_json,
        ".vscode/mcp.json": in_json,
        ".codex/config.toml": mark + in_toml,
        "AGENTS.md": mark + words,
    }
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        for path, text in texts.items():
            (top / path).parent.mkdir(exist_ok=True)
            (top / path).write_bytes(text.encode())
        before = contents(top)
        record = load_record(top / ".git")

        done = wire.carry_out(wire.install(top, {}, tools.EVERY, (), has_hooks=True), record)
        wired = contents(top)
        wire.carry_out(wire.install(top, {}, tools.EVERY, (), has_hooks=True), record)
        again = contents(top)
        wire.carry_out(wire.remove(top, {}, record), None)

        assert again == wired
        assert contents(top) == before
        assert {change.path for change in done if change.action == "skipped"} <= _broken(texts)


def _broken(texts: dict[str, str]) -> set[str]:
    try:
        tomllib.loads(texts[".codex/config.toml"].removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        return {".codex/config.toml"}
    return set()


def test_everything_leaves_no_trace_in_the_clone_and_touches_no_remote(
    run: Run, repo: Path, make_bare: MakeBare, git: Git, add_worktree: AddWorktree
) -> None:
    remote, linked = make_bare(), add_worktree(repo, "linked")
    git(repo, "remote", "add", "origin", str(remote))
    git(repo, "push", "--quiet", "origin", "main")
    before = files_below(repo)
    run("init", "--tool", "claude", "--remote", ".", "--yes")
    run("claim", "add", "README.md")
    run("claim", "add", "b.py", cwd=linked)
    assert (repo / ".git" / "worktrees" / "linked" / "gitcoord-name").read_text("utf-8") == "linked\n"

    asked, done = run("uninstall", "--everything"), run("uninstall", "--everything", "--yes")

    assert (asked.status, "Say --yes." in asked.err) == (2, True)
    assert done.status == 0
    assert files_below(repo) == before
    assert git(remote, "for-each-ref", "refs/coord") == ""


@pytest.mark.parametrize(("remote", "kept"), [(".", "is kept in"), ("origin", "stays at the remote")])
def test_what_stays_is_said_to_be_where_it_is(
    run: Run, repo: Path, make_bare: MakeBare, git: Git, remote: str, kept: str
) -> None:
    git(repo, "remote", "add", "origin", str(make_bare()))
    run("init", "--tool", "none", "--remote", remote, "--yes")
    run("claim", "add", "README.md")

    notes = [line for line in run("uninstall").err.splitlines() if line.startswith("note: ")]

    assert len(notes) == 1
    assert f"what was coordinated {kept}" in notes[0]
    assert str(repo / ".git/gitcoord") in notes[0]
    assert "`gitcoord uninstall --everything` deletes" in notes[0]


def test_everything_at_the_remote_goes_when_a_person_says_so(
    run: Run, repo: Path, make_bare: MakeBare, git: Git
) -> None:
    remote = make_bare()
    git(repo, "remote", "add", "origin", str(remote))
    run("init", "--tool", "none", "--remote", "origin", "--yes")
    run("claim", "add", "README.md")
    held = git(remote, "for-each-ref", "refs/coord/claims")

    wrong, done = run("uninstall", "--remote"), run("uninstall", "--everything", "--remote", "--yes")

    assert (bool(held), wrong.status, done.status) == (True, 2, 0)
    assert git(remote, "for-each-ref", "refs/coord") == ""
    assert not (repo / ".git/gitcoord").exists()


def test_a_run_and_a_dry_run_name_each_ref_and_folder_that_goes(
    run: Run, repo: Path, make_bare: MakeBare, git: Git
) -> None:
    remote, store = make_bare(), repo / ".git/gitcoord"
    git(repo, "remote", "add", "origin", str(remote))
    run("init", "--tool", "none", "--remote", "origin", "--yes")
    run("claim", "add", "README.md")
    run("policy", "set", "require_claims", "true")
    listed = git(remote, "for-each-ref", "--format=%(refname)", "refs/coord").split()
    everything = ("uninstall", "--everything", "--remote")

    before = files_below(repo)
    told, data = run(*everything, "--dry-run"), run(*everything, "--dry-run", "--json")
    after, present = files_below(repo), git(remote, "for-each-ref", "--format=%(refname)", "refs/coord").split()
    done = run(*everything, "--yes")

    lines = [f"{len(listed)} refs below refs/coord at {remote}, for everyone", str(store)]
    assert (after, present) == (before, listed)
    assert told.out.splitlines()[:2] == [f"remove     {line}" for line in lines]
    assert data.json["deleted"] == {"refs": listed, "at": str(remote), "folders": [str(store)], "files": []}
    assert done.out.splitlines()[1] == f"removed    {lines[1]}"
    assert f" refs below refs/coord at {remote}, for everyone" in done.out.splitlines()[0]


def test_what_is_coordinated_in_this_clone_alone_goes_with_its_folder(run: Run, repo: Path) -> None:
    run("init", "--tool", "none", "--no-hooks", "--remote", ".", "--yes")
    run("claim", "add", "README.md")

    told = run("uninstall", "--everything", "--remote", "--dry-run", "--json")
    done = run("uninstall", "--everything", "--remote", "--yes", "--json")

    assert told.json["deleted"] == {"refs": [], "at": None, "folders": [str(repo / ".git/gitcoord")], "files": []}
    assert done.json["deleted"] == told.json["deleted"]


def test_a_run_and_a_dry_run_name_the_files_in_which_worktrees_keep_their_names(
    run: Run, repo: Path, add_worktree: AddWorktree
) -> None:
    linked = add_worktree(repo, "linked")
    run("claim", "add", "b.py", cwd=linked)
    kept, store = repo / ".git/worktrees/linked/gitcoord-name", repo / ".git/gitcoord"
    everything = ("uninstall", "--everything")

    told, data = run(*everything, "--dry-run"), run(*everything, "--dry-run", "--json")
    was_kept, plain = kept.exists(), run("uninstall", "--dry-run", "--json")
    done = run(*everything, "--yes")

    assert told.out.splitlines() == [f"remove     {store}", f"remove     {kept}"]
    assert data.json["deleted"] == {"refs": [], "at": None, "folders": [str(store)], "files": [str(kept)]}
    assert plain.json["deleted"] == {"refs": [], "at": None, "folders": [], "files": []}
    assert (was_kept, kept.exists()) == (True, False)
    assert done.out.splitlines()[:2] == [f"removed    {store}", f"removed    {kept}"]


def test_what_cannot_be_removed_is_named_and_the_rest_goes(
    run: Run, repo: Path, add_worktree: AddWorktree, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("claim", "add", "b.py", cwd=add_worktree(repo, "linked"))
    run("claim", "add", "a.py", cwd=add_worktree(repo, "other"))
    kept, gone = (repo / f".git/worktrees/{name}/gitcoord-name" for name in ("linked", "other"))
    unlink = Path.unlink

    def denied(path: Path, *, missing_ok: bool = False) -> None:
        if path == kept:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", denied)

    done = run("uninstall", "--everything", "--yes")

    assert done.status == 1
    assert f"skipped: {kept}: it could not be removed: Permission denied" in done.err
    assert (f"removed    {gone}" in done.out, f"removed    {kept}" in done.out) == (True, False)
    assert (gone.exists(), (repo / ".git/gitcoord").exists()) == (False, False)


def test_a_folder_that_cannot_be_removed_is_named_with_the_reason_and_the_rest_goes(
    run: Run, repo: Path, add_worktree: AddWorktree, tmp_path: Path
) -> None:
    run("claim", "add", "b.py", cwd=add_worktree(repo, "linked"))
    store, kept = repo / ".git/gitcoord", repo / ".git/worktrees/linked/gitcoord-name"
    store.symlink_to(store.rename(tmp_path / "elsewhere"), target_is_directory=True)

    done = run("uninstall", "--everything", "--yes")

    assert done.status == 1
    assert f"skipped: {store}: not all of it could be removed: Cannot call rmtree on a symbolic link" in done.err
    assert (f"removed    {store}" in done.out, f"removed    {kept}" in done.out) == (False, True)
    assert (store.exists(), kept.exists()) == (True, False)


def files_below(repo: Path) -> dict[str, bytes]:
    """Return every file of the worktree, and of git but its objects and logs."""
    found = (path for path in repo.rglob("*") if path.is_file())
    names = {path.relative_to(repo).as_posix(): path for path in found}
    apart = (".git/objects", ".git/logs")
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith(apart)}
