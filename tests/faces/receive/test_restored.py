"""Ledgers that went by hand, or back with a backup, where the server checks: they come back as they were (SAFE-9).

Their team asks for signatures, and parts of them are older than that.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.remote.contract.protocol import RefName
from tests.conftest import Git
from tests.faces.receive.test_receive import CLAIMS, CONFIG, STEPS, Team
from tests.faces.receive.test_receive import team as team  # noqa: PLC0414 - a fixture, exported to pytest
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.signing_keys import ssh_keys

pytestmark = [pytest.mark.timeout(600), pytest.mark.rule("SEC-3", "SAFE-9")]
KINDS = ["http", "ssh", pytest.param("path", marks=pytest.mark.torture)]
LEDGERS = (CLAIMS, CONFIG, STEPS)


@pytest.fixture
def signed_since(team: Callable[[str], Team], git: Git, tmp_path: Path) -> Callable[[str], Team]:
    """A team at work that has asked for signatures since, and pins ann to her key."""

    def make(kind: str) -> Team:
        made, keys = team(kind), ssh_keys(tmp_path / "keys")
        made.remote.git("config", "gpg.ssh.allowedSignersFile", str(keys.allowed))
        made.gitcoord("policy", "set", "idle_minutes", "30")
        made.gitcoord("project", "create", "plan.yaml")
        made.gitcoord("step", "claim", "--project", "app")
        made.gitcoord("claim", "add", "/README.md")
        keys.sign_by(git, made.repo, "ann")
        return made

    return make


def ask(ann: Team) -> dict[str, str]:
    """Ask for signatures from now on, and go on; return the tips of all ledgers."""
    ann.gitcoord("policy", "set", "signed", "required")
    ann.gitcoord("policy", "set", "pin_agents", "ann/*=key:ann@example.org")
    ann.gitcoord("claim", "add", "/docs/")
    ann.gitcoord("step", "update", "app/2", "--title", "Signed")
    return {ref: tip for ref, tip in ann.remote.refs().items() if ref in LEDGERS}


def lost(ann: Team, tips: dict[str, str]) -> list[str]:
    """Return the ledgers that are not what they were; the team's ref may have gone on, for decisions are there."""
    there = ann.remote.refs()
    moved = [ref for ref, tip in tips.items() if ref != CONFIG and there.get(RefName(ref)) != tip]
    base = ann.remote.git("merge-base", tips[CONFIG], CONFIG).strip()
    return moved if base == tips[CONFIG] else [*moved, CONFIG]


def go_on(ann: Team) -> None:
    """Audit all, and work; each of these fails where what came back is not sound."""
    ann.gitcoord("audit", "--full", "--signatures")
    ann.gitcoord("claim", "add", "/other.py")
    ann.gitcoord("step", "fail", "app/1", "--reason", "not now")


@pytest.mark.rule("SEC-8")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_older_than_the_policy_comes_back_after_it_was_removed_by_hand(
    kind: str, signed_since: Callable[[str], Team]
) -> None:
    ann = signed_since(kind)
    tips = ask(ann)
    _ = ann.forger()
    for ref in (CLAIMS, STEPS):
        ann.remote.git("update-ref", "-d", ref)
    ann.assert_refused(f"{CLAIMS}:{CLAIMS}", why="is not signed, which the team's policy asks for")

    ann.gitcoord("doctor", "--repair", "--yes")

    assert lost(ann, tips) == []
    go_on(ann)


@pytest.mark.parametrize("kind", ["http", *(pytest.param(kind, marks=pytest.mark.torture) for kind in ("ssh", "path"))])
def test_what_a_backup_lacks_comes_back_with_the_policy_that_it_lacks(
    kind: str, signed_since: Callable[[str], Team]
) -> None:
    ann = signed_since(kind)
    backup = ann.remote.refs()
    ann.gitcoord("step", "start", "app/1")
    tips = ask(ann)
    for ref in LEDGERS:
        ann.remote.git("update-ref", ref, backup[RefName(ref)])

    ann.gitcoord("doctor", "--repair", "--yes")

    assert lost(ann, tips) == []
    go_on(ann)


@pytest.mark.parametrize("kind", ["path", *(pytest.param(kind, marks=pytest.mark.torture) for kind in ("http", "ssh"))])
def test_what_went_comes_back_after_the_policy_that_a_backup_lacks(
    kind: str, signed_since: Callable[[str], Team]
) -> None:
    ann = signed_since(kind)
    backup = ann.remote.refs()
    tips = ask(ann)
    ann.remote.git("update-ref", "-d", CLAIMS)
    ann.remote.git("update-ref", CONFIG, backup[RefName(CONFIG)])

    ann.gitcoord("doctor", "--repair", "--yes")

    assert lost(ann, tips) == []
    go_on(ann)
