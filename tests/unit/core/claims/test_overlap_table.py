"""Meeting: every row of the table."""

from datetime import timedelta

import pytest

from gitcoord.core.claims.claim import Item, Kind, Mode, Part, Why
from gitcoord.core.claims.overlap_table import Meeting, Result, meet
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.path_pattern import Pattern
from tests.unit.core.claim_play import NOW

F = "src/a.py"


def item(pattern: str = F, *symbols: str, **fields: object) -> Item:
    return Item(pattern=pattern, symbols=symbols, expires_at=NOW + timedelta(hours=4)).evolve(**fields)


def area(pattern: str = F, *symbols: str) -> Area:
    return Area(Pattern.of(pattern), symbols)


def reading(*symbols: str, **fields: object) -> Item:
    return item(F, *symbols, mode=Mode.READ, **fields)


@pytest.mark.rule("CLAIM-2", "CLAIM-6")
@pytest.mark.parametrize(
    ("held", "asked", "expected"),
    [
        (item(), area(), Meeting(Result.CONFLICT)),
        (item("src/*.py"), area("src/a.*"), Meeting(Result.CONFLICT)),
        (item("src/*.py"), area("lib/a.py"), Meeting(Result.NOTHING)),
        (item(F, "A"), area(F, "A"), Meeting(Result.CONFLICT, ("A",))),
        (item(F, "A"), area(F, "B", "A::m"), Meeting(Result.CONFLICT, ("A::m",))),
        (item(F, "A::m"), area(F, "A"), Meeting(Result.CONFLICT, ("A",))),
        (item(F, "A::m"), area(F, "A::n"), Meeting(Result.COEXIST)),
        (item(F, "Foo"), area(F, "Foobar"), Meeting(Result.COEXIST)),
        (item("src/*.py", "A"), area(F, "A"), Meeting(Result.CONFLICT, ("A",))),
        (item(), area(F, "A", "B"), Meeting(Result.CARVE, ("A", "B"))),
        (item("src/**"), area(F, "A"), Meeting(Result.CARVE, ("A",))),
        (item(narrowable=False), area(F, "A"), Meeting(Result.CONFLICT, ("A",))),
        (item(kind=Kind.MODULE), area(F, "A"), Meeting(Result.CONFLICT, ("A",))),
        (item(kind=Kind.SHARED_FILE), area(F, "A"), Meeting(Result.CONFLICT, ("A",))),
        (item(F, "A"), area(), Meeting(Result.CONFLICT)),
    ],
)
def test_two_who_write(held: Item, asked: Area, expected: Meeting) -> None:
    assert meet(held, Mode.WRITE, asked) == expected
    assert meet(held, Mode.WRITE, asked, strict_read=True) == expected


@pytest.mark.rule("CLAIM-2")
@pytest.mark.parametrize(
    ("held", "mode", "asked", "expected", "strict"),
    [
        (reading(), Mode.READ, area(), Result.NOTHING, Result.NOTHING),
        (reading(), Mode.WRITE, area(), Result.OUTDATE, Result.CONFLICT),
        (reading(), Mode.WRITE, area(F, "A"), Result.OUTDATE, Result.CONFLICT),
        (reading("A"), Mode.WRITE, area(F, "A::m"), Result.OUTDATE, Result.CONFLICT),
        (reading("A"), Mode.WRITE, area(F, "B"), Result.NOTHING, Result.NOTHING),
        (item(), Mode.READ, area(), Result.WARN, Result.CONFLICT),
        (item(), Mode.READ, area(F, "A"), Result.WARN, Result.CONFLICT),
        (item(F, "A"), Mode.READ, area(), Result.WARN, Result.CONFLICT),
        (item(F, "A"), Mode.READ, area(F, "B"), Result.NOTHING, Result.NOTHING),
    ],
)
def test_one_who_reads(held: Item, mode: Mode, asked: Area, expected: Result, strict: Result) -> None:
    assert meet(held, mode, asked).result == expected
    assert meet(held, mode, asked, strict_read=True).result == strict


@pytest.mark.rule("CLAIM-3")
def test_what_was_carved_for_one_claim_is_carved_again_for_the_next() -> None:
    held = item(carved=(Part(claim="c-1", pattern=F, symbols=("A",)),))

    assert meet(held, Mode.WRITE, area(F, "A", "B")) == Meeting(Result.CARVE, ("A", "B"))
    assert meet(held, Mode.WRITE, area(F, "A")) == Meeting(Result.CARVE, ("A",))


@pytest.mark.rule("CLAIM-2")
@pytest.mark.parametrize(
    ("stale", "asked", "expected"),
    [
        (Part(claim="c-1", pattern=F, why=Why.STALE), area(), Result.NOTHING),
        (Part(claim="c-1", pattern="src/**", why=Why.STALE), area(F, "A"), Result.NOTHING),
        (Part(claim="c-1", pattern=F, symbols=("A",), why=Why.STALE), area(F, "A::m"), Result.NOTHING),
        (Part(claim="c-1", pattern=F, symbols=("A",), why=Why.STALE), area(F, "A", "B"), Result.OUTDATE),
        (Part(claim="c-1", pattern=F, symbols=("A",), why=Why.STALE), area(), Result.OUTDATE),
    ],
)
def test_a_reader_is_told_once_that_what_it_read_is_old(stale: Part, asked: Area, expected: Result) -> None:
    assert meet(reading(carved=(stale,)), Mode.WRITE, asked).result == expected
