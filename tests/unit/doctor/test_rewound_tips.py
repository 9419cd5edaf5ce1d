"""A clone that began with the tips alone notices what every other one does, and puts back what it has."""

import os
import subprocess
from pathlib import Path

import pytest

from gitcoord.ledger.format import commits
from gitcoord.ledger.format.root_commit import replaced_by
from gitcoord.remote.contract.protocol import Oid, here
from gitcoord.runtime import examine_here
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files, list_claims
from gitcoord.service.doctor.check_run import Status
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch.overview import status
from tests.conftest import Git
from tests.servers.fixtures import Servers
from tests.unit.doctor.conftest import Look
from tests.unit.ledger.fakes import REFS
from tests.unit.service.hub import CLAIMS, Hub
from tests.unit.service.hub import hub as hub  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import third as third  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.world import Agents, seen

BEFORE = AFTER = 3  # claims before the clone of tips began, and after
PUT_BACK, KEEP = 0, 1


pytestmark = pytest.mark.parametrize("hub", ["http"], indirect=True)


@pytest.fixture
def ann(agents: Agents, hub: Hub) -> Workspace:
    """A clone with all of the history."""
    made = agents(hub.one, "ann/cli/one")
    for number in range(BEFORE):
        claim_files(made, patterns=[f"before-{number}.py"])
    return made


@pytest.fixture
def eve(agents: Agents, ann: Workspace, third: Path) -> Workspace:
    """A clone that began with the tips after that, and has seen more since."""
    made = agents(third, "eve/cli/three")
    status(made)
    for number in range(AFTER):
        claim_files(ann, patterns=[f"after-{number}.py"])
        status(made)
    assert is_cut(third)
    return made


def is_cut(repo: Path) -> bool:
    return (repo / ".git" / "gitcoord" / "store.git" / "shallow").exists()


def patterns(agent: Workspace) -> set[str]:
    return {row["items"][0]["pattern"] for row in seen(list_claims(agent))["claims"]}


ABOVE, AT, JUST_BELOW, FAR_BELOW = 1, AFTER, AFTER + 1, AFTER + 2


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("count", [ABOVE, AT, JUST_BELOW, FAR_BELOW])
def test_a_ledger_that_went_back_is_noticed_and_put_back(
    look: Look, hub: Hub, agents: Agents, ann: Workspace, eve: Workspace, third: Path, count: int
) -> None:
    before = patterns(ann)
    hub.rewind(CLAIMS, count)

    found = look("rewound", third)
    said = found.repairs[PUT_BACK].do()

    assert (found.status, found.facts["rewound"]) == (Status.FAIL, [CLAIMS])
    assert CLAIMS in said
    assert [look("rewound", folder).status for folder in (third, hub.one)] == [Status.OK, Status.OK]
    for agent in (ann, eve, agents(hub.two, "bob/cli/two")):
        assert patterns(agent) == before
    assert claim_files(ann, patterns=["more.py"])["granted"]
    assert seen(audit(agents(hub.two, "bob/cli/two")))["clean"]


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("count", [ABOVE, AT, FAR_BELOW])
def test_a_ledger_that_was_written_anew_beyond_what_was_seen_is_noticed(
    look: Look, hub: Hub, agents: Agents, eve: Workspace, third: Path, count: int
) -> None:
    """Its numbers are higher: descent alone tells, and no remote is asked for that."""
    hub.rewind(CLAIMS, count)
    bob = agents(hub.two, "bob/cli/two")
    for number in range(count + 1):
        claim_files(bob, patterns=[f"anew-{number}.py"])

    found = look("rewound", third)

    assert (found.status, found.facts["rewound"]) == (Status.FAIL, [CLAIMS])
    found.repairs[KEEP].do()
    assert look("rewound", third).status is Status.OK
    assert patterns(eve) == patterns(bob)


@pytest.mark.rule("SAFE-9")
def test_what_the_clone_and_the_remote_lack_is_left_behind_a_roll(
    look: Look, hub: Hub, ann: Workspace, eve: Workspace, third: Path, git: Git
) -> None:
    """The remote lost it, with its objects: a copy of tips has no history to send."""
    tip, before = git(hub.path, "rev-parse", CLAIMS), patterns(ann)
    git(hub.path, "update-ref", "-d", CLAIMS)
    subprocess.run(["git", f"--git-dir={hub.path}", "gc", "-q", "--prune=now"], check=True, timeout=60)

    said = look("deleted", third).repairs[PUT_BACK].do()

    objects, now = here(eve.setting.transport.objects), Oid(git(hub.path, "rev-parse", CLAIMS))
    commit = commits.read(objects, now)
    assert (commit.parents, replaced_by(commit.message)) == ((), tip)
    assert now[:12] in said
    looks = [look(each, folder) for each in ("deleted", "rewound") for folder in (third, hub.one)]
    assert {found.status for found in looks} == {Status.OK}
    assert patterns(ann) == patterns(eve) == before
    assert claim_files(ann, patterns=["more.py"])["granted"]


