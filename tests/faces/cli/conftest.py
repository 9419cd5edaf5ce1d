"""The command line for tests: in this process by `main(argv)`, or as a program.

The command line takes its folder from the process, so these tests, unlike others, do change the working directory.
Whatever is printed with `--json`, in any of them, has to be as its published schema says, and to have no other field.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from gitcoord.faces.cli.app import main
from tests import fork_server
from tests.conftest import MakeRepo
from tests.schemas.checks import result_faults
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest

ROOT = Path(__file__).parents[3]
PROGRAM_TIMEOUT_S = 200  # A bound for a hang, within pytest's own.


@dataclass(frozen=True)
class Done:
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - what is in it is what the tests are about
        """The object on stdout: exactly one, on one line."""
        assert self.out.count("\n") == 1, self.out + self.err
        return json.loads(self.out)


class Run(Protocol):
    """Run one command in the test's repository."""

    def __call__(self, *words: str, cwd: Path | None = None) -> Done: ...


class RunProgram(Protocol):
    """Run gitcoord as a program of its own."""

    def __call__(
        self, words: Sequence[str], cwd: Path, *, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> Done: ...


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo()


@pytest.fixture
def run(repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str, cwd: Path | None = None) -> Done:
        monkeypatch.chdir(cwd or repo)
        status = main(list(words))
        captured = capsys.readouterr()
        assert result_faults(words, captured.out) == []
        return Done(status, captured.out, captured.err)

    return call


@pytest.fixture
def program() -> RunProgram:
    def call(words: Sequence[str], cwd: Path, *, stdin: str = "", env: Mapping[str, str] | None = None) -> Done:
        done = fork_server.run(
            [sys.executable, "-m", "gitcoord", *words],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            stdin=stdin,
            timeout_s=PROGRAM_TIMEOUT_S,
            encoding="utf-8",
        )
        assert result_faults(words, done.stdout) == []
        return Done(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def plan(repo: Path) -> str:
    """A project file of three steps: 2 waits for 1, 3 for nobody."""
    text = """\
name: app
description: An app.
steps:
  - {step_num: 1, title: Data model, branch: feat/model, scope: db, priority: 5}
  - {step_num: 2, title: Endpoints, branch: feat/api, scope: api, depends_on: [1]}
  - {step_num: 3, title: Manual, scope: docs}
"""
    (repo / "plan.yaml").write_text(text, encoding="utf-8")
    return "plan.yaml"


@pytest.fixture
def project(run: Run, plan: str) -> str:
    assert run("project", "create", plan).status == 0
    return "app"
