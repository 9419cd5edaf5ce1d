"""Ownership, hot files and predictions, from the command line."""

import json
from pathlib import Path

import pytest

from tests.conftest import Git
from tests.faces.cli.conftest import Run, RunProgram

TEXT = "# who\nmodules:\n  web: {paths: [web/**], owners: [bob], severity: hard}\nshared_files: [package.json]\n"


@pytest.fixture
def file(repo: Path) -> str:
    (repo / "owners.yaml").write_text(TEXT)
    return "owners.yaml"


def editor(repo: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Name an editor: a shell script that gets the file as its last argument."""
    path = repo / ".git" / "edit.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("EDITOR", f"'{path}' --wait")


def test_rules_are_imported_and_shown(run: Run, file: str) -> None:
    done = run("owners", "import", file)
    shown = run("owners", "show")
    place = run("owners", "show", "web/a.ts", "--json")

    assert (done.status, done.out) == (0, "1 module, 1 shared file\n")
    assert "web" in shown.out
    assert "package.json" in shown.out
    assert place.json["places"] == [
        {
            "pattern": "web/a.ts",
            "modules": ["web"],
            "severity": "hard",
            "owners": ["bob"],
            "is_owner": False,
            "shared_file": False,
        }
    ]
    assert run("owners", "import", file).out == "nothing to change\n"


def test_without_rules_the_way_to_begin_is_shown(run: Run) -> None:
    assert "gitcoord owners edit" in run("owners", "show").out


def test_a_pattern_that_is_none_is_a_usage_error(run: Run) -> None:
    assert run("owners", "show", "!x").status == 2


def test_check_tells_every_line_and_exits_with_one(run: Run, repo: Path) -> None:
    (repo / "bad.yaml").write_text("modules:\n  a: {paths: []}\n  b: {paths: x, severity: mean}\nnew: 1\n")

    done = run("owners", "check", "bad.yaml")
    as_json = run("owners", "check", "bad.yaml", "--json")

    assert (done.status, as_json.status) == (1, 1)
    assert done.out == ("bad.yaml:2: module 'a' has no paths.\nbad.yaml:3: severity is 'mean'; it is soft or hard.\n")
    assert done.err == "warning: bad.yaml:4: there is an unknown field 'new'.\n"
    assert [one["line"] for one in as_json.json["faults"]] == [2, 3]
    assert as_json.json["valid"] is False


def test_check_of_a_valid_file_is_done(run: Run, file: str) -> None:
    assert run("owners", "check", file).out == "owners.yaml is valid: 1 module.\n"
    assert run("owners", "check", file, "--json").json == {
        "valid": True,
        "file": "owners.yaml",
        "faults": [],
        "warnings": [],
    }


@pytest.mark.parametrize("verb", ["check", "import"])
def test_a_file_that_is_not_there_is_a_usage_error(run: Run, verb: str) -> None:
    assert run("owners", verb, "nope.yaml").status == 2
    assert run("owners", verb, ".").status == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("owners", "check", "."), "error: '.' cannot be read: Is a directory. [usage]\n"),
        (("project", "create", "."), "error: '.' cannot be read: Is a directory. [usage]\n"),
        (
            ("promote", "a.py", "foo"),
            "error: Invalid value for 'kind': 'foo' is not one of 'shared_file', 'split'. [usage]\n",
        ),
    ],
)
def test_a_mistake_is_told_in_our_words(run: Run, repo: Path, words: tuple[str, ...], said: str) -> None:
    assert run(*words, cwd=repo).err.startswith(said)


def test_standard_input_is_a_file(program: RunProgram, repo: Path) -> None:
    assert program(["owners", "import", "-"], repo, stdin=TEXT).status == 0
    assert program(["owners", "check", "-"], repo, stdin="modules: [").out.startswith("standard input:1: ")


def test_an_invalid_import_changes_nothing(run: Run, repo: Path) -> None:
    (repo / "bad.yaml").write_text("modules: {}\n")

    done = run("owners", "import", "bad.yaml")

    assert done.status == 2
    assert "bad.yaml:1: there are no modules" in done.err
    assert run("owners", "show", "--json").json["modules"] == {}


def test_rules_are_edited_in_the_editor(run: Run, repo: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run("owners", "import", file)
    editor(repo, monkeypatch, 'sed -i.bak s/bob/cy/ "$2"')

    done = run("owners", "edit")

    assert (done.status, done.out) == (0, "1 module, 1 shared file\n")
    assert run("owners", "show", "--json").json["modules"]["web"]["owners"] == ["cy"]


def test_leaving_the_editor_without_a_change_changes_nothing(
    run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("owners", "show")
    editor(repo, monkeypatch, "exit 0")
    first = run("owners", "edit")

    assert (first.status, run("owners", "edit").out) == (0, "nothing to change\n")


def test_a_mistake_in_the_editor_keeps_the_text(run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(repo, monkeypatch, 'echo "modules: [" > "$2"')

    done = run("owners", "edit", "--json")

    hint = done.json["error"]["hint"]
    kept = Path(hint.rpartition("gitcoord owners import ")[2].rstrip("`."))
    assert done.status == 2
    assert kept.read_text() == "modules: [\n"


@pytest.mark.parametrize("named", ["", "'", "/nowhere/to/be/found"])
def test_an_editor_that_cannot_be_started_is_said(run: Run, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", named)

    done = run("owners", "edit")

    assert done.status == 2
    assert "Set EDITOR" in done.err


def test_an_editor_that_fails_changes_nothing(run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(repo, monkeypatch, "exit 1")

    assert "nothing was changed" in run("owners", "edit").err


def test_promote_is_told_once_and_again(run: Run) -> None:
    first, second = run("promote", "package.json"), run("promote", "package.json", "--json")

    assert (first.status, first.out) == (0, "package.json is promoted to shared_file\n")
    assert (second.json["already"], second.json["changed"]) == (True, False)
    assert run("promote", "src/**", "split").status == 0
    assert run("promote", "src/**", "nope").status == 2


def test_hotspots_of_a_quiet_repository(run: Run) -> None:
    assert run("hotspots").out == "nothing was refused 5 times or more in the last 30 days\n"
    assert run("hotspots", "--min", "1").out == "nothing was refused in the last 30 days\n"
    assert run("hotspots", "--days", "7", "--min", "2", "--json").json["hotspots"] == []
    assert run("hotspots", "--days", "0").status == 2


def test_predict_shows_what_would_conflict(run: Run, repo: Path, git: Git) -> None:
    git(repo, "worktree", "add", "--quiet", "-b", "one", str(repo.parent / "one"))
    (repo.parent / "one" / "README.md").write_text("1\n")
    (repo / "README.md").write_text("2\n")

    done, as_json = run("predict"), run("predict", "--branch", "one", "--json")

    assert done.out == (
        "main (worktree repo) and one (worktree one) (uncommitted: main, one)\n"
        "  conflict: README.md, content, lines 1\n"
    )
    assert as_json.json["predictions"][0]["branches"] == ["one", "main"]
    assert run("predict", "--branch", "nope").status == 2


def test_predict_without_trouble_says_so(run: Run) -> None:
    assert run("predict").out == "nothing to merge: no other branch is active\n"
    assert json.loads(run("predict", "--json").out)["count"] == 0


def test_rules_of_the_default_branch_say_how_they_begin_to_count(run: Run, repo: Path, git: Git, file: str) -> None:
    (repo / ".gitcoord").mkdir()
    (repo / ".gitcoord/owners.yaml").write_bytes((repo / file).read_bytes())
    git(repo, "add", ".gitcoord")
    git(repo, "commit", "--quiet", "--message", "owners")

    before, imported, synced, after = (
        run("owners", "show"),
        run("owners", "import", file),
        run("sync"),
        run("owners", "show"),
    )

    assert before.out == "no owners are set\n"
    assert "next: .gitcoord/owners.yaml of the default branch differs; it takes effect after" in before.err
    assert "`gitcoord sync`" in imported.err
    assert synced.status == 0
    assert (after.out.startswith("MODULE") or "auth" in after.out, "gitcoord sync" in after.err) == (True, False)
