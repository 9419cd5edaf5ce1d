"""Each command while the remote is away: what only looks answers from what is here, and everything else insists."""

from pathlib import Path

import pytest
import typer

from gitcoord.faces.cli import parser
from gitcoord.service.place import path_copies
from tests.conftest import Git, MakeBare
from tests.faces.cli.conftest import Run
from tests.faces.cli.test_help import ALL
from tests.faces.cli.test_terminal import on_terminal
from tests.servers.fixtures import Servers

# What only looks, with what it needs to find something.
LOOKS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("status",): (),
    ("watch",): (),
    ("project", "list"): (),
    ("project", "show"): ("app",),
    ("step", "show"): ("app/1",),
    ("step", "available"): (),
    ("step", "list"): (),
    ("agents", "list"): (),
    ("agents", "show"): ("test-author/cli/repo",),
    ("agents", "stale"): (),
    ("step", "stale"): (),
    ("claim", "check"): ("free.py",),
    ("claim", "list"): ("--all",),
    ("request", "list"): (),
    ("queue", "list"): (),
    ("owners", "show"): (),
    ("hotspots",): (),
    ("predict",): (),
    ("log",): (),
    ("dashboard",): ("--export", "page.html"),
    ("metrics",): (),
    ("metrics", "auto-resolutions"): (),
    ("metrics", "hotspots"): (),
    ("policy", "show"): (),
    ("policy", "list"): (),
}
VERDICTS = {("claim", "check")}  # who goes by the exit status decides by it: 5, whatever is shown
# What writes or decides, and so insists on the remote.
INSISTS = {
    *(("project", verb) for verb in ("create", "add", "abort", "delete")),
    *(("step", verb) for verb in ("claim", "start", "heartbeat", "complete", "fail", "recover", "update", "skip")),
    *(("claim", verb) for verb in ("add", "extend", "release")),
    *(("request", verb) for verb in ("file", "answer", "wait")),
    *(("import", tool) for tool in ("hq", "coord")),
    *((noun,) for noun in ("audit", "gc", "promote", "verify", "land", "sync", "init", "upgrade", "uninstall")),
    ("queue", "cancel"),
    ("owners", "edit"),
    ("owners", "import"),
    ("policy", "set"),
}
# What asks no remote, or says in its own words that it is away.
APART = {
    *(("config", verb) for verb in ("check", "list", "get", "set")),
    *((noun,) for noun in ("doctor", "schema", "mcp", "hook", "demo")),
    ("owners", "check"),
    ("relay",),
    *(
        ("relay", verb) for verb in ("pull-requests", "stats", "tail", "retry", "purge")
    ),  # of its own ref, as it stands there
    ("worktree", "in-use"),
}
PLAN = '{"name": "app", "base_commit": "HEAD", "steps": [{"step_num": 1, "branch": "one"}]}'


def has_fresh(words: tuple[str, ...]) -> bool:
    command = typer.main.get_command(parser.build([]))
    for word in words:
        command = getattr(command, "commands", {})[word]
    return any("--fresh" in option.opts for option in command.params)


def test_every_command_looks_or_insists_or_has_no_business_with_the_remote() -> None:
    assert {*LOOKS} | INSISTS | APART == set(ALL)
    assert {words for words in ALL if has_fresh(words)} == set(LOOKS)


@pytest.fixture
def begun(repo: Path, make_bare: MakeBare, git: Git, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a project, a claim and a step, all of them copied; return its remote."""
    monkeypatch.setattr(path_copies, "KEEP_S", 60.0)  # in less, a busy machine may copy nothing
    monkeypatch.setattr(path_copies, "FIRST_S", 60.0)
    hub = make_bare("hub.git")
    git(repo, "remote", "add", "origin", str(hub))
    git(repo, "push", "--quiet", "origin", "main")
    git(repo, "config", "gitcoord.remote", "origin")
    (tmp_path / "plan.json").write_text(PLAN)
    for words in (("project", "create", str(tmp_path / "plan.json")), ("claim", "add", "README.md"), ("step", "claim")):
        assert run(*words).status == 0
    return hub


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_what_looks_answers_from_what_is_here_with_its_age(words: tuple[str, ...], begun: Path, run: Run) -> None:
    begun.rename(begun.with_name("gone.git"))

    shown = run(*words, *LOOKS[words])
    as_json = run(*words, *LOOKS[words], "--json")
    fresh = run(*words, *LOOKS[words], "--fresh", "--json")

    expected = 5 if words in VERDICTS else 0
    assert (shown.status, as_json.status) == (expected, expected), shown.err
    assert shown.err.startswith("warning: The remote did not answer; this is what was here ")
    assert as_json.json["fresh"] is False
    assert as_json.json["as_of"].endswith("Z")
    assert as_json.json["notices"][0]["notice"] == "not_fresh"
    assert (fresh.status, fresh.json["error"]["code"]) == (5, "unreachable")


def test_what_was_here_is_what_is_shown(begun: Path, run: Run) -> None:
    begun.rename(begun.with_name("gone.git"))

    assert "README.md" in run("claim", "list").out
    assert "app/1" in run("status").out


def test_nothing_old_says_that_a_file_is_free(begun: Path, run: Run) -> None:
    begun.rename(begun.with_name("gone.git"))

    free = run("claim", "check", "free.py", "--json")

    assert (free.status, free.json["safe"], free.json["conflicts"]) == (5, False, [])


@pytest.mark.parametrize(
    "words", [("claim", "add", "x.py"), ("step", "complete", "app/1", "HEAD"), ("land",), ("sync",)]
)
def test_what_writes_insists(words: tuple[str, ...], begun: Path, run: Run) -> None:
    begun.rename(begun.with_name("gone.git"))

    assert run(*words).status == 5


def test_a_clone_that_never_read_its_remote_says_so(repo: Path, git: Git, run: Run, tmp_path: Path) -> None:
    git(repo, "config", "gitcoord.remote", str(tmp_path / "nowhere.git"))

    done = run("status", "--json")

    assert done.status == 5
    assert "Nothing was ever read from it here." in done.json["error"]["message"]


def test_a_remote_that_hangs_is_waited_for_for_a_moment(repo: Path, git: Git, run: Run, servers: Servers) -> None:
    remote = servers.remote("http")
    git(repo, "config", "gitcoord.remote", remote.url)
    assert run("claim", "add", "README.md").status == 0

    with servers.http().hanging():
        done = run("claim", "list", "--json")

    assert (done.status, done.json["fresh"]) == (0, False)
    assert done.json["claims"][0]["items"][0]["pattern"] == "README.md"


def test_a_person_is_told_what_is_waited_for(repo: Path, git: Git, run: Run, servers: Servers) -> None:
    remote = servers.remote("http")
    git(repo, "config", "gitcoord.remote", remote.url)
    assert run("status").status == 0

    with servers.http().hanging():
        status, drawn = on_terminal(repo, "claim", "list", NO_COLOR="1")

    assert status == 0
    assert f"waiting: {remote.url} has not answered yet." in drawn
