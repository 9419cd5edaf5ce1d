"""A real remote that takes one ref at a time: no step is left without its paths, from the first command on."""

from pathlib import Path

import pytest

from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.core.documents.doc import replace
from gitcoord.core.steps.step_commands import ClaimStep
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import board_of, create_project
from tests.conftest import MakeRepo
from tests.servers.fixtures import Servers
from tests.unit.ledger.fakes import Interleaved
from tests.unit.service.world import Agents

STEPS, CLAIMS = "refs/coord/steps/app", "refs/coord/claims"


def interleaved(workspace: Workspace, transport: Interleaved) -> None:
    """Have a workspace carry out its commands over this transport."""
    workspace.setting = replace(workspace.setting, transport=transport)
    clone = workspace.setting.clone
    workspace.combiner = Combiner(clone.folder, workspace.setting.host, Transactions(workspace.setting))


@pytest.mark.rule("SAFE-5")
@pytest.mark.parametrize("kind", ["daemon", "path-hook"])
def test_the_first_step_with_paths_that_a_process_takes_is_handed_back_when_its_paths_are_lost(
    agents: Agents, servers: Servers, make_repo: MakeRepo, repo: Path, kind: str
) -> None:
    remote = servers.remote(kind)
    remote.git("config", "receive.advertiseAtomic", "false")
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE=remote.url)
    create_project(ann, name="app", base_commit="HEAD", steps=[{"step_num": 1, "paths": ["src/**"]}])
    bob = agents(make_repo("bob"), "bob/cli/wt", GITCOORD_REMOTE=remote.url)
    call = ClaimFiles(claim_id="c-00000002", wishes=(Wish(pattern="src/b.py"),))

    def take_the_file() -> None:
        reply = bob.submit(call, bob.actor(), None)
        assert reply.outcome is not None
        assert reply.outcome.is_done

    transport = Interleaved(ann.setting.transport, [lambda: None, lambda: None, take_the_file])
    interleaved(ann, transport)

    reply = ann.submit(ClaimStep(claim_id="c-00000001"), ann.actor(), "app")

    assert [[update.ref for update in swap] for swap in transport.swaps[:3]] == [[CLAIMS, STEPS], [CLAIMS], [STEPS]]
    assert reply.outcome is not None
    assert (reply.outcome.code, board_of(ann, "app").steps[1].is_held) == ("paths_lost", False)
