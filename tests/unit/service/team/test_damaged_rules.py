"""The team's ref made into what nobody can read: what this clone knew of the rules counts, and each reply says so."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gitcoord.errors import CoordError, DocumentError
from gitcoord.ledger.archive import rules_version
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.records import RecordHead
from gitcoord.remote.contract.protocol import ObjectKind, Oid
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.runtime import examine_here
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files, list_claims
from gitcoord.service.doctor import ledgers
from gitcoord.service.doctor.check_run import Finding, Status
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team import owner_edits
from gitcoord.service.team.policy import get_policy, set_policy
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.overview import status
from tests.unit.ledger.fakes import SIGNATURE, START
from tests.unit.service.hub import Hub
from tests.unit.service.hub import ann as ann  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import bob as bob  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import hub as hub  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import third as third  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.world import Agents, seen

CONFIG = "refs/coord/config"
OWNERS = "modules:\n  auth: {paths: [src/auth/**], owners: [cleo], severity: hard}\n"
DEEP = "deep"  # a folder that unfolds to more paths than any reader takes
DAMAGES: Mapping[str, Mapping[str, bytes | str]] = {
    "a folder at the policy": {"meta.json": b"{}", "policy.json": DEEP},
    "no policy that can be parsed": {"meta.json": b"{}", "policy.json": b"{"},
    "nothing that says what it is": {"policy.json": b"{}"},
    "too many paths": {"meta.json": b"{}", "repos": DEEP},
}


def damage(hub: Hub, files: Mapping[str, bytes | str], *parents: str) -> None:
    """Put a commit of these files where the team's rules are."""
    objects = PygitObjects(hub.path)

    def tree(entries: Mapping[str, tuple[bytes, Oid]]) -> Oid:
        rows = (b"%s %s\0%s" % (mode, name.encode(), bytes.fromhex(oid)) for name, (mode, oid) in entries.items())
        return objects.write(ObjectKind.TREE, b"".join(rows))

    deep = tree({"a.json": (b"100644", objects.write(ObjectKind.BLOB, b"{}\n"))})
    for _ in range(5):
        deep = tree({f"d{index:02d}": (b"40000", deep) for index in range(40)})
    written = {
        name: (b"40000", deep) if isinstance(data, str) else (b"100644", objects.write(ObjectKind.BLOB, data))
        for name, data in sorted(files.items())
    }
    new = commits.write(objects, tree(written), [*map(Oid, parents)], SIGNATURE, START, "by hand")
    hub.git(hub.path, "update-ref", CONFIG, new)


def look(hub: Hub) -> Finding:
    return ledgers.ledgers(examine_here(hub.two, {}))


