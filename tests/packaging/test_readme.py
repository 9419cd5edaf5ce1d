"""The README is true: its quick start runs as it stands, its links lead somewhere, its exit statuses are the code's."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitcoord import errors
from gitcoord.errors import CoordError
from tests.conftest import Git, MakeBare, MakeRepo

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPT_TIMEOUT_S = 200  # A bound for a hang, within pytest's own; the quick start takes about five seconds.

_BLOCK = re.compile(r"<!-- quickstart:begin.*?-->\n```sh\n(.*?)```\n<!-- quickstart:end -->", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
_STATUS = re.compile(r"\b(\d+) ([a-z][^,.]*)")
# What the README calls each status; an error's class documents the rest.
_WORDS = {
    0: "done",
    1: "refused by the rules",
    2: "usage",
    3: "a bug",
    4: "contended",
    5: "remote or disk out of reach or outcome unknown",
    6: "denied by the remote",
    130: "interrupted",
}


def quick_start() -> str:
    blocks = _BLOCK.findall(README)
    assert len(blocks) == 1
    return blocks[0]


def errors_below(kind: type[CoordError]) -> Iterator[type[CoordError]]:
    for child in kind.__subclasses__():
        yield child
        yield from errors_below(child)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the program `gitcoord`: that of this environment, or what an installation would put there."""
    scripts = Path(sysconfig.get_path("scripts"))
    if (scripts / "gitcoord").exists():
        return scripts
    module, _, function = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"][
        "gitcoord"
    ].partition(":")
    program = tmp_path / "bin" / "gitcoord"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        f"from {module} import {function}\nsys.exit({function}())\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return program.parent


@pytest.mark.docs
def test_the_quick_start_runs_as_it_stands_touches_no_remote_and_can_be_taken_back(
    make_repo: MakeRepo, make_bare: MakeBare, programs: Path, git: Git
) -> None:
    repo, remote = make_repo("shop"), make_bare()
    git(repo, "branch", "--move", "master")
    git(repo, "remote", "add", "origin", str(remote))
    git(repo, "push", "--quiet", "origin", "master")
    git(repo, "remote", "set-head", "origin", "master")
    refs = git(remote, "for-each-ref")
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", quick_start()],
        cwd=repo,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SCRIPT_TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert (repo / ".mcp.json").is_file()
    assert (repo / "CLAUDE.md").is_file()
    assert "shop/1" in done.stdout
    assert "completed" in done.stdout
    assert git(remote, "for-each-ref") == refs

    undone = subprocess.run(
        [programs / "gitcoord", "uninstall", "--everything", "--yes"],
        cwd=repo,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SCRIPT_TIMEOUT_S,
        check=False,
    )
    assert undone.returncode == 0, undone.stderr
    assert git(repo, "status", "--porcelain") == "?? plan.yaml"
    assert not (repo / ".git/gitcoord").exists()


@pytest.mark.docs
@pytest.mark.parametrize("link", sorted(set(_LINK.findall(README))))
def test_a_link_of_the_readme_leads_somewhere(link: str) -> None:
    assert link.startswith("https://") or (ROOT / link).exists()


@pytest.mark.docs
def test_the_exit_statuses_of_the_readme_are_those_of_the_code() -> None:
    sentence = README.partition("Exit status: ")[2].partition(".")[0].replace("\n", " ")
    in_readme = {int(number): words.strip() for number, words in _STATUS.findall(sentence)}
    in_code = {kind.exit_status for kind in (CoordError, *errors_below(CoordError))}

    assert in_readme == _WORDS
    assert in_code | {0, 130} == set(in_readme)


@pytest.mark.docs
def test_the_errors_themselves_say_the_same_statuses() -> None:
    sentence = (errors.__doc__ or "").partition("Exit statuses: ")[2].partition(".")[0]

    assert {int(number) for number, _ in _STATUS.findall(sentence)} == set(_WORDS)
