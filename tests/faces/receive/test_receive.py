"""The hook of a server: whatever reaches the ledgers of a repository was decided by the rules (SEC-3)."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Git, MakeBare, MakeRepo
from tests.servers.fixtures import Remote, Servers
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.audit.forge import Forger, with_line, with_tree

ROOT = Path(__file__).parents[3]
CLAIMS, STEPS, CONFIG = "refs/coord/claims", "refs/coord/steps/app", "refs/coord/config"
PLAN = """\
name: app
base_commit: HEAD
steps:
  - {step_num: 1, title: Data model, paths: [/model.py]}
  - {step_num: 2, title: Endpoints, depends_on: [1]}
"""


@dataclass(frozen=True)
class Team:
    """A remote that checks what it receives, ann's clone, and a copy of the remote in which bob forges."""

    remote: Remote
    repo: Path
    mirror: Path
    git: Git = field(repr=False)

    def gitcoord(self, *words: str, agent: str = "ann/cli/wt", fails: bool = False) -> str:
        """Run gitcoord in ann's clone; return what it wrote."""
        env = {**os.environ, **self.remote.env, "PYTHONPATH": str(ROOT), "GITCOORD_AGENT": agent}
        program = [sys.executable, "-m", "gitcoord", *words]
        done = subprocess.run(program, cwd=self.repo, env=env, capture_output=True, text=True, check=False)
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def forger(self, ref: str = CLAIMS) -> Forger:
        """Bring the mirror up to date, and return what forges one ref there."""
        self.git(self.mirror, "fetch", "--quiet", "--force", str(self.remote.git_dir), "+refs/*:refs/*")
        return Forger(self.mirror, ref)

    def push(self, *refspecs: str, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """Push by force from the mirror to the remote's URL, as anyone may who has the right to push."""
        settings = [word for name, value in self.remote.settings for word in ("-c", f"{name}={value}")]
        words = ["git", *settings, "push", "--atomic", "--force", self.remote.url, *refspecs]
        full = {**os.environ, **self.remote.env, "PYTHONPATH": str(ROOT), **(env or {})}
        return subprocess.run(words, cwd=self.mirror, env=full, capture_output=True, text=True, check=False)

    def assert_refused(self, *refspecs: str, why: str) -> None:
        """Push, and see that git shows the refusal to who pushed, and that nothing has changed."""
        before = self.remote.refs(), self.remote.git("count-objects", "-v")

        done = self.push(*refspecs)

        assert done.returncode == 1, done.stderr
        refusals = [line for line in done.stderr.splitlines() if line.startswith("remote: gitcoord: refused: ")]
        assert refusals, done.stderr
        assert why in refusals[0]
        assert (self.remote.refs(), self.remote.git("count-objects", "-v")) == before


def checked(remote: Remote) -> None:
    """Install the hook as `init --server` does, for a server whose git finds this checkout."""
    program = remote.git_dir.parent / f"{remote.git_dir.name}-program"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -P -m gitcoord "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "gitcoord", "init", "--server", str(remote.git_dir)]
    subprocess.run(words, cwd=remote.git_dir.parent, env=env, capture_output=True, check=True)
    remote.git("config", "gitcoord.program", str(program))


@pytest.fixture
def team(servers: Servers, make_repo: MakeRepo, git: Git, tmp_path: Path) -> Callable[[str], Team]:
    def make(kind: str = "path") -> Team:
        remote, repo = servers.remote(kind), make_repo()
        checked(remote)
        git(repo, "remote", "add", "origin", remote.url)
        for name, value in (*remote.settings, ("gitcoord.remote", "origin")):
            git(repo, "config", name, value)
        git(repo, "push", "--quiet", str(remote.git_dir), "HEAD:refs/heads/main")
        (repo / "plan.yaml").write_text(PLAN, encoding="utf-8")
        git(tmp_path, "init", "--quiet", "--bare", "mirror.git")
        return Team(remote, repo, tmp_path / "mirror.git", git)

    return make


@pytest.fixture
def busy(team: Callable[[str], Team], request: pytest.FixtureRequest) -> Team:
    """A team at work: a project with a step that is held, and a claim; on a path if no other kind is asked for."""
    made = team(getattr(request, "param", "path"))
    made.gitcoord("project", "create", "plan.yaml")
    made.gitcoord("step", "claim", "--project", "app")
    made.gitcoord("claim", "add", "/README.md")
    return made


@pytest.mark.timeout(600)  # eight commands, each of which starts an interpreter here and one at the server
@pytest.mark.rule("SEC-3")
@pytest.mark.parametrize("kind", ["http", pytest.param("ssh", marks=pytest.mark.torture)])
def test_honest_work_of_every_kind_lands(kind: str, team: Callable[[str], Team]) -> None:
    ann = team(kind)

    ann.gitcoord("project", "create", "plan.yaml")
    ann.gitcoord("step", "claim", "--project", "app")
    ann.gitcoord("claim", "add", "/README.md")
    ann.gitcoord("claim", "release", "--all")
    ann.gitcoord("policy", "set", "idle_minutes", "30")
    ann.gitcoord("doctor")
    ann.gitcoord("step", "fail", "app/1", "--reason", "not now")
    ann.gitcoord("project", "abort", "app", "--reason", "done with it")
    ann.gitcoord("project", "delete", "app", "--yes")

    assert STEPS not in ann.remote.refs()
    assert CLAIMS in ann.remote.refs()


def by_hand(forger: Forger) -> None:
    forger.add(forger.tree_of(forger.commits[-1]), "claims: by hand")


def begun_anew(forger: Forger) -> None:
    forger.add(forger.tree_of(forger.commits[-1]), "claims: anew", parents=[])


def one_commit_back(forger: Forger) -> None:
    forger.point(forger.commits[-2])


def another_agent(forger: Forger) -> None:
    """Repeat the last commit's command as if someone else had given it."""
    last = forger.raw(forger.commits[-1])

    def change(line: dict[str, Any]) -> None:
        line["by"]["agent"] = "bob/cli/wt"

    changed = with_line(1, change)(last)
    forger.point(forger.commits[-2])
    forger.point(forger.write("commit", changed))


def another_document(forger: Forger) -> None:
    """Keep the record of the last commit, and change what it made."""
    last = forger.commits[-1]
    paths = _paths(forger, last)
    tree = forger.tree_with(last, next(path for path in paths if path.startswith(("claims/", "steps/"))), branch="evil")
    forger.point(forger.write("commit", with_tree(tree)(forger.raw(last))))


def of_newer_rules(forger: Forger) -> None:
    def change(line: dict[str, Any]) -> None:
        line["rules"] = 99

    forger.point(forger.write("commit", with_line(0, change)(forger.raw(forger.commits[-1]))))


INSTEAD = (another_agent, another_document, of_newer_rules)


def _paths(forger: Forger, commit: str) -> list[str]:
    words = ["git", "ls-tree", "-r", "--name-only", commit]
    return subprocess.run(words, cwd=forger.path, capture_output=True, text=True, check=True).stdout.splitlines()


Forgery = tuple[Callable[[Forger], None], str, str]
"""What is forged, what the refusal says, and the ref."""
FORGERIES: tuple[Forgery, ...] = (
    (by_hand, "has no record", CLAIMS),
    (begun_anew, "would lose its history", CLAIMS),
    (one_commit_back, "would lose its history", STEPS),
    (another_agent, "which ", CLAIMS),
    (another_document, "otherwise than its commands give", STEPS),
    (of_newer_rules, "was written by rules 99", CLAIMS),
)


def assert_refused_when_forged(team: Team, forgery: Forgery) -> None:
    forge, why, ref = forgery
    forger = team.forger(ref)
    tip = forger.commits[-1]
    if forge in INSTEAD:  # as if the last commit was not pushed yet
        team.remote.git("update-ref", ref, forger.commits[-2])
    forge(forger)

    team.assert_refused(f"{ref}:{ref}", why=why)
    team.remote.git("update-ref", ref, tip)


@pytest.mark.rule("SEC-3", "SAFE-9")
@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery[0].__name__)
def test_a_forged_ledger_is_refused_and_leaves_nothing(forgery: Forgery, busy: Team) -> None:
    assert_refused_when_forged(busy, forgery)


