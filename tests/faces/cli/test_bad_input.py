"""Bad input is a sentence and a status, never a traceback, and never reaches the terminal as it is."""

from pathlib import Path

import pytest

from tests.conftest import MakeBare
from tests.faces.cli.conftest import Run

NAMES = [
    "../x",
    "-x",
    "a..b",
    "a\x1b[31mb",
    "a\u202eb",
    "a b",
    "",
    ".",
    "x" * 10_000,
    "a/b",
    "a.lock",
    "\udc80",
    "é" * 300,
]
STEPS = [
    "nope/1",
    "app/99",
    "app/0",
    "app/-1",
    "99",
    "app/",
    "/1",
    "app/1/2",
    "../x/1",
    "app/1\x1b]0;x\x07",
    "x" * 10_000,
]


def is_harmless(text: str) -> bool:
    return all(one == "\n" or one.isprintable() for one in text) and "\u202e" not in text


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("words", [("project", "show"), ("project", "abort", "--reason", "x")], ids=" ".join)
def test_a_bad_name_of_a_project_is_a_usage_error(run: Run, project: str, words: tuple[str, ...], name: str) -> None:
    done = run(*words, "--", name)

    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert is_harmless(done.err)
    assert len(done.err) < 1000


@pytest.mark.parametrize("name", [name for name in NAMES if name], ids=ascii)
def test_no_project_is_created_by_a_bad_name(run: Run, plan: str, name: str) -> None:
    done = run("project", "create", plan, f"--name={name}")

    assert (done.status, done.out) == (2, "")
    assert run("project", "list", "--json").json["count"] == 0


@pytest.mark.parametrize("step", STEPS, ids=ascii)
@pytest.mark.parametrize("verb", ["claim", "show", "start", "complete", "recover", "heartbeat"])
def test_an_unknown_step_is_a_usage_error(run: Run, project: str, verb: str, step: str) -> None:
    done = run("step", verb, "--", step)

    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert is_harmless(done.err)


@pytest.mark.parametrize(
    "commit", ["nosuch", "--all", "-x", "HEAD..HEAD", "HEAD^{tree}", "x" * 10_000, "a\nb"], ids=ascii
)
def test_what_is_no_commit_completes_nothing(run: Run, project: str, commit: str) -> None:
    run("step", "claim", "app/1")

    done = run("step", "complete", "app/1", "--", commit)

    assert done.status == 2
    assert run("step", "show", "app/1", "--json").json["step"]["status"] == "claimed"


@pytest.mark.parametrize(
    "words",
    [
        ("project", "create", "plan.yaml"),
        ("step", "update", "app/1", "--after", "x"),
        ("step", "update", "app/1", "--after", "1"),
        ("step", "update", "app/1", "--after", "2"),
        ("step", "update", "app/1", "--branch", "a..b"),
        ("step", "update", "app/1", "--priority", "high"),
        ("step", "fail", "app/1", "--reason", " "),
        ("step", "fail", "app/1", "--reason", "x" * 10_000),
        ("step", "claim", "--as", "somebody/else"),
        ("step", "claim", "--as", "a b"),
        ("step", "claim", "app/1", "--project", "other"),
        ("step", "available", "--limit", "0"),
        ("step", "stale", "--minutes", "0"),
        ("project", "list", "--status", "sleeping"),
        ("project", "show", "app", "--offset", "-1"),
        ("log", "--limit", "0"),
        ("metrics", "--project", "nope"),
        ("demo", "--agents", "1"),
        ("mcp", "--tools"),
        ("config", "set", "remote", "--", "-x"),
    ],
    ids=lambda words: " ".join(words)[:50],
)
def test_a_mistake_is_status_2(run: Run, project: str, words: tuple[str, ...]) -> None:
    done = run(*words)

    assert (done.status, done.out) == (2, "")
    assert "Traceback" not in done.err


def test_a_title_with_escape_sequences_is_shown_without_them(run: Run, repo: Path) -> None:
    step = '{step_num: 1, title: "\\e[2J\\e]0;owned\\aGood \\u202etitle\\x9b", description: "\\e[31mred"}'
    text = f"name: app\nsteps: [{step}]\n"
    (repo / "plan.yaml").write_text(text, encoding="utf-8")
    assert run("project", "create", "plan.yaml").status == 0

    shown = [
        run(*words.split()) for words in ("step claim", "status", "project show app", "step show 1", "step available")
    ]

    assert all(is_harmless(done.out + done.err) for done in shown)
    assert "Good \N{REPLACEMENT CHARACTER}title" in shown[0].out
    raw = run("step", "show", "1", "--json")
    assert is_harmless(raw.out)
    assert raw.json["step"]["title"] == "\x1b[2J\x1b]0;owned\x07Good \u202etitle\x9b"


def test_outside_a_repository_the_error_says_where_to_go(run: Run, tmp_path: Path) -> None:
    done = run("status", cwd=tmp_path)

    assert done.status == 2
    assert "is not inside a git repository." in done.err


def test_a_bare_repository_is_named_as_such(run: Run, make_bare: MakeBare) -> None:
    done = run("status", "--json", cwd=make_bare())

    assert done.status == 2
    assert done.json["error"]["code"] == "repository"


def test_without_a_name_git_is_to_be_told_one(run: Run, hermetic: Path) -> None:
    (hermetic / ".gitconfig").unlink()

    done = run("status")

    assert done.status == 2
    assert "git config --global user.name" in done.err


def test_a_remote_that_is_not_there_is_status_5(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITCOORD_REMOTE", "file:///nowhere/at/all.git")

    done = run("status", "--json")

    assert done.status == 5
    assert done.json["error"]["code"] == "unreachable"


def test_a_remote_that_says_no_is_status_6(
    run: Run, plan: str, make_bare: MakeBare, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = make_bare()
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'not today' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    monkeypatch.setenv("GITCOORD_REMOTE", f"file://{remote}")

    done = run("project", "create", plan, "--json")

    assert done.status == 6
    assert done.json["error"]["code"] == "denied"
