"""What is signed under an old date, as by a key that has expired: found, and refused by a server (SEC-8)."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import Json, compact
from gitcoord.faces.receive import judge
from gitcoord.ledger.audit.received_push import ReceivingPlace, refusals
from gitcoord.ledger.format import post
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.entry import Entry
from gitcoord.ledger.format.meta import RULES
from gitcoord.ledger.format.post import PostedCommands
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.remote.contract.protocol import RefUpdate
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.transports.memory import MemoryTransport
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team.policy import set_policy
from tests.conftest import Git
from tests.signing_keys import SshKeys, ssh_keys
from tests.unit.ledger.fakes import REFS, START, Clock, World, Wrapped
from tests.unit.service.audit.forge import Forger
from tests.unit.service.audit.test_audit import only
from tests.unit.service.world import Agents, Shared

CLAIMS, CONFIG = "refs/coord/claims", "refs/coord/config"
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.rule("SEC-8")


@pytest.fixture
def keys(tmp_path: Path) -> SshKeys:
    return ssh_keys(tmp_path / "keys")


@pytest.fixture(params=["signed=required", "pin_agents=zoe=key:ann@example.org"])
def ann(request: pytest.FixtureRequest, agents: Agents, shared: Shared, keys: SshKeys, git: Git) -> Workspace:
    """An agent whose clone signs, at a server that knows its key."""
    keys.sign_by(git, shared.one, "ann")
    git(shared.remote, "config", "gpg.ssh.allowedSignersFile", str(keys.allowed))
    ann = agents(shared.one, "ann/cli/one")
    name, _, value = str(request.param).partition("=")
    set_policy(ann, name=name, value=value)
    claim_files(ann, patterns=["a.py"])
    return ann


def refused(forger: Forger, old: str | None, new: str, ref: str | None = None) -> list[str]:
    lines = f"{old or '0' * 40} {new} {ref or forger.ref}\n"
    return [refusal.why for refusal in judge(lines.encode(), forger.path, {**os.environ})]


def dated(forger: Forger, keys: SshKeys, commit: str, at: datetime) -> str:
    """Return a commit again, with another date, signed by ann."""
    made = re.sub(rb"^(committer .*>) \d+", rb"\1 %d" % int(at.timestamp()), forger.raw(commit), flags=re.MULTILINE)
    return forger.write("commit", keys.signed(made, "ann"))


def raised(forger: Forger) -> str:
    """Put a commit on top that asks for the rules that are there, as anyone may whose key counts."""
    now = f"{datetime.now(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    head: dict[str, Json] = {"now": now, "rules": RULES}
    line: dict[str, Json] = {"do": "raise_rules", "args": {"rules": 0, "writer_min": 0}}
    tree = forger.tree_with(forger.commits[-1], "meta.json", at=now)
    return forger.add(tree, f"rules\n\n{compact(head)}\n{compact(line)}")


def test_a_server_takes_no_commit_that_is_signed_under_an_old_date(
    ann: Workspace, shared: Shared, keys: SshKeys
) -> None:
    assert ann
    claims, config = Forger(shared.remote, CLAIMS), Forger(shared.remote, CONFIG)
    old, team, now = claims.commits[-1], config.commits[-1], datetime.now(UTC)
    higher, off = raised(claims), config.add(config.tree_with(team, "policy.json", idle_minutes=99), "policy")

    for forger, before, forged in ((claims, old, higher), (config, team, off)):
        assert refused(forger, before, dated(forger, keys, forged, now - timedelta(minutes=8))) == []
        found = refused(forger, before, dated(forger, keys, forged, JANUARY))
        assert "is signed, and dated 2026-01-01T00:00:00" in found[0]


def test_a_server_takes_no_heartbeat_and_no_post_that_is_signed_under_an_old_date(
    ann: Workspace, shared: Shared, keys: SshKeys
) -> None:
    objects, now, sign = PygitObjects(shared.remote), datetime.now(UTC), keys.signer("ann")
    clone = ann.setting.clone.id
    entry = Entry(
        uid="u", word="release_claims", arguments={"all": True}, actor=Actor(agent=ann.agent, clone=clone, session="s")
    )
    said = PostedCommands(clone=clone, ledger=CLAIMS, counter=1, entries=(entry,))
    ref, forger = REFS.post(REFS.claims, 1, clone, "drawn0"), Forger(shared.remote, CLAIMS)
    posts = [post.write(objects, said, Signature("ann", "ann@example.org", sign), at) for at in (now, JANUARY)]
    beat_now(ann.setting, ann.combiner, force=True)
    beat = next(name for name in forger.repository.references if name.startswith("refs/coord/heartbeats/"))
    tip = Forger(shared.remote, beat).commits[-1]

    found = [refused(forger, None, posted, ref) for posted in posts]
    beats = [refused(forger, None, dated(forger, keys, tip, at), beat) for at in (now, JANUARY)]

    assert (found[0], beats[0]) == ([], [])
    assert ["dated 2026-01-01" in whys[0] for whys in (found[1], beats[1])] == [True, True]


def test_a_server_takes_no_ledger_that_begins_under_an_old_date(ann: Workspace, shared: Shared, keys: SshKeys) -> None:
    assert ann
    forger, now = Forger(shared.remote, CLAIMS), datetime.now(UTC)
    first = forger.add(forger.tree_of(forger.commits[-1]), "publish claims", parents=[])
    forger.repository.references.delete(CLAIMS)  # as if it had never been there

    found = [refused(forger, None, dated(forger, keys, first, at)) for at in (now, now - timedelta(minutes=8), JANUARY)]

    assert found[:2] == [[], []]
    assert "is signed, and dated 2026-01-01T00:00:00" in found[2][0]


def test_an_audit_finds_it_once(ann: Workspace, shared: Shared, keys: SshKeys) -> None:
    claims = Forger(shared.remote, CLAIMS)
    forged = dated(claims, keys, raised(claims), JANUARY)
    claims.point(forged)
    claims.point(dated(claims, keys, raised(claims), JANUARY))

    finding = only(audit(ann, signatures=True))

    assert (finding["problem"], finding["commit"]) == ("time", forged)


@pytest.mark.rule("TIME-1")
def test_a_server_believes_that_a_ledger_is_ahead_where_it_is_ahead_of_its_own_clock(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("dora").create(steps=3)
    slow = Clock()
    slow.now = START - timedelta(minutes=11)
    late = world.clone("late", clock=slow)
    late.claim()
    assert isinstance(late.transport, Wrapped)
    (swap,) = [swap for swap in late.transport.swaps if any(line.ref == REFS.steps("app") for line in swap)]
    update = next(line for line in swap if line.ref == REFS.steps("app"))
    transport = MemoryTransport(world.remote, objects=world.remote.objects)

    def judged(now: datetime) -> list[str]:
        host = replace(late.setting.host, now=lambda: now)
        return [why for _, why in refusals(ReceivingPlace(transport, REFS, host), [RefUpdate(*update)])]

    assert judged(slow.now) == []
    assert judged(START)[0].startswith("goes back in time from ")
