"""Ledgers that somebody made by hand to cost everybody time and memory, and what has little of both.

The children of these tests may have MEMORY_BYTES of addresses each, so what reads without a bound fails by that.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode

from gitcoord.core.documents import limits
from tests.faces.hooks.conftest import Servers
from tests.faces.hooks.pushers import Done, claimed, hooked, run
from tests.faces.hooks.test_push_trouble import put
from tests.faces.mcp.process import environment
from tests.unit.service.world import Agents, Shared

MEMORY_BYTES = 1 << 30
BOUND_S = 200  # for a hang
CLAIMS = "refs/coord/claims"


def unfolding(repository: pygit2.Repository, leaf: pygit2.Oid, kind: FileMode) -> pygit2.Oid:
    """Write nine objects that stand for 16 billion paths."""
    tree = repository.TreeBuilder()
    for number in range(100):
        tree.insert(f"{number}.json", leaf, kind)
    at = tree.write()
    for _ in range(7):
        tree = repository.TreeBuilder()
        for number in range(40):
            tree.insert(f"{number}", at, FileMode.TREE)
        at = tree.write()
    return at


def files_bomb(repository: pygit2.Repository) -> tuple[pygit2.Oid, str]:
    return unfolding(repository, repository.create_blob(b"{}"), FileMode.BLOB), "more files than a ledger"


def folders_bomb(repository: pygit2.Repository) -> tuple[pygit2.Oid, str]:
    return unfolding(repository, repository.TreeBuilder().write(), FileMode.TREE), "more files than a ledger"


def blanks_bomb(repository: pygit2.Repository) -> tuple[pygit2.Oid, str]:
    blob = repository.create_blob(b"{}".ljust(limits.DOCUMENT_BYTES))
    tree = repository.TreeBuilder()
    for number in range(300):
        tree.insert(f"c-{number:08}.json", blob, FileMode.BLOB)
    return tree.write(), "bytes of documents"


Bomb = Callable[[pygit2.Repository], tuple[pygit2.Oid, str]]
BOMBS = [files_bomb, folders_bomb, blanks_bomb]


def plant(remote: Path, bomb: Bomb, ref: str = CLAIMS) -> str:
    """Put a bomb below `claims/` of the ledger, as a colleague with a git client can; return why it is not read."""
    repository = pygit2.Repository(str(remote))
    tip = repository.references[ref].peel(pygit2.Commit)
    tree = repository.TreeBuilder(tip.tree)
    made, why = bomb(repository)
    tree.insert("claims", made, FileMode.TREE)
    who = pygit2.Signature("eve", "eve@example.org", 1_800_000_000, 0)
    repository.create_commit(ref, who, who, "by hand", tree.write(), [tip.id])
    return why


def limited(cwd: Path, *words: str) -> Done:
    """Run a program that has little memory."""
    done = subprocess.run(
        words,
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=BOUND_S,
        check=False,
        preexec_fn=bound,
    )
    return Done(done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace"))


def bound() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


@pytest.mark.rule("SEC-4", "HOOK-9")
@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("enforces", [False, True])
def test_a_commit_and_a_push_go_by_what_the_team_wants_where_claims_are_too_large(
    team: Shared, agents: Agents, bomb: Bomb, *, enforces: bool
) -> None:
    hooked(team.one, "pre-commit", "pre-push")
    claimed(agents(team.two, "bob/cli/two"), "src/b.py")
    agents(team.one, "ann/cli/one")
    why = plant(team.remote, bomb)
    if enforces:
        config = json.dumps({"enforce": True}).encode()
        run(
            team.remote,
            "update-ref",
            "refs/coord/config",
            run(team.remote, "commit-tree", "-m", "x", EMPTY).said.strip(),
        )
        put(team.remote, "policy.json", config, ref="refs/coord/config")
    (team.one / "src" / "a.py").write_text("changed\n")
    run(team.one, "add", "--all")

    committed = limited(team.one, "git", "commit", "-m", "work")
    run(team.one, "commit", "--no-verify", "-m", "work")
    pushed = limited(team.one, "git", "push", "origin", "main")

    for name, done in (("pre-commit", committed), ("pre-push", pushed)):
        assert done.status == (1 if enforces else 0), done.said
        (line,) = done.ours
        assert f"NOTHING WAS CHECKED ({name}), it {'is stopped' if enforces else 'goes through'}" in line
        is_slow = "it takes too long" in line  # on a busy machine, where git is ended before it has said how large
        assert is_slow or ("too large" in line and why in line), line
        assert line.endswith(" [damaged]")


@pytest.mark.rule("SEC-4", "SAFE-6")
@pytest.mark.parametrize("bomb", BOMBS)
def test_commands_and_a_server_name_claims_that_are_too_large_and_steps_go_on(
    team: Shared, agents: Agents, serve: Servers, bomb: Bomb
) -> None:
    bob = agents(team.two, "bob/cli/two")
    claimed(bob, "src/b.py")
    plant(team.remote, bomb)

    listed = limited(team.one, sys.executable, "-m", "gitcoord", "claim", "list")
    shown = limited(team.one, sys.executable, "-m", "gitcoord", "status")
    server = serve(team.one, "s-ann", "ann/claude-code/one")
    refused = [server.error("claim_files", patterns=["src/a.py"]) for _ in range(2)]

    assert (listed.status, shown.status) == (5, 0), listed.said + shown.said
    assert [text for text in (listed.said, shown.said, *refused) if f"{CLAIMS} at " not in text] == []


EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's empty tree
