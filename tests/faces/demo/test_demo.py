"""The demonstration, whole: real servers, real agents that share files, one of them killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from gitcoord.core.documents import doc
from gitcoord.faces.demo.screen import WIDTH
from gitcoord.ledger.format.meta import RECORD
from tests.conftest import Git, MakeBare
from tests.golden.samples import kind_at
from tests.schemas.checks import described, faults

GONE_S = 60.0  # a bound for a hang: agents are gone within the first few looks
ROOT = Path(__file__).parents[3]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "GITCOORD_AGENT": "not/of/these"}


def demo(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gitcoord", "demo", *words],
        cwd=cwd,
        env=environment(cwd),
        capture_output=True,
        encoding="utf-8",
        timeout=200,
        check=False,
    )


def test_agents_share_a_project_and_one_of_them_is_killed(tmp_path: Path) -> None:
    done = demo("--agents", "3", "--json", "--dashboard", cwd=tmp_path)

    report = json.loads(done.stdout)
    assert [check for check in report["checks"] if not check["ok"]] == []
    assert (done.returncode, report["ok"]) == (0, True)
    assert re.fullmatch(r"dashboard: http://127\.0\.0\.1:\d+/[0-9a-z]{32}/\n", done.stderr)
    assert report["recovered"]["from"] == report["killed"]
    assert report["recovered"]["by"] != report["killed"]
    late = [report["refused"].get(code, 0) for code in ("not_holder", "not_held")]
    assert sum(late) == 1, "who took the step over has it, or has completed it by now"
    assert report["refused"]["conflict"] >= 2
    assert len(report["log"]) == report["commits"] + report["claims_commits"]
    left = {path.name: path.read_text() if path.is_file() else "" for path in tmp_path.iterdir()}
    assert left == {}, "a bug report, mostly"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> pygit2.Repository:
    """The remote of a demonstration, as it was left."""
    report = json.loads(demo("--agents", "2", "--keep", "--json", cwd=tmp_path_factory.mktemp("demo")).stdout)
    return pygit2.Repository(str(Path(report["kept"], "remote.git")))


def test_all_that_it_writes_is_valid_by_the_published_schemas(kept: pygit2.Repository) -> None:
    found = [row for files, lines in _commits(kept) for row in described(files, lines)]

    assert {name.partition("/")[0] for name, _ in found} == {"documents", "records", "commands"}
    assert [fault for name, value in found for fault in faults(name, value)] == []


def test_its_ledgers_are_what_their_commands_give(kept: pygit2.Repository) -> None:
    clone = Path(kept.path).parent / "ann"
    words, env = [sys.executable, "-m", "gitcoord", "audit", "--full", "--json"], environment(clone.parent)

    done = subprocess.run(words, cwd=clone, env=env, capture_output=True, encoding="utf-8", timeout=200, check=False)

    result = json.loads(done.stdout)
    assert (done.returncode, result["findings"]) == (0, [])
    assert {row["ledger"].rpartition("/")[2] for row in result["ledgers"]} == {"claims", "shop"}


@pytest.mark.rule("DOC-2")
def test_every_document_that_it_leaves_is_read_the_quick_way_and_written_again_unchanged(
    kept: pygit2.Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {(path, text) for files, _ in _commits(kept) for path, text in files.items() if path != RECORD}
    monkeypatch.setattr(doc, "load_object", lambda data: pytest.fail(f"read the careful way: {data}"))

    again = {(path, kind_at(path).decode(text.encode()).encode().decode()) for path, text in written}

    kinds = {kind_at(path).__name__ for path, _ in written}  # how many of each: by how many commands share a commit
    assert {"Applied", "Barrier", "Claim", "Counter", "Meta", "ReleaseRequest", "Step"} <= kinds
    assert again == written


def _commits(remote: pygit2.Repository) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield of each commit of the ledgers the files as it changed them, and the lines of its message."""
    for ref in (name for name in remote.references if name.startswith("refs/coord/")):
        for commit in remote.walk(remote.references[ref].target):
            before = commit.parents[0].tree if commit.parents else None
            change = before.diff_to_tree(commit.tree) if before else commit.tree.diff_to_tree(swap=True)
            paths = [delta.new_file.path for delta in change.deltas]
            blobs = {path: remote[commit.tree[path].id] for path in paths if path in commit.tree}
            files = {path: blob.data.decode() for path, blob in blobs.items() if isinstance(blob, pygit2.Blob)}
            yield files, commit.message.splitlines()


def test_a_remote_that_was_named_is_left_as_it_was(tmp_path: Path, make_bare: MakeBare, git: Git) -> None:
    remote = make_bare()

    done = demo("--agents", "2", "--remote", str(remote), cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "is killed with SIGKILL" in done.stdout
    assert "FAIL" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= WIDTH
    assert git(remote, "for-each-ref") == ""


@pytest.mark.rule("SEC-2")
def test_a_remote_with_a_password_is_refused_before_git_gets_it(tmp_path: Path) -> None:
    done = demo("--remote", "https://ann:s3cret@host.invalid/r.git", "--keep", cwd=tmp_path)

    assert done.returncode == 2
    assert "https://***@host.invalid/r.git" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_remote_that_cannot_be_used_is_status_5_and_leaves_nothing(tmp_path: Path) -> None:
    done = demo("--remote", "file:///nowhere.git", "--json", cwd=tmp_path)

    assert done.returncode == 5
    assert json.loads(done.stdout)["error"]["code"] == "unreachable"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_every_process_and_leaves_nothing(tmp_path: Path, ending: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gitcoord", "demo"], cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    for line in process.stdout:
        if b" took " in line:
            break

    process.send_signal(ending)

    with process.stdout:  # its end is that of all who inherited it
        process.stdout.read()
    assert process.wait(150) == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="looks for processes in /proc")
def test_agents_end_with_whoever_started_them(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gitcoord", "demo"], cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    for line in process.stdout:
        if b" took " in line:
            break
    (folder,) = tmp_path.glob("gitcoord-demo-*")

    process.kill()
    process.communicate()

    end = time.monotonic() + GONE_S
    while left := _agents_in(folder):
        assert time.monotonic() < end, left


def _agents_in(folder: Path) -> list[str]:
    """Return the processes that have a worktree of the demonstration as their folder."""
    found = subprocess.run(
        ["sh", "-c", "readlink /proc/[0-9]*/cwd"], capture_output=True, encoding="utf-8", timeout=150, check=False
    )
    return [line for line in found.stdout.splitlines() if line.startswith(str(folder))]
