"""What a decision reads beside its ledger is in its record: without any of it the replay comes to something else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.claims.claim_commands import ClaimFiles, RequestRelease, Wish
from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import compact
from gitcoord.core.documents.liveness import Heartbeat, SessionBeat, Sighting
from gitcoord.core.steps.step import StepDefinition
from gitcoord.core.steps.step_commands import ClaimStep, CreateProject, FailStep, OwnedPlace, PathRules
from gitcoord.ledger.audit.ledger_audit import LedgerAudit, LedgerReport
from gitcoord.ledger.audit.problem import Problem
from gitcoord.ledger.audit.recorded_batch import batch_of, text_of
from gitcoord.ledger.format import commits
from gitcoord.remote.contract.protocol import Oid, RefName
from tests.unit.ledger.fakes import BASE_COMMIT, REFS, SIGNATURE, Interleaved, Lossy, Member, World, code

APP = REFS.steps("app")


def audited(world: World, ref: RefName) -> LedgerReport:
    auditor = world.clone("auditor")
    return LedgerAudit(auditor.setting, auditor.transport.read(REFS.everything)).run(ref, None)


def forged(world: World, ref: RefName, change: Callable[[list[dict[str, Any]]], object]) -> LedgerReport:
    """Audit a ledger whose last commit says something else, with the same tree and date."""
    objects, tip = world.remote.objects, world.remote.refs[ref]
    commit = commits.read(objects, tip)
    title, _, body = commit.message.partition("\n\n")
    lines = [json.loads(line) for line in body.splitlines()]
    change(lines)
    message = f"{title}\n\n" + "\n".join(map(compact, lines))
    world.remote.refs[ref] = commits.write(
        objects, commit.tree, commit.parents, SIGNATURE, commit.committed_at, message
    )
    return audited(world, ref)


def plan(member: Member, *paths: tuple[str, ...]) -> None:
    steps = tuple(StepDefinition(step_num=num, paths=some) for num, some in enumerate(paths, start=1))
    member.do(CreateProject(name="app", base_commit=BASE_COMMIT, steps=steps))


def claim(member: Member, claim_id: str, pattern: str, wait_s: int = 0) -> None:
    call = ClaimFiles(claim_id=claim_id, entry_id=f"q{claim_id}", wishes=(Wish(pattern=pattern),), wait_s=wait_s)
    assert code(member.do(call, None)) in {"claim_granted", "waiting"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_step_that_was_passed_over_for_its_paths_is_passed_over_again(world: World) -> None:
    ann, bob = world.clone("ann"), world.clone("bob")
    plan(ann, ("src/**",), ("docs/**",))
    claim(bob, "c-bob", "src/b.py")
    assert code(ann.do(ClaimStep(claim_id="c-ann"))) == "step_claimed"

    clean = audited(world, APP)
    without = forged(world, APP, lambda lines: lines[1].pop("beside"))

    assert (clean.finding, clean.replayed) == (None, 2)
    assert without.finding is not None
    assert without.finding.problem is Problem.OUTCOME


def test_of_the_ownership_rules_the_record_has_what_the_decision_read(world: World) -> None:
    ann, bob = world.clone("ann"), world.clone("bob")
    plan(ann, ("src/**",), ("docs/**", "/package.json"), ("web/**",))
    claim(bob, "c-bob", "src/b.py")
    places = ["src/*.py", *(f"mod{num}/**" for num in range(200)), "docs/a.md", "web/**"]
    rules = PathRules(
        shared=("*.lock", "package.json", "web/**"),
        owned=tuple(OwnedPlace(paths=(path,), owners=(f"of {path}",)) for path in places),
    )
    assert code(ann.do(ClaimStep(claim_id="c-ann", rules=rules))) == "step_claimed"

    commit = commits.read(world.remote.objects, world.remote.refs[APP])
    (line,) = batch_of(*text_of(world.remote.objects, commit)).lines
    reports = [audited(world, ref) for ref in (APP, REFS.claims)]

    recorded = ClaimStep.parse(line.args).rules
    assert (recorded.shared, [owned.paths for owned in recorded.owned]) == (
        ("package.json",),
        [("src/*.py",), ("docs/a.md",)],
    )
    assert [(report.finding, report.replayed) for report in reports] == [(None, 2), (None, 2)]
    assert world.reader().claims(world.remote.refs).content.claims["c-ann"].owners == ("of docs/a.md",)


@pytest.fixture
def void(world: World) -> World:
    """A claim of a step that went on without it, which the next one to claim there ends."""
    ann, bob = world.clone("ann", lambda inner: Interleaved(inner, [])), world.clone("bob")
    plan(ann, ("src/**",))
    ann.claim(claim_id="c-ann")
    held = world.remote.refs[REFS.claims]
    ann.do(FailStep(step_num=1, fence=1, reason="red"))
    world.remote.refs[REFS.claims] = held  # where one swap moves one ref, this half may be missing
    claim(bob, "c-bob", "src/b.py")
    return world


def test_a_claim_that_its_step_left_behind_is_void_again(void: World) -> None:
    clean = audited(void, REFS.claims)
    without = forged(void, REFS.claims, lambda lines: lines[1].pop("beside"))

    assert (clean.finding, clean.replayed) == (None, 2)
    assert without.finding is not None


def test_a_claim_that_is_called_void_is_looked_up_in_the_project_that_the_swap_checked(void: World) -> None:
    objects, tip = void.remote.objects, void.remote.refs[APP]
    held = commits.read(objects, tip).parents[0]  # where the step is held

    found = forged(void, REFS.claims, lambda lines: lines[0]["checks"].update({APP: held})).finding

    assert found is not None
    assert found.problem is Problem.BESIDE
    assert "c-ann" in found.what


def test_how_often_a_clone_beats_decides_until_when_a_waiter_has_to_come(world: World) -> None:
    ann, bob = world.clone("ann"), world.clone("bob")
    bob.setting = replace(bob.setting, beats=replace(bob.setting.beats, interval_s=150))
    bob = bob.restarted()
    claim(ann, "c-ann", "a.py")
    claim(bob, "c-bob", "a.py", wait_s=600)
    request = RequestRelease(request_id="r-1", claim_id="c-ann", reason="now")
    assert code(bob.do(request, None)) == "request_filed"

    clean = audited(world, REFS.claims)
    without = forged(world, REFS.claims, lambda lines: lines[0].pop("beat_s"))

    assert (clean.finding, clean.replayed) == (None, 3)
    assert without.finding is not None


def test_what_was_applied_before_stays_among_the_outcomes(world: World) -> None:
    bob = world.clone("bob", lambda inner: Lossy(inner, ["ok", "landed"]))
    bob.create()
    first = bob.entry(ClaimStep(), "app")
    bob.transactions.run([first], left_s=0.0)

    bob.run(first, bob.entry(ClaimStep(), "app", "bob/tests"))

    clean = audited(world, APP)
    without = forged(world, APP, lambda lines: lines[0].pop("before"))
    assert (clean.finding, clean.replayed) == (None, 3)
    assert without.finding is not None


def test_evidence_is_judged_as_exactly_as_it_is_recorded(world: World) -> None:
    """A beat that was seen to come is dated by the judge's steady clock, which has more than milliseconds."""
    ann, bob = world.clone("ann"), world.clone("bob")
    claim(ann, "c-ann", "a.py")
    first, second = Oid("a" * 40), Oid("b" * 40)
    watchful = bob.setting.watchfulness
    watchful.observe({"ann": first}, lambda tip: tip)
    watchful.observe({"ann": second}, lambda tip: tip)
    world.clock.monotonic_s += 60.000_123
    beat = Heartbeat(clone="ann", beaten_at=world.clock.now, sessions=(SessionBeat(id="s-ann", agents=("ann",)),))
    held = world.reader().claims(world.remote.refs).content.claims["c-ann"].as_held

    seen = bob.setting.sight(lambda: {"ann": (second, beat)}).look(held)

    assert seen.watched
    assert Sighting.parse(seen.dump()) == seen
