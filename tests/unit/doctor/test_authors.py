"""Who writes here, as doctor sees it: keys that sign or cannot, and what the team's policy asks for."""

from pathlib import Path

import pytest

from gitcoord.service.doctor.check_run import Status
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team.policy import set_policy
from tests.conftest import Git
from tests.signing_keys import SshKeys, ssh_keys
from tests.unit.doctor.conftest import Look
from tests.unit.service.world import Agents, Shared


@pytest.fixture
def keys(tmp_path: Path) -> SshKeys:
    return ssh_keys(tmp_path / "keys")


@pytest.fixture
def ann(shared: Shared, keys: SshKeys, git: Git, agents: Agents) -> Workspace:
    """An agent whose clone signs."""
    keys.sign_by(git, shared.one, "ann")
    return agents(shared.one, "ann/cli/one")


def test_a_clone_that_signs_is_fine_and_one_whose_key_is_gone_is_not(
    shared: Shared, keys: SshKeys, git: Git, agents: Agents, look: Look
) -> None:
    agents(shared.one, "ann/cli/one")
    before = look("authors", shared.one)
    keys.sign_by(git, shared.one, "ann")
    signs = look("authors", shared.one)
    (keys.folder / "ann").unlink()

    gone = look("authors", shared.one)

    assert (before.status, before.text) == (Status.OK, "commits are not signed, and need not be")
    assert (signs.status, signs.text) == (Status.OK, "commits are signed")
    assert (gone.status, "cannot be signed by ssh-keygen" in gone.text) == (Status.FAIL, True)


def test_what_the_policy_asks_for_is_not_looked_at_while_the_remote_is_away(
    shared: Shared, agents: Agents, look: Look
) -> None:
    agents(shared.one, "ann/cli/one")
    shared.remote.rename(shared.remote.with_suffix(".away"))

    found = look("authors", shared.one)

    assert (found.status, found.text) == (Status.SKIP, "the remote could not be read")


def test_a_file_of_signers_that_is_not_named_is_a_warning(
    shared: Shared, keys: SshKeys, git: Git, agents: Agents, look: Look
) -> None:
    agents(shared.one, "ann/cli/one")
    keys.sign_by(git, shared.one, "ann")
    git(shared.one, "config", "--unset", "gpg.ssh.allowedSignersFile")

    found = look("authors", shared.one)

    assert (found.status, found.hint) == (
        Status.WARN,
        "git config gpg.ssh.allowedSignersFile <file of who may sign>",
    )


@pytest.mark.rule("SEC-8")
def test_where_signatures_are_asked_for_a_name_that_is_pinned_to_no_key_is_a_warning(
    shared: Shared, ann: Workspace, look: Look
) -> None:
    set_policy(ann, name="pin_agents", value="ann/*=ann@example.org")
    free = look("authors", shared.one)
    set_policy(ann, name="signed", value="required")
    by_address = look("authors", shared.one)
    set_policy(ann, name="pin_agents", value="ann/*=key:ann@example.org")

    by_key = look("authors", shared.one)

    assert (free.status, by_key.status) == (Status.OK, Status.OK)
    assert (by_address.status, by_address.facts["unpinned"]) == (Status.WARN, ["ann/cli/one"])
    assert 'pin_agents "ann/*=key:' in by_address.hint


@pytest.mark.rule("SEC-8")
def test_what_the_policy_does_not_take_from_a_clone_fails(
    shared: Shared, ann: Workspace, keys: SshKeys, git: Git, agents: Agents, look: Look
) -> None:
    set_policy(ann, name="signed", value="required")
    set_policy(ann, name="pin_agents", value="ann/*=ann@example.org")
    agents(shared.two, "bob/cli/two")

    unsigned = look("authors", shared.two)
    keys.sign_by(git, shared.two, "bob")
    pinned = look("authors", shared.two, env={"GITCOORD_AGENT": "ann/cli/two"})

    assert (unsigned.status, "does not sign" in unsigned.text) == (Status.FAIL, True)
    assert (pinned.status, "is pinned to 'ann@example.org' by" in pinned.text) == (Status.FAIL, True)
