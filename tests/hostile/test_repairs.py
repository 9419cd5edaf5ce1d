"""Whatever damage is made: doctor names it, `--repair` puts it right and keeps what was there, and work goes on.

All crafts on both kinds of ledgers are in `make torture`; here each kind of damage is met once.
"""

import os
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitcoord.runtime import examine_here
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files, list_claims
from gitcoord.service.doctor import all_checks
from gitcoord.service.doctor.check_run import Backup, Finding, Status, examine
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step
from tests.conftest import Git
from tests.hostile import crafts
from tests.hostile.crafts import CRAFTS, Craft, Ledger
from tests.unit.service.world import Agents, Shared, plan, seen
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import shared as shared  # noqa: PLC0414 - a fixture, exported to pytest

CLAIMS, STEPS = "refs/coord/claims", "refs/coord/steps/app"
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
        for _, finding in [*self.findings()]:
            for repair in finding.repairs:
                if not repair.needs_person:
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
    create_project(ann, name="app", base_commit="HEAD", steps=plan((), (), ()))
    claim_step(ann)
    claim_files(ann, patterns=["/a.py"])
    claim_files(ann, patterns=["/b.py"])
    list_claims(agents(shared.one, "ann/cli/one"))  # what is there was seen


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
    assert seen(claim_step(ann))["step"]["id"] == "app/1"
    assert seen(claim_step(bob))["step"]["id"] == "app/2"


@pytest.mark.rule("SAFE-6", "SAFE-9")
@pytest.mark.parametrize(("craft", "ref"), FEW, ids=lambda value: getattr(value, "__name__", ""))
def test_each_kind_of_damage_is_named_put_right_and_kept(
    craft: Craft, ref: str, shared: Shared, agents: Agents, git: Git
) -> None:
    check(craft, ref, shared, agents, git)


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
    plant(shared.remote, CLAIMS, crafts.escapes_in_descriptions)
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
