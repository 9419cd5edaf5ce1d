"""Whatever damage is made: doctor names it, `--repair` puts it right and keeps what was there, and work goes on.

All crafts on every kind of ref are in `make torture`; here each kind of damage is met once.
"""

import os
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitcoord.core.claims.claim_commands import ReleaseClaims
from gitcoord.core.relay.relay import Relay
from gitcoord.errors import DocumentError
from gitcoord.ledger.format import post
from gitcoord.ledger.format.post import PostedCommands
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.remote.contract.protocol import RefName
from gitcoord.runtime import examine_here
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files, list_claims
from gitcoord.service.doctor import all_checks
from gitcoord.service.doctor.check_run import Backup, Finding, Status, examine
from gitcoord.service.relay import relay_ref
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.team.policy import get_policy, set_policy
from gitcoord.service.upkeep.gc import gc
from gitcoord.service.watch.watch import tick
from tests.conftest import Git
from tests.hostile import crafts
from tests.hostile.crafts import CRAFTS, Craft, Ledger
from tests.unit.service.world import Agents, Shared, plan, seen
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import shared as shared  # noqa: PLC0414 - a fixture, exported to pytest

CLAIMS, STEPS, CONFIG = "refs/coord/claims", "refs/coord/steps/app", "refs/coord/config"
OTHERS = ("refs/coord/heartbeats/", "refs/coord/relay/", "refs/coord/inbox/", "refs/coord/archive/")
LOOKED_AT = ("deleted", "rewound", "ledgers", "audit")
# One for each way in which a ledger is damaged and put right.
FEW: tuple[tuple[Craft, str], ...] = (
    (crafts.a_blob, CLAIMS),
    (crafts.a_tag, STEPS),
    (crafts.no_meta, CLAIMS),
    (crafts.no_json, CLAIMS),
    (crafts.keys_twice, STEPS),
    (crafts.two_entries_of_one_name, CLAIMS),
    (crafts.a_tree_that_is_cut_off, STEPS),
    (crafts.a_newer_schema, STEPS),
    (crafts.a_forged_record, CLAIMS),
    (crafts.a_commit_of_the_year_9999, STEPS),
    (crafts.back_to_the_first, CLAIMS),
    (crafts.another_ledger, STEPS),
    (crafts.a_blob, CONFIG),
    (crafts.another_ledger, CONFIG),
)


@dataclass(frozen=True)
class Doctor:
    """Looks at one clone, and repairs it as `doctor --repair --yes` does."""

    folder: Path

    def findings(self) -> Iterator[tuple[str, Finding]]:
        site = examine_here(self.folder, os.environ)
        for check in all_checks.of_place(site):
            if check.id in LOOKED_AT:
                yield check.id, examine(check, site.host.monotonic)

    def troubles(self) -> list[str]:
        bad = (Status.FAIL, Status.WARN)
        return [f"{name}: {finding.text}" for name, finding in self.findings() if finding.status in bad]

    def repair(self) -> list[Backup]:
        """Carry out what needs no person; return what was kept of what was there."""
        kept: list[Backup] = []
        wanted = [repair for _, finding in self.findings() for repair in finding.repairs]
        for repair in sorted(wanted, key=lambda repair: not repair.is_first):
            if not repair.needs_person and not repair.is_else:
                copy = repair.keeps() if repair.keeps else None
                kept += [copy] if copy else []
                repair.do()
        return kept


def plant(remote: Path, ref: str, craft: Craft) -> str:
    """Let a ref of the remote be what a craft makes; return its id."""
    tip = craft(Ledger(remote, ref))
    (remote / ref).write_text(f"{tip}\n", encoding="ascii")
    return tip


def begin(shared: Shared, agents: Agents) -> None:
    """Have ann work: a project, a step that is held, two claims."""
    ann = agents(shared.one, "ann/cli/one")
    set_policy(ann, name="idle_minutes", value="20")
    create_project(ann, name="app", base_commit="HEAD", steps=plan((), (), ()))
    claim_step(ann)
    claim_files(ann, patterns=["/a.py"])
    claim_files(ann, patterns=["/b.py"])
    list_claims(agents(shared.one, "ann/cli/one"))  # what is there was seen


