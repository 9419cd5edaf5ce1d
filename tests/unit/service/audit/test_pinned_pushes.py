"""What a server refuses under a name that is pinned to someone else: posts that wait, and the team's rules (SEC-8)."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitcoord.core.documents.actor import Actor
from gitcoord.faces.receive import judge
from gitcoord.ledger.format import post
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.entry import Entry
from gitcoord.ledger.format.post import PostedCommands
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team.policy import set_policy
from tests.conftest import Git
from tests.signing_keys import SshKeys, ssh_keys
from tests.unit.ledger.fakes import REFS
from tests.unit.service.audit.forge import Forger
from tests.unit.service.world import Agents, Shared

pytestmark = pytest.mark.rule("SEC-8", "SEC-3")
CONFIG = "refs/coord/config"


@pytest.fixture
def keys(tmp_path: Path) -> SshKeys:
    made = ssh_keys(tmp_path / "keys")
    made.allow("bob")
    return made


@pytest.fixture(params=["ann@example.org", "key:ann@example.org"])
def ann(request: pytest.FixtureRequest, agents: Agents, shared: Shared, keys: SshKeys, git: Git) -> Workspace:
    """An agent whose name is pinned to her; the server knows her key and bob's."""
    keys.sign_by(git, shared.one, "ann")
    git(shared.remote, "config", "gpg.ssh.allowedSignersFile", str(keys.allowed))
    ann = agents(shared.one, "ann/cli/one")
    claim_files(ann, patterns=["a.py"])
    set_policy(ann, name="pin_agents", value=f"ann/*={request.param}")
    return ann


def refused(remote: Path, ref: str, old: str | None, new: str) -> list[str]:
    lines = f"{old or '0' * 40} {new} {ref}\n"
    return [refusal.why for refusal in judge(lines.encode(), remote, {**os.environ})]


def test_a_post_under_a_pinned_name_is_refused_from_anyone_else(ann: Workspace, shared: Shared, keys: SshKeys) -> None:
    objects, clone = PygitObjects(shared.remote), ann.setting.clone.id
    ref = REFS.post(REFS.claims, 1, clone, "drawn0")

    def posted(agent: str, who: str) -> str:
        actor = Actor(agent=agent, clone=clone, session="s")
        entry = Entry(uid="u", word="release_claims", arguments={"all": True}, actor=actor)
        said = PostedCommands(clone=clone, ledger=REFS.claims, counter=1, entries=(entry,))
        by = Signature(who, f"{who}@example.org", keys.signer(who))
        return post.write(objects, said, by, datetime.now(UTC))

    found = [refused(shared.remote, ref, None, posted(agent, who)) for agent, who in (
        ("ann/cli/one", "ann"), ("bob/cli/two", "bob"), ("ann/cli/one", "bob"), ("ann/cli/one/helper", "bob"),
    )]  # fmt: skip

    assert found[:2] == [[], []]
    for (why,), name in zip(found[2:], ("ann/cli/one", "ann/cli/one/helper"), strict=True):
        assert f"has a command of {name!r}, which is pinned to '" in why
        assert "and is by 'bob <bob@example.org>'" in why
        assert why.endswith(", signed by 'bob@example.org'") is ("key:" in why)


def test_the_team_s_rules_under_a_pinned_name_are_refused_from_anyone_else(
    ann: Workspace, shared: Shared, keys: SshKeys
) -> None:
    set_policy(ann, name="idle_minutes", value="45")
    config = Forger(shared.remote, CONFIG)
    before, last = config.commits[-2:]
    by_bob = re.sub(rb"(author|committer) ann <ann@", rb"\1 bob <bob@", config.raw(last))

    taken = refused(shared.remote, CONFIG, before, last)
    (why,) = refused(shared.remote, CONFIG, before, config.write("commit", keys.signed(by_bob, "bob")))

    assert taken == []
    assert "has a command of 'ann/cli/one', which is pinned to '" in why
