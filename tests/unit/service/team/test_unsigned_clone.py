"""A clone that does not sign, where the team asks for signatures: nothing that it does moves a ref (SEC-8)."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.errors import AuthorError, CoordError, DeniedError, RewoundError
from gitcoord.runtime import examine_here, make_host
from gitcoord.runtime.machine import clocks
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.doctor.check_run import Finding
from gitcoord.service.doctor.ledgers import ledgers
from gitcoord.service.doctor.rewound import deleted, rewound
from gitcoord.service.place import path_copies
from gitcoord.service.session.clone_store import Embedded
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team.deletion import delete_everything, delete_project
from gitcoord.service.team.policy import set_policy
from gitcoord.service.team.upgrade_rules import upgrade_rules
from gitcoord.service.upkeep.gc import gc
from gitcoord.service.watch.overview import status
from tests.conftest import Git
from tests.hostile.crafts import Ledger
from tests.signing_keys import SshKeys, ssh_keys
from tests.unit.service.world import Agents, Result, Shared, project, tips

pytestmark = pytest.mark.rule("SEC-8")
CLAIMS, CONFIG = "refs/coord/claims", "refs/coord/config"


@pytest.fixture
def keys(tmp_path: Path) -> SshKeys:
    return ssh_keys(tmp_path / "keys")


@pytest.fixture
def ann(shared: Shared, keys: SshKeys, agents: Agents, git: Git) -> Workspace:
    """Who signs, and asks all others to."""
    keys.sign_by(git, shared.one, "ann")
    made = agents(shared.one, "ann/cli/one")
    project(made)
    claim_files(made, patterns=["README.md"])
    set_policy(made, name="idle_minutes", value="30")
    set_policy(made, name="signed", value="required")
    return made


@pytest.fixture
def bob(shared: Shared, ann: Workspace, agents: Agents) -> Workspace:
    """Who does not sign."""
    made = agents(shared.two, "bob/cli/two")
    status(made)
    return made


@pytest.mark.parametrize(
    "write",
    [upgrade_rules, lambda workspace: delete_project(workspace, name="app"), delete_everything],
    ids=["upgrade --rules", "project delete", "uninstall --everything"],
)
def test_what_it_would_write_is_refused_with_what_to_do(
    write: Callable[[Workspace], Result], ann: Workspace, bob: Workspace
) -> None:
    before = tips(ann)

    with pytest.raises(AuthorError, match="this clone does not sign") as caught:
        write(bob)

    assert tips(ann) == before
    assert "gitcoord config set sign on" in caught.value.hint


def test_its_rolls_are_refused_one_by_one_and_the_rest_of_gc_goes_on(ann: Workspace, bob: Workspace) -> None:
    before = tips(ann)

    found: Result = gc(bob, rolled_after=0)

    assert tips(ann) == before
    assert found["rolled"] == []
    assert {row["ref"] for row in found["problems"]} == {CLAIMS, "refs/coord/config", "refs/coord/steps/app"}
    assert "gitcoord config set sign on" in found["problems"][0]["hint"]


def test_a_name_that_is_pinned_to_another_rolls_nothing(ann: Workspace, shared: Shared, agents: Agents) -> None:
    set_policy(ann, name="pin_agents", value="ann/*=ann@example.org, bob/*=bob@example.org")
    before = tips(ann)

    found: Result = gc(agents(shared.one, "bob/cli/one"), rolled_after=0)

    assert tips(ann) == before
    assert "is pinned to 'bob@example.org' by" in found["problems"][0]["message"]


def test_it_repairs_nothing_at_the_remote(ann: Workspace, bob: Workspace, shared: Shared, git: Git) -> None:
    git(shared.remote, "update-ref", "-d", CLAIMS)
    before = tips(ann)

    found = deleted(examine_here(shared.two, {}, offline=False))

    for repair in found.repairs:
        with pytest.raises(AuthorError, match="does not sign"):
            repair.do()
    assert found.repairs
    assert tips(ann) == before


@pytest.mark.rule("SAFE-6")
def test_it_takes_no_rules_of_the_team_away_because_it_may_not_put_them_back(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    git(shared.remote, "update-ref", CONFIG, Ledger(shared.remote, CONFIG).with_files({"policy.json": b"{"}))
    before = tips(ann)

    found = ledgers(examine_here(shared.two, {}, offline=False))

    assert [repair.is_else for repair in found.repairs] == [False, True]
    for repair in found.repairs:
        with pytest.raises(AuthorError, match="does not sign"):
            repair.do()
    assert tips(ann) == before


@pytest.mark.rule("SAFE-6")
def test_rules_of_the_team_of_which_a_commit_is_whole_are_deleted_by_no_one(
    ann: Workspace, shared: Shared, git: Git
) -> None:
    git(shared.remote, "update-ref", CONFIG, Ledger(shared.remote, CONFIG).with_files({"policy.json": b"{"}))
    before = tips(ann)

    _, delete = ledgers(examine_here(shared.one, {}, offline=False)).repairs

    with pytest.raises(DeniedError, match="a commit of it is whole"):
        delete.do()
    assert tips(ann) == before


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("state", ["gone", "behind", "damaged from before"])
def test_where_the_rules_of_the_team_are_lost_those_that_it_saw_last_count(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, state: str
) -> None:
    status(bob)
    lose(state, shared, git)
    before = tips(ann)

    site = examine_here(shared.two, {}, offline=False)
    repairs = [repair for look in (deleted, rewound, ledgers) for repair in look(site).repairs]

    assert repairs
    for repair in repairs:
        with pytest.raises(AuthorError, match="does not sign"):
            repair.do()
    assert tips(ann) == before


def test_it_takes_out_nothing_that_cannot_be_read(ann: Workspace, bob: Workspace, shared: Shared, git: Git) -> None:
    crafted = Ledger(shared.remote, CLAIMS).with_files({"claims/q/q/x.json": b"{"})
    git(shared.remote, "update-ref", CLAIMS, crafted)
    before = tips(ann)

    found: Finding = ledgers(examine_here(shared.two, {}, offline=False))

    assert found.repairs[0].text.startswith("remove ")
    with pytest.raises(AuthorError, match="does not sign"):
        found.repairs[0].do()
    assert tips(ann) == before
    assert not (shared.two / ".git" / "gitcoord" / "removed").exists()


def test_what_it_had_alone_stays_with_it(ann: Workspace, shared: Shared, agents: Agents, git: Git) -> None:
    git(shared.two, "config", "gitcoord.remote", ".")
    alone = agents(shared.two, "bob/cli/two")
    project(alone, name="own")
    alone.close()
    git(shared.two, "config", "gitcoord.remote", "origin")
    before = tips(ann)

    with pytest.raises(CoordError, match="does not sign"):
        agents(shared.two, "bob/cli/two")

    git(shared.two, "config", "gitcoord.remote", ".")
    assert "refs/coord/steps/own" in tips(agents(shared.two, "bob/cli/two"))
    assert tips(ann) == before


def claim(workspace: Workspace) -> Result:
    return claim_files(workspace, patterns=["b.py"])


def roll(workspace: Workspace) -> Result:
    found: Result = gc(workspace, rolled_after=0)
    for row in found["problems"]:
        raise AuthorError(row["message"])
    return found


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("state", ["gone", "behind", "damaged from before", "a backup"])
@pytest.mark.parametrize(
    "write",
    [
        claim,
        upgrade_rules,
        lambda workspace: delete_project(workspace, name="app"),
        delete_everything,
        roll,
        lambda workspace: set_policy(workspace, name="idle_minutes", value="20"),
    ],
    ids=["claim", "upgrade --rules", "project delete", "uninstall --everything", "gc", "policy set"],
)
def test_it_writes_nothing_where_the_rules_that_it_saw_last_are_lost(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, state: str, write: Callable[[Workspace], Result]
) -> None:
    path_copies.keep(bob)
    lose(state, shared, git)
    before = tips(ann)

    # What a person has to decide on first is said first: what they decide is written there.
    with pytest.raises((AuthorError, RewoundError), match=f"does not sign|{CONFIG} (went back|is gone)"):
        write(bob)

    assert tips(ann) == before
    assert claim_files(ann, patterns=["b.py"])["granted"]


def lose(state: str, shared: Shared, git: Git) -> None:
    """Take the team's rules back to what they were before they asked for signatures."""
    old = git(shared.remote, "rev-list", "--max-parents=0", CONFIG)
    if state == "a backup":
        tree = shutil.copytree(shared.remote, shared.remote.with_name("backup.git"))
        git(tree, "update-ref", CONFIG, old)
        git(tree, "reflog", "expire", "--expire=now", "--all")
        git(tree, "gc", "--quiet", "--prune=now")
        shutil.rmtree(shared.remote)
        tree.rename(shared.remote)
    else:
        git(shared.remote, "update-ref", *(["-d", CONFIG] if state == "gone" else [CONFIG, old]))
    if state.startswith("damaged"):
        git(shared.remote, "update-ref", CONFIG, Ledger(shared.remote, CONFIG).with_files({"policy.json": b"{"}))


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("state", ["gone", "behind"])
def test_it_publishes_nothing_where_the_rules_that_it_saw_last_are_lost(
    ann: Workspace, bob: Workspace, shared: Shared, agents: Agents, git: Git, state: str
) -> None:
    bob.close()
    Embedded(shared.two / ".git", make_host(), clocks).turn_back()
    git(shared.two, "config", "gitcoord.remote", ".")
    project(agents(shared.two, "bob/cli/two"), name="own")
    git(shared.two, "config", "gitcoord.remote", "origin")
    lose(state, shared, git)
    before = tips(ann)

    with pytest.raises(CoordError, match="does not sign"):
        agents(shared.two, "bob/cli/two")

    assert tips(ann) == before
