"""A push with --mirror from an ordinary clone deletes the ledgers; a clone that has read them publishes them again."""

from pathlib import Path

import pytest

from gitcoord.errors import ContendedError
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.doctor.check_run import Status
from gitcoord.service.steps.step_views import get_step
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.overview import status
from tests.conftest import Git, MakeBare
from tests.unit.doctor.conftest import Look
from tests.unit.service.world import Agents, Shared, project, seen


@pytest.fixture
def through_git(shared: Shared, git: Git) -> Shared:
    """The same two clones, with git's own transport, which leaves a copy in the store."""
    for repo in (shared.one, shared.two):
        git(repo, "config", "gitcoord.remote", f"file://{shared.remote}")
    return shared


def _mirror(shared: Shared, git: Git) -> None:
    git(shared.two, "push", "--quiet", "--mirror", str(shared.remote))
    assert git(shared.remote, "for-each-ref", "refs/coord") == ""


def test_what_a_mirror_push_deleted_is_published_again_and_work_goes_on(
    look: Look, through_git: Shared, agents: Agents, git: Git
) -> None:
    ann = agents(through_git.one, "ann/cli/one")
    project(ann, (), ())
    assert claim_step(ann)["step"]
    status(ann)  # the copy that this clone has
    assert look("deleted", through_git.one).status is Status.OK
    _mirror(through_git, git)
    assert not seen(status(ann))["projects"]  # a server that reads meanwhile prunes the copy

    found = look("deleted", through_git.one)
    said = [repair.do() for repair in found.repairs]

    assert (found.status, found.facts["deleted"]) == (Status.FAIL, ["refs/coord/steps/app"])
    assert said[0].endswith("again: nothing is lost")
    assert said[1:] == ["refs/coord/steps/app needs no decision any more"]
    assert look("deleted", through_git.one).status is Status.OK
    assert look("ledgers", through_git.one).status is Status.OK
    bob = agents(through_git.two, "bob/cli/two")
    step = seen(get_step(bob, step_id="app/1"))["step"]
    assert (step["status"], step["fence"]) == ("claimed", 1)
    assert seen(claim_step(bob))["step"]["step_num"] == 2


@pytest.mark.rule("SAFE-9")
def test_a_decision_for_a_server_hides_no_later_fork_from_other_clones(
    look: Look, through_git: Shared, agents: Agents, git: Git
) -> None:
    claims = "refs/coord/claims"
    ann, bob = agents(through_git.one, "ann/cli/one"), agents(through_git.two, "bob/cli/two")
    set_policy(ann, name="pin_agents", value="zoe/*=zoe@example.invalid")
    claim_files(ann, patterns=["a.py"])
    status(bob)
    git(through_git.remote, "update-ref", "-d", claims)
    for repair in look("deleted", through_git.one).repairs:
        repair.do()
    before = seen(status(bob))["oddities"]
    fork = git(through_git.remote, "commit-tree", f"{claims}^{{tree}}", "-m", "another beginning")
    git(through_git.remote, "update-ref", claims, fork)

    after = seen(status(bob))["oddities"]

    assert "restored claims" in git(through_git.remote, "log", "--format=%s", "refs/coord/config")
    assert before == []
    assert [oddity["code"] for oddity in after] == ["rewound"]


def test_one_that_is_back_is_never_written_over(look: Look, through_git: Shared, agents: Agents, git: Git) -> None:
    ann = agents(through_git.one, "ann/cli/one")
    project(ann)
    status(ann)
    _mirror(through_git, git)
    found = look("deleted", through_git.one)
    project(agents(through_git.two, "bob/cli/two"), (), ())
    before = git(through_git.remote, "rev-parse", "refs/coord/steps/app")

    for repair in found.repairs:
        with pytest.raises(ContendedError, match="moved since"):
            repair.do()

    assert git(through_git.remote, "rev-parse", "refs/coord/steps/app") == before


def test_what_another_remote_does_not_have_was_not_deleted(
    look: Look, through_git: Shared, agents: Agents, git: Git, make_bare: MakeBare
) -> None:
    ann = agents(through_git.one, "ann/cli/one")
    project(ann)
    status(ann)
    git(through_git.one, "config", "gitcoord.remote", f"file://{make_bare(Path('other.git'))}")

    for _ in range(2):
        assert look("deleted", through_git.one).status is Status.OK
