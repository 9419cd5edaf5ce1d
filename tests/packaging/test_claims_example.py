"""The worked example of `docs/claims.md` is true: its commands, run as they stand, print what stands there.

Ids and times are drawn anew; each that the example shows stands for one that the run shows, always the same one.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import AddWorktree, Git, MakeRepo

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
COMMAND_TIMEOUT_S = 60  # a bound for a hang; a command takes half a second

_EXAMPLE = re.compile(r"## Worked example\n(.*?)\n## ", re.DOTALL)
_FENCED = re.compile(r"```\n(.*?)```", re.DOTALL)
_PROMPT = re.compile(r"^(ann|bob|ann2) +\$ (.*)$")
_ID = re.compile(r"\b[cqr]-[0-9a-z]{8}\b")
_SOURCE = "export function handleLogin() {}\nexport function logout() {}\n"
AGENTS = {"ann": "ann/claude-code/wt-1", "bob": "bob/claude-code/wt-2", "ann2": "ann/codex/wt-3"}


@dataclass(frozen=True)
class Line:
    """A command of the example, and what it is said to print."""

    who: str
    command: str
    said: tuple[str, ...]


def example() -> Iterator[Line]:
    (section,) = _EXAMPLE.findall(PAGE)
    for block in _FENCED.findall(section):
        who, command, said = "", "", list[str]()
        for line in [*block.splitlines(), ""]:
            prompt = _PROMPT.match(line)
            if (prompt or not line) and command:
                yield Line(who, command, tuple(said))
                who, command, said = "", "", []
            if prompt:
                who, command = prompt[1], prompt[2]
            elif line:
                said.append(line)


def shape(text: str) -> str:
    """Return a line without what is drawn anew: times, and how long it is until them."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", text)
    return re.sub(r"\(\d+ (?:min|h)\)", "(LEFT)", text)


@pytest.fixture
def homes(make_repo: MakeRepo, add_worktree: AddWorktree, git: Git) -> dict[str, Path]:
    one = make_repo("shop")
    (one / "src" / "auth").mkdir(parents=True)
    (one / "src" / "auth" / "login.ts").write_text(_SOURCE, encoding="utf-8")
    git(one, "add", "--all")
    git(one, "commit", "--quiet", "--message", "login")
    return {"ann": one, "bob": add_worktree(one, "wt-2"), "ann2": add_worktree(one, "wt-3")}


def printed(cwd: Path, agent: str, command: str) -> list[str]:
    program, *words = shlex.split(command)
    assert program == "gitcoord"
    done = subprocess.run(
        [sys.executable, "-m", "gitcoord", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GITCOORD_AGENT": agent},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
    return done.stdout.splitlines()


@pytest.mark.docs
def test_the_worked_example_prints_what_it_says(homes: dict[str, Path]) -> None:
    ids: dict[str, str] = {}

    for line in example():
        if "--wait 300" in line.command:
            continue  # it stands in line until the last command frees what it waits for
        command = _ID.sub(lambda found: ids[found[0]], line.command)
        out = printed(homes[line.who], AGENTS[line.who], command)
        for said in line.said:
            real = [one for one in out if shape(_ID.sub("ID", one)) == shape(_ID.sub("ID", said))]
            assert real, f"{line.command} does not print {said!r} but {out}"
            ids.update(zip(_ID.findall(said), _ID.findall(real[0]), strict=True))

    assert len(ids) >= 3


@pytest.mark.docs
def test_the_example_has_commands_of_all_three() -> None:
    assert {line.who for line in example()} == set(AGENTS)
