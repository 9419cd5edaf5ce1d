"""Who wrote a ledger: signatures and pinned names, as an audit finds them, and as our own writers keep them."""

import re
from pathlib import Path

import pytest

from gitcoord.errors import AuthorError, InvalidError
from gitcoord.remote.contract.protocol import RefName
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team.policy import set_policy
from tests.conftest import Git
from tests.signing_keys import SshKeys, ssh_keys
from tests.unit.service.audit.forge import Forger
from tests.unit.service.audit.test_audit import findings, only
from tests.unit.service.world import Agents, Result, Shared, seen

CLAIMS = RefName("refs/coord/claims")


@pytest.fixture
def keys(tmp_path: Path) -> SshKeys:
    return ssh_keys(tmp_path / "keys")


@pytest.fixture
def ann(agents: Agents, shared: Shared, keys: SshKeys, git: Git) -> Workspace:
    """An agent whose clone signs."""
    keys.sign_by(git, shared.one, "ann")
    return agents(shared.one, "ann/cli/one")


@pytest.fixture
def bob(agents: Agents, shared: Shared, keys: SshKeys, git: Git) -> Workspace:
    """An agent whose clone does not sign, and knows who may."""
    keys.sign_by(git, shared.two, "bob")
    git(shared.two, "config", "gitcoord.sign", "off")
    return agents(shared.two, "bob/cli/two")


@pytest.fixture
def claims(shared: Shared) -> Forger:
    return Forger(shared.remote, CLAIMS)


def verdicts(result: Result, ref: str = CLAIMS) -> list[tuple[str, str]]:
    rows = [row for row in result["signatures"] if row["ledger"] == ref]
    return [(row["verdict"], row.get("signer", "")) for row in rows]


def unsigned(raw: bytes) -> bytes:
    return re.sub(rb"gpgsig .*?-----END SSH SIGNATURE-----\n", b"", raw, flags=re.DOTALL)