@pytest.mark.timeout(600)
@pytest.mark.rule("SEC-3", "SAFE-9")
@pytest.mark.parametrize(
    ("busy", "forgeries"),
    [
        pytest.param("http", (FORGERIES[0], FORGERIES[4]), id="http"),
        pytest.param("http", FORGERIES, marks=pytest.mark.torture, id="http, all"),
        pytest.param("ssh", FORGERIES, marks=pytest.mark.torture, id="ssh, all"),
    ],
    indirect=["busy"],
)
def test_a_forged_ledger_is_refused_over_a_network_and_its_pusher_reads_why(
    busy: Team, forgeries: tuple[Forgery, ...]
) -> None:
    for forgery in forgeries:
        assert_refused_when_forged(busy, forgery)


@pytest.mark.rule("SEC-3", "SAFE-9")
@pytest.mark.parametrize(
    ("source", "ref", "why"),
    [
        ("", CLAIMS, "would be deleted"),
        ("", STEPS, "would be deleted"),
        ("", CONFIG, "is deleted after the last ledger"),
        ("main", "refs/coord/notes", "is no ref of gitcoord's"),
        ("main", "refs/coord/heartbeats/c-1", "no heartbeat of the clone c-1"),
        ("main", "refs/coord/steps/other", "which "),
        (CLAIMS, "refs/coord/archive/claims/1", "no roll of this push"),
        (CLAIMS, CONFIG, "would lose its history"),
    ],
)
def test_refs_that_are_moved_by_hand_are_refused(source: str, ref: str, why: str, busy: Team) -> None:
    busy.gitcoord("policy", "set", "idle_minutes", "30")
    _ = busy.forger()

    busy.assert_refused(f"{source}:{ref}", why=why)