def begin_others(shared: Shared, agents: Agents, git: Git) -> None:
    """Have ann leave a heartbeat, a relay, a post and an archive as well."""
    begin(shared, agents)
    ann = agents(shared.one, "ann/claude/one", serve=True)
    tick(ann)
    relay_ref.change(ann, "ci", lambda _: Relay(name="ci", receiver="https://ci.example"))
    gc(ann, rolled_after=1)
    clone, setting = ann.setting.clone, ann.setting
    entry = LEDGERS.entry_of(setting.host.draw_id(), ReleaseClaims(), ann.actor(), None)
    said = PostedCommands(clone=clone.id, ledger=CLAIMS, counter=9, entries=(entry,))
    ref = setting.refs.post(RefName(CLAIMS), int(setting.host.now().timestamp() * 1000), clone.id, "drawn")
    git(
        shared.remote,
        "update-ref",
        ref,
        post.write(setting.transport.objects, said, clone.signature, setting.host.now()),
    )


def named(remote: Path, git: Git, places: tuple[str, ...] = OTHERS) -> list[str]:
    """Return a ref of each place."""
    refs = [git(remote, "for-each-ref", "--count=1", "--format=%(refname)", place) for place in places]
    assert all(refs), refs
    return refs


def check(craft: Craft, ref: str, shared: Shared, agents: Agents, git: Git) -> None:
    begin(shared, agents)
    tip = plant(shared.remote, ref, craft)
    doctor = Doctor(shared.one)

    before = doctor.troubles()
    kept = doctor.repair()

    assert any(ref in text for text in before), before
    assert doctor.troubles() == []
    bundles = [copy for copy in kept if copy.path.suffix == ".bundle"]
    heads = [git(shared.one, "bundle", "list-heads", str(copy.path)) for copy in bundles]
    if craft is crafts.a_tree_that_is_cut_off:  # git bundles none: what can be read is kept
        assert f"{tip}.commit" in {path.name for copy in kept if not copy.is_whole for path in copy.path.iterdir()}
    else:
        assert craft is crafts.back_to_the_first or f"{tip} {ref}" in heads, kept
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    assert seen(audit(bob, full=True))["findings"] == []
    assert {claim["items"][0]["pattern"] for claim in seen(list_claims(bob))["claims"]} == {"/a.py", "/b.py"}
    assert claim_files(bob, patterns=["/c.py"])["granted"]
    assert seen(get_policy(bob))["policy"]["idle_minutes"] == 20
    assert seen(claim_step(ann))["step"]["id"] == "app/1"
    assert seen(claim_step(bob))["step"]["id"] == "app/2"


@pytest.mark.rule("SAFE-6", "SAFE-9")
@pytest.mark.parametrize(("craft", "ref"), FEW, ids=lambda value: getattr(value, "__name__", str(value)[11:]))
def test_each_kind_of_damage_is_named_put_right_and_kept(
    craft: Craft, ref: str, shared: Shared, agents: Agents, git: Git
) -> None:
    check(craft, ref, shared, agents, git)


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("craft", [crafts.a_blob, crafts.another_ledger], ids=lambda craft: craft.__name__)
def test_what_is_no_ledger_is_named_where_it_is_damaged_kept_and_deleted(
    craft: Craft, shared: Shared, agents: Agents, git: Git
) -> None:
    begin_others(shared, agents, git)
    doctor, refs = Doctor(shared.one), named(shared.remote, git)
    sound = doctor.troubles()
    tips = [plant(shared.remote, ref, craft) for ref in refs]
    history = refs[3:] if craft is crafts.another_ledger else []  # an archive with one: a person is asked

    before = " ".join(doctor.troubles())
    kept = doctor.repair()

    assert sound == []
    assert [ref for ref in refs if ref not in before] == []
    heads = {git(shared.one, "bundle", "list-heads", str(copy.path)) for copy in kept}
    assert heads == {f"{tip} {ref}" for tip, ref in zip(tips, refs, strict=True)} - {
        f"{tips[3]} {left}" for left in history
    }
    assert [text.partition(" is at")[0] for text in doctor.troubles()] == [f"ledgers: {ref}" for ref in history]
    assert [ref for ref in refs if git(shared.remote, "for-each-ref", ref)] == history
    assert claim_files(agents(shared.two, "bob/cli/two"), patterns=["/c.py"])["granted"]


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("other", [CONFIG, STEPS], ids=["rules", "steps"])
def test_what_is_of_another_kind_is_no_register_of_nothing_for_who_has_seen_no_claims(
    other: str, shared: Shared, agents: Agents, git: Git
) -> None:
    begin(shared, agents)
    git(shared.remote, "update-ref", CLAIMS, other)

    before = Doctor(shared.two).troubles()
    with pytest.raises(DocumentError, match="is not the claims: it has "):
        claim_files(agents(shared.two, "bob/cli/two"), patterns=["/a.py"])
    Doctor(shared.one).repair()

    assert f"ledgers: {CLAIMS} is not the claims" in [text.partition(": it has")[0] for text in before]
    assert Doctor(shared.two).troubles() == []
    assert claim_files(agents(shared.two, "bob/cli/two"), patterns=["/a.py"])["granted"] is False


