"""Limits: what a reader would refuse is refused before it is written, and everything else goes on."""

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_commands import ClaimCommand, ClaimFiles, ExtendClaims, Wish
from gitcoord.core.claims.register import Register
from gitcoord.core.documents import limits
from gitcoord.core.documents.decision import Context, Decision
from gitcoord.core.documents.doc import Doc, replace
from gitcoord.core.documents.json_text import Json, canonical
from gitcoord.core.steps.step_commands import BeatStep, ClaimStep, CompleteStep
from gitcoord.errors import DocumentError, LimitError
from gitcoord.ledger.format import commits, steps_layout, trees
from gitcoord.ledger.format.meta import META, applied_path
from gitcoord.ledger.kinds.claims import Claims
from gitcoord.ledger.kinds.ledger import LedgerState, Others
from gitcoord.ledger.kinds.steps import STEPS
from gitcoord.ledger.kinds.table import Ledgers
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.protocol import RefName, RefUpdate, SwapStatus
from tests.unit.ledger.fakes import REFS, SIGNATURE, START, World, code

WIDE = "\N{GRINNING FACE}"  # four bytes in UTF-8
EDGE = limits.INTEGER


def state_of(world: World, ref: RefName) -> LedgerState[Any]:
    return world.reader().ledger(ref, world.remote.refs.get(ref))


def register(world: World) -> Register:
    return state_of(world, REFS.claims).content


def write_by_hand(world: World, ref: RefName, files: Mapping[str, bytes]) -> None:
    """Write files of a ledger as a stranger would."""
    transport, state = world.plain(), state_of(world, ref)
    assert state.tip
    folder = trees.write(transport.objects, state.folder, files)
    assert folder.oid
    tip = commits.write(transport.objects, folder.oid, [state.tip], SIGNATURE, START, "by hand")
    assert transport.swap([RefUpdate(ref, state.tip, tip)]).status is SwapStatus.WON


def changed(doc: Doc, **fields: Json) -> bytes:
    return canonical({**doc.dump(), **fields})


def call(number: int, *patterns: str, symbols: tuple[str, ...] = (), **fields: object) -> ClaimFiles:
    wishes = tuple(Wish(pattern=pattern, symbols=symbols) for pattern in patterns)
    return ClaimFiles(claim_id=f"c-{number:08}", entry_id=f"q-{number:08}", wishes=wishes).evolve(**fields)


@pytest.mark.rule("SAFE-8", "SAFE-6")
def test_a_sequence_number_at_its_end_stops_that_ledger_and_nothing_is_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()
    ann.do(call(1, "a.py"))
    write_by_hand(world, REFS.claims, {META: changed(state_of(world, REFS.claims).meta, seq=EDGE)})
    tip = world.remote.refs[REFS.claims]

    replies = [ann.do(call(2, "b.py")), world.clone("bob").do(call(3, "c.py")), ann.claim()]

    assert [code(reply) for reply in replies] == ["beyond_limits", "beyond_limits", "step_claimed"]
    assert "Expected `int` <= 9007199254740991" in str(replies[0].failure)
    assert world.remote.refs[REFS.claims] == tip
    assert list(register(world).claims) == ["c-00000001"]


