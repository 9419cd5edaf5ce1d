"""Histories of the team's rules that someone joins: none of them turns off what another asks for (SEC-8)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import compact
from gitcoord.ledger.audit.team_policies import TeamPolicies
from gitcoord.ledger.format.meta import RULES
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team.policy import set_policy
from tests.conftest import Git
from tests.signing_keys import SshKeys, plain, ssh_keys
from tests.unit.service.audit.forge import Forger
from tests.unit.service.audit.test_audit import findings
from tests.unit.service.world import Agents, Shared

CLAIMS, CONFIG = "refs/coord/claims", "refs/coord/config"
REPAIR = f"mended config\n\n{compact({'now': '2026-11-30T00:00:00Z', 'rules': RULES})}\n" + compact({"repaired": {}})
pytestmark = pytest.mark.rule("SEC-8")


def now() -> int:
    return int(datetime.now(UTC).timestamp())


@pytest.fixture
def keys(tmp_path: Path) -> SshKeys:
    return ssh_keys(tmp_path / "keys")


@pytest.fixture
def ann(agents: Agents, shared: Shared, keys: SshKeys, git: Git) -> Workspace:
    keys.sign_by(git, shared.one, "ann")
    ann = agents(shared.one, "ann/cli/one")
    set_policy(ann, name="idle_minutes", value="90")
    set_policy(ann, name="signed", value="required")
    claim_files(ann, patterns=["a.py"])
    return ann


@pytest.fixture
def config(shared: Shared, ann: Workspace) -> Forger:
    assert ann
    return Forger(shared.remote, CONFIG)


@pytest.mark.parametrize("message", ["config\n\nby hand", REPAIR], ids=["by hand", "as a repair"])
@pytest.mark.parametrize("at", [1_000_000_000, None], ids=["long ago", "now"])
def test_a_history_that_is_put_beside_the_rules_turns_no_signatures_off(
    ann: Workspace, shared: Shared, config: Forger, message: str, at: int | None
) -> None:
    assert audit(ann, signatures=True)["clean"] is True
    tip, tree = config.commits[-1], config.tree_with(config.commits[-1], "policy.json", signed="off")
    root = config.add(tree, "config\n\nbegun anew", parents=[], at=at or now())
    joined = config.add(config.tree_of(tip), message, parents=[root, tip], at=now())
    Forger(shared.remote, CLAIMS).rewrite({0: plain})

    found = findings(audit(ann, signatures=True, full=True))

    unsigned = {finding["commit"] for finding in found if finding["problem"] == "signature"}
    assert {joined, Forger(shared.remote, CLAIMS).commits[0]} <= unsigned
    assert [finding["commit"] for finding in found if finding["problem"] == "record"] == [joined] * (message != REPAIR)


def test_a_repair_that_joins_the_rules_and_is_signed_is_no_finding(
    ann: Workspace, config: Forger, keys: SshKeys
) -> None:
    first, tip = config.commits
    other = config.add(config.tree_with(first, "policy.json", strict_read=True), "config", parents=[first], at=now())
    config.point(config.write("commit", keys.signed(config.raw(other), "ann")))
    other = config.commits[-1]
    repair = config.add(config.tree_of(tip), REPAIR, parents=[tip, other], at=now())
    config.point(config.write("commit", keys.signed(config.raw(repair), "ann")))
    claim_files(ann, patterns=["b.py"])

    assert findings(audit(ann, signatures=True, full=True)) == []


def test_policies_of_histories_that_were_joined_later_count_together(shared: Shared, config: Forger) -> None:
    first, tip = config.commits
    pins = config.tree_with(first, "policy.json", pin_agents="ann/*=ann@example.org")
    other = config.add(pins, "config", parents=[first], at=now() + 60)
    joined = config.add(
        config.tree_with(tip, "policy.json", signed="off"), REPAIR, parents=[tip, other], at=now() + 120
    )
    policies = TeamPolicies(PygitObjects(shared.remote), Oid(joined))

    def asked(commit: str) -> list[tuple[str, str]]:
        """Return what counts for a commit of a ledger that names this one."""
        place = policies.place_of(Oid("0" * 40), datetime(2020, 1, 1, tzinfo=UTC), commit, -1)
        return [(policy.signed, policy.pin_agents) for policy in policies.policies(place)]

    both = [("required", ""), ("off", "ann/*=ann@example.org")]
    assert [asked(commit) for commit in (first, tip, other, joined)] == [[], both[:1], both, []]
    before = policies.policies(policies.place_of(Oid(joined), datetime.now(UTC), "", -1))
    assert [(policy.signed, policy.pin_agents) for policy in before] == both
