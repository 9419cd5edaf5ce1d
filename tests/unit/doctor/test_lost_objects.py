"""A ledger whose tip, or a document of it, is gone from the remote: it is named, and put back to what is whole."""

import subprocess
from pathlib import Path

import pytest

from gitcoord.errors import MissingObjectError
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.service.claims.claims import claim_files, list_claims
from gitcoord.service.doctor.check_run import Status
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch.overview import status
from tests.conftest import Git
from tests.unit.doctor.conftest import Look
from tests.unit.service.hub import CLAIMS, KINDS, Hub
from tests.unit.service.hub import ann as ann  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import bob as bob  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import hub as hub  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import third as third  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.world import Agents, seen


def lose(hub: Hub, name: str) -> str:
    """Take an object away by hand, as `git gc --prune=now` does."""
    oid = hub.git(hub.path, "rev-parse", name)
    lose_in(hub.path, oid)
    return oid


def lose_in(git_dir: Path, oid: str) -> None:
    """Take an object out of a repository, whether it lies in a pack there or by itself."""
    for pack in (git_dir / "objects" / "pack").glob("*.pack"):
        data = pack.read_bytes()
        for part in pack.parent.glob(f"{pack.stem}.*"):
            part.unlink()
        words = ["git", f"--git-dir={git_dir}", "unpack-objects", "-q"]
        subprocess.run(words, input=data, capture_output=True, check=True)
    (git_dir / "objects" / oid[:2] / oid[2:]).unlink()