@pytest.mark.rule("SAFE-8", "LIVE-1")
def test_a_step_whose_fence_is_at_its_end_is_refused_and_the_others_of_the_batch_land(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()
    write_by_hand(world, REFS.steps("app"), {steps_layout.step_path(1): changed(world.step(1), fence=EDGE)})

    replies = ann.run(*(ann.entry(ClaimStep(step_num=num), "app", f"ann/{num}") for num in (1, 2)))

    assert [code(reply) for reply in replies] == ["beyond_limits", "step_claimed"]
    assert (world.step(1).fence, world.step(2).agent_id) == (EDGE, "ann/2")


@pytest.mark.rule("SAFE-8")
def test_a_clone_whose_counter_is_at_its_end_is_refused_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    ann.create()
    ann.claim()
    applied = ann.transactions.reader.applied(world.state(), "ann")
    write_by_hand(world, REFS.steps("app"), {applied_path("ann"): changed(applied, counter=EDGE)})

    assert [code(ann.claim(agent="ann/2")), code(bob.claim())] == ["beyond_limits", "step_claimed"]


@pytest.mark.rule("SAFE-8", "LIVE-1")
def test_outcomes_that_are_too_large_together_land_one_by_one(tmp_path: Path) -> None:
    """Each of these waiters is told of twenty items of a claim whose patterns are as long as may be."""
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    patterns = [f"{number}/{WIDE * 960}" for number in range(60)]
    bob.do(call(1, *patterns))

    replies = ann.run(
        *(ann.entry(call(at, *patterns, wait_s=300), None, f"ann/{at}") for at in range(2, 6)),
        ann.entry(call(9, "/free.py"), None),
    )

    assert [code(reply) for reply in replies] == ["waiting"] * 4 + ["claim_granted"]
    assert len(register(world).entries) == 4
    assert len(state_of(world, REFS.claims).folder.folders["applied"].folders) == 2


@pytest.mark.rule("SAFE-8")
def test_what_is_carved_out_of_a_claim_ends_before_nobody_can_read_it(tmp_path: Path) -> None:
    """Each call is small; all of them would grow the document of another beyond what is read."""
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    bob.do(call(1, "data/x.txt"))
    names = [tuple(f"{at}_{number}_" + "x" * 50 for number in range(1_000)) for at in range(12)]

    codes = [code(ann.do(call(2 + at, "data/x.txt", symbols=some))) for at, some in enumerate(names)]

    assert codes == ["claim_granted"] * 9 + ["conflict"] * 3
    assert len(register(world).claims) == 10


@pytest.mark.rule("SAFE-8")
def test_a_call_beyond_a_limit_is_invalid_and_names_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()
    ann.claim()
    long, many = ("x" * 1_000,), tuple(f"f{number}" for number in range(limits.CALL_SYMBOLS + 1))
    files = tuple(f"{number}/" + "x" * 530 for number in range(10_000))

    replies = [
        ann.do(call(1, *(f"{number}.py" for number in range(250)), symbols=long)),
        ann.do(call(2, "a.py", symbols=many)),
        ann.do(call(3, *(f"{number}.py" for number in range(limits.CALL_PATTERNS + 1)))),
        ann.do(CompleteStep(step_num=1, commit_hash="c" * 40, fence=1, files_modified=files)),
    ]

    numbers = (limits.CALL_SYMBOL_BYTES, limits.CALL_SYMBOLS, limits.CALL_PATTERNS, limits.STEP_FILES_BYTES)
    assert [code(reply) for reply in replies] == ["too_many"] * 4
    for reply, number in zip(replies, numbers, strict=True):
        assert reply.outcome is not None
        assert str(number) in reply.outcome.message
    assert code(ann.do(BeatStep(step_num=1, fence=1))) == "heartbeat"


class Sloppy(Claims):
    """A kind whose rules leave the second claim without an item, as no reader takes it."""

    def decide(self, content: Register, command: ClaimCommand, context: Context, others: Others) -> Decision[Register]:
        decision = super().decide(content, command, context, others)
        changes = tuple(
            change.evolve(items=()) if isinstance(change, Claim) and change.id == "c-00000002" else change
            for change in decision.changes
        )
        return replace(decision, changes=changes)


@pytest.mark.rule("SAFE-8", "LIVE-1")
def test_a_document_that_readers_refuse_is_not_written_and_the_others_of_the_batch_land(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    sloppy = Transactions(replace(ann.setting, ledgers=Ledgers(STEPS, Sloppy())))
    entries = [ann.entry(call(number, f"{number}.py"), None, f"ann/{number}") for number in (1, 2, 3)]

    replies = dataclasses.replace(ann, transactions=sloppy).run(*entries)

    assert [code(reply) for reply in replies] == ["claim_granted", "beyond_limits", "claim_granted"]
    assert list(register(world).claims) == ["c-00000001", "c-00000003"]
    assert state_of(world, REFS.claims).left_out == {}


@pytest.mark.rule("SAFE-8")
def test_a_clock_beyond_all_moments_writes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.do(call(1, "a.py"))
    tip = world.remote.refs[REFS.claims]

    codes = []
    for moment in (limits.MOMENT_FIRST - timedelta(days=1), limits.MOMENT_LAST - timedelta(hours=1)):
        world.clock.now = moment
        codes.append(code(world.clone(f"c{len(codes)}").do(call(2, "b.py"))))

    assert codes == ["beyond_limits"] * 2
    assert world.remote.refs[REFS.claims] == tip


@pytest.mark.rule("SAFE-8", "SAFE-6")
@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59.999Z", "9000-01-01T00:00:00.001Z", "1999-12-31T23:59:59.999Z"])
@pytest.mark.parametrize("field", ["expires_at", "last_activity", "created_at", "ack_by"])
def test_a_moment_that_nobody_can_add_to_is_damage(tmp_path: Path, field: str, moment: str) -> None:
    world = World(tmp_path)
    world.clone("ann").do(call(1, "a.py"))
    claim = register(world).claims["c-00000001"]

    with pytest.raises(DocumentError, match="is not between the years 2000 and 9000"):
        Claim.parse({**claim.dump(), field: moment})


@pytest.mark.parametrize("hours", [float("inf"), float("nan"), 1e300])
def test_a_number_that_no_document_has_is_invalid_before_it_is_sent(tmp_path: Path, hours: float) -> None:
    ann = World(tmp_path).clone("ann")

    with pytest.raises(LimitError, match="Expected `float`"):
        ann.do(ExtendClaims(hours=hours))