@pytest.mark.rule("SEC-3")
def test_one_ref_that_is_refused_stops_the_whole_push(busy: Team) -> None:
    by_hand(busy.forger())
    before = busy.remote.refs()

    done = busy.push(f"{CLAIMS}:{CLAIMS}", "main:refs/heads/feature")

    assert done.returncode == 1
    assert busy.remote.refs() == before


@pytest.mark.rule("SEC-3")
def test_without_the_program_other_pushes_pass_and_those_to_the_ledgers_do_not(busy: Team, git: Git) -> None:
    busy.remote.git("config", "--unset", "gitcoord.program")
    _ = busy.forger()
    where = git(busy.repo, "--exec-path")
    bare = {"PATH": f"{where}:/usr/bin:/bin"}

    passed = busy.push("main:refs/heads/feature", "main:refs/tags/v1", "main:refs/notes/commits", env=bare)
    stopped = busy.push("main:refs/coord/notes", env=bare)

    assert passed.returncode == 0, passed.stderr
    assert stopped.returncode == 1
    assert "its server has no program gitcoord" in stopped.stderr


def test_a_hook_that_was_there_runs_first_with_the_same_lines_and_comes_back(busy: Team, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "gitcoord"]
    where = ["--server", str(busy.remote.git_dir)]
    subprocess.run([*program, "uninstall", *where], cwd=tmp_path, env=env, capture_output=True, check=True)
    busy.remote.hook("pre-receive", f'cat >"{seen}"')
    before = (busy.remote.git_dir / "hooks" / "pre-receive").read_bytes()
    subprocess.run([*program, "init", *where], cwd=tmp_path, env=env, capture_output=True, check=True)
    _ = busy.forger()

    assert busy.push("main:refs/heads/feature").returncode == 0
    assert seen.read_text().endswith(" refs/heads/feature\n")
    subprocess.run([*program, "uninstall", *where], cwd=tmp_path, env=env, capture_output=True, check=True)
    assert (busy.remote.git_dir / "hooks" / "pre-receive").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "why"), [("nowhere", "There is no folder"), (".", "cannot be set up: "), ("held.git", "File exists")]
)
def test_a_folder_that_cannot_be_set_up_is_named_with_the_reason(
    name: str, why: str, make_bare: MakeBare, tmp_path: Path
) -> None:
    (make_bare("held.git") / "config.lock").touch()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "gitcoord", "init", "--server"]

    done = subprocess.run([*program, name], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert why in done.stderr