@pytest.mark.rule("SAFE-6")
def test_a_ref_that_a_newer_version_may_need_goes_only_with_a_person(shared: Shared, agents: Agents, git: Git) -> None:
    begin(shared, agents)
    git(shared.remote, "update-ref", "refs/coord/plans/app", CLAIMS)
    doctor = Doctor(shared.one)

    assert doctor.repair() == []
    (found,) = [finding for name, finding in doctor.findings() if name == "ledgers"]
    (repair,) = found.repairs

    assert (found.status, "refs/coord/plans/app is no ref" in found.text, repair.needs_person) == (
        Status.WARN,
        True,
        True,
    )
    assert repair.do() == "refs/coord/plans/app is deleted"
    assert doctor.troubles() == []


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("places", [(CONFIG,), OTHERS], ids=["rules", "others"])
@pytest.mark.parametrize("craft", CRAFTS, ids=lambda craft: craft.__name__)
def test_every_craft_of_rules_and_of_what_is_no_ledger_is_put_right_and_stops_no_work(
    craft: Craft, places: tuple[str, ...], shared: Shared, agents: Agents, git: Git
) -> None:
    begin_others(shared, agents, git)
    doctor = Doctor(shared.one)
    for ref in named(shared.remote, git, places):
        plant(shared.remote, ref, craft)

    doctor.repair()

    assert [text for text in doctor.troubles() if "the ledger's roll has put" not in text] == []
    assert claim_files(agents(shared.two, "bob/cli/two"), patterns=["/c.py"])["granted"]


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.rule("SAFE-6", "SAFE-9")
@pytest.mark.parametrize("ref", [CLAIMS, STEPS])
@pytest.mark.parametrize("craft", CRAFTS, ids=lambda craft: craft.__name__)
def test_every_craft_is_named_put_right_and_kept(
    craft: Craft, ref: str, shared: Shared, agents: Agents, git: Git
) -> None:
    check(craft, ref, shared, agents, git)


@pytest.mark.rule("SAFE-9")
def test_what_others_did_after_it_goes_only_with_a_person_and_comes_back_by_the_command(
    shared: Shared, agents: Agents, git: Git
) -> None:
    begin(shared, agents)
    plant(shared.remote, CLAIMS, lambda ledger: ledger.with_changes(lambda doc: {**doc, "description": "forged"}))
    claim_files(agents(shared.two, "bob/cli/two"), patterns=["/c.py"])
    tip = git(shared.remote, "rev-parse", CLAIMS)
    doctor = Doctor(shared.one.rename(shared.one.with_name("o'n e")))

    assert doctor.repair() == []
    assert git(shared.remote, "rev-parse", CLAIMS) == tip
    (repair,) = next(finding for name, finding in doctor.findings() if name == "audit").repairs
    assert "1 commit after it" in repair.why_ask
    copy = repair.keeps() if repair.keeps else None
    repair.do()

    assert doctor.troubles() == []
    assert copy is not None
    subprocess.run(shlex.split(copy.command), cwd=shared.two, capture_output=True, check=True)
    assert git(shared.two, "rev-parse", "refs/gitcoord-replaced/coord/claims") == tip


@pytest.mark.rule("SAFE-6")
def test_of_what_is_not_whole_the_rest_is_kept(shared: Shared, agents: Agents, git: Git) -> None:
    begin(shared, agents)
    tip, lost = git(shared.remote, "rev-parse", CLAIMS), git(shared.remote, "rev-parse", f"{CLAIMS}:meta.json")
    (shared.remote / "objects" / lost[:2] / lost[2:]).unlink()
    doctor = Doctor(shared.one)

    (copy,) = doctor.repair()

    assert ((copy.path / f"{tip}.commit").is_file(), copy.is_whole) == (True, False)
    assert not [*copy.path.glob(f"{lost}*")]
    assert doctor.troubles() == []


def test_commits_that_are_too_many_to_replay_are_counted(
    shared: Shared, agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitcoord.service.doctor.audits.REPLAYED_MAX", 2)
    begin(shared, agents)
    doctor = Doctor(shared.one)

    assert doctor.troubles() == ["audit: 2 commits of 1 ledger not looked at: none was audited here yet."]
    audit(agents(shared.one, "ann/cli/one"))
    assert doctor.troubles() == []
