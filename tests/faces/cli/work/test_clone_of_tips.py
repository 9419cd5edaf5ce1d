"""A clone that began with the tips of ledgers alone: each command says what one says that has all of them."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Clone, Git
from tests.contract.transports.smarthttp.meddled import behind
from tests.faces.cli.conftest import Run
from tests.faces.cli.test_remote_away import PLAN
from tests.servers.fixtures import Remote, Servers
from tests.servers.meddling_http import meddling

HISTORY: tuple[tuple[str, ...], ...] = (
    ("log",),
    ("log", "--limit", "1000"),
    ("log", "--project", "app"),
    ("log", "--step", "app/1"),
    ("metrics", "--days", "30"),
    ("metrics", "auto-resolutions"),
    ("metrics", "hotspots"),
    ("claim", "list", "--all"),
    ("audit",),
)
FILES = 6


@pytest.fixture
def connection() -> Iterator[ExitStack]:
    """What leads to the remote, until it is closed."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def remote(servers: Servers, connection: ExitStack) -> Remote:
    return behind(connection.enter_context(meddling(servers.http().port)), servers.remote("http"))


@pytest.fixture
def whole(repo: Path, git: Git, remote: Remote, run: Run, tmp_path: Path) -> Path:
    """A clone with all of a history: it wrote it."""
    git(repo, "push", "--quiet", str(remote.git_dir), "main")
    git(repo, "config", "gitcoord.remote", remote.url)
    (tmp_path / "plan.json").write_text(PLAN)
    words: list[tuple[str, ...]] = [("project", "create", str(tmp_path / "plan.json")), ("step", "claim")]
    words += [("claim", "add", f"src/{number}.py") for number in range(FILES)]
    words += [("claim", "release", "--all"), ("claim", "add", "README.md")]
    words += [("policy", "set", "strict_complete", "true")]
    for each in words:
        assert run(*each).status == 0, each
    return repo


@pytest.fixture
def tips(whole: Path, remote: Remote, clone: Clone, git: Git, run: Run) -> Path:
    """A clone that has looked once."""
    made = clone(remote.git_dir, "tips")
    git(made, "config", "gitcoord.remote", remote.url)
    assert run("status", cwd=made).status == 0
    assert left_out(made)
    return made


def left_out(repo: Path) -> list[str]:
    """Return the commits behind which nothing is here."""
    file = repo / ".git" / "gitcoord" / "store.git" / "shallow"
    return file.read_text().split() if file.exists() else []


def said(run: Run, cwd: Path, *words: str) -> Any:  # noqa: ANN401 - of each command another object
    done = run(*words, "--json", cwd=cwd)
    assert done.status == 0, done.err
    return json.loads(re.sub(r'"(as_of|until|checkpoint|seconds)": ?("[^"]*"|[0-9.]+)', r'"\1":0', done.out))


def test_each_command_that_reads_history_says_what_it_says_in_a_whole_clone(
    run: Run, whole: Path, tips: Path, tmp_path: Path
) -> None:
    store, kept = tips / ".git" / "gitcoord" / "store.git", tmp_path / "kept.git"
    shutil.copytree(store, kept)
    differing: list[tuple[str, ...]] = []
    for words in HISTORY:
        shutil.rmtree(store)
        shutil.copytree(kept, store)
        if said(run, tips, *words) != said(run, whole, *words):
            differing.append(words)
        if left_out(tips):
            differing.append((*words, "was not read back"))

    assert differing == []


def test_what_only_looks_at_what_is_now_brings_nothing(run: Run, tips: Path) -> None:
    before = left_out(tips)

    for words in (
        ("status",),
        ("claim", "list"),
        ("step", "list"),
        ("claim", "add", "own.py"),
        ("claim", "check", "x"),
    ):
        assert run(*words, cwd=tips).status == 0

    assert left_out(tips) == before


def test_while_the_remote_is_away_an_answer_says_what_is_not_here(run: Run, tips: Path, connection: ExitStack) -> None:
    connection.close()

    plain = run("log", cwd=tips)
    log, metrics, ended = (
        run(*words, "--json", cwd=tips) for words in (("log",), ("metrics", "--days", "9"), ("claim", "list", "--all"))
    )

    assert (log.status, metrics.status, ended.status) == (0, 0, 0)
    assert len(log.json["events"]) < FILES
    lacking = {notice["ref"]: notice for notice in log.json["notices"] if notice["notice"] == "history_left_out"}
    assert lacking.keys() == {"refs/coord/claims", "refs/coord/steps/app"}
    assert [ref for ref in lacking if f"{ref}: The history before commit" not in plain.err] == []
    assert plain.err.count("Try again when the remote can be reached.") == 1
    assert metrics.json["activity"]["complete_since"]
    assert run("audit", cwd=tips).status == 5
