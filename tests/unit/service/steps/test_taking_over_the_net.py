"""Taking from who fell silent, where the git program carries the swap: the server has the last word."""

from datetime import timedelta

import pytest

from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.remote.contract.protocol import RefName, RefUpdate
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step
from tests.conftest import Git
from tests.servers.fixtures import Remote, Servers
from tests.unit.service.world import Agents, Shared, later, project, seen

SIDE = RefName("refs/coord/probe/newer")
SILENT = timedelta(minutes=31)


@pytest.fixture(params=["path-hook", "http"])
def remote(request: pytest.FixtureRequest, servers: Servers, shared: Shared, git: Git) -> Remote:
    """A remote that both clones of `shared` reach by the git program."""
    found = servers.remote(request.param)
    for repo in (shared.one, shared.two):
        git(repo, "config", "gitcoord.remote", found.url)
    return found


def lands_in_the_next_push(holder: Workspace, remote: Remote) -> None:
    """Let a beat of the holder land after the next push was sent, and before the server compares."""
    setting = holder.setting
    listed = setting.transport.read(setting.refs.everything)
    beat = setting.beats.prepare(setting.transport.objects, listed, setting.host.now() + SILENT)
    setting.transport.swap([RefUpdate(SIDE, None, beat.new)])
    move = f"env -u GIT_QUARANTINE_PATH git update-ref {beat.ref} {beat.new} {beat.old} 2>/dev/null"
    remote.hook("pre-receive", f"cat >/dev/null; {move}; exit 0")


@pytest.mark.rule("SAFE-7")
@pytest.mark.parametrize("beats", [True, False], ids=["beats-meanwhile", "stays-silent"])
def test_a_step_is_taken_only_from_who_has_not_beaten_when_the_server_compares(
    agents: Agents, shared: Shared, remote: Remote, beats: bool
) -> None:
    bob = agents(shared.one, "bob/cli/wt", serve=True)
    project(bob)
    claim_step(bob)
    beat_now(bob.setting, bob.combiner, force=True)
    if beats:
        lands_in_the_next_push(bob, remote)
    ann = later(agents(shared.two, "ann/cli/wt"), seconds=SILENT.total_seconds())

    answer = seen(claim_step(ann))

    holder = bob.project_state("app").content
    assert holder is not None
    assert holder.steps[1].agent_id == ("bob/cli/wt" if beats else "ann/cli/wt")
    assert answer.get("refused") == ("nothing_available" if beats else None)
    assert beat_now(bob.setting, bob.combiner, force=True)
    assert bob.setting.clone.former == []
