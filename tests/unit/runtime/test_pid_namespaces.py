"""Agents of one clone in different pid namespaces, as where a container mounts the folder: none is taken for dead."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.leader.spool import Spool
from tests.unit.service.world import Agents

ROOT = Path(__file__).parents[3]
CLAIMER = ROOT / "tests" / "race" / "claimer.py"
APART = ("unshare", "-pf", "--mount-proc")
WAIT_S = 60


@pytest.fixture
def apart() -> tuple[str, ...]:
    """The command that starts a process in a namespace of its own; skips the test where that is not allowed."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare here")
    tried = subprocess.run([*APART, "true"], capture_output=True, timeout=WAIT_S, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no pid namespaces: {tried.stderr.decode(errors='replace').strip()}")
    return APART


@pytest.mark.rule("TXN-3", "LIVE-1")
def test_who_leads_in_a_container_carries_out_what_waits_outside_of_it(
    agents: Agents, repo: Path, apart: tuple[str, ...]
) -> None:
    ann = agents(repo, "ann/cli/wt")
    transactions = ann.combiner.transactions
    call = ClaimFiles(claim_id="c-00000001", wishes=(Wish(pattern="docs/a.md"),))
    entry = LEDGERS.entry_of("ann-waits-here-1", call, ann.actor(), None, pid=os.getpid())
    spool = Spool(transactions.place_folder, ann.setting.host)
    spool.put(entry.evolve(place=transactions.place_folder.name))

    options = json.dumps({"cwd": str(repo), "name": "contained", "rounds": "1", "own": "src/"})
    contained = subprocess.run(
        [*apart, sys.executable, str(CLAIMER), options],
        input="go\n",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=True,
    )

    won = json.loads(contained.stdout.splitlines()[-1])
    reply = spool.reply(entry.uid)
    assert reply is not None
    assert reply.outcome is not None
    assert (reply.outcome.code, {type(fence) for fence in won.values()}) == ("claim_granted", {int})


def test_two_processes_of_one_id_have_drafts_of_their_own(agents: Agents, repo: Path) -> None:
    ann, bob = agents(repo, "ann/cli/wt"), agents(repo, "bob/cli/wt")

    assert ann.setting.host.pid == bob.setting.host.pid
    assert ann.setting.host.unique != bob.setting.host.unique
