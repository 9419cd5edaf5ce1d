"""`gitcoord verify` as CI runs it: its exit status, its formats, and the servers that it reads from."""

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gitcoord.runtime import open_workspace
from gitcoord.service.claims.claims import claim_files
from tests.conftest import Git, MakeRepo
from tests.faces.cli.conftest import Run, RunProgram
from tests.servers.fixtures import Servers, servers
from tests.unit.service.world import store_of

__all__ = ["servers"]


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo()


@pytest.fixture
def claimed(repo: Path, git: Git) -> Path:
    """A branch that changes what ann has claimed on another, in a clone without remote."""
    with_agent = {**os.environ, "GITCOORD_AGENT": "ann/cli/wt"}
    workspace = open_workspace(repo, with_agent, tool="cli")
    claim_files(workspace, patterns=["b.py"], branch="feat/a")
    workspace.close()
    git(repo, "switch", "--quiet", "--create", "feat/b")
    (repo / "b.py").write_text("1\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "work")
    return repo


def test_findings_are_status_1_in_every_format(run: Run, claimed: Path) -> None:
    done = {name: run("verify", "--format", name) for name in ("text", "json", "github", "sarif", "junit")}

    assert {one.status for one in done.values()} == {1}
    assert done["text"].out.startswith("finding  foreign-claim  b.py:1\n")
    assert json.loads(done["json"].out)["findings"][0]["path"] == "b.py"
    assert done["github"].out.startswith("::error file=b.py,line=1,title=gitcoord foreign-claim::")
    assert json.loads(done["sarif"].out)["version"] == "2.1.0"
    assert ET.fromstring(done["junit"].out).tag == "testsuites"  # noqa: S314 - we wrote it
    assert run("verify", "--json").json["ok"] is False


@pytest.mark.parametrize(
    ("source", "option", "status"), [("team", [], 0), ("eve", [], 1), ("eve", ["-b", "feat/a"], 0)]
)
@pytest.mark.parametrize("revisions", [[], ["--base", "main", "--head", "feat/b"]], ids=["by-the-event", "by-options"])
def test_a_fork_that_calls_its_branch_as_a_claims_branch_does_not_have_its_claims(
    program: RunProgram, claimed: Path, git: Git, source: str, option: list[str], status: int, revisions: list[str]
) -> None:
    sides = {
        "head": {"sha": git(claimed, "rev-parse", "HEAD"), "repo": {"full_name": f"{source}/shop", "fork": True}},
        "base": {"repo": {"full_name": "team/shop"}},
    }
    event = claimed.parent / "event.json"
    event.write_text(json.dumps({"pull_request": sides, "repository": {"default_branch": "main"}}))
    named = {"GITHUB_BASE_REF": "main", "GITHUB_HEAD_REF": "feat/a", "GITHUB_EVENT_PATH": str(event)}
    if revisions:  # which branch has these commits is found here; the event only says that it is of no use
        git(claimed, "branch", "--quiet", "--move", "feat/b", "feat/a")
        revisions = [*revisions[:-1], "feat/a"]

    done = program(["verify", "--json", *revisions, *option], claimed, env={"GITHUB_ACTIONS": "true", **named})

    assert (done.status, done.json["count"]) == (status, status)
    assert done.json["branch"] == (None if status else "feat/a")


@pytest.mark.rule("SEC-4")
def test_a_file_that_is_made_to_break_a_parser_is_a_finding(run: Run, repo: Path, git: Git) -> None:
    (repo / "evil.c").write_text("int f(void) { return 1; }\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "base")
    workspace = open_workspace(repo, {**os.environ, "GITCOORD_AGENT": "ann/cli/wt"}, tool="cli")
    claim_files(workspace, symbols={"evil.c": ["f"]}, branch="feat/a")
    workspace.close()
    git(repo, "switch", "--quiet", "--create", "feat/b")
    (repo / "evil.c").write_text("%q(" * 21845)
    git(repo, "commit", "--quiet", "--all", "--message", "work")

    done = run("verify", "--json")

    assert done.status == 1
    assert [(one["rule"], one["path"]) for one in done.json["findings"]] == [("foreign-claim", "evil.c")]
    assert "which symbols changed is unknown: the file " in done.json["findings"][0]["message"]


def test_nothing_found_is_status_0(run: Run, claimed: Path) -> None:
    done = run("verify", "--branch", "feat/a")

    assert (done.status, done.err) == (0, "")
    assert done.out == "1 commit, 1 file of feat/a against main; claims of this clone: 0 findings, 0 notes\n"


@pytest.mark.parametrize(
    ("options", "base"), [((), "origin/main"), (("--base", "main"), "main"), (("--base", "HEAD~1"), "HEAD~1")]
)
def test_the_summary_names_the_base_and_where_claims_are_from(
    run: Run, claimed: Path, git: Git, options: tuple[str, ...], base: str
) -> None:
    git(claimed, "update-ref", "refs/remotes/origin/main", "main")
    git(claimed, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")

    done = run("verify", "--branch", "feat/a", *options)

    assert done.out == f"1 commit, 1 file of feat/a against {base}; claims of this clone: 0 findings, 0 notes\n"


def test_a_full_id_is_named_by_its_first_digits(run: Run, claimed: Path, git: Git) -> None:
    commit = git(claimed, "rev-parse", "main")

    done = run("verify", "--branch", "feat/a", "--base", commit)

    assert f" against {commit[:12]}; claims of this clone: " in done.out


def test_a_wrong_format_or_revision_is_status_2(run: Run, claimed: Path) -> None:
    assert run("verify", "--format", "xml").status == 2
    wrong = run("verify", "--base", "nowhere")
    assert (wrong.status, wrong.out) == (2, "")
    assert "'nowhere' is not a commit" in wrong.err


@pytest.mark.parametrize("form", ["github", "sarif", "junit", "text"])
def test_a_remote_that_cannot_be_read_is_status_5_and_prints_no_report(
    run: Run, claimed: Path, git: Git, form: str
) -> None:
    git(claimed, "config", "gitcoord.remote", str(claimed / "gone.git"))

    done = run("verify", "--format", form)

    assert (done.status, done.out) == (5, "")
    assert "was not read" in done.err


@pytest.mark.parametrize("kind", ["daemon", "http"])
def test_a_server_that_takes_no_pushes_is_enough(
    program: RunProgram, servers: Servers, claimed: Path, git: Git, kind: str
) -> None:
    remote = servers.remote(kind)
    git(claimed, "push", "--quiet", str(remote.git_dir), "main", "feat/b")
    git(store_of(claimed), "push", "--quiet", str(remote.git_dir), "refs/coord/*:refs/coord/*")
    remote.git("config", "http.receivepack", "false")
    remote.git("config", "daemon.receivepack", "false")
    remote.hook("pre-receive", "exit 1")
    before = remote.refs()
    runner = claimed.parent / "runner"
    git(claimed.parent, "clone", "--quiet", "--depth=1", "--branch", "feat/b", remote.url, str(runner))
    head = git(runner, "rev-parse", "HEAD")
    git(runner, "checkout", "--quiet", "--detach")
    event = runner.parent / "event.json"
    sides = {"head": {"sha": head, "repo": {"full_name": "team/shop"}}, "base": {"repo": {"full_name": "team/shop"}}}
    event.write_text(json.dumps({"pull_request": sides, "repository": {"default_branch": "main"}}))
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_BASE_REF": "main",
        "GITHUB_HEAD_REF": "feat/b",
        "GITHUB_SHA": head,
        "GITHUB_EVENT_PATH": str(event),
    }

    done = program(["verify", "--format", "github"], runner, env=env)

    assert (done.status, done.err) == (1, "")
    assert done.out.startswith("::error file=b.py,line=1,")
    assert remote.refs() == before