def repaired(hub: Hub) -> list[str]:
    said: list[str] = []
    for repair in look(hub).repairs:
        try:
            said.append(repair.do())
        except CoordError as error:
            said.append(str(error))
    return said


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("hub", ["path", "file"], indirect=True)
@pytest.mark.parametrize("keeps_history", [False, True], ids=["by itself", "on top"])
@pytest.mark.parametrize("files", DAMAGES.values(), ids=DAMAGES)
def test_damaged_rules_stay_what_they_were_each_reply_says_so_and_they_are_put_back(
    hub: Hub, ann: Workspace, bob: Workspace, agents: Agents, files: Mapping[str, bytes | str], *, keeps_history: bool
) -> None:
    set_policy(ann, name="idle_minutes", value="20")
    set_policy(ann, name="hard_requires_owner", value="true")
    owner_edits.write(ann, text=OWNERS, name="owners.yaml")
    status(bob)
    before = hub.git(hub.path, "rev-parse", CONFIG)
    damage(hub, files, *([before] if keeps_history else []))

    fresh = agents(hub.two, "bob/cli/two")
    assert claim_files(fresh, patterns=["src/b.py"])["granted"]
    refused = claim_files(fresh, patterns=["src/auth/a.py"])
    told = [take_notices(fresh), seen(list_claims(fresh)) and take_notices(fresh)]

    assert refused["granted"] is False
    assert seen(get_policy(fresh))["policy"]["idle_minutes"] == 20
    for notices in told:
        (notice,) = [one for one in notices if one["notice"] == "damaged"]
        assert notice["ref"] == CONFIG
        assert f"The rules of {before[:12]} count instead" in str(notice["message"])
        assert notice["next_step"] == "gitcoord doctor --repair"
    shown = [
        (one["ref"], one["next_step"]) for one in seen(status(fresh))["oddities"] if "is damaged" in one["message"]
    ]
    assert shown == [
        (CONFIG, "Run `gitcoord doctor --repair`: it puts the ref back to the newest state that is whole.")
    ]

    assert look(hub).status is Status.FAIL
    assert [text.partition(";")[0] for text in repaired(hub)] == [
        f"{CONFIG} is back at {before[:12]}",
        f"{CONFIG} needs no decision any more",
    ]
    assert look(hub).status is Status.OK
    for agent in (agents(hub.two, "bob/cli/two"), agents(hub.one, "ann/cli/one")):
        assert claim_files(agent, patterns=["src/auth/a.py"])["granted"] is False
        assert [one for one in take_notices(agent) if one["notice"] in ("damaged", "rewound")] == []
    set_policy(ann, name="idle_minutes", value="30")
    assert seen(audit(ann))["findings"] == []


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("hub", ["path", "file"], indirect=True)
def test_damaged_rules_of_which_nothing_else_is_known_are_taken_out(hub: Hub, bob: Workspace, agents: Agents) -> None:
    damage(hub, DAMAGES["a folder at the policy"])

    granted = claim_files(bob, patterns=["src/a.py"])
    told = [str(one["message"]) for one in take_notices(bob) if one["notice"] == "damaged"]

    assert granted["granted"]
    assert [text.endswith("The default rules count, without owners.") for text in told] == [True]
    assert repaired(hub)[1] == f"{CONFIG} is deleted"
    fresh = agents(hub.two, "bob/cli/two")
    set_policy(fresh, name="idle_minutes", value="30")
    assert [one for one in take_notices(fresh) if one["notice"] == "damaged"] == []
    assert seen(audit(fresh))["findings"] == []


@pytest.mark.rule("SAFE-6", "SEC-8")
@pytest.mark.parametrize("hub", ["path", "file"], indirect=True)
def test_a_ledger_where_the_rules_were_is_no_rules_and_nothing_is_written_on_top_of_it(
    hub: Hub, ann: Workspace, agents: Agents, third: Path
) -> None:
    set_policy(ann, name="idle_minutes", value="20")
    claim_files(ann, patterns=["src/a.py"])
    seen(status(agents(hub.two, "bob/cli/two")))
    claims = hub.git(hub.path, "rev-parse", "refs/coord/claims")
    before = hub.git(hub.path, "rev-parse", CONFIG)
    hub.git(hub.path, "update-ref", CONFIG, claims)

    bob, eve = agents(hub.two, "bob/cli/two"), agents(third, "eve/cli/three")
    known, unknown = seen(get_policy(bob))["policy"]["idle_minutes"], seen(get_policy(eve))["policy"]["idle_minutes"]
    (notice,) = [one for one in take_notices(eve) if one["notice"] == "damaged"]
    with pytest.raises(DocumentError, match="a ledger's state, not rules of the team") as caught:
        set_policy(eve, name="strict_read", value="true")
    eve.lookback.begin()
    raised = rules_version.prepare(
        eve.setting.transport.objects, eve.setting.refs, eve.listed(), eve.actor(), SIGNATURE, RecordHead(START, {})
    )

    assert (known, unknown) == (20, 30)
    assert "is a ledger's, not rules of a team. The default rules count" in str(notice["message"])
    assert "gitcoord doctor --repair" in caught.value.hint
    assert [*raised.unread] == [CONFIG]
    assert hub.git(hub.path, "rev-parse", CONFIG) == claims
    assert look(hub).status is Status.FAIL
    assert repaired(hub)[0].startswith(f"{CONFIG} is back at {before[:12]}")
    assert hub.git(hub.path, "ls-tree", "--name-only", CONFIG).split() == ["meta.json", "policy.json", "rewinds.json"]
    assert seen(get_policy(agents(third, "eve/cli/three")))["policy"]["idle_minutes"] == 20
    assert look(hub).status is Status.OK