def test_an_audit_says_of_each_commit_by_whom_it_is_signed(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(bob, patterns=["b.py"])
    set_policy(ann, name="idle_minutes", value="90")

    result = seen(audit(bob, signatures=True))

    assert verdicts(result) == [("good", "ann@example.org"), ("unsigned", "")]
    assert verdicts(result, "refs/coord/config") == [("good", "ann@example.org")]
    assert (result["clean"], [row["author"] for row in result["signatures"][:2]]) == (
        True,
        ["ann <ann@example.org>", "bob <bob@example.org>"],
    )
    assert "signatures" not in audit(bob)


def test_a_signature_of_something_else_is_a_finding_whatever_the_policy(ann: Workspace, claims: Forger) -> None:
    claim_files(ann, patterns=["a.py"])
    claims.rewrite({0: lambda raw: raw.replace(b"\n\nclaim ", b"\n\nClaim ")})

    finding = only(audit(ann, signatures=True, full=True))

    assert finding["problem"] == "signature"
    assert finding["commit"] == claims.commits[0]
    assert "is signed, but the signature does not count" in finding["message"]


@pytest.mark.rule("SEC-8")
def test_where_signatures_are_asked_for_what_came_before_may_lack_one_and_what_comes_after_may_not(
    ann: Workspace, bob: Workspace, claims: Forger
) -> None:
    claim_files(bob, patterns=["b.py"])
    set_policy(ann, name="signed", value="required")
    claim_files(ann, patterns=["a.py"])
    before = audit(bob, signatures=True)

    claims.rewrite({1: unsigned})
    after = only(audit(bob, signatures=True, full=True))

    assert (before["clean"], verdicts(seen(before))) == (True, [("unsigned", ""), ("good", "ann@example.org")])
    assert (after["problem"], after["commit"]) == ("signature", claims.commits[1])
    assert "is not signed, which the team's policy asks for" in after["message"]
    assert any("were not checked" in str(warning) for warning in seen(audit(bob))["warnings"])


@pytest.mark.rule("SEC-8")
def test_what_a_key_signed_before_it_was_withdrawn_counts_no_more(
    ann: Workspace, keys: SshKeys, bob: Workspace
) -> None:
    set_policy(ann, name="signed", value="required")
    claim_files(ann, patterns=["a.py"])
    assert audit(bob, signatures=True)["clean"] is True
    keys.allowed.write_text("")

    found = findings(audit(bob, signatures=True))

    assert [(finding["ledger"], finding["problem"]) for finding in found] == [(CLAIMS, "signature")]


@pytest.mark.rule("SEC-8")
def test_a_clone_that_does_not_sign_writes_nothing_where_signatures_are_asked_for(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    set_policy(ann, name="signed", value="required")
    before = git(shared.remote, "for-each-ref", "refs/coord")

    with pytest.raises(AuthorError, match="does not sign"):
        claim_files(bob, patterns=["b.py"])
    with pytest.raises(AuthorError, match="does not sign"):
        set_policy(bob, name="signed", value="off")

    assert git(shared.remote, "for-each-ref", "refs/coord") == before


def test_who_does_not_sign_cannot_ask_others_for_it(bob: Workspace) -> None:
    with pytest.raises(AuthorError) as caught:
        set_policy(bob, name="signed", value="required")

    assert caught.value.hint.endswith("run `gitcoord config set sign on`.")


@pytest.mark.rule("SEC-8")
@pytest.mark.parametrize("pins", ["ann/*=ann@example.org", "ann/*=key:ann@example.org"])
def test_a_name_that_is_pinned_is_refused_to_another_and_found_where_it_was_taken_by_hand(
    ann: Workspace, shared: Shared, agents: Agents, bob: Workspace, claims: Forger, pins: str
) -> None:
    set_policy(ann, name="pin_agents", value=pins)
    claim_files(ann, patterns=["a.py"])
    mallory = agents(shared.two, "ann/cli/two")
    with pytest.raises(AuthorError, match=r"'ann/cli/two' is pinned to '.*ann@example.org'"):
        claim_files(mallory, patterns=["b.py"])
    clean = audit(bob, signatures=True)
    claims.rewrite({0: lambda raw: unsigned(raw).replace(b"ann <ann@", b"bob <bob@")})

    finding = only(audit(bob, signatures=True, full=True))

    assert clean["clean"] is True
    assert finding["problem"] == "identity"
    assert "'ann/cli/one', which is pinned to '" in finding["message"]
    assert finding["author"] == "bob <bob@example.org>"
    by_address = [bool(findings(audit(bob, full=True))), bool(findings(audit(bob)))]
    assert by_address == ["key:" not in pins] * 2  # without signatures addresses alone count; no checkpoint hides it


def test_other_names_stay_anyones(ann: Workspace, bob: Workspace) -> None:
    set_policy(ann, name="pin_agents", value="ann/*=ann@example.org")

    claim_files(bob, patterns=["b.py"])

    assert audit(ann)["clean"] is True


@pytest.mark.parametrize("value", ["ann", "ann/*=", "a*/b=x@y", "ann/*=key:", "ann/*=Ann <x@y>", "*=x\x1b@y"])
def test_what_pins_nothing_is_said(ann: Workspace, value: str) -> None:
    with pytest.raises(InvalidError, match=r"^pin_agents: "):
        set_policy(ann, name="pin_agents", value=value)


def test_a_session_that_runs_signs_from_the_moment_on_that_its_clone_does(
    agents: Agents, shared: Shared, keys: SshKeys, git: Git
) -> None:
    session = agents(shared.one, "ann/claude/one", tool="claude", serve=True)
    claim_files(session, patterns=["a.py"])
    keys.sign_by(git, shared.one, "ann")

    claim_files(session, patterns=["b.py"])

    assert [verdict for verdict, _ in verdicts(seen(audit(session, signatures=True)))] == ["unsigned", "good"]