@pytest.mark.rule("SAFE-9")
def test_what_a_copy_from_before_the_loss_and_the_remote_lack_is_left_behind_a_roll_too(
    hub: Hub, eve: Workspace, third: Path, git: Git
) -> None:
    before = patterns(eve)
    git(hub.path, "update-ref", "-d", CLAIMS)
    subprocess.run(["git", f"--git-dir={hub.path}", "gc", "-q", "--prune=now"], check=True, timeout=60)
    site = examine_here(third, {**os.environ})
    site.rewound()  # reads what was seen
    mark = site.mark_of(REFS.claims)

    said = site.restorer().put_back(REFS.claims, mark._replace(seq=mark.seq + 1))

    objects = here(site.restorer().transport.objects)
    (base,) = commits.read(objects, Oid(git(hub.path, "rev-parse", CLAIMS))).parents
    assert (commits.read(objects, base).parents, replaced_by(commits.read(objects, base).message)) == ((), mark.tip)
    assert "what came after that is lost" in said
    assert patterns(eve) == before


@pytest.mark.rule("SAFE-9")
def test_a_ledger_that_was_gone_and_comes_again_beside_its_successor_is_noticed(
    look: Look, hub: Hub, agents: Agents, ann: Workspace, eve: Workspace, third: Path, git: Git
) -> None:
    """What was left out before the one could hold the other, as far as this clone knows: the rest tells."""
    old = git(hub.path, "rev-parse", CLAIMS)
    git(hub.path, "update-ref", "-d", CLAIMS)
    look("deleted", third).repairs[KEEP].do()
    for number in range(BEFORE + AFTER + 1):  # more than the decision is about
        claim_files(ann, patterns=[f"successor-{number}.py"])
    status(eve)
    git(hub.path, "update-ref", CLAIMS, old)
    bob = agents(hub.two, "bob/cli/two")
    for number in range(2):
        claim_files(bob, patterns=[f"again-{number}.py"])

    found = look("rewound", third)

    assert (found.status, found.facts["rewound"]) == (Status.FAIL, [CLAIMS])


@pytest.mark.rule("SAFE-9")
def test_a_move_to_a_copy_from_before_the_clone_began_is_noticed(
    look: Look, agents: Agents, hub: Hub, eve: Workspace, third: Path, servers: Servers, git: Git
) -> None:
    """The first commit, by which a copy is known, was left out: who wrote into both tells."""
    moved, other = servers.remote("http"), servers.remote("http")
    git(hub.path, "push", "--quiet", str(moved.git_dir), f"{CLAIMS}~{FAR_BELOW}:{CLAIMS}")
    git(third, "config", "gitcoord.remote", other.url)
    bob = agents(hub.two, "bob/cli/two", GITCOORD_REMOTE=other.url)
    claim_files(bob, patterns=["unrelated.py"])

    at_other = agents(third, "eve/cli/three")
    unrelated = claim_files(at_other, patterns=["own.py"])
    git(third, "config", "gitcoord.remote", moved.url)
    found = look("rewound", eve.repository.top)

    assert unrelated["granted"]
    assert (found.status, found.facts["rewound"]) == (Status.FAIL, [CLAIMS])


@pytest.mark.rule("SAFE-9")
def test_what_was_left_out_is_brought_from_where_the_ledger_is_now(
    agents: Agents, hub: Hub, eve: Workspace, third: Path, servers: Servers, git: Git
) -> None:
    moved = servers.remote("http")
    git(hub.path, "push", "--quiet", str(moved.git_dir), f"{CLAIMS}:{CLAIMS}")
    line = git(hub.path, "rev-list", CLAIMS).split()
    git(third, "config", "gitcoord.remote", moved.url)

    there = agents(third, "eve/cli/three")
    tip = there.listed()[REFS.claims]

    assert [oid for oid, _ in commits.walk(there.setting.transport.objects, tip)] == line
    assert not is_cut(third)
