"""The hook of a server where the team asks for signatures, or pins names: it takes nothing from anyone else (SEC-8)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Git
from tests.faces.receive.test_receive import CLAIMS, Team
from tests.faces.receive.test_receive import team as team  # noqa: PLC0414 - a fixture, exported to pytest
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.signing_keys import SshKeys, plain, ssh_keys
from tests.unit.service.audit.forge import Change


@pytest.fixture
def keys(tmp_path: Path) -> SshKeys:
    made = ssh_keys(tmp_path / "keys")
    for name, options in {"carl": "", "old": 'valid-before="20200101"'}.items():
        made.make(name)
        made.allow(name, options)
    return made


@pytest.fixture
def signed(team: Callable[[str], Team], keys: SshKeys, git: Git) -> Callable[[str], Team]:
    """A team that asks for signatures, at a server whose git knows who may sign."""

    def make(kind: str) -> Team:
        made = team(kind)
        made.remote.git("config", "gpg.ssh.allowedSignersFile", str(keys.allowed))
        keys.sign_by(git, made.repo, "ann")
        made.gitcoord("policy", "set", "signed", "required")
        return made

    return make


def signed_by(keys: SshKeys, name: str) -> Change:
    """Return a change of a commit that has it signed by another key."""
    return lambda raw: keys.signed(raw, name)


def taken_back(team: Team) -> Callable[[Change], None]:
    """Take the last commit of the claims back; return what has it changed in the mirror, to be pushed again."""
    forger = team.forger()
    before, last = forger.commits[-2:]
    raw = forger.raw(last)
    team.remote.git("update-ref", CLAIMS, before)
    return lambda change: forger.point(forger.write("commit", change(raw)))


@pytest.mark.timeout(600)  # commands that each start an interpreter here and one at the server
@pytest.mark.rule("SEC-8")
@pytest.mark.parametrize("kind", ["path", pytest.param("ssh", marks=pytest.mark.torture)])
def test_a_server_takes_what_is_signed_by_a_key_that_it_knows_and_nothing_else(
    kind: str, signed: Callable[[str], Team], keys: SshKeys
) -> None:
    ann = signed(kind)
    ann.gitcoord("claim", "add", "/README.md")
    ann.gitcoord("claim", "add", "/docs/")
    forge = taken_back(ann)
    changes: dict[str, Change] = {
        "is not signed, which the team's policy asks for": plain,
        "is not signed by a known key, which the team's policy asks for: ": signed_by(keys, "bob"),
        "which the team's policy asks for: its key is not trusted, or not valid on": signed_by(keys, "old"),
        "the signature does not count": lambda raw: raw.replace(b"\n\nclaim ", b"\n\nClaim "),
    }

    for why, change in changes.items():
        forge(change)
        ann.assert_refused(CLAIMS, why=why)

    forge(lambda raw: raw)
    assert ann.push(CLAIMS).returncode == 0


@pytest.mark.timeout(600)
@pytest.mark.rule("SEC-8")
def test_who_turns_signatures_off_has_to_sign_that(signed: Callable[[str], Team]) -> None:
    ann = signed("path")
    config = "refs/coord/config"
    forger = ann.forger(config)
    forger.add(forger.tree_with(forger.commits[-1], "policy.json", signed="off"), "policy signed = off by bob")

    ann.assert_refused(config, why="is not signed, which the team's policy asks for")
    ann.gitcoord("policy", "set", "signed", "off")


@pytest.mark.timeout(600)
@pytest.mark.rule("SEC-8")
def test_a_server_takes_a_name_that_is_pinned_from_whom_it_is_pinned_to(
    signed: Callable[[str], Team], keys: SshKeys
) -> None:
    ann = signed("path")
    ann.gitcoord("policy", "set", "pin_agents", "ann/*=key:ann@example.org")
    ann.gitcoord("claim", "add", "/README.md")
    ann.gitcoord("claim", "add", "/docs/")

    taken_back(ann)(signed_by(keys, "carl"))

    ann.assert_refused(CLAIMS, why="has a command of 'ann/cli/wt', which is pinned to 'key:ann@example.org'")