def fences_of(agent: Workspace) -> dict[str, int]:
    return {one["items"][0]["pattern"]: one["fence"] for one in seen(list_claims(agent))["claims"]}


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("hub", ["path"], indirect=True)
@pytest.mark.parametrize("what", [CLAIMS, f"{CLAIMS}^{{tree}}", f"{CLAIMS}:meta.json"], ids=["tip", "tree", "document"])
def test_a_ledger_that_lost_an_object_is_put_back_to_what_is_whole_and_no_fence_comes_twice(
    look: Look, hub: Hub, agents: Agents, ann: Workspace, bob: Workspace, what: str
) -> None:
    for name in ("a.py", "b.py", "c.py"):
        claim_files(ann, patterns=[name])
    given = max(fences_of(bob).values())
    before, tip = hub.git(hub.path, "rev-parse", f"{CLAIMS}~1"), hub.git(hub.path, "rev-parse", CLAIMS)
    lose(hub, what)
    with pytest.raises(MissingObjectError, match=r"claims at .* is not whole") as caught:
        claim_files(agents(hub.two, "bob/cli/two"), patterns=["d.py"])
    assert "gitcoord doctor --repair" in caught.value.hint

    found = look("ledgers", hub.one)
    (repair,) = found.repairs
    said = repair.do()

    assert (found.status, found.facts["damaged"]) == (Status.FAIL, [CLAIMS])
    assert said == f"{CLAIMS} is back at {before[:12]}; what came after that, up to {tip[:12]}, is not in it any more"
    assert look("ledgers", hub.one).status is Status.OK
    fresh = agents(hub.two, "bob/cli/two")
    assert claim_files(fresh, patterns=["c.py"])["granted"]
    assert claim_files(agents(hub.one, "ann/cli/one"), patterns=["a.py"])["granted"]
    assert fences_of(fresh)["c.py"] > given


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("hub", ["path"], indirect=True)
def test_what_a_store_of_a_clone_has_is_written_again_and_nothing_is_lost(
    look: Look, hub: Hub, agents: Agents, ann: Workspace, git: Git
) -> None:
    claim_files(ann, patterns=["a.py"])
    git(hub.two, "config", "gitcoord.remote", f"file://{hub.path}")
    status(agents(hub.two, "bob/cli/two"))
    git(hub.two, "config", "gitcoord.remote", str(hub.path))
    tip = lose(hub, CLAIMS)

    (repair,) = look("ledgers", hub.two).repairs

    assert repair.do() == f"{CLAIMS} is whole again: nothing is lost"
    assert hub.git(hub.path, "rev-parse", CLAIMS) == tip
    assert [*fences_of(agents(hub.one, "ann/cli/one"))] == ["a.py"]


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("hub", ["file", "http"], indirect=True)
@pytest.mark.parametrize(
    "what",
    [CLAIMS, f"{CLAIMS}^{{tree}}", f"{CLAIMS}:meta.json", f"{CLAIMS}~1"],
    ids=["tip", "tree", "document", "history"],
)
def test_what_a_remote_that_is_pushed_to_lost_is_seen_in_it_and_sent_again_from_a_clone_that_has_it(  # noqa: PLR0917
    look: Look, hub: Hub, agents: Agents, third: Path, ann: Workspace, bob: Workspace, git: Git, what: str
) -> None:
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
        before = fences_of(bob)
    tip = hub.git(hub.path, "rev-parse", CLAIMS)
    lose(hub, what)
    is_by_git = git(third, "config", "gitcoord.remote").startswith("file")
    if is_by_git or not what.endswith("~1"):  # else it takes the tip alone
        with pytest.raises(MissingObjectError, match=r"claims at .* is not whole"):
            claim_files(agents(third, "eve/cli/three"), patterns=["c.py"])

    found = look("ledgers", hub.two)
    (repair,) = found.repairs
    said = repair.do()

    assert (found.status, found.facts["damaged"]) == (Status.FAIL, [CLAIMS])
    assert said == f"{CLAIMS} is whole again: nothing is lost"
    assert hub.git(hub.path, "rev-parse", CLAIMS) == tip
    assert look("ledgers", third).status is Status.OK
    eve = agents(third, "eve/cli/three")
    assert fences_of(eve) == before
    assert claim_files(eve, patterns=["a.py"])["granted"] is False
    for agent in (ann, bob, eve):
        assert claim_files(agent, patterns=[f"{agent.agent}.py"])["granted"]


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("hub", ["http"], indirect=True)
def test_what_the_clone_has_not_whole_either_goes_back_and_no_fence_comes_twice(
    look: Look, hub: Hub, agents: Agents, ann: Workspace, bob: Workspace
) -> None:
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
    given = max(fences_of(bob).values())
    before, tip = hub.git(hub.path, "rev-parse", f"{CLAIMS}~1"), hub.git(hub.path, "rev-parse", CLAIMS)
    oid = lose(hub, f"{CLAIMS}:meta.json")
    lose_in(ann.setting.clone.folder / "store.git", oid)

    (repair,) = look("ledgers", hub.one).repairs

    assert (
        repair.do()
        == f"{CLAIMS} is back at {before[:12]}; what came after that, up to {tip[:12]}, is not in it any more"
    )
    assert look("ledgers", hub.two).status is Status.OK
    assert claim_files(bob, patterns=["b.py"])["granted"]
    assert claim_files(agents(hub.one, "ann/cli/one"), patterns=["a.py"])["granted"]
    assert fences_of(bob)["b.py"] > given


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("hub", KINDS, indirect=True)
def test_a_heartbeat_without_its_commit_stops_nobody_once_it_is_deleted(
    look: Look, hub: Hub, agents: Agents, bob: Workspace
) -> None:
    ann = agents(hub.one, "ann/claude/one", serve=True)
    beat_now(ann.setting, ann.combiner, force=True)
    ref = ann.setting.refs.heartbeat(ann.clone_id)
    lose(hub, ref)

    (repair,) = look("ledgers", hub.two).repairs

    assert repair.do() == f"{ref} is deleted"
    assert look("ledgers", hub.two).status is Status.OK
    assert claim_files(bob, patterns=["a.py"])["granted"]
    beat_now(ann.setting, ann.combiner, force=True)
    assert ref in bob.listed()
