"""The store of a clone that coordinates alone: its journal is the truth, and plain git is at most a moment behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from gitcoord.faces.hooks.git import staged
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.hook_view import view
from gitcoord.ledger.hook_view.glance import Clocks, Where
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapStatus
from gitcoord.remote.store.store import StoreMode, end_journal, ensure_store
from gitcoord.remote.transports.home import HomeTransport
from gitcoord.runtime.machine import clocks
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.watch.snapshot import Snapshot
from gitcoord.service.watch.watch import sync
from tests.conftest import Git
from tests.unit.service.world import Agents, crash, store_of, tips

CLAIMS = RefName("refs/coord/claims")
WAIT_S = 60.0  # the writer waits for half a second; a machine under load takes longer


def mode_of(repo: Path) -> str:
    return json.loads((repo / ".git" / "gitcoord" / "store.json").read_text())["mode"]


def moved(repo: Path) -> Oid:
    """Let another process swap the claims' ref, and die before anything of it is written out."""
    home = HomeTransport(ensure_store(repo / ".git", StoreMode.HOME), clocks=clocks())
    tip = home.read([CLAIMS])[CLAIMS]
    kind, data = home.objects.read(tip)
    new = home.objects.write(kind, data + b"\nonce more\n")
    assert home.swap([RefUpdate(CLAIMS, tip, new)]).status is SwapStatus.WON
    return new


def test_a_store_of_an_older_version_is_upgraded_once_none_of_its_sessions_lives(agents: Agents, repo: Path) -> None:
    living = agents(repo, "bob/claude/wt", serve=True)
    store_of(repo)
    end_journal(ensure_store(repo / ".git", StoreMode.HOME))  # as an older version has it
    assert claim_files(living, patterns=["README.md"])["granted"]

    beside = agents(repo, "ann/cli/wt")
    modes = [mode_of(repo)]
    crash(living)
    after = agents(repo, "ann/cli/wt")
    modes.append(mode_of(repo))

    assert modes == ["home", "journal"]
    assert tips(after) == tips(beside)
    assert claim_files(after, patterns=["other.py"])["granted"]


def test_plain_git_sees_a_swap_soon(agents: Agents, repo: Path, git: Git) -> None:
    ann = agents(repo, "ann/cli/wt")
    assert claim_files(ann, patterns=["README.md"])["granted"]
    tip, end = tips(ann)[CLAIMS], time.monotonic() + WAIT_S
    bare = repo / ".git" / "gitcoord" / "store.git"

    while (seen := git(bare, "for-each-ref", "--format=%(objectname)", CLAIMS)) != tip and time.monotonic() < end:
        pass

    assert seen == tip


def test_plain_git_sees_all_at_once_after_a_sync(agents: Agents, repo: Path, git: Git) -> None:
    ann = agents(repo, "ann/cli/wt")
    claim_files(ann, patterns=["README.md"])
    store_of(repo)
    moved(repo)

    sync(ann)

    bare = repo / ".git" / "gitcoord" / "store.git"
    seen = dict(line.split() for line in git(bare, "for-each-ref", "--format=%(refname) %(objectname)").splitlines())
    assert seen.items() >= tips(ann).items()


def test_a_command_leaves_nothing_that_plain_git_does_not_see(repo: Path, git: Git) -> None:
    command = [sys.executable, "-m", "gitcoord", "claim", "add", "README.md"]
    subprocess.run(command, cwd=repo, capture_output=True, check=True, timeout=120)

    bare = repo / ".git" / "gitcoord" / "store.git"
    assert len(git(bare, "rev-list", CLAIMS).splitlines()) >= 1
    assert git(bare, "fsck", "--strict", "--no-dangling", "--no-progress") == ""


def test_what_a_killed_process_left_is_written_out_by_the_next(agents: Agents, repo: Path, git: Git) -> None:
    claim_files(agents(repo, "ann/cli/wt"), patterns=["README.md"])
    store_of(repo)
    tip = moved(repo)

    subprocess.run([sys.executable, "-m", "gitcoord", "status"], cwd=repo, capture_output=True, check=True, timeout=120)

    assert git(repo / ".git" / "gitcoord" / "store.git", "rev-parse", CLAIMS) == tip


def test_hooks_of_git_go_by_what_the_journal_has(agents: Agents, repo: Path) -> None:
    ann = agents(repo, "ann/cli/wt")
    claim_files(ann, patterns=["README.md"])
    store_of(repo)
    Snapshot(ann).write(ann.register(), ann.listed())
    folder = repo / ".git" / "gitcoord"
    me = snapshot_files.load(f"{folder}/snapshot/me.json")
    counted = staged._counts(str(folder), me, str(repo), os.environ)

    tip = moved(repo)

    assert (counted, staged._counts(str(folder), me, str(repo), os.environ)) == (True, False)
    where = Where(folder, None, "refs/coord", repo, os.environ)
    glance = view.known(where, Clocks(time.time, time.monotonic, time.sleep))
    assert glance.tip("claims") == tip
    assert glance.is_here(tip)
